"""Automatic upkeep: quiet incidents are resolved, old ones deleted, and history is kept."""
