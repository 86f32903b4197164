"""Time zones by name.

They come from ``zoneinfo``, which reads the operating system's database or, if there is none
(Windows), the ``tzdata`` package: see "Data sources" in Python's documentation of zoneinfo. UTC
needs neither.
"""

from __future__ import annotations

from datetime import datetime, timezone, tzinfo

__all__ = ["ADVICE", "moment_in", "zone_named"]

ADVICE = "use a name such as Europe/Berlin, or UTC, which needs no time zone database."
"""The advice about an unknown name."""


def zone_named(name: str) -> tzinfo:
    """Return the zone of an IANA name. Raises ValueError if this machine does not know it."""
    if name.upper() == "UTC":
        return timezone.utc
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(
            f"'{name[:60]}' is not a time zone that this machine knows; {ADVICE}"
        ) from None


def moment_in(name: str, moment: float) -> str:
    """Format a moment by the wall clock of a zone: ``2026-11-30 09:00 Europe/Berlin``."""
    return f"{datetime.fromtimestamp(moment, zone_named(name)):%Y-%m-%d %H:%M} {name}"
