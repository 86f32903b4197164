"""The configuration page's tables, read and written with its user's rights."""
