"""A monitor: a search, a detector and a schedule, as a stanza of the input ``incident_monitor``.

Time is divided into spans of equal length, counted from the epoch. A span is complete ``lag``
seconds after its end, which gives late events time to arrive; events that arrive later are not
seen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ...conf_values import listed
from ...incidents.canonical import digest
from ...incidents.clocks.calendar import Calendar
from ...incidents.intake.results import ENTITY_CHARACTERS
from ...incidents.model import SEVERITIES
from ...splunk.searching import spl
from ..baselines.baseline import DIRECTIONS, SEASONS, SENSITIVITIES, STATE_VERSION
from ..options import Choice, Duration, FieldNames, Kind, Number, TimeZone, parse_options
from .hours import hours_of
from .objective import DEFAULT_RATES, WINDOW, BurnRate, BurnRates, Objective, check_objective
from .row_checks import check_rows, check_times

__all__ = [
    "DEFAULT_THRESHOLDS",
    "DETECTORS",
    "MAX_EVENTS",
    "SHARE_DETECTORS",
    "WITH_RAISE_AFTER",
    "Monitor",
    "search_of",
]

DETECTORS = ("baseline", "new_template", "silence", "ratio", "burn_rate")
SHARE_DETECTORS = ("ratio", "burn_rate")
"""The detectors that know how many of all events are of one kind."""
MAX_EVENTS = 10_000
"""Result rows of one search; a span with more is told of."""
WITH_RAISE_AFTER = ("baseline", "ratio")
"""The detectors that know ``raise_after``: a silence lasts anyway, and a new template is news."""
MAX_RAISE_AFTER = 60
"""Spans that may have to be looked back over."""
DEFAULT_THRESHOLDS = {"new_template": 1.0, "silence": 3.0, "ratio": 5.0}
"""Of the detectors that have one."""
DEFAULT_BACKFILL = 30
"""Spans."""
LONG_BACKFILLS = {
    "baseline": (7 * 86400.0, 2016),
    "silence": (14 * 86400.0, 4032),
    "new_template": (86400.0, 288),
}
"""Seconds, and the most spans; with less, the first night or weekend would look like trouble."""

SILENCE_VERSION = "silence 2"
"""The form in which silences are learned."""
NAMED_BY = ("service", "service.name", "host")
"""What says whom a series is about, the best first; OpenTelemetry calls a service service.name."""

_SLO = ("objective", "window", "burn_rates")
_VALUE = re.compile(r"count|(?:avg|sum|max|min|dc|perc95)\([A-Za-z_][\w.]*\)")
_FIELD = re.compile(r"[A-Za-z_][\w.]*")
_RAISE_AFTER = re.compile(r"(\d{1,3})(?:\s+of\s+(\d{1,3}))?", re.I)


class _Value(Kind):
    """An aggregate, or the field that is 1 if an event counts for a ratio or burn rate."""

    def parse(self, value: str) -> str:
        if not (_VALUE.fullmatch(value) or _FIELD.fullmatch(value)):
            raise ValueError(
                f"'{value[:60]}' is not count, avg, sum, max, min, dc or perc95 of a field, "
                "or a field; write avg(duration_ms)."
            )
        return value


class _Total(Kind):
    """The field with the number of events that a row stands for."""

    def parse(self, value: str) -> str:
        if not _FIELD.fullmatch(value):
            raise ValueError(
                f"'{value[:60]}' is not a field; name the field that holds the number."
            )
        return value


class _RaiseAfter(Kind):
    """``2 of 3`` spans, or ``3``, which is 3 of 3."""

    def parse(self, value: str) -> Tuple[int, int]:
        match = _RAISE_AFTER.fullmatch(value)
        spans, of = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= spans <= of <= MAX_RAISE_AFTER:
            raise ValueError(
                f"'{value[:60]}' is not a number of spans; write 2 of 3, or 3 for three in a row, "
                f"of at most {MAX_RAISE_AFTER}."
            )
        return spans, of


_KINDS: Mapping[str, Kind] = {
    "detector": Choice(DETECTORS),
    "value": _Value(),
    "total": _Total(),
    "by": FieldNames(),
    "span": Duration(),
    "every": Duration(),
    "lag": Duration(),
    "backfill": Duration(),
    "timeout": Duration(),
    "sensitivity": Choice(SENSITIVITIES),
    "season": Choice(SEASONS),
    "time_zone": TimeZone(),
    "direction": Choice(DIRECTIONS),
    "severity": Choice(SEVERITIES),
    "threshold": Number(0, 1e9),
    "min_events": Number(0, 1e9, whole=True),
    "raise_after": _RaiseAfter(),
    "objective": Number(0, 100),
    "window": Duration(),
    "burn_rates": BurnRates(),
}


def search_of(values: Mapping[str, Any]) -> str:
    """Return the search of a stanza; empty if it has none.

    The setting is ``monitor_search``, because ``search`` is an argument of splunkd's own when a
    stanza is saved over REST. In an inputs.conf that is written by hand, ``search`` works too.
    """
    return str(values.get("monitor_search") or values.get("search") or "").strip()


@dataclass(frozen=True)
class Monitor:
    """One monitor. Times are in seconds.

    Attributes:
        threshold: spans of silence, percent of a ratio, or events of a new template; a baseline has
            ``sensitivity`` instead.
        time_zone: by whose clocks its days begin; empty: this machine's.
        min_events: the number of events of a span below which a ratio is not judged; for a burn
            rate, of the long window.
        total: the field with the number of events that a row stands for, if it is not one.
        objective, window, burn_rates: see :mod:`.objective`.
        raise_after: in how many of how many spans something must be out of order to be raised.
        backfill: how far back the first run learns, without raising anything.
        hours: when a series may be missed; None: always.
        runbook, actions, tags, group: those of its signals.
    """

    name: str
    search: str
    detector: str = "baseline"
    value: str = "count"
    total: str = ""
    by: Tuple[str, ...] = ()
    span: int = 300
    every: float = 300.0
    lag: float = 60.0
    backfill: float = 86400.0
    timeout: float = 60.0
    sensitivity: str = "medium"
    season: str = "auto"
    time_zone: str = ""
    direction: str = "both"
    severity: str = "medium"
    threshold: float = 0.0
    min_events: int = 20
    raise_after: Tuple[int, int] = (1, 1)
    objective: float = 99.9
    window: float = WINDOW
    burn_rates: Tuple[BurnRate, ...] = DEFAULT_RATES
    hours: Optional[Calendar] = None
    title: str = ""
    runbook: str = ""
    actions: Tuple[str, ...] = ()
    tags: Tuple[str, ...] = ()
    group: bool = True

    @classmethod
    def read(cls, stanza: str, values: Mapping[str, Any]) -> Monitor:
        """Read a stanza of inputs.conf. Raises ValueError, one sentence that names the stanza."""
        name = stanza.partition("://")[2] or stanza
        given = {key: values.get(key) for key in _KINDS if str(values.get(key) or "").strip()}
        try:
            options = {k: v for k, v in parse_options(_KINDS, given).items() if v is not None}
            return cls._checked(name, search_of(values), options, values)
        except ValueError as error:
            raise ValueError(f"inputs.conf [{stanza}]: {error}") from error

    @classmethod
    def _checked(
        cls, name: str, search: str, options: Dict[str, Any], values: Mapping[str, Any]
    ) -> Monitor:
        if not search:
            raise ValueError("monitor_search is empty; write the search that the monitor watches.")
        detector = options.get("detector", cls.detector)
        value = options.get("value", cls.value)
        if detector in SHARE_DETECTORS and not (_FIELD.fullmatch(value) and value != "count"):
            raise ValueError(
                f"a {detector} needs value, the field that is 1 for the events that count and 0 "
                "for the others; make it with eval in the search."
            )
        if detector == "baseline" and not _VALUE.fullmatch(value):
            raise ValueError(
                f"value is the field '{value}'; name how to aggregate it, such as avg({value})."
            )
        lacks_total = detector in SHARE_DETECTORS and not options.get("total")
        check_rows(search, detector, value, lacks_total)
        check_times(search)
        _check_series(options.get("by", ()))
        if detector == "ratio" and options.get("threshold", 0.0) >= 100:
            raise ValueError("the threshold of a ratio is in percent; give one below 100.")
        if detector not in WITH_RAISE_AFTER and options.get("raise_after", (1, 1))[0] > 1:
            raise ValueError(
                f"raise_after is for {' and '.join(WITH_RAISE_AFTER)}; leave it out, as "
                f"{'burn_rates' if detector == 'burn_rate' else 'threshold'} says when a "
                f"{detector} monitor raises something."
            )
        span = int(options.get("span", cls.span))
        if detector == "burn_rate":
            objective, window, rates = (options.get(name, getattr(cls, name)) for name in _SLO)
            check_objective(Objective(objective, int(window), rates), span)
        options.update(
            span=span,
            by=tuple(options.get("by", ())),
            every=options.get("every", float(span)),
            backfill=options.get("backfill", _default_backfill(detector, span, options)),
            threshold=options.get("threshold", DEFAULT_THRESHOLDS.get(detector, 0.0)),
            hours=hours_of(values, options.get("time_zone", "")),
            actions=listed(values.get("actions")),
            tags=listed(values.get("tags")),
            title=str(values.get("title") or "").strip(),
            runbook=str(values.get("runbook") or "").strip(),
            group=str(values.get("group") or "1").strip().lower() not in ("0", "false", "no"),
        )
        return cls(name, search, **options)

    def complete_until(self, now: float) -> int:
        """Return the end of the last span that is complete at ``now``."""
        return int((now - self.lag) // self.span) * self.span

    def is_due(self, end: float, raising_from: float, until: int) -> bool:
        """Return whether judging continues now after ``end``, up to ``until``.

        A backfill, before ``raising_from``, continues at once; the spans after it follow the
        schedule.
        """
        is_backfill = end + self.span <= raising_from
        return until > end and (is_backfill or until - end >= self.every)

    @property
    def learned_as(self) -> str:
        """Return a digest that decides whether a saved state can be continued.

        It covers the settings that the state depends on, and this version's form of it.
        """
        parts = (self.search, self.detector, self.value, self.by, self.span, self.season)
        version = SILENCE_VERSION if self.detector == "silence" else STATE_VERSION
        return digest([*parts, *filter(None, [self.total]), version], 40)

    @property
    def slo(self) -> Objective:
        """The objective and rates by which a burn rate is judged."""
        return Objective(self.objective, int(self.window), self.burn_rates)

    @property
    def needs_events(self) -> bool:
        """Whether the detector reads the events themselves."""
        return self.detector == "new_template"

    def entity(self, key: Sequence[str]) -> str:
        """Return the entity of a series' finding: its service, or else its host, or else the whole
        series.

        Analysis and remediation search for events by service and host.
        """
        parts = [part.strip() for part in key]
        series = dict(zip(self.by, parts))
        named = [series[name] for name in NAMED_BY if series.get(name)][:1]
        entity = ", ".join(named or [part for part in parts if part])
        return entity[:ENTITY_CHARACTERS] or self.name

    def spl(self, key: Sequence[str] = (), indexed: bool = False) -> str:
        """Return the search over whole spans, with a row for each span and series, or the events.

        Args:
            key: search only this series.
            indexed: add the time at which the newest event of a row was indexed.
        """
        written = spl.as_written(self.search)
        parts = [
            spl.field_is(name, value)
            for name, value in zip(self.by, key)
            if value and spl.is_searchable(value)
        ]
        if parts:
            written = spl.pipeline(written, spl.command("search", *parts))
        if self.needs_events:
            shown = spl.fields("table", ["_time", "_raw", *self.by])
            if indexed:
                when = spl.command("eval", spl.as_written("indexed=_indextime"))
                shown = spl.pipeline(when, spl.fields("table", ["_time", "indexed", *self.by]))
            return str(spl.pipeline(written, shown))
        cut = spl.command(
            "bin",
            spl.name("_time"),
            spl.as_written(f"span={self.span}s"),
            spl.as_written("aligntime=earliest"),
        )
        counted = f"sum({self.total})" if self.total else "count"
        aggregates: List[Any] = [(counted, "events")]
        if self.detector == "baseline" and self.value != "count":
            aggregates.append((self.value, "value"))
        elif self.detector in SHARE_DETECTORS:
            aggregates.append((f"sum({self.value})", "part"))
        if indexed:
            aggregates.append(("max(_indextime)", "indexed"))
        return str(spl.pipeline(written, cut, spl.stats(*aggregates, by=["_time", *self.by])))


def _default_backfill(detector: str, span: int, options: Mapping[str, Any]) -> float:
    if detector == "burn_rate":
        return float(max(one.long for one in options.get("burn_rates", DEFAULT_RATES)))
    seconds, spans = LONG_BACKFILLS.get(detector, (0.0, 0))
    return max(float(DEFAULT_BACKFILL * span), min(seconds, float(spans * span)))


def _check_series(by: Sequence[str]) -> None:
    """Refuse fields that can't distinguish series in the generated search."""
    for field in by:
        try:
            spl.name(field)
        except ValueError as error:
            raise ValueError(
                f"by can't name the field '{field[:60]}'; rename it in the search to letters, "
                "digits and _."
            ) from error
        if field == "_time":
            raise ValueError(
                "by names the fields that identify a series; leave out "
                "_time, which is cut into spans anyway."
            )
