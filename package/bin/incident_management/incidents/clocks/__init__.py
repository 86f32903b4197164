"""Deadlines, escalation and assignment: working hours, service levels, people."""
