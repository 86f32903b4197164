"""The on-call load report: who in a team was called, how often, when, and for what."""
