"""The rows of a monitor's search: their span, their series, and how many events they stand for."""

from __future__ import annotations

from datetime import datetime
from itertools import islice, product
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ..baselines.series import MAX_NUMBER
from .monitor import Monitor

__all__ = [
    "Key",
    "Row",
    "all_series_of",
    "by_span",
    "count_of",
    "events_of",
    "number_of",
    "seconds_of",
    "series_of",
    "text_of",
]

MAX_VALUES = 50
"""Series that one event counts for."""

Row = Mapping[str, Any]
Key = Tuple[str, ...]


def series_of(monitor: Monitor, row: Row) -> Key:
    """Return the series of a row."""
    return tuple(text_of(row.get(name)) for name in monitor.by)


def all_series_of(monitor: Monitor, row: Row) -> List[Key]:
    """Return the series of an event: one for each value of a multivalue field, as in stats."""
    values = (row.get(name) for name in monitor.by)
    lists = ((one or [None]) if isinstance(one, list) else [one] for one in values)
    return [tuple(map(text_of, key)) for key in islice(product(*lists), MAX_VALUES)]


def events_of(row: Row) -> int:
    """Return how many events a row of counts stands for."""
    return int(number_of(row.get("events")) or 0)


def count_of(monitor: Monitor, rows: Sequence[Row]) -> int:
    """Return how many events some rows stand for."""
    return len(rows) if monitor.needs_events else sum(map(events_of, rows))


def number_of(value: Any) -> Optional[float]:
    """Return a field as a number; None for text, for non-finite numbers, and beyond MAX_NUMBER."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if abs(number) <= MAX_NUMBER else None


def text_of(value: Any) -> str:
    """Return a field as text, the values of a multivalue field joined by commas."""
    return ", ".join(str(v) for v in value) if isinstance(value, list) else str(value or "")


def by_span(rows: Sequence[Row], span: int) -> Dict[int, List[Row]]:
    """Return rows by the start of their span, in order of time.

    Raises ValueError for a row without a time.
    """
    found: Dict[int, List[Row]] = {}
    for row in sorted(rows, key=seconds_of):
        found.setdefault(int(seconds_of(row) // span) * span, []).append(row)
    return found


def seconds_of(row: Row) -> float:
    """Return the time of a row, in epoch seconds.

    splunkd writes ``_time`` of results in ISO 8601 or as epoch seconds.

    Raises ValueError for a row without one.
    """
    text = str(row.get("_time") or "")
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError:
        raise ValueError(f"a row's _time is '{text[:40]}', not a time; keep _time") from None
