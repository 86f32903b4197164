"""The on-call load report: the load of a team, or of one person in it.

It uses stored messages, entries, incidents and the rota; nothing is collected for it. Its cost
grows only with the calls: three reads a week, and two for each 2,000 incidents.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, List, Mapping, Optional, Sequence

from ...incidents.routing import Routing, Team
from ...notify.message import one_line
from ...ports import Document, Stores
from ..report import BY_HAND
from ..shift import DAY, zone_of
from .calls import Calls
from .figures import Answered, Counts, Duty, Rule, Tally, a_day, duties
from .reading import read_messages, stories

__all__ = ["SPANS", "Calming", "Load", "load_of"]

SPANS = (7, 28, 90)
"""The possible spans of a report, in days up to now."""
LISTED = 10
"""The number of detections listed, those with the most calls."""
TITLE = 120

Calming = Callable[[Sequence[str]], Mapping[str, str]]
"""Returns, by detection name, a sentence on the setting that would have reduced its calls."""


@dataclass(frozen=True)
class Load:
    """The report. ``only``: the one person it is about; empty: the whole team.

    ``people`` are those who were on call or called, the most called first; ``cut``: there were more
    calls than are read.
    """

    team: str
    rota: str
    time_zone: str
    since: float
    until: float
    only: str
    cut: bool
    totals: Mapping[str, Any]
    people: Sequence[Mapping[str, Any]]
    detections: Sequence[Mapping[str, Any]]

    @property
    def evenness(self) -> Optional[Document]:
        """The person who was called most, with their shares of the named calls and of the hours.

        None if nobody was called by name, or if the report is about one person.
        """
        named = [one for one in self.people if one["person"] and one["calls"]]
        if self.only or not named:
            return None
        hours = sum(float(one["hours"]) for one in self.people)
        most = named[0]
        return {
            "person": most["person"],
            "calls_share": round(most["calls"] / sum(int(one["calls"]) for one in named), 3),
            "hours_share": round(most["hours"] / hours, 3) if hours else None,
            "called": len(named),
        }

    def to_document(self) -> Document:
        """Return the report as the API shows it."""
        told = {name: value for name, value in vars(self).items() if name not in ("only", "cut")}
        own: Document = {"whose": self.only, "truncated": self.cut, "evenness": self.evenness}
        return {**told, **own}


def load_of(
    stores: Stores,
    routing: Routing,
    team: str,
    days: int,
    now: float,
    calming: Calming,
    only: str = "",
) -> Load:
    """Return the report; ``routing`` must have the covers of the span, see ``with_covers``."""
    messages = read_messages(stores, routing, team, now - days * DAY, now)
    zone_name, zone = zone_of(routing, team)
    rota = routing.teams.get(team, Team(team)).rota
    known = rota in routing.rotas
    spans = routing.on_call.spans(rota, messages.since, now) if known else []
    tally, calls = Tally(zone, spans, only or None), Calls()
    for story in stories(stores, messages):
        tally.add(*calls.of(story))
    had = {name: duty for name, duty in duties(spans).items() if only in ("", name)}
    whole = {"calls_a_day": a_day(tally.all.calls, now - messages.since)}
    return Load(
        team,
        rota if known else "",
        zone_name,
        messages.since,
        now,
        only,
        messages.cut,
        {**tally.all.to_document(), **whole, **tally.all_answers.to_document()},
        _people(tally, had),
        _detections(tally.rules, calming),
    )


def _people(tally: Tally, had: Mapping[str, Duty]) -> List[Document]:
    found = [
        _person(
            name,
            had.get(name, Duty()),
            tally.people.get(name, Counts()),
            tally.answers.get(name, Answered()),
        )
        for name in {*tally.people, *had}
    ]
    return sorted(found, key=lambda one: (-one["calls"], -one["hours"], one["person"]))


def _person(name: str, duty: Duty, counts: Counts, answered: Answered) -> Document:
    return {
        "person": name,
        "shifts": duty.shifts,
        "hours": round(duty.seconds / 3600.0, 1),
        **counts.to_document(),
        "calls_a_day": a_day(counts.on_duty, duty.seconds),
        **answered.to_document(),
    }


def _detections(rules: Mapping[str, Rule], calming: Calming) -> List[Document]:
    most = sorted(rules.items(), key=lambda item: (-item[1].counts.calls, item[0]))[:LISTED]
    named = [name for name, _rule in most if name]
    calm = calming(named) if named else {}
    return [
        {
            "name": one_line(name, TITLE) or BY_HAND,
            **_of_rule(rule.counts),
            "incident_id": rule.newest[1],
            "calmed_by": calm.get(name, ""),
        }
        for name, rule in most
    ]


def _of_rule(counts: Counts) -> Document:
    told = ("calls", "night_calls", "judged", "noise")
    return {name: value for name, value in counts.to_document().items() if name in told}
