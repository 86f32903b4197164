"""Score the rows of many series, as ``| anomalyscore`` receives them."""

from __future__ import annotations

import math
from itertools import islice
from typing import Any, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

from ...utc import to_the_minute
from .baseline import SENSITIVITIES, Baseline, OtherVersion
from .zone import UTC, Zone

__all__ = ["FIELDS", "MAX_NUMBER", "MAX_SERIES", "BadInput", "SeriesScorer"]

FIELDS = ("expected", "lower", "upper", "anomaly_score", "is_anomaly")
"""The fields added to a row."""
MAX_SERIES = 10_000
"""Series that are kept; rows of further series get no score, and a warning says so."""

MAX_AHEAD_SECONDS = 300.0
"""How far a row may lie in the future; if the state is saved, later rows are not learned."""
MAX_NUMBER = 1e150
"""A number beyond it in either direction counts as missing: the sum of some squares would not be
finite. Such a number stands for something else, such as "not known"."""
LEAST_NUMBER = -MAX_NUMBER

_UNSORTED = (
    "Times go backwards, and a baseline is learned forwards: "
    "put '| sort 0 _time' before anomalyscore."
)
_LEARNED = "Rows of times that an earlier run has learned from have no score."
_NEVER = -math.inf
_EMPTY = ",,,,"
"""The fields of a row without a score,"""
_SCORED = "%.6g,%.6g,%.6g,%.4f,%d"
"""and the format for a row with one."""


class BadInput(Exception):
    """The rows can't be scored; the text is one sentence that says why and what to do."""


class _Series:
    """A baseline, the time of its last row, and the end of what earlier runs have learned."""

    __slots__ = ("baseline", "judge", "learned", "time")

    def __init__(self, baseline: Baseline, learned: float = _NEVER) -> None:
        self.baseline = baseline
        self.judge = baseline.judge
        self.time = self.learned = learned


class SeriesScorer:
    """Scores rows, with one baseline for each series.

    Args:
        value: the field with the number.
        by: the fields that identify a series.
        season, threshold, direction, min_history, zone: see :class:`.baseline.Baseline`.
    """

    def __init__(
        self,
        value: str,
        by: Sequence[str] = (),
        season: str = "auto",
        threshold: float = SENSITIVITIES["medium"],
        direction: str = "both",
        min_history: int = 10,
        zone: Zone = UTC,
    ) -> None:
        self._value = value
        self._by = tuple(by)
        self._settings = (season, threshold, direction, min_history, zone)
        self._series: Dict[Any, _Series] = {}
        self._latest = math.inf
        self._ahead = 0
        self._farthest = _NEVER
        self._absent = False
        self._present = False
        self._warnings: Dict[str, str] = {}

    def set_now(self, now: float) -> None:
        """From now on, skip rows that lie more than :data:`MAX_AHEAD_SECONDS` after ``now``.

        They get no score, and nothing is learned from them. A series continues from its latest row,
        so with a saved state, one row with a wrong clock would silence it until that time.
        """
        self._latest = now + MAX_AHEAD_SECONDS

    def score_one(self, text: Any, key: Any, time_text: Any) -> str:
        """Return the :data:`FIELDS` of one row, given its number, its series and its time.

        They are separated by commas, because one text is faster to create than five.

        Raises:
            BadInput: the times go backwards.
        """
        try:
            number = float(text)
        except (TypeError, ValueError):
            number = _only_number(text)
        if not LEAST_NUMBER <= number <= MAX_NUMBER:
            # NaN is also outside of these bounds.
            self._note_missing(text)
            return _EMPTY
        self._present = True
        time: Optional[float]
        try:
            time = float(time_text)
        except (TypeError, ValueError):
            time = _only_number(time_text)
        if time > self._latest:
            self._ahead += 1
            self._farthest = max(self._farthest, time)
            return _EMPTY
        one = self._series.get(key)
        if one is None:
            if len(self._series) >= MAX_SERIES:
                self._warn_series()
                return _EMPTY
            one = self._series[key] = _Series(Baseline(*self._settings))
        if time - time != 0.0:
            time = None
        else:
            if time <= one.learned:
                self._warnings.setdefault("learned", _LEARNED)
                return _EMPTY
            if time < one.time:
                raise BadInput(_UNSORTED)
            one.time = time
        return _SCORED % one.judge(number, time)

    def note_end(self) -> None:
        """Add a warning if there were rows and none of them has the field."""
        if self._absent and not self._present:
            self._warnings["field"] = (
                f"No row so far has the field '{self._value}'; name the one with the number."
            )

    def to_state(self) -> Dict[str, Any]:
        """Return what was learned of every series as plain JSON values, for :meth:`restore`.

        ``series`` has one document for each series, the one with the latest row first:
        ``{"by": [...], "time": ..., "baseline": {...}}``. Each takes at most 27 kB, so it fits into
        a document of the KV store.
        """
        return {**self.named(), "series": list(self.states())}

    def named(self) -> Dict[str, Any]:
        """Return the season and fields that a state must have to fit this scorer."""
        return {"season": self._settings[0], "by": list(self._by)}

    def states(self) -> Iterator[Dict[str, Any]]:
        """Yield the ``series`` of :meth:`to_state` one by one: all at once may take 600 MB."""
        for key, one in sorted(self._series.items(), key=_latest_first):
            yield {
                "by": [key] if isinstance(key, str) else list(key),
                "time": None if one.time == _NEVER else one.time,
                "baseline": one.baseline.to_state(),
            }

    def __len__(self) -> int:
        """Return the number of series."""
        return len(self._series)

    def restore(self, state: Dict[str, Any]) -> None:
        """Continue from a result of :meth:`to_state`; rows up to its times are not learned again.

        A state of another version of the app is learned again from the start, and a warning says
        so: refusing it would make the search find nothing after an upgrade until somebody notices.

        Raises:
            ValueError: it is malformed, or was learned with another ``by`` or ``season``.
        """
        if state.get("season") != self._settings[0] or state.get("by") != list(self._by):
            raise ValueError(
                "The saved baselines were learned with another season or other 'by' fields; "
                "delete them to learn anew."
            )
        try:
            self._restore(state["series"])
        except OtherVersion:
            self._series.clear()
            self._warnings["restored"] = (
                "What was learned by another version of the app can't be gone on from and is "
                "learned anew: run this search once over as long as it is to know."
            )

    def _restore(self, series: Iterable[Dict[str, Any]]) -> None:
        ahead = 0
        for saved in islice(series, MAX_SERIES):
            names = [str(part) for part in saved["by"]]
            baseline = Baseline.from_state(saved["baseline"], *self._settings[1:])
            time = _NEVER if saved["time"] is None else float(saved["time"])
            key: Any = names[0] if len(names) == 1 else tuple(names)
            self._series[key] = _Series(baseline, time)
            ahead += time > self._latest
        if ahead:
            self._warnings["restored"] = (
                "Saved series that were learned up to a time that is yet to come have no score "
                f"until then ({ahead}); delete the saved baselines to learn anew."
            )

    def ahead_warning(self) -> str:
        """Return one sentence about the rows too far in the future; empty: there were none."""
        if not self._ahead:
            return ""
        minutes = f"{MAX_AHEAD_SECONDS / 60:.0f} minutes"
        return (
            f"Rows that lie more than {minutes} after now have no score, and nothing was learned "
            f"from them ({self._ahead}, up to {_shown(self._farthest)}); look at the clock of what "
            "sends them."
        )

    def warnings(self) -> List[str]:
        """Return one sentence for each problem so far, each only once."""
        return list(self._warnings.values())

    def _note_missing(self, text: Any) -> None:
        if text is None:
            self._absent = True
            return
        self._present = True
        if text != "":
            self._warnings.setdefault(
                "text",
                f"Rows whose '{self._value}' is no number, or one beyond {MAX_NUMBER:g}, such as "
                f"'{str(text)[:40]}', have no score.",
            )

    def _warn_series(self) -> None:
        names = ", ".join(self._by)
        self._warnings.setdefault(
            "series", f"Only the first {MAX_SERIES} values of {names} are scored."
        )


def _latest_first(item: Tuple[Any, _Series]) -> float:
    return -max(0.0, item[1].time)


def _only_number(value: Any) -> float:
    """Return the number of a field with exactly one value, else NaN."""
    try:
        return float(value[0]) if isinstance(value, list) and len(value) == 1 else math.nan
    except (TypeError, ValueError):
        return math.nan


def _shown(time: float) -> str:
    """Return a time for a reader; unchanged if no calendar has it."""
    try:
        return to_the_minute(time)
    except (OverflowError, ValueError, OSError):
        return f"{time:g}"
