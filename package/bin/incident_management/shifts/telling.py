"""Tells whoever comes on call what is open, once for each change of shift, where the team asks.

The key of the message is made of the team, the rota, the moment, the person and the channel, and
the first that puts it on the outbox has told it: of workers that are killed, or work at once, too.
It is told where the app reaches one person: by name in the team's channel in Slack, at their own
e-mail address. No note, cause or log line is in it.
"""

from __future__ import annotations

from typing import Callable, Dict, Iterator, List, NamedTuple, Set
from urllib.parse import urlencode

from ..channels import NAMES
from ..incidents.model import SEVERITIES
from ..incidents.routing import Member, Routing, Team
from ..notify.delivery.notification import NewNotification, notification_id
from ..notify.delivery.outbox import Outbox
from ..notify.message import HANDOVER, PAGE, Message, one_line, plain
from ..ports import Clock, Stores
from ..utc import to_the_minute as utc
from .markdown import counted
from .report import Line, Report, report_of
from .span import shift_of

__all__ = ["Handovers", "page_url"]

# Who began earlier than this knows by now, as after an outage of the worker.
TOLD_WITHIN = 3600.0
# The incidents of a kind that a message names; its link leads to the rest.
NAMED = 8
TITLE = 100
TEXT = 2000


class _Change(NamedTuple):
    """Somebody came on call for a team, at a moment in epoch seconds."""

    team: Team
    person: str
    began: float

    def key(self, channel: str) -> str:
        return notification_id(self.source, channel, "")

    @property
    def source(self) -> str:
        return f"handover:{self.team.name}:{self.team.rota}:{self.began:.3f}:{self.person}"


class Handovers:
    """Puts the messages on the outbox; a later turn, or another process, repeats nothing.

    ``trouble`` is called with a name and a sentence for whom can't be reached as their team asks.
    """

    def __init__(
        self, stores: Stores, clock: Clock, outbox: Outbox, trouble: Callable[[str, str], None]
    ) -> None:
        self._stores = stores
        self._clock = clock
        self._outbox = outbox
        self._trouble = trouble
        self._told: Set[str] = set()

    def tell(self, routing: Routing, web_url: str) -> Dict[str, int]:
        """Tell what is due; ``routing`` with the covers, see ``as_agreed``."""
        added, current = 0, set()
        for change in _changes(routing, self._clock.now()):
            channels = self._reachable(routing, change)
            keys = {change.key(channel) for channel in channels}
            if not keys <= self._told:
                added += self._tell(routing, change, channels, web_url)
            current |= keys
        self._told = current
        return {"handover_reports": added}

    def _reachable(self, routing: Routing, change: _Change) -> List[str]:
        person = routing.members.get(change.person, Member(change.person))
        found = [one for one in change.team.handover_report if person.known_as(one)]
        for channel in change.team.handover_report:
            if channel not in found:
                self._trouble(f"handover of {change.team.name}", _unknown(change, channel))
        return found

    def _tell(self, routing: Routing, change: _Change, channels: List[str], web_url: str) -> int:
        there = (self._stores.outbox.get(change.key(channel)) for channel in channels)
        if all(one is not None for one in there):
            return 0  # By another process, or before this one began.
        shift = shift_of(routing, change.team.name, self._clock.now())
        message = _message(report_of(self._stores, routing, shift), web_url).to_document()
        added = 0
        for channel in channels:
            mention = routing.members[change.person].known_as(channel)
            notification = NewNotification(
                source=change.source,
                channel=channel,
                event=HANDOVER,
                message={**message, "mention": mention},
                target=routing.target(change.team.name, channel) if channel == "slack" else mention,
            )
            added += self._outbox.enqueue(notification)
        return added


def page_url(web_url: str, team: str) -> str:
    """Return the address of a team's report; empty where Splunk Web has none set."""
    query = urlencode({"view": HANDOVER, "team": team})
    return f"{web_url.rstrip('/')}{PAGE}?{query}" if web_url else ""


def _changes(routing: Routing, now: float) -> Iterator[_Change]:
    """Who came on call within the hour, of the teams that want that told."""
    for team in routing.teams.values():
        if team.handover_report and team.rota in routing.rotas:
            person = routing.on_call.at(team.rota, now).person
            began = routing.on_call.since(team.rota, now)
            if person and 0 <= now - began < TOLD_WITHIN:
                yield _Change(team, person, began)


def _unknown(change: _Change, channel: str) -> str:
    what = {"slack": "Slack ID", "email": "e-mail address"}[channel]
    return (
        f"{change.person} came on call for {change.team.name} and was not told what is open by "
        f"{NAMES[channel]}: set the {what} under Configuration > People."
    )


def _message(report: Report, web_url: str) -> Message:
    shift = report.shift
    lines = [f"{utc(shift.since)} to {utc(shift.until)}: {counted(report)}.", *_named(report)]
    return Message(
        event=HANDOVER,
        headline=one_line(f"You are on call for {shift.team}", TITLE),
        title=one_line(f"Handover of {shift.team}", TITLE),
        severity=next((name for name in SEVERITIES if name in report.by_severity), "info"),
        text=plain("\n".join(lines), TEXT),
        team=one_line(shift.team, 80),
        url=page_url(web_url, shift.team),
        time=shift.until,
    )


def _named(report: Report) -> Iterator[str]:
    """The first incidents that are open, and those that are over; of each what lists show."""
    for section in report.sections:
        if section.name in ("open", "solved") and section.lines:
            yield f"\n{section.title}:"
            yield from map(_in_short, section.lines[:NAMED])
            if section.total > NAMED:
                yield f"{section.total - NAMED:,} more"


def _in_short(line: Line) -> str:
    facts = ", ".join(one for one in (line.severity, line.status, line.owner or "nobody") if one)
    return f"{line.incident_id} {one_line(line.title, TITLE)} ({facts.replace('_', ' ')})"
