"""Notifications become messages: each leaves the outbox once, or ends where people see it."""
