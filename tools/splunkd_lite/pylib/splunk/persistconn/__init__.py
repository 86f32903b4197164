"""Persistent REST handlers."""
