"""Runs of saved searches whose alert actions were interrupted: found, and ingested again."""
