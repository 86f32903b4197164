"""Score the rows of many series, as ``| anomalyscore`` gets them."""

from __future__ import annotations

import math
from typing import Any, Dict, Iterable, Iterator, List, Optional, Sequence

from .baseline import SENSITIVITIES, Baseline

__all__ = ["MOST_SERIES", "BadInput", "SeriesScorer"]

MOST_SERIES = 10_000
"""Series that are kept; values of further ones pass without a score, and a warning says so."""

_UNSORTED = (
    "Times go backwards, and a baseline is learned forwards: "
    "put '| sort 0 _time' before anomalyscore."
)
_EMPTY = {"expected": "", "lower": "", "upper": "", "anomaly_score": "", "is_anomaly": ""}


class BadInput(Exception):
    """The rows can't be scored; the text is one sentence that says why and what to do."""


class _Series:
    """A baseline, and the time of its last row."""

    __slots__ = ("add", "baseline", "time")

    def __init__(self, baseline: Baseline, time: Optional[float] = None) -> None:
        self.baseline = baseline
        self.add = baseline.add
        self.time = time


class SeriesScorer:
    """Adds a score to rows, one baseline a series; state lasts over calls of :meth:`score`.

    Args:
        value: field with the number.
        by: fields that tell series apart.
        season, threshold, direction, min_history: see :class:`.baseline.Baseline`.
    """

    def __init__(
        self,
        value: str,
        by: Sequence[str] = (),
        season: str = "auto",
        threshold: float = SENSITIVITIES["medium"],
        direction: str = "both",
        min_history: int = 10,
    ) -> None:
        self._value = value
        self._by = tuple(by)
        self._settings = (season, threshold, direction, min_history)
        self._series: Dict[Any, _Series] = {}
        self._rows = 0
        self._present = False
        self._warnings: Dict[str, str] = {}

    def score(self, rows: Iterable[Dict[str, Any]]) -> Iterator[Dict[str, Any]]:
        """Yield the rows with their scores, in order.

        A row without a number passes with empty scores.

        Raises:
            BadInput: times go backwards.
        """
        value_name, series = self._value, self._series
        only = self._by[0] if len(self._by) == 1 else None
        for row in rows:
            self._rows += 1
            text = row.get(value_name)
            number = _number(text)
            if number is None:
                self._note_missing(text)
                row.update(_EMPTY)
                yield row
                continue
            self._present = True
            key: Any = row.get(only, "") if only is not None else None
            if type(key) is not str:
                key = tuple([str(row.get(name, "")) for name in self._by])
            one = series.get(key)
            if one is None:
                if len(series) >= MOST_SERIES:
                    self._warn_series()
                    row.update(_EMPTY)
                    yield row
                    continue
                one = series[key] = _Series(Baseline(*self._settings))
            time = _number(row.get("_time"))
            if time is not None:
                if one.time is not None and time < one.time:
                    raise BadInput(_UNSORTED)
                one.time = time
            expected, lower, upper, score, is_anomaly = one.add(number, time)
            row["expected"] = f"{expected:.6g}"
            row["lower"] = f"{lower:.6g}"
            row["upper"] = f"{upper:.6g}"
            row["anomaly_score"] = f"{score:.4f}"
            row["is_anomaly"] = "1" if is_anomaly else "0"
            yield row
        if self._rows and not self._present:
            self._warnings["field"] = (
                f"No row so far has the field '{value_name}'; name the one with the number."
            )

    def to_state(self) -> Dict[str, Any]:
        """Return what was learned of every series as plain JSON values, for :meth:`restore`.

        Under ``series``: one document a series, ``{"by": [...], "time": ..., "baseline": {...}}``,
        at most 20 kB each, so that each fits a document of the KV store.
        """
        return {
            "season": self._settings[0],
            "by": list(self._by),
            "series": [
                {
                    "by": [key] if isinstance(key, str) else list(key),
                    "time": one.time,
                    "baseline": one.baseline.to_state(),
                }
                for key, one in self._series.items()
            ],
        }

    def restore(self, state: Dict[str, Any]) -> None:
        """Go on from what :meth:`to_state` gave; rows up to its times then count as unsorted.

        Raises:
            ValueError: it is malformed, or was learned with another ``by`` or ``season``.
        """
        if state.get("season") != self._settings[0] or state.get("by") != list(self._by):
            raise ValueError(
                "The saved baselines were learned with another season or other 'by' fields; "
                "delete them to learn anew."
            )
        for saved in state["series"][:MOST_SERIES]:
            names = [str(part) for part in saved["by"]]
            baseline = Baseline.from_state(saved["baseline"], *self._settings[1:])
            time = None if saved["time"] is None else float(saved["time"])
            key: Any = names[0] if len(names) == 1 else tuple(names)
            self._series[key] = _Series(baseline, time)

    def warnings(self) -> List[str]:
        """Return what was left out so far, one sentence each; each one once."""
        return list(self._warnings.values())

    def _note_missing(self, text: Any) -> None:
        if text is not None:
            self._present = True
            if text != "":
                self._warn_text(text)

    def _warn_text(self, text: Any) -> None:
        self._warnings.setdefault(
            "text",
            f"Rows whose '{self._value}' is no number, such as '{str(text)[:40]}', have no score.",
        )

    def _warn_series(self) -> None:
        names = ", ".join(self._by)
        self._warnings.setdefault(
            "series", f"Only the first {MOST_SERIES} values of {names} are scored."
        )


def _number(text: Any) -> Optional[float]:
    """Return a finite number, or None."""
    try:
        number = float(text)
    except (TypeError, ValueError):
        return _number(text[0]) if isinstance(text, list) and len(text) == 1 else None
    return number if math.isfinite(number) else None
