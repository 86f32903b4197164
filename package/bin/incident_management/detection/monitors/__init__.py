"""Monitors: a search, a detector and a rhythm, judged span by span."""
