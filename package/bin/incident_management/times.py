"""Times as people are told them."""

from __future__ import annotations

from datetime import datetime, timezone

__all__ = ["how_long", "to_the_minute", "to_the_second"]


def how_long(seconds: float) -> str:
    """Return a span of time in words, of the unit that is read most easily: 22 minutes."""
    if seconds < 90:
        return "1 second" if round(seconds) == 1 else f"{seconds:.0f} seconds"
    if seconds < 5400:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"


def to_the_minute(moment: float) -> str:
    """Return epoch seconds as a date and time of day in UTC."""
    return f"{datetime.fromtimestamp(moment, timezone.utc):%Y-%m-%d %H:%M} UTC"


def to_the_second(moment: float) -> str:
    """Return epoch seconds as a date and time of day in UTC."""
    return f"{datetime.fromtimestamp(moment, timezone.utc):%Y-%m-%d %H:%M:%S} UTC"
