"""Spans of time in words, for the sentences of an analysis."""

from __future__ import annotations

__all__ = ["how_long"]


def how_long(seconds: float) -> str:
    """Return a span of time in words, in the unit that is easiest to read: 22 minutes."""
    if seconds < 90:
        return "1 second" if round(seconds) == 1 else f"{seconds:.0f} seconds"
    if seconds < 5400:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"
