"""The detector ``burn_rate``: an error budget that is used up too fast (:mod:`.objective`).

It raises once when a burn rate is passed over both of its windows, again when a worse one is, and
again while it is passed, each time its long window is over. What was raised goes on until both
windows are calm; a milder rate that was passed as well, as long as both are not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

from ...incidents.model import SEVERITIES
from .burning_words import told
from .judging import MAX_SERIES, Detector, Found
from .monitor import Monitor
from .objective import BurnRate
from .rows import Key, Row, events_of, series_of
from .sums import Sums

__all__ = ["BurningBudget"]

LEAST_BAD = 2
"""Bad events of the long window: a single one is no rate, however few there were."""
BUDGET_CELLS = 180
"""Of an error budget's window: four hours of 30 days, so that its end is told to half a percent."""
MAX_CELLS = 500_000
"""Spans of all series' longest windows together, so that a state stays one document."""
MAX_ROW = 10**15
"""Events of one row, so that the sums of all spans stay whole numbers of 64 bits."""
NOT_RAISED = 0

Rule = Tuple[float, int, int]


@dataclass
class _Series:
    """The events of one series by span, and by cell of its budget's window.

    ``burning``: the rates that are passed or not calm yet, each with the start of the span in which
    it was told of last. ``raised``: those of them that were raised themselves.
    """

    spans: Sums = field(default_factory=Sums)
    cells: Sums = field(default_factory=Sums)
    burning: Dict[Rule, int] = field(default_factory=dict)
    raised: Set[Rule] = field(default_factory=set)


class BurningBudget(Detector):
    """More of the events are bad than an objective can bear, over two windows."""

    raises_once = True

    def __init__(self, monitor: Monitor) -> None:
        super().__init__(monitor)
        self._objective = monitor.slo
        worst = {severity: rank for rank, severity in enumerate(SEVERITIES)}
        self._rates = sorted(
            self._objective.rates,
            key=lambda one: (worst[one.severity or monitor.severity], -one.rate),
        )
        self._limits = {_rule(one): self._objective.limit(one) for one in self._rates}
        self._longest = max(one.long for one in self._rates)
        span, window = monitor.span, self._objective.window
        self._cell = -(-window // (BUDGET_CELLS * span)) * span
        self.max_series = min(MAX_SERIES, MAX_CELLS * span // self._longest)
        self._series: Dict[Key, _Series] = {}
        self._since: Optional[int] = None
        self._has_seen = False
        self.passed: Dict[Key, List[Rule]] = {}
        """The rates passed over both of their windows in the span judged last."""
        self._asked: Dict[Key, Rule] = {}
        self._again: List[Tuple[int, int]] = []

    def judge(self, start: int, rows: Sequence[Row]) -> List[Found]:
        end = start + self.monitor.span
        self._since = start if self._since is None else self._since
        self._count(start, rows)
        self.unwell, self.passed = set(), {}
        found = []
        for key, series in list(self._series.items()):
            series.spans.forget_before(end - self._longest)
            series.cells.forget_before(self._budget_from(end))
            raised = self._weigh(key, series, start)
            if raised is not None:
                found.append(self._found(key, series, raised, end))
            if series.burning:
                self.unwell.add(key)
            elif not (series.spans or series.cells):
                del self._series[key]
        return found

    def _count(self, start: int, rows: Sequence[Row]) -> None:
        self._check_numbers(rows, "part")
        for row in rows:
            key, total = series_of(self.monitor, row), events_of(row)
            bad = round(self._number(row, "part") or 0.0)
            self._has_seen = self._has_seen or total > 0
            if not 0 <= bad <= total <= MAX_ROW:
                self._note(
                    f"{self.monitor.value} says that {bad} of {total} events are bad; it must be "
                    "1 for a bad event and 0 for a good one, and such a span is not counted."
                )
                continue
            if not total or (key not in self._series and not self._has_room(len(self._series))):
                continue
            series = self._series.setdefault(key, _Series())
            series.spans.add(start, bad, total)
            series.cells.add(start // self._cell * self._cell, bad, total)

    def _weigh(self, key: Key, series: _Series, start: int) -> Optional[BurnRate]:
        """Follow each rate of a series; return the one that is to be raised in this span."""
        end, passed, going_on = start + self.monitor.span, [], {}
        for rate in self._rates:
            rule = _rule(rate)
            long, short = (series.spans.since(end - one) for one in (rate.long, rate.short))
            if self._is_passed(rule, long, short):
                passed.append(rate)
                going_on[rule] = series.burning.get(rule, NOT_RAISED)
            elif rule in series.raised and not self._is_calm(rule, long, short):
                going_on[rule] = series.burning[rule]
        series.burning, series.raised = going_on, series.raised.intersection(going_on)
        if passed:
            self.passed[key] = [_rule(one) for one in passed]
        for rate in self._rates:
            raised = going_on.get(_rule(rate), NOT_RAISED)
            is_new = raised == NOT_RAISED or start - raised >= rate.long
            if rate in passed and is_new:
                return rate
            if raised != NOT_RAISED:
                return None  # What is as bad or worse was told of.
        return None

    def _is_passed(self, rule: Rule, long: Tuple[int, int], short: Tuple[int, int]) -> bool:
        if long[0] < LEAST_BAD or long[1] < self.monitor.min_events:
            return False
        limit = self._limits[rule]
        return _is_over(long, limit) and _is_over(short, limit)

    def _is_calm(self, rule: Rule, long: Tuple[int, int], short: Tuple[int, int]) -> bool:
        """Tell whether a rate is over: both windows say so, and there is something to say it."""
        limit = self._limits[rule]
        return bool(short[1]) and not (_is_over(long, limit) or _is_over(short, limit))

    def _found(self, key: Key, series: _Series, rate: BurnRate, end: int) -> Found:
        rule, span = _rule(rate), self.monitor.span
        begun = _onset(series.spans.newest_first(end - rate.long), self._limits[rule])
        told_of = max(series.burning.values()) + span  # No event counts twice.
        bad, _total = series.spans.since(max(begun, told_of))
        known = min(self._objective.window, end - (end if self._since is None else self._since))
        text = told(
            self._objective,
            rate,
            series.spans.since(end - rate.long),
            series.cells.since(self._budget_from(end)),
            known,
        )
        return Found(
            key,
            text,
            max(1, bad),
            begun=begun,
            severity=rate.severity or self.monitor.severity,
            asked=rule,
        )

    def _budget_from(self, end: int) -> int:
        """Return the start of the first cell that has a part in the budget's window."""
        return (end - self._objective.window) // self._cell * self._cell

    def note_raised(self, start: int, found: Sequence[Found]) -> None:
        for one in found:
            series = self._series[one.key]
            series.burning.update(dict.fromkeys(self.passed[one.key], start))
            series.raised.add(_rule_of(one.asked))

    # --- what is kept -----------------------------------------------------------------------

    def to_state(self) -> Dict[str, Any]:
        return {
            "series": [
                [
                    list(key),
                    one.spans.to_state(),
                    one.cells.to_state(),
                    [[*rule, told_of, rule in one.raised] for rule, told_of in one.burning.items()],
                ]
                for key, one in self._series.items()
            ],
            "since": self._since,
            "seen": self._has_seen,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self._series = {
            tuple(key): _Series(
                Sums.from_state(spans),
                Sums.from_state(cells),
                {_rule_of(rule): int(told_of) for *rule, told_of, _raised in burning},
                {_rule_of(rule) for *rule, _told_of, raised in burning if raised},
            )
            for key, spans, cells, burning in state.get("series", ())
        }
        self._since, self._has_seen = state.get("since"), bool(state.get("seen"))
        self._asked = {tuple(key): _rule_of(rule) for key, rule in state.get("asked", ())}

    def has_seen_any(self) -> bool:
        return self._has_seen

    # --- judged again -----------------------------------------------------------------------

    def memory(self, state: Mapping[str, Any], found: Sequence[Found]) -> Dict[str, Any]:
        """Return which rate is to be asked about: the mildest that was passed."""
        asked: Dict[Key, Rule] = {}
        for one in found:
            rule = _rule_of(one.asked)
            asked[one.key] = min(asked.get(one.key, rule), rule)
        return {"asked": [[list(key), list(rule)] for key, rule in asked.items()]}

    def is_there(self, start: int, rows: Sequence[Row], key: Key, template_id: str = "") -> bool:
        """Tell whether the rate is passed over the spans asked about, its short window at most.

        The long window tells of the time before a fix for as long as it is; that proves nothing.
        """
        rate, _long, short = self._asked.get(key) or _rule(self._rates[0])
        own = [row for row in rows if series_of(self.monitor, row) == key]
        bad = sum(round(self._number(row, "part") or 0.0) for row in own)
        self._again.append((bad, sum(map(events_of, own))))
        self._again = self._again[-(short // self.monitor.span) :]
        bad, total = (sum(part) for part in zip(*self._again))
        limit = Fraction(str(rate)) * self._objective.budget
        return bad >= LEAST_BAD and _is_over((bad, total), limit)


def _rule(rate: BurnRate) -> Rule:
    return rate.rate, rate.long, rate.short


def _rule_of(saved: Sequence[Any]) -> Rule:
    rate, long, short = saved
    return float(rate), int(long), int(short)


def _is_over(events: Tuple[int, int], limit: Fraction) -> bool:
    bad, total = events
    return bad * limit.denominator > limit.numerator * total


def _onset(newest_first: Iterable[Tuple[int, int, int]], limit: Fraction) -> int:
    """Return the start of the span since when most events were bad beyond a limit.

    A window begins long before a trouble, and causes are looked for where that begins.
    """
    begun, excess, most = 0, Fraction(0), Fraction(-1)
    for at, bad, total in newest_first:
        excess += bad - limit * total
        if excess > most or not begun:
            begun, most = at, excess
    return begun
