"""Reads changes that others made to an incident's ticket, from the service that keeps it."""
