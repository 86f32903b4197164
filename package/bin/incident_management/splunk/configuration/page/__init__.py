"""The configuration page's tables, read and written with the rights of who uses it."""
