"""Intake of findings: signals, other tools' alerts, tests, and spooled alert action requests."""
