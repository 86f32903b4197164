"""The duties' work: each method is one bounded round, which may be repeated at any point."""
