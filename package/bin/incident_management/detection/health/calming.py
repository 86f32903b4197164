"""Find the setting that would have calmed a noisy detection, by its recorded signals.

Three settings are tried, each alone: a higher threshold, a longer suppression of the same problem
(``alert.suppress.period``), and the condition that a problem must be found several times
(``after_signals``). An incident would have been opened if one of its signals had passed, and
reopened if a signal that came with the reopening or after it had passed. No incident that people
called true may be lost. A condition that too few runs can meet is not tried: it would end the
detection instead of calming it. No search runs again. Times are epoch seconds.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

__all__ = ["Calmed", "Settings", "calming_setting", "findings_of", "no_longer_above"]

MAX_THRESHOLDS = 60
PERIODS = (("15m", 900.0), ("30m", 1800.0), ("1h", 3600.0), ("2h", 7200.0), ("4h", 14400.0),
           ("8h", 28800.0), ("24h", 86400.0))  # fmt: skip
WINDOWS = PERIODS[:3]
TIMES = (2, 3, 4, 5)

UNWANTED = ("false_positive", "duplicate")
# The signal that reopens an incident is received a moment before the reopening.
MOMENT = 60.0

Page = Tuple[str, int]
"""An incident's id, and how often it had been reopened."""


@dataclass(frozen=True)
class Settings:
    """The settings of a detection.

    ``metric``: the field that its threshold compares, empty for none. ``limit``: the current
    threshold, a number or a macro's name. ``period``: its suppression, in seconds. ``for_each``:
    whether it triggers for each result; otherwise suppression drops the whole alert, including what
    other entities have (``alert.suppress.fields`` is about "per-result alerts",
    savedsearches.conf.spec). ``step``: seconds between two runs.
    """

    metric: str = ""
    limit: str = ""
    value: Optional[float] = None
    period: float = 0.0
    suppress_fields: str = "entity"
    for_each: bool = False
    step: float = 0.0


@dataclass(frozen=True)
class Finding:
    """One recorded signal: its incident, its problem, its time, and the value of its metric.

    ``again``: how often its incident had been reopened by then.
    """

    incident_id: str
    dedup_key: str
    time: float
    value: Optional[float]
    again: int = 0

    @property
    def page(self) -> Page:
        return self.incident_id, self.again


@dataclass(frozen=True)
class Calmed:
    """A setting and its effect on the incidents whose signals are still known."""

    setting: str
    change: str
    kept_true: int
    of_true: int
    dropped_unwanted: int
    of_unwanted: int
    incidents: int
    of_incidents: int
    pages: int
    of_pages: int

    @property
    def sentence(self) -> str:
        said = ""
        if self.of_true or self.of_unwanted:
            said = (
                f" This would have kept {self.kept_true} of {self.of_true} true incidents and "
                f"dropped {self.dropped_unwanted} of {self.of_unwanted} false or duplicate ones."
            )
        left = f" {self.incidents} of {self.of_incidents} incidents would have been opened"
        if self.of_pages > self.of_incidents:
            left += f", with {self.pages} of {self.of_pages} pages"
        return f"Set {self.change}.{said}{left}."

    def to_document(self) -> Dict[str, Any]:
        return {**asdict(self), "sentence": self.sentence}


def findings_of(
    signals: Sequence[Mapping[str, Any]],
    metric: str,
    reopened: Mapping[str, Sequence[float]] = MappingProxyType({}),
) -> List[Finding]:
    """Return the findings that opened or joined an incident, oldest first.

    ``reopened`` gives the times at which incidents were reopened, by id. A signal of several rows
    has the value of its largest row, as one row above the limit is enough.
    """
    found = [
        Finding(
            str(one["incident_id"]),
            str(one.get("dedup_key") or ""),
            float(one.get("last_time") or 0.0),
            _value(one.get("rows") or [], metric),
            _before(reopened.get(str(one["incident_id"]), ()), one),
        )
        for one in signals
        if one.get("incident_id") and not one.get("suppressed_by")
    ]
    return sorted(found, key=lambda one: (one.time, one.incident_id))


def no_longer_above(findings: Sequence[Finding], settings: Settings) -> Set[str]:
    """Return the incidents without any finding above the current threshold."""
    above = {one.incident_id for one in findings if _is_above(one, settings)}
    return {one.incident_id for one in findings} - above


def _is_above(one: Finding, settings: Settings) -> bool:
    return settings.value is None or one.value is None or one.value > settings.value


def calming_setting(
    findings: Sequence[Finding],
    feedback: Mapping[str, str],
    settings: Settings,
    days: float,
    wanted_per_day: float,
) -> Optional[Calmed]:
    """Return the setting that would have helped most; None if none helps without a loss.

    If people called incidents false or duplicates, it is the setting that drops most of these, and
    among equals the one that drops the fewest others. Without such feedback it is the mildest one
    that leaves at most ``wanted_per_day`` pages a day. Findings that the current threshold no
    longer lets through do not count.

    Args:
        feedback: verdict, or an empty text, by the id of each incident that it opened.
    """
    mine = [one for one in findings if one.incident_id in feedback and _is_above(one, settings)]
    known = {one.incident_id for one in mine}
    true = {key for key in known if feedback[key] == "true_positive"}
    unwanted = {key for key in known if feedback[key] in UNWANTED}
    made: List[Calmed] = []
    all_pages = {one.page for one in mine}
    for setting, change, pages in _candidates(mine, settings):
        kept = {incident for incident, _again in pages}
        dropped = len(unwanted - kept)
        helps = dropped > 0 if unwanted else len(pages) <= wanted_per_day * days
        if true <= kept and helps and pages != all_pages:
            counts = (len(true), len(true), dropped, len(unwanted), len(kept), len(known))
            made.append(Calmed(setting, change, *counts, len(pages), len(all_pages)))
    # max() returns the first of equals. Thresholds come first, because they are easiest to explain.
    return max(made, key=lambda one: (one.dropped_unwanted, one.incidents, one.pages), default=None)


def _candidates(
    findings: Sequence[Finding], settings: Settings
) -> Iterator[Tuple[str, str, Set[Page]]]:
    """Yield each setting as its name, how to set it, and the pages that would remain."""
    seen = sorted({one.value for one in findings if one.value is not None})
    whole = bool(seen) and all(one.value is not None for one in findings)
    if settings.metric and whole:
        pace = -(-len(seen) // MAX_THRESHOLDS)
        for limit in seen[:-1:pace]:
            if settings.value is not None and limit <= settings.value:
                continue
            yield "threshold", _threshold(settings, limit), _kept(findings, _above(limit))
    each = "" if settings.for_each else "alert.digest_mode = 0, "
    for text, seconds in PERIODS:
        if seconds > settings.period:
            change = (
                f"{each}alert.suppress = 1, alert.suppress.period = {text} and "
                f"alert.suppress.fields = {settings.suppress_fields}"
            )
            yield "alert.suppress.period", change, _kept(findings, _Throttled(seconds))
    for count in TIMES:
        for text, seconds in WINDOWS:
            if count * settings.step > seconds:
                continue
            change = (
                f"action.open_incident.param.after_signals = {count} and "
                f"action.open_incident.param.after_window = {text}"
            )
            yield "after_signals", change, _kept(findings, _Repeated(findings, count, seconds))


def _kept(findings: Sequence[Finding], passes: Callable[[Finding], bool]) -> Set[Page]:
    return {one.page for one in findings if passes(one)}


def _before(reopened: Sequence[float], signal: Mapping[str, Any]) -> int:
    """Return how often an incident had been reopened when a signal was received."""
    received = float(signal.get("received_at") or signal.get("last_time") or 0.0)
    return sum(1 for time in reopened if time <= received + MOMENT)


def _above(limit: float) -> Callable[[Finding], bool]:
    return lambda one: one.value is not None and one.value > limit


class _Throttled:
    """Suppresses a problem for some time after it fired ("Throttle alerts" in Splunk's docs)."""

    def __init__(self, period: float) -> None:
        self._period = period
        self._fired: Dict[str, float] = {}

    def __call__(self, one: Finding) -> bool:
        if one.time - self._fired.get(one.dedup_key, float("-inf")) < self._period:
            return False
        self._fired[one.dedup_key] = one.time
        return True


class _Repeated:
    """Passes a problem that was found often enough within a period up to the finding."""

    def __init__(self, findings: Sequence[Finding], count: int, window: float) -> None:
        self._count, self._window = count, window
        self._times: Dict[str, List[float]] = {}
        for one in findings:
            self._times.setdefault(one.dedup_key, []).append(one.time)

    def __call__(self, one: Finding) -> bool:
        times = self._times[one.dedup_key]
        first = bisect_left(times, one.time - self._window)
        return sum(1 for time in times[first:] if time <= one.time) >= self._count


def _threshold(settings: Settings, limit: float) -> str:
    macro = settings.limit.strip("`")
    is_macro = macro != settings.limit
    what = f"the definition of the macro {macro}" if is_macro else f"the limit of {settings.metric}"
    before = "" if settings.value is None else f" from {settings.value:g}"
    return f"{what}{before} to {limit:g}"


def _value(rows: Sequence[Mapping[str, Any]], metric: str) -> Optional[float]:
    values = []
    for row in rows:
        try:
            values.append(float(row.get(metric) or "nan"))
        except (TypeError, ValueError):
            continue
    known = [value for value in values if value == value]
    return max(known) if known and metric else None
