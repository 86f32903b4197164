"""Moments, which are epoch seconds, as people are told them: in UTC."""

from __future__ import annotations

from datetime import datetime, timezone

__all__ = ["to_the_minute", "to_the_second"]


def to_the_minute(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, timezone.utc):%Y-%m-%d %H:%M} UTC"


def to_the_second(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, timezone.utc):%Y-%m-%d %H:%M:%S} UTC"
