"""The on-call load report: who of a team was called how often, when, and for what."""
