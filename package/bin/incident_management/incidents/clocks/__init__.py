"""Deadlines, escalation and who takes an incident: working hours, service levels, people."""
