"""Asks a model: what it is told, how often it is asked, and what code checks of its answer."""
