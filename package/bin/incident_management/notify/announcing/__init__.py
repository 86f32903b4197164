"""Turns timeline entries into notifications: for whom, and sent singly or in a summary."""
