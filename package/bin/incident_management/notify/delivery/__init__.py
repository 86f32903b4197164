"""Delivers notifications: each leaves the outbox once, or its failure is shown to people."""
