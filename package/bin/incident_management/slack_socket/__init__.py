"""Slack's Socket Mode: what people press in a message arrives over a connection that we open."""
