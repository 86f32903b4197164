"""Rank candidate causes without a model: effects of changes, symptoms in errors, and their ties."""
