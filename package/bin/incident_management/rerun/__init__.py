"""Runs again, over another window, what raised an incident: a saved search, or a monitor."""
