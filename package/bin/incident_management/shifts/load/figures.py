"""Computes the figures of an on-call load report from calls and shifts. Pure.

A night is from 22:00 to 07:00 by the wall clock of the team's time zone, and is one night although
it has two dates. A weekend is Saturday and Sunday.
"""

from __future__ import annotations

import math
import statistics
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from typing import Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple, Union

from ...incidents.review.document import NO_PROBLEM
from ...incidents.routing.on_call import Span
from ...ports import Document
from ..shift import DAY
from .calls import Answer, Call

__all__ = ["Answered", "Counts", "Duty", "Rule", "Tally", "a_day", "duties"]

NIGHT_BEGINS, NIGHT_ENDS = 22, 7
NOON = timedelta(hours=12)


@dataclass
class Counts:
    """The calls of one person, of one detection, or all calls.

    ``on_duty``: calls for the person on call at that time. ``judged``: calls with feedback;
    ``noise``: those of a false alarm or a duplicate. ``nights``: the nights with a call.
    """

    calls: int = 0
    on_duty: int = 0
    night: int = 0
    weekend: int = 0
    judged: int = 0
    noise: int = 0
    nights: Set[date] = field(default_factory=set)
    days: Counter[date] = field(default_factory=Counter)

    def add(self, call: Call, local: datetime, on_duty: bool) -> None:
        self.calls += 1
        self.on_duty += on_duty
        self.days[local.date()] += 1
        self.judged += bool(call.feedback)
        self.noise += call.feedback in NO_PROBLEM
        self.weekend += local.weekday() >= 5
        if local.hour >= NIGHT_BEGINS or local.hour < NIGHT_ENDS:
            self.night += 1
            self.nights.add((local - NOON).date())

    def to_document(self) -> Document:
        return {
            "calls": self.calls,
            "on_duty": self.on_duty,
            "most_in_a_day": max(self.days.values(), default=0),
            "night_calls": self.night,
            "nights": len(self.nights),
            "weekend_calls": self.weekend,
            "judged": self.judged,
            "noise": self.noise,
        }


@dataclass
class Answered:
    """The answers to calls: seconds to each acknowledgement, and the number of missed calls."""

    seconds: List[float] = field(default_factory=list)
    missed: int = 0

    def add(self, answer: Answer) -> None:
        if answer.seconds < 0:
            self.missed += 1
        else:
            self.seconds.append(answer.seconds)

    def to_document(self) -> Document:
        found = sorted(self.seconds)
        return {
            "acknowledged": len(found),
            "ack_median": statistics.median(found) if found else None,
            # The nearest rank, so that the value is a time that a person really took.
            "ack_p95": found[math.ceil(0.95 * len(found)) - 1] if found else None,
            "missed": self.missed,
        }


@dataclass
class Rule:
    """A detection and the calls for its incidents; ``newest`` is the last of these."""

    counts: Counts = field(default_factory=Counts)
    newest: Tuple[float, str] = (0.0, "")

    def add(self, call: Call, local: datetime, on_duty: bool) -> None:
        self.counts.add(call, local, on_duty)
        self.newest = max(self.newest, (call.at, call.incident_id))


class Tally:
    """Adds up calls and answers; ``only``: just those of one person."""

    def __init__(self, zone: tzinfo, spans: Sequence[Span], only: Optional[str] = None) -> None:
        self._zone, self._only, self._spans = zone, only, spans
        self._starts = [one.start for one in spans]
        self.all, self.all_answers = Counts(), Answered()
        self.people: Dict[str, Counts] = {}
        self.answers: Dict[str, Answered] = {}
        self.rules: Dict[str, Rule] = {}

    def add(self, calls: Iterable[Call], answers: Iterable[Answer]) -> None:
        """Add the calls and answers of one incident."""
        for call in filter(self._counts, calls):
            local = datetime.fromtimestamp(call.at, self._zone)
            counted = call, local, self._was_on_call(call)
            self.all.add(*counted)
            self.people.setdefault(call.person, Counts()).add(*counted)
            self.rules.setdefault(call.rule, Rule()).add(*counted)
        for answer in filter(self._counts, answers):
            self.all_answers.add(answer)
            self.answers.setdefault(answer.person, Answered()).add(answer)

    def _was_on_call(self, call: Call) -> bool:
        number = bisect_right(self._starts, call.at) - 1
        return number >= 0 and self._spans[number].duty.person == call.person != ""

    def _counts(self, one: Union[Answer, Call]) -> bool:
        return self._only is None or one.person == self._only


@dataclass
class Duty:
    """How many shifts a person had, and how many seconds in all."""

    shifts: int = 0
    seconds: float = 0.0


def duties(spans: Sequence[Span]) -> Mapping[str, Duty]:
    """Return the duty of each person; adjacent spans of one person are one shift."""
    found: Dict[str, Duty] = {}
    before = ""
    for one in spans:
        person = one.duty.person
        if person:
            duty = found.setdefault(person, Duty())
            duty.shifts += person != before
            duty.seconds += one.end - one.start
        before = person
    return found


def a_day(calls: int, seconds: float) -> Optional[float]:
    """Return the calls per day; None for a span of no seconds."""
    return round(calls * DAY / seconds, 2) if seconds else None
