"""Tells a service: a module a channel, and what some of them share."""
