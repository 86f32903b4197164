"""Send a short handover report to each person who comes on call, if the team has asked for it.

The message's key is made of the team, the rota, the moment, the person and the channel. So it is
enqueued once, even if a worker is killed or two work at once. It goes to the person: by a mention
in the team's Slack channel, or to their own e-mail address. It has no notes, causes or log lines.
"""

from __future__ import annotations

from typing import Callable, Dict, Iterator, List, NamedTuple
from urllib.parse import urlencode

from ..channels import NAMES
from ..incidents.model import SEVERITIES
from ..incidents.routing import Member, Routing, Team
from ..notify.delivery.notification import NewNotification, notification_id
from ..notify.delivery.outbox import Outbox
from ..notify.message import HANDOVER, PAGE, Message, one_line, plain
from ..ports import Clock, Stores
from .markdown import counted
from .report import Line, Report, report_of
from .shift import shift_of

__all__ = ["HandoverNotifier", "page_url"]

# A worker that starts does not notify people whose shift began earlier than this.
NOTIFY_WITHIN = 3600.0
# Incidents that a message lists in each section; its link leads to the rest.
NAMED = 8
TITLE = 100
TEXT = 2000


class _Recipient(NamedTuple):
    """A person who came on call for a team, and the channel for the report.

    ``began``: when, in epoch seconds. ``address``: theirs there; blank: none is known.
    """

    team: str
    rota: str
    began: float
    person: str
    channel: str
    address: str

    @property
    def source(self) -> str:
        # A name may contain anything but a line end.
        return "\n".join((HANDOVER, self.team, self.rota, f"{self.began:.3f}", self.person))

    @property
    def key(self) -> str:
        return notification_id(self.source, self.channel, "")


class HandoverNotifier:
    """Enqueues the messages; a later round, or another process, repeats none.

    ``trouble`` is called with a name and a sentence for each person without an address.
    """

    def __init__(
        self, stores: Stores, clock: Clock, outbox: Outbox, trouble: Callable[[str, str], None]
    ) -> None:
        self._stores = stores
        self._clock = clock
        self._outbox = outbox
        self._trouble = trouble
        self._seen: List[_Recipient] = []
        self._on_call: Dict[str, str] = {}

    def notify(self, routing: Routing, web_url: str) -> Dict[str, int]:
        """Enqueue the due reports; ``routing`` must have the covers, see ``with_covers``."""
        now, added = self._clock.now(), 0
        on_call: Dict[str, str] = {}
        recipients: List[_Recipient] = []
        for team in routing.teams.values():
            if not team.handover_report or team.rota not in routing.rotas:
                continue
            person = on_call[team.name] = routing.on_call.at(team.rota, now).person
            began = routing.on_call.since(team.rota, now)
            # After a change of settings, the new person counts as on call since long ago.
            is_other = self._on_call.get(team.name, person) != person
            if person and (is_other or 0 <= now - began < NOTIFY_WITHIN):
                recipients += _recipients(routing, team, person, began)
        for recipient in recipients:
            added += recipient not in self._seen and self._notify(routing, recipient, web_url)
        # Only after all reports were queued without an error.
        self._seen, self._on_call = recipients, on_call
        return {"handover_reports": added}

    def _notify(self, routing: Routing, recipient: _Recipient, web_url: str) -> bool:
        if not recipient.address:
            self._trouble(
                f"handover of {recipient.team} by {recipient.channel}", _missing_address(recipient)
            )
            return False
        if self._stores.outbox.get(recipient.key) is not None:
            return False  # Queued by another process, or an earlier one.
        shift = shift_of(routing, recipient.team, self._clock.now())
        message = _message(report_of(self._stores, routing, shift), web_url).to_document()
        is_mail = recipient.channel == "email"
        notification = NewNotification(
            source=recipient.source,
            channel=recipient.channel,
            event=HANDOVER,
            message={**message, "mention": recipient.address},
            target=recipient.address
            if is_mail
            else routing.target(recipient.team, recipient.channel),
        )
        return self._outbox.enqueue(notification)


def page_url(web_url: str, team: str) -> str:
    """Return the address of a team's report; empty if the address of Splunk Web is not set."""
    query = urlencode({"view": HANDOVER, "team": team})
    return f"{web_url.rstrip('/')}{PAGE}?{query}" if web_url else ""


def _recipients(routing: Routing, team: Team, person: str, began: float) -> Iterator[_Recipient]:
    known = routing.members.get(person, Member(person))
    for channel in team.handover_report:
        yield _Recipient(team.name, team.rota, began, person, channel, known.known_as(channel))


def _missing_address(recipient: _Recipient) -> str:
    what = {"slack": "Slack ID", "email": "e-mail address"}[recipient.channel]
    return (
        f"{recipient.person} is on call for {recipient.team} but got no handover report by "
        f"{NAMES[recipient.channel]}. Set the {what} under Configuration > People."
    )


def _message(report: Report, web_url: str) -> Message:
    shift = report.shift
    lines = [
        f"{shift.time_text(shift.since)} to {shift.time_text(shift.until)}: {counted(report)}.",
        *_named(report),
    ]
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
    """Yield lines for the first open and the first ended incidents."""
    for section in report.sections:
        if section.name in ("open", "solved") and section.lines:
            yield f"\n{section.title}:"
            yield from map(_in_short, section.lines[:NAMED])
            if section.total > NAMED:
                yield f"{section.total - NAMED:,} more"


def _in_short(line: Line) -> str:
    facts = ", ".join(one for one in (line.severity, line.status, line.owner or "no owner") if one)
    return f"{line.incident_id} {one_line(line.title, TITLE)} ({facts.replace('_', ' ')})"
