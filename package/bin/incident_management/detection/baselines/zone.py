"""The offset of a place's clocks from UTC, so that days begin when they begin for people there.

>>> Zone("Europe/Berlin").offset(1_774_746_000.0) / 3600
2.0
"""

from __future__ import annotations

import math
import time
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Optional

from ...incidents.clocks.zones import zone_named

__all__ = ["UTC", "Zone"]

QUARTER = 900.0
"""Seconds for which an offset holds: clocks change at a whole quarter of an hour of UTC."""
FIRST, LAST = 86400.0, 2.0**32
"""Earlier and later moments use the offset of these: not every system knows such moments."""


class Zone:
    """The offset of local time from UTC; the last answer is cached, as it is asked for often.

    Args:
        name: an IANA name such as Europe/Berlin; empty: this machine's own zone.

    Raises:
        ValueError: this machine knows no zone of that name; one sentence.
    """

    __slots__ = ("_begin", "_end", "_offset", "_tz")

    def __init__(self, name: str = "") -> None:
        self._tz = zone_named(name) if name else None
        self._begin = self._end = self._offset = 0.0
        if self._tz is timezone.utc:
            self._begin, self._end = -math.inf, math.inf

    def offset(self, moment: float) -> float:
        """Return how many seconds local time is ahead of UTC at a moment, in epoch seconds."""
        if not self._begin <= moment < self._end:
            self._begin = moment - moment % QUARTER
            self._end = self._begin + QUARTER
            self._offset = _offset(self._tz, min(max(self._begin, FIRST), LAST))
        return self._offset


def _offset(tz: Optional[tzinfo], moment: float) -> float:
    if tz is None:
        return float(time.localtime(moment).tm_gmtoff)
    return (datetime.fromtimestamp(moment, tz).utcoffset() or timedelta()).total_seconds()


UTC = Zone("UTC")
