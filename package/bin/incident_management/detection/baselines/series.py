"""Score the rows of many series, as ``| anomalyscore`` gets them."""

from __future__ import annotations

import math
from itertools import islice
from typing import Any, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

from ...utc import to_the_minute
from .baseline import SENSITIVITIES, Baseline, OtherVersion
from .zone import UTC, Zone

__all__ = ["FIELDS", "MAX_NUMBER", "MAX_SERIES", "BadInput", "SeriesScorer"]

FIELDS = ("expected", "lower", "upper", "anomaly_score", "is_anomaly")
"""The fields that a row gets."""
MAX_SERIES = 10_000
"""Series that are kept; values of further ones pass without a score, and a warning says so."""

MAX_AHEAD_SECONDS = 300.0
"""How far a clock may be ahead: later rows are not learned from, where what is learned is kept."""
MAX_NUMBER = 1e150
"""A number beyond it, either way, counts as none: what a baseline makes of it, as the sum of some
squares, would not be finite. It stands for something else, such as "not known"."""
LEAST_NUMBER = -MAX_NUMBER

_UNSORTED = (
    "Times go backwards, and a baseline is learned forwards: "
    "put '| sort 0 _time' before anomalyscore."
)
_LEARNED = "Rows of times that an earlier run has learned from have no score."
_NEVER = -math.inf
_EMPTY = ",,,,"
"""What a row gets that has no score,"""
_SCORED = "%.6g,%.6g,%.6g,%.4f,%d"
"""and what one gets that has."""


class BadInput(Exception):
    """The rows can't be scored; the text is one sentence that says why and what to do."""


class _Series:
    """A baseline, the time of its last row, and up to when it was learned in earlier runs."""

    __slots__ = ("baseline", "judge", "learned", "time")

    def __init__(self, baseline: Baseline, learned: float = _NEVER) -> None:
        self.baseline = baseline
        self.judge = baseline.judge
        self.time = self.learned = learned


class SeriesScorer:
    """Scores rows, with one baseline a series.

    Args:
        value: field with the number.
        by: fields that tell series apart.
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
        """From here on pass rows that lie more than :data:`MAX_AHEAD_SECONDS` after ``now``.

        They get no score and nothing is learned from them. A series goes on from its latest row,
        so in a state that is kept one row of a wrong clock would silence it until that time.
        """
        self._latest = now + MAX_AHEAD_SECONDS

    def score_one(self, text: Any, key: Any, time_text: Any) -> str:
        """Return the :data:`FIELDS` of one row, given its number, its series and its time.

        They are separated by commas: one text takes less time to make than five.

        Raises:
            BadInput: times go backwards.
        """
        try:
            number = float(text)
        except (TypeError, ValueError):
            number = _only_number(text)
        if not LEAST_NUMBER <= number <= MAX_NUMBER:
            # A NaN is not within these bounds, either.
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
        """Say so when there were rows, and none of them has the field."""
        if self._absent and not self._present:
            self._warnings["field"] = (
                f"No row so far has the field '{self._value}'; name the one with the number."
            )

    def to_state(self) -> Dict[str, Any]:
        """Return what was learned of every series as plain JSON values, for :meth:`restore`.

        Under ``series``, that with the latest row first: one document a series,
        ``{"by": [...], "time": ..., "baseline": {...}}``, at most 27 kB each, so that each fits a
        document of the KV store.
        """
        return {**self.named(), "series": list(self.states())}

    def named(self) -> Dict[str, Any]:
        """Return how it is told that a state goes with this scorer: its season and its fields."""
        return {"season": self._settings[0], "by": list(self._by)}

    def states(self) -> Iterator[Dict[str, Any]]:
        """Yield what :meth:`to_state` has under ``series``: all at once may take 600 MB."""
        for key, one in sorted(self._series.items(), key=_latest_first):
            yield {
                "by": [key] if isinstance(key, str) else list(key),
                "time": None if one.time == _NEVER else one.time,
                "baseline": one.baseline.to_state(),
            }

    def __len__(self) -> int:
        """How many series there are."""
        return len(self._series)

    def restore(self, state: Dict[str, Any]) -> None:
        """Go on from what :meth:`to_state` gave; rows up to its times are not learned from again.

        What another version of the app has learned is learned anew, and a warning says so: a
        search that refused it would find nothing from an upgrade on until somebody looks.

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
        """Return one sentence on the rows that lay too far after now; empty: there were none."""
        if not self._ahead:
            return ""
        minutes = f"{MAX_AHEAD_SECONDS / 60:.0f} minutes"
        return (
            f"Rows that lie more than {minutes} after now have no score, and nothing was learned "
            f"from them ({self._ahead}, up to {_shown(self._farthest)}); look at the clock of what "
            "sends them."
        )

    def warnings(self) -> List[str]:
        """Return what was left out so far, one sentence each; each one once."""
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
    """Return the number of a field with just one value, else a NaN."""
    try:
        return float(value[0]) if isinstance(value, list) and len(value) == 1 else math.nan
    except (TypeError, ValueError):
        return math.nan


def _shown(time: float) -> str:
    """Return a time for a reader; as it came where no calendar has it."""
    try:
        return to_the_minute(time)
    except (OverflowError, ValueError, OSError):
        return f"{time:g}"
