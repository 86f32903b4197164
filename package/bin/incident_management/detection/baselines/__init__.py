"""Learned baselines: what a value should be now, and how unusual it is."""
