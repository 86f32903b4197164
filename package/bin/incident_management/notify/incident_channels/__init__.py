"""Incident channels: Slack channels of single severe incidents, opened, maintained and archived."""
