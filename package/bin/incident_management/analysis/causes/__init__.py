"""Ranks candidate causes with no model: what changes do, what errors say, and what ties the two."""
