"""Asking a model: what is sent to it, how often, and what code checks in its answer."""
