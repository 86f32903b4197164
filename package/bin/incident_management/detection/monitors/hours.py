"""The hours in which a monitor of silence expects events, and the days on which it expects none."""

from __future__ import annotations

from typing import Any, Mapping, Optional

from ...incidents.clocks.calendar import Calendar
from ...incidents.errors import RoutingError

__all__ = ["hours_of"]


def hours_of(values: Mapping[str, Any], time_zone: str) -> Optional[Calendar]:
    """Read ``hours`` and ``holidays`` of a stanza; None means around the clock.

    They are written like those of a calendar in incident_routing.conf. Raises ValueError with one
    sentence.
    """
    given = {name: str(values.get(name) or "").strip() for name in ("hours", "holidays")}
    if not any(given.values()):
        return None
    if not time_zone:
        raise ValueError("hours and holidays need time_zone, the time zone that they are in.")
    try:
        return Calendar.read("it:", "", {**given, "time_zone": time_zone})
    except RoutingError as error:
        raise ValueError(str(error)) from error
