"""Merging and splitting incidents, in one order for the whole cluster."""
