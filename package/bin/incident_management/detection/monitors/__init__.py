"""Monitors: a search, a detector and a schedule, judged span by span."""
