"""The handover report: its sections, made by code of what was read. Pure.

A line is about one incident most often, and says in short sentences what is to be known of it. All
texts are without secrets, and mean nothing but themselves: who lays them out escapes them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Mapping, Sequence, Tuple

from ..channels import NAMES
from ..durations import span
from ..incidents.canonical import milliseconds
from ..incidents.clocks.windows import Window
from ..incidents.model import SEVERITIES
from ..incidents.patterns import matches
from ..incidents.review.document import NO_PROBLEM
from ..incidents.routing import Routing
from ..notify.message import SUMMARY, one_line
from ..notify.services.webhook import PREFIX
from ..ports import Document, Stores
from ..remediation.freeze import Freeze
from .facts import LATE_SECONDS, LISTED, WAITING, Facts, read_facts
from .open_points import TEXT, TITLE, Point, open_points_of
from .shift import DAY, Shift

__all__ = ["Line", "Report", "Section", "report_of"]

TITLE_LENGTH = 200
BY_HAND = "opened by hand"
_FEEDBACK = {"false_positive": "a false alarm", "duplicate": "a duplicate"}


@dataclass(frozen=True)
class Line:
    """``incident_id``, if it is about one (of several the newest), with what lists show of it."""

    title: str
    says: Sequence[Point] = ()
    incident_id: str = ""
    severity: str = ""
    status: str = ""
    owner: str = ""

    def to_document(self) -> Document:
        return {**vars(self), "says": [one.to_document() for one in self.says]}


@dataclass(frozen=True)
class Section:
    """``total`` counts what there is, of which ``lines`` has the first."""

    name: str
    title: str
    lines: Sequence[Line]
    total: int

    def to_document(self) -> Document:
        return {**vars(self), "lines": [one.to_document() for one in self.lines]}


@dataclass(frozen=True)
class Report:
    """``counts`` by name: open ones, and what happened in the span; ``cut``: there was more."""

    shift: Shift
    counts: Mapping[str, int]
    sections: Sequence[Section]
    by_severity: Mapping[str, int]
    cut: bool = False

    def to_document(self) -> Document:
        """As the API shows it."""
        return {
            **vars(self.shift),
            "counts": dict(self.counts),
            "open_by_severity": dict(self.by_severity),
            "truncated": self.cut,
            "sections": [one.to_document() for one in self.sections],
        }


def report_of(stores: Stores, routing: Routing, shift: Shift) -> Report:
    """Read and make the report of a shift; ``routing`` has the covers, see ``with_covers``."""
    facts = read_facts(stores, shift)
    since = shift.since
    everything = [*facts.open, *facts.ended]
    opened = [one for one in everything if float(one.get("opened_at") or 0.0) >= since]
    counts = {
        "open": len(facts.open),
        "nobody_has": sum(1 for one in facts.open if not one.get("owner")),
        "opened": len(opened),
        "solved": sum(1 for one in facts.ended if not one.get("merged_into")),
        "noise": sum(1 for one in facts.ended if one.get("feedback") in NO_PROBLEM),
    }
    by_severity = Counter(str(one.get("severity")) for one in facts.open)
    # What is still to be done comes before what is over.
    sections = (
        _section("open", "Open", _open(facts, routing), len(facts.open)),
        _section("undelivered", "Not delivered", _undelivered(facts)),
        _section("soon", "Freezes, windows and covers", _soon(facts, routing)),
        _section("follow_ups", "Follow-ups", _follow_ups(facts)),
        _section("solved", "Over", _over(facts), len(facts.ended)),
        _section("calls", "What called people", _calls(facts, opened)),
    )
    ordered = {name: by_severity[name] for name in SEVERITIES if by_severity[name]}
    return Report(shift, counts, sections, ordered, facts.cut)


def _section(name: str, title: str, lines: Sequence[Line], total: int = -1) -> Section:
    return Section(name, title, lines[:LISTED], len(lines) if total < 0 else total)


def _open(facts: Facts, routing: Routing) -> List[Line]:
    return [
        _line(one, _opened(one, facts.shift), *open_points_of(facts, routing, one))
        for one in _details(facts, facts.open)
    ]


def _opened(document: Mapping[str, Any], shift: Shift) -> Point:
    opened = float(document.get("opened_at") or 0.0)
    return Point("New, opened" if opened >= shift.since else "Opened", opened)


def _over(facts: Facts) -> List[Line]:
    return [_line(one, *_solved(one)) for one in _details(facts, facts.ended)]


def _details(facts: Facts, documents: Sequence[Document]) -> Iterator[Document]:
    """The first of these, whole; one may have been deleted in between."""
    first = (facts.details.get(str(one["_key"])) for one in documents[:LISTED])
    return (one for one in first if one is not None)


def _line(document: Mapping[str, Any], *says: Point) -> Line:
    return Line(
        one_line(document.get("title"), TITLE_LENGTH) or str(document["_key"]),
        says,
        str(document["_key"]),
        str(document.get("severity") or SEVERITIES[-1]),
        str(document.get("status") or ""),
        one_line(document.get("owner"), 80),
    )


def _solved(document: Mapping[str, Any]) -> Iterator[Point]:
    """How one ended: by what, after how long, and what of it was no problem."""
    if document.get("merged_into"):
        yield Point(f"Merged into {document['merged_into']} at", float(document["resolved_at"]))
        return
    took = float(document["resolved_at"]) - float(document.get("opened_at") or 0.0)
    yield Point(f"Open for {span(took)}, over at", float(document["resolved_at"]))
    resolution, cause = (one_line(document.get(name), TEXT) for name in ("resolution", "cause"))
    judged = _FEEDBACK.get(str(document.get("feedback")))
    if resolution or not judged:
        yield Point(resolution or "Nobody wrote down how it was solved")
    if cause:
        yield Point(f"Cause: {cause}")
    if judged:
        yield Point(f"It was judged to be {judged}")


def _calls(facts: Facts, opened: Sequence[Document]) -> List[Line]:
    """For each detection: how many incidents it opened, whom that called, what was no problem."""
    rules = {str(one["_key"]): _rule(one) for one in (*facts.open, *facts.ended)}
    messages: Dict[str, Counter[str]] = {}
    latest = sorted(opened, key=lambda one: float(one["opened_at"]))
    newest = {_rule(one): str(one["_key"]) for one in latest}
    for one in facts.calls:
        is_summary = one["event"] == SUMMARY
        rule = "summaries" if is_summary else rules.get(str(one["incident_id"]), "others")
        messages.setdefault(rule, Counter())[_channel(str(one["channel"]))] += 1
        if not is_summary:
            newest.setdefault(rule, str(one["incident_id"]))
    incidents = Counter(map(_rule, opened))
    noise = Counter(_rule(one) for one in opened if one.get("feedback") in NO_PROBLEM)
    names = sorted({*messages, *incidents}, key=lambda name: (-incidents[name], name))
    return [
        Line(
            one_line(name, TITLE),
            tuple(_called(incidents[name], noise[name], messages.get(name, Counter()))),
            newest.get(name, ""),
        )
        for name in names
    ]


def _rule(document: Mapping[str, Any]) -> str:
    return str((document.get("rules") or [BY_HAND])[0])


def _called(incidents: int, noise: int, messages: Counter[str]) -> Iterator[Point]:
    if incidents:
        judged = f", {noise:,} of them noise" if noise else ""
        yield Point(f"{incidents:,} incident{'s' * (incidents != 1)}{judged}")
    by = ", ".join(f"{count:,} by {name}" for name, count in sorted(messages.items()))
    yield Point(f"Messages that asked somebody to act: {by}" if by else "Nobody was called")


def _channel(name: str) -> str:
    return "Webhook" if name.startswith(PREFIX) else NAMES.get(name) or one_line(name, 80)


def _soon(facts: Facts, routing: Routing) -> List[Line]:
    """Freezes in force, and what begins or ends to be frozen, held back or covered for in a day."""
    found: List[Tuple[float, Line]] = []
    for one in facts.suppressions:
        aims = {"rule": one.rule, "entity": one.entity, "tag": one.tag}
        found += _window(one, one.kind.capitalize(), aims, facts.shift)
    for freeze in facts.freezes:
        if matches(facts.shift.team, freeze.team):
            aims = {"service": freeze.service, "tag": freeze.tag}
            found += _window(freeze, "Change freeze", aims, facts.shift)
    for cover in routing.on_call.covers(facts.shift.rota):
        whom = cover.instead_of or "whoever is on call"
        title = f"{cover.person} covers for {whom}"
        for words, moment in (("Begins", cover.starts_at), ("Ends", cover.ends_at)):
            if facts.shift.until < moment <= facts.shift.until + DAY:
                found.append((moment, Line(one_line(title, TITLE), (Point(words, moment),))))
    return [line for _, line in sorted(found, key=lambda pair: pair[0])]


def _window(
    one: Window, kind: str, aims: Mapping[str, str], shift: Shift
) -> Iterator[Tuple[float, Line]]:
    aimed = ", ".join(f"{name} {pattern}" for name, pattern in aims.items() if pattern != "*")
    title = one_line(f"{kind} of {aimed or 'everything'}: {one.reason}", TITLE)
    changes = one.changes(shift.until, shift.until + DAY)
    for moment in changes:
        words = "Begins" if one.in_force(moment) else "Ends"
        yield moment, Line(title, (Point(words, milliseconds(moment)),))
    # Of what is held back for longer the incidents tell.
    if isinstance(one, Freeze) and not changes and one.in_force(shift.until):
        end = milliseconds(one.next_end(shift.until))
        words = "In force until" if end else "In force, without an end"
        yield shift.until, Line(title, (Point(words, end),))


def _follow_ups(facts: Facts) -> List[Line]:
    return [
        Line(
            one_line(one["title"], TITLE_LENGTH),
            (Point("Overdue since" if one["due"] <= facts.shift.until else "Due", one["due"]),),
            one["incident_id"],
            str(one["severity"] or ""),
            owner=one_line(one["owner"], 80),
        )
        for one in facts.follow_ups
    ]


def _undelivered(facts: Facts) -> List[Line]:
    by_channel: Dict[str, List[Document]] = {}
    for one in facts.undelivered:
        by_channel.setdefault(_channel(str(one["channel"])), []).append(one)
    return [Line(name, tuple(_in_trouble(some))) for name, some in sorted(by_channel.items())]


def _in_trouble(messages: Sequence[Mapping[str, Any]]) -> Iterator[Point]:
    waiting = sum(1 for one in messages if one["state"] in WAITING)
    lost = len(messages) - waiting
    if lost:
        yield Point(f"{lost:,} message{'s' * (lost != 1)} not delivered, or not for certain")
    if waiting:
        yield Point(f"{waiting:,} waiting for more than {span(LATE_SECONDS)}")
