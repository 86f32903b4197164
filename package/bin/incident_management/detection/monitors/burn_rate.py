"""The detector ``burn_rate``: an error budget that is used up too fast (:mod:`.objective`).

It raises a finding when a burn rate is exceeded over both of its windows, again when a worse rate
is, and again each time its long window is over while the rate is still exceeded. A problem lasts
until both windows are calm; a milder rate that was exceeded too lasts as long as both of its
windows are not. A series that falls silent meanwhile has not recovered until it has events again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

from ...incidents.model import SEVERITIES
from .burn_rate_text import burn_rate_sentence
from .detector import FORGET_AFTER_SPANS, MAX_SERIES, Detector, Found
from .monitor import Monitor
from .objective import BurnRate
from .rows import Key, Row, series_of
from .sums import Sums

__all__ = ["BurnRateDetector"]

LEAST_BAD = 2
"""Bad events of the long window: a single one is no rate, however few there were."""
BUDGET_CELLS = 180
"""Of an error budget's window: four hours of 30 days, so that its end is told to half a percent."""
MAX_CELLS = 500_000
"""Spans of all series' longest windows together, so that a state stays one document."""
MAX_ROW = 10**15
"""Events of one row, so that the sums of all spans stay whole numbers of 64 bits."""
NOT_RAISED = 0
NEVER = 2**53
"""Later than any time."""

Rule = Tuple[float, int, int]


@dataclass
class _Series:
    """The events of one series by span, and by cell of its budget's window.

    Attributes:
        burning: rates that are exceeded or not calm yet -> start of the span in which each was last
            raised (NOT_RAISED: never).
        raised: the rates of ``burning`` that raised a finding themselves.
        raised_until: end of the newest span for which a finding was raised.
    """

    spans: Sums = field(default_factory=Sums)
    cells: Sums = field(default_factory=Sums)
    burning: Dict[Rule, int] = field(default_factory=dict)
    raised: Set[Rule] = field(default_factory=set)
    raised_until: int = 0


class BurnRateDetector(Detector):
    """Finds series in which more events are bad than an objective allows, over two windows."""

    raises_once = True

    def __init__(self, monitor: Monitor) -> None:
        super().__init__(monitor)
        self._objective = monitor.slo
        worst = {severity: rank for rank, severity in enumerate(SEVERITIES)}

        def rank(rate: BurnRate) -> int:
            return worst[rate.severity or monitor.severity]

        self._rates = sorted(self._objective.rates, key=lambda one: (rank(one), -one.rate))
        self._paging = [_rule(one) for one in self._rates if rank(one) <= worst["high"]]
        self._limits = {_rule(one): self._objective.limit(one.rate) for one in self._rates}
        self._longest = max(one.long for one in self._rates)
        span, window = monitor.span, self._objective.window
        self._cell = -(-window // (BUDGET_CELLS * span)) * span
        self.max_series = min(MAX_SERIES, MAX_CELLS * span // self._longest)
        self._series: Dict[Key, _Series] = {}
        self._spans_since = self._cells_since = NEVER
        self._has_seen = False
        self.passed: Dict[Key, List[Rule]] = {}
        """The rates passed over both of their windows in the span judged last."""
        self._asked: Dict[Key, Rule] = {}
        self._again: List[Tuple[int, int]] = []

    def judge(self, start: int, rows: Sequence[Row]) -> List[Found]:
        end = start + self.monitor.span
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
        end = start + self.monitor.span
        # If the window is longer than before, the forgotten part of it is unknown.
        self._spans_since = max(min(self._spans_since, start), end - self._longest)
        self._cells_since = max(min(self._cells_since, start), end - self._objective.window)
        self._make_room(start, rows)
        places = sum(bool(one.cells) for one in self._series.values())
        for row in rows:
            key, (bad, total) = series_of(self.monitor, row), self._events(row)
            if not total:
                continue
            self._has_seen = True
            if not (key in self._series and self._series[key].cells):
                if not self._has_room(places):
                    continue
                places += 1
            series = self._series.setdefault(key, _Series())
            series.spans.add(start, bad, total)
            series.cells.add(start // self._cell * self._cell, bad, total)

    def _events(self, row: Row) -> Tuple[int, int]:
        """Return the bad and all events of a row; none if they can't be determined."""
        bad, total = (self._number(row, field) for field in ("part", "events"))
        counted = round(bad or 0.0), round(total or 0.0)
        if bad is None and row.get("part") not in (None, ""):
            return 0, 0
        if not 0 <= counted[0] <= counted[1] <= MAX_ROW:
            self._add_problem(
                f"{self.monitor.value} says that {counted[0]} of {counted[1]} events are bad; it "
                "must be 1 for a bad event and 0 for a good one, and such a span is not counted."
            )
            return 0, 0
        return counted

    def _make_room(self, start: int, rows: Sequence[Row]) -> None:
        """Forget the counts of series that are gone, when new ones need their places.

        Series that burned stay out of order, because nobody can say that they recovered; the latest
        of them are kept.
        """
        keys = {series_of(self.monitor, row) for row in rows}
        held = {key for key, one in self._series.items() if one.cells}
        if len(held | keys) > self.max_series:
            oldest = start - FORGET_AFTER_SPANS * self.monitor.span
            for key in held - keys:
                series = self._series[key]
                if series.spans.newest < oldest:
                    series.spans, series.cells = Sums(), Sums()
        lost = [key for key, one in self._series.items() if not one.cells]
        lost.sort(key=lambda key: self._series[key].raised_until)
        for key in lost[: max(0, len(lost) - self.max_series)]:
            del self._series[key]

    def _weigh(self, key: Key, series: _Series, start: int) -> Optional[BurnRate]:
        """Update each rate of a series; return the rate to raise in this span."""
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
        """Return whether a rate is over: both windows say so, and have events to say it."""
        limit = self._limits[rule]
        return bool(short[1]) and not (_is_over(long, limit) or _is_over(short, limit))

    def _found(self, key: Key, series: _Series, rate: BurnRate, end: int) -> Found:
        rule = _rule(rate)
        begun = _onset(series.spans.newest_first(end - rate.long), self._limits[rule])
        bad, _total = series.spans.since(max(begun, series.raised_until))  # No event counts twice.
        text = burn_rate_sentence(
            self._objective,
            series.spans.since(end - rate.long),
            min(rate.long, end - self._spans_since),
            series.cells.since(self._budget_from(end)),
            end - self._cells_since,
        )
        return Found(
            key,
            text,
            max(1, bad),
            begun=begun,
            severity=rate.severity or self.monitor.severity,
            burn_rate=rule,
        )

    def _budget_from(self, end: int) -> int:
        """Return the start of the first cell that is part of the budget's window."""
        return (end - self._objective.window) // self._cell * self._cell

    def note_raised(self, start: int, found: Sequence[Found]) -> None:
        for one in found:
            series = self._series[one.key]
            series.burning.update(dict.fromkeys(self.passed[one.key], start))
            series.raised.add(_rule_of(one.burn_rate))
            series.raised_until = start + self.monitor.span

    # --- saved state ------------------------------------------------------------------------

    def to_state(self) -> Dict[str, Any]:
        return {
            "series": [
                [
                    list(key),
                    one.spans.to_state(),
                    one.cells.to_state(),
                    [
                        [*rule, raised_at, rule in one.raised]
                        for rule, raised_at in one.burning.items()
                    ],
                    one.raised_until,
                ]
                for key, one in self._series.items()
            ],
            "since": [self._spans_since, self._cells_since],
            "seen": self._has_seen,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self._series = {
            tuple(key): _Series(
                Sums.from_state(spans),
                Sums.from_state(cells),
                {_rule_of(rule): int(raised_at) for *rule, raised_at, _raised in burning},
                {_rule_of(rule) for *rule, _raised_at, raised in burning if raised},
                int(raised_until),
            )
            for key, spans, cells, burning, raised_until in state.get("series", ())
        }
        self._spans_since, self._cells_since = state.get("since", (NEVER, NEVER))
        self._has_seen = bool(state.get("seen"))
        self._asked = {tuple(key): _rule_of(rule) for key, rule in state.get("asked", ())}

    def has_seen_any(self) -> bool:
        return self._has_seen

    # --- reruns -----------------------------------------------------------------------------

    def memory(self, state: Mapping[str, Any], found: Sequence[Found]) -> Dict[str, Any]:
        """Return which rate a rerun must check: the mildest that was exceeded."""
        asked: Dict[Key, Rule] = {}
        for one in found:
            rule = _rule_of(one.burn_rate)
            asked[one.key] = min(asked.get(one.key, rule), rule)
        return {"asked": [[list(key), list(rule)] for key, rule in asked.items()]}

    def is_present(self, start: int, rows: Sequence[Row], key: Key, template_id: str = "") -> bool:
        """Return whether the rate is exceeded over the given spans, at most its short window.

        For its whole length the long window includes the time before a fix, and that proves
        nothing. A rate that is lower, but above a milder one that pages, is neither present nor
        gone.
        """
        rule = self._asked.get(key) or min(self._limits)
        own = [self._events(row) for row in rows if series_of(self.monitor, row) == key]
        self._again.append((sum(bad for bad, _ in own), sum(total for _, total in own)))
        self._again = self._again[-(rule[2] // self.monitor.span) :]
        bad, total = (sum(part) for part in zip(*self._again))
        passed = [
            one
            for one in (rule, *self._paging)
            if bad >= LEAST_BAD and _is_over((bad, total), self._objective.limit(one[0]))
        ]
        if passed and rule not in passed:
            self._add_problem(
                f"{bad} of {total} events are bad still, which is calmer than {rule[0]:g}x, but "
                f"more than {min(passed)[0]:g}x of what the objective allows."
            )
        return rule in passed


def _rule(rate: BurnRate) -> Rule:
    return rate.rate, rate.long, rate.short


def _rule_of(saved: Sequence[Any]) -> Rule:
    rate, long, short = saved
    return float(rate), int(long), int(short)


def _is_over(events: Tuple[int, int], limit: Fraction) -> bool:
    bad, total = events
    return bad * limit.denominator > limit.numerator * total


def _onset(newest_first: Iterable[Tuple[int, int, int]], limit: Fraction) -> int:
    """Return the start of the span since which most events were bad beyond a limit.

    A window begins long before a problem, and causes are searched where the problem begins.
    """
    begun, excess, most = 0, Fraction(0), Fraction(-1)
    for at, bad, total in newest_first:
        excess += bad - limit * total
        if excess > most or not begun:
            begun, most = at, excess
    return begun
