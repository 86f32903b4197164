"""Incident channels: Slack channels of single severe incidents, opened, kept up and archived."""
