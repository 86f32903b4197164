"""Group the rows of a search: the fields that ``| alertgroups`` adds to each."""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from typing import List, Optional, Tuple

from ..errors import Invalid
from .segments import Placement, Segmenter

__all__ = ["FIELDS", "RowGrouper"]

FIELDS = ("group_id", "group_usual", "group_reason")
"""The fields that a row gets."""
MAX_IDS = 50_000
"""Groups whose id is remembered; a segmenter keeps far fewer groups."""
BACKWARDS_SECONDS = 900.0
"""An alert that is later than this is not just late: the rows are in another order."""
_NOTHING = ("", "", "")


class RowGrouper:
    """Gives rows their groups, in order of time. A row without a time or a kind has none.

    A group's id is made from its first alert (time, kind and entity), so that two searches that
    see the same beginning give it the same id. A time after ``now`` (epoch seconds) comes from a
    wrong clock and counts as now: it would make all habits look old.
    """

    def __init__(self, now: float) -> None:
        self._now = now
        self._segmenter = Segmenter()
        self._ids: OrderedDict[int, str] = OrderedDict()
        self._latest = float("-inf")
        self._rows = self._left_out = 0

    def place(self, time_text: str, kind: str, entity: str) -> Tuple[str, str, str]:
        """Return the :data:`FIELDS` of the next row.

        Raises:
            Invalid: times go backwards by more than a quarter of an hour.
        """
        self._rows += 1
        time = _seconds(time_text)
        if time is None or not kind:
            self._left_out += 1
            return _NOTHING
        if time < self._latest - BACKWARDS_SECONDS:
            raise Invalid(
                "Times go backwards, but alerts are grouped in order of time. "
                "Put '| sort 0 _time' before alertgroups."
            )
        time = min(time, self._now)
        self._latest = max(self._latest, time)
        placed = self._segmenter.place(time, kind, entity)
        usual = "1" if placed.usual else "0"
        return self._id(placed, time, kind, entity), usual, placed.reason

    def warnings(self) -> List[str]:
        """Return what the searcher should know of the rows so far."""
        if not self._left_out:
            return []
        return [
            f"{self._left_out} of {self._rows} rows have no time or no kind, so they get no group."
        ]

    def _id(self, placed: Placement, time: float, kind: str, entity: str) -> str:
        known = self._ids.get(placed.group)
        if known is None:
            first = f"{time:.3f}\x00{kind}\x00{entity}".encode("utf-8", "surrogatepass")
            known = self._ids[placed.group] = f"GRP-{hashlib.sha256(first).hexdigest()[:12]}"
            if len(self._ids) > MAX_IDS:
                self._ids.popitem(last=False)
        else:
            self._ids.move_to_end(placed.group)
        return known


def _seconds(text: str) -> Optional[float]:
    try:
        time = float(text)
    except ValueError:
        return None
    return time if math.isfinite(time) else None
