"""Slack's Socket Mode: receives button presses over a connection that this app opens."""
