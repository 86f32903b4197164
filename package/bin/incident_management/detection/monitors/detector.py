"""The interface of a monitor's detector: judge one span after the other, and learn from each.

``judge`` takes the rows of one span, in order of time. The same state and rows always give the same
findings and the same next state, so repeating a span is harmless.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from .monitor import Monitor
from .rows import Key, Row, number_of, series_of

__all__ = ["FORGET_AFTER_SPANS", "MAX_SERIES", "Detector", "Found", "of_keys"]

NAMED_SERIES = 3
"""Series without a usable number that a problem names; that is enough to find what is wrong."""
MAX_SERIES = 500
"""Series of one monitor, so that its state stays one document of the KV store."""
FORGET_AFTER_SPANS = 300
"""Spans of silence after which a series is no longer expected, or leaves its place to another."""


@dataclass(frozen=True)
class Found:
    """One finding of one span: the series, a description, the number of events.

    For a new template also its id, its text, and one of its events. ``begun``: the start of its
    first span, if that is an earlier one. ``severity``: if it differs from its monitor's.
    ``burn_rate``: the rate, long and short window that a rerun must check.
    """

    key: Key
    text: str
    count: int = 1
    template_id: str = ""
    template: str = ""
    sample: str = ""
    begun: Optional[int] = None
    severity: str = ""
    burn_rate: Tuple[float, ...] = ()


class Detector:
    """One detector of one monitor.

    Attributes:
        problems: sentences about what could not be judged.
        unwell: the series that were out of order in the span judged last, found or not: a problem
            that lasts is found once.
        seen: by series, what was out of order in that span, as a finding; only in detectors whose
            findings may have to last (:mod:`.raise_after`).
        raises_once: whether a problem that lasts is found only in its first span.
        max_series: the number of series that it watches.
    """

    raises_once = False

    def __init__(self, monitor: Monitor) -> None:
        self.monitor = monitor
        self.max_series = MAX_SERIES
        self.problems: List[str] = []
        self.unwell: Set[Key] = set()
        self.seen: Dict[Key, Found] = {}
        self._unusable: Set[Key] = set()

    def judge(self, start: int, rows: Sequence[Row]) -> List[Found]:
        """Judge the span that begins at ``start``, and learn from it."""
        raise NotImplementedError

    def to_state(self) -> Dict[str, Any]:
        """Return what was learned, as JSON values."""
        raise NotImplementedError

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state. Raises ValueError for a state of another version."""
        raise NotImplementedError

    def note_raised(self, start: int, found: Sequence[Found]) -> None:
        """Record that findings of a span were raised, and not only learned from."""
        return

    def memory(self, state: Mapping[str, Any], found: Sequence[Found]) -> Dict[str, Any]:
        """Return the part of a state that is needed to judge the series of some findings again.

        ``state`` is the state before they were found. Empty: nothing is needed.
        """
        raise NotImplementedError

    def is_present(self, start: int, rows: Sequence[Row], key: Key, template_id: str = "") -> bool:
        """Return whether a problem exists in a span, continuing from a memory of before it.

        ``rows`` are those of the span, in order of time.
        """
        self.judge(start, rows)
        return key in self.unwell

    def prime(self, rows: Sequence[Row]) -> None:
        """Read the span before those that are judged again, without learning from it."""
        return

    def has_seen_any(self) -> bool:
        """Return whether any span so far had something to learn from."""
        return True

    def _has_room(self, known: int) -> bool:
        if known < self.max_series:
            return True
        sentence = (
            f"Monitor '{self.monitor.name}' has more than {self.max_series} series by "
            f"{', '.join(self.monitor.by)}; the others are not watched. Split the monitor, or "
            "choose another field for by."
        )
        self._add_problem(sentence)
        return False

    def _add_problem(self, sentence: str) -> None:
        if sentence not in self.problems:
            self.problems.append(sentence)

    def _check_numbers(self, rows: Sequence[Row], field: str) -> None:
        """Record a problem if no row has a number where one belongs."""
        if rows and all(row.get(field) in (None, "") for row in rows):
            self._add_problem(
                f"no event has {self.monitor.value}; check that the search has that field, and "
                "that it holds numbers."
            )

    def _number(self, row: Row, field: str) -> Optional[float]:
        """Return the number in a row, None without one; an unusable value is recorded as a
        problem.
        """
        number, given = number_of(row.get(field)), row.get(field)
        if number is None and given not in (None, ""):
            key = series_of(self.monitor, row)
            if key not in self._unusable and len(self._unusable) < NAMED_SERIES:
                self._unusable.add(key)
                of = f" of {', '.join(key)}" if key else ""
                self._add_problem(
                    f"{self.monitor.value}{of} is '{str(given)[:60]}', which is "
                    "not a usable number; "
                    "the series has no value in that span."
                )
        return number


def of_keys(series: Sequence[Any], found: Sequence[Found]) -> List[Any]:
    """Return the parts of a state that belong to the series of some findings."""
    keys = {one.key for one in found}
    return [one for one in series if tuple(one[0]) in keys]
