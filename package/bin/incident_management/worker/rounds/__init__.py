"""What the worker's duties do: each one bounded round, which may be repeated at any point."""
