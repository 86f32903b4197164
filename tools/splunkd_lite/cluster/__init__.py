"""A search head cluster of stand-ins on one machine."""
