"""The content of messages to people, without any service's markup.

A message is built once, when its notification is enqueued, from the incident's state at that time.
It is plain data: each service's module lays it out in its own way.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple
from urllib.parse import quote as url_quote
from urllib.parse import urlencode

from ..channels import NAMES
from ..durations import span
from ..incidents.model import SEVERITIES
from ..masking import mask
from ..remediation.blamed_cause import blamed_hypothesis, verified_citations
from ..utc import to_the_second
from .events import FOLLOW_UP_OVERDUE, ROOM_OPENED, event_of
from .request_fields import truncated
from .wording import details, happened

__all__ = [
    "HANDOVER",
    "LISTED",
    "PAGE",
    "STANDING",
    "SUMMARY",
    "Message",
    "build",
    "facts",
    "field_facts",
    "fields_of",
    "incident_url",
    "link_words",
    "list_url",
    "listed",
    "one_line",
    "plain",
    "roles_text",
]

# Without a locale: Splunk Web adds the reader's own, as for the ``results_link`` of its own alerts
# ("Use a webhook alert action" in the Alerting Manual).
PAGE = "/app/incident_management/workbench"
TITLE_LENGTH = 200
TEXT_LENGTH = 2000
QUOTE_LENGTH = 700
VALUE_LENGTH = 200
LISTED = 5
# The event of a message about an incident's current state instead of something that happened.
STANDING = "standing"
# The event of a message about many incidents, see :mod:`.announcing.storms`.
SUMMARY = "summary"
# The event of a message that lists the open incidents to those coming on call, see
# :mod:`...shifts`.
HANDOVER = "handover"
_LINKS = {SUMMARY: "Open the incidents", HANDOVER: "Open the report"}

# Events whose headline names the person who caused them.
_DOINGS = (
    "acknowledged", "resolved", "closed", "status", "severity", "assigned", "note", "edited",
    "pinned", "approval", "joined", "split", "escalation", "update", "fields", "task", "role",
    "review", "review_done", "follow_up",
)  # fmt: skip
# Actors that are not a person.
_NOBODY = ("", "incident_management", "incident_monitor")


@dataclass(frozen=True)
class Message:
    """One message. Times are epoch seconds, 0 when unknown.

    ``headline`` says what happened, ``title`` which problem it is about, ``text`` the details of
    this event. ``quote`` is the log line that the likely ``cause`` rests on. ``plan_id`` and
    ``plan_hash`` are those of a proposed fix. ``mention`` is the owner's Slack id, or in a mail
    their address, if this is news for them (a summary has several, separated by commas).
    ``eased``: the severity was lowered. ``opened_as``: the title that its incident was opened
    with, which is the subject of all of its mails. ``next_by``: when the next update was promised.
    ``stakeholders`` names the group that it is for, whose members do not work on the incident.
    ``room`` is the Slack id of the channel that was opened, ``roles`` says who has which role.
    ``follow_up`` is the id of the follow-up that a ticket is for; its ``due`` date, with the
    ``due_day`` that people read, is set where it is news
    (:mod:`.announcing.follow_up_tickets`). ``fields`` are the custom fields that it shows, those
    without a value too: name, label and value.
    """

    event: str
    headline: str
    title: str
    incident_id: str = ""
    severity: str = "info"
    status: str = ""
    text: str = ""
    where: List[str] = field(default_factory=list)
    rules: List[str] = field(default_factory=list)
    since: float = 0.0
    until: float = 0.0
    events: int = 0
    team: str = ""
    owner: str = ""
    cause: str = ""
    quote: str = ""
    url: str = ""
    time: float = 0.0
    plan_id: str = ""
    plan_hash: str = ""
    mention: str = ""
    eased: bool = False
    opened_as: str = ""
    next_by: float = 0.0
    stakeholders: str = ""
    room: str = ""
    fields: List[List[str]] = field(default_factory=list)
    roles: str = ""
    follow_up: str = ""
    due: float = 0.0
    due_day: str = ""

    def to_document(self) -> Dict[str, Any]:
        """Return the message as a JSON object."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Message:
        """Read a message from its document; names that this version does not know are ignored."""
        known = {item.name for item in fields(cls)}
        return cls(**{name: value for name, value in document.items() if name in known})


def incident_url(web_url: str, incident_id: str) -> str:
    """Return an incident's address on the workbench; '' if Splunk Web has no address set."""
    if not web_url or not incident_id:
        return ""
    return f"{web_url.rstrip('/')}{PAGE}?incident={url_quote(incident_id, safe='')}"


def list_url(web_url: str, team: str, with_ended: bool) -> str:
    """Return the address of the workbench's list of a team's incidents, newest first."""
    if not web_url:
        return ""
    chosen = {"sort": "-opened_at", "team": team, "status": "all" if with_ended else ""}
    query = urlencode({name: value for name, value in chosen.items() if value})
    return f"{web_url.rstrip('/')}{PAGE}?{query}"


def link_words(message: Message) -> str:
    """Return the text of a message's link."""
    return _LINKS.get(message.event, "Open the incident")


def build(
    incident: Mapping[str, Any],
    entry: Mapping[str, Any],
    analysis: Optional[Mapping[str, Any]] = None,
    web_url: str = "",
    shown: Sequence[Sequence[str]] = (),
) -> Message:
    """Build the message for one timeline entry.

    Args:
        incident: the incident's document.
        entry: the entry's document.
        analysis: the newest analysis document of the incident, if there is one.
        web_url: base URL of Splunk Web, for the link.
        shown: the custom fields that a message shows, see :func:`fields_of`.
    """
    event = event_of(entry)
    cause, quote = _cause(incident, analysis)
    return Message(
        event=event,
        headline=_headline(event, entry),
        title=one_line(incident.get("title"), TITLE_LENGTH) or str(incident.get("id", "")),
        incident_id=str(incident.get("id", "")),
        severity=str(incident.get("severity") or "info"),
        status=str(incident.get("status") or ""),
        text=plain(details(event, entry, incident, shown), TEXT_LENGTH),
        where=[plain(name, 80) for name in _affected(entry, incident)],
        rules=[plain(name, 80) for name in incident.get("rules") or []],
        since=float(incident.get("first_time") or incident.get("opened_at") or 0.0),
        until=float(incident.get("last_time") or 0.0),
        events=int(incident.get("events") or 0),
        team=plain(incident.get("team"), 80),
        owner=plain((entry["data"] if event == FOLLOW_UP_OVERDUE else incident).get("owner"), 80),
        cause=cause,
        quote=quote,
        url=incident_url(web_url, str(incident.get("id", ""))),
        time=float(entry.get("time") or 0.0),
        plan_id=str(entry["data"].get("plan_id") or "") if event == "plan" else "",
        plan_hash=str(entry["data"].get("plan_hash") or "") if event == "plan" else "",
        eased=event == "severity" and _is_lower(entry["data"]),
        next_by=float(entry["data"].get("next_by") or 0.0),
        room=str(entry["data"]["channel"]) if event == ROOM_OPENED else "",
        fields=fields_of(incident, shown),
        roles=roles_text(incident.get("roles")),
    )


def roles_text(roles: Any) -> str:
    """Return who has which role as text, from an incident's roles or a message's text of them."""
    if isinstance(roles, str):
        return roles
    held = (one for one in roles or () if one["person"])
    return plain("; ".join(f"{one['id']}: {one['person']}" for one in held), 500)


def fields_of(incident: Mapping[str, Any], shown: Iterable[Sequence[str]]) -> List[List[str]]:
    """Return name, label and current value of custom fields; ``shown`` has name and label first."""
    values = incident.get("fields") or {}
    return [
        [name, plain(label, 60), one_line(values.get(name), VALUE_LENGTH)]
        for name, label, *_ in shown
    ]


def field_facts(message: Message) -> List[Tuple[str, str]]:
    """Return label and value of the custom fields that have a value."""
    return [(label, value) for _name, label, value in message.fields if value]


def _affected(entry: Mapping[str, Any], incident: Mapping[str, Any]) -> List[str]:
    said = entry["data"].get("services") if entry["kind"] == "update" else None
    return list(incident.get("entities") or [] if said is None else said)


def _is_lower(data: Mapping[str, Any]) -> bool:
    before, after = data.get("from"), data.get("to")
    known = before in SEVERITIES and after in SEVERITIES
    return known and SEVERITIES.index(str(before)) < SEVERITIES.index(str(after))


def _headline(event: str, entry: Mapping[str, Any]) -> str:
    said, by = happened(event, entry), str(entry.get("actor") or "")
    if event not in _DOINGS or by in _NOBODY:
        return said
    return f"{said} by {NAMES.get(by) or plain(by, 80)}"


def _cause(incident: Mapping[str, Any], analysis: Optional[Mapping[str, Any]]) -> tuple[str, str]:
    """Return the blamed hypothesis, and a verified log line that it rests on."""
    stated = plain(incident.get("cause"), 500)
    top = blamed_hypothesis(analysis)
    if not stated or analysis is None or not top:
        return stated, ""
    cited = [c for c in verified_citations(analysis, top) if c.get("quote")]
    # The symptom tells a reader more than the announcement of the change.
    cited.sort(key=lambda citation: citation.get("kind") == "change")
    quote = _quoted(str(cited[0]["quote"])) if cited else ""
    # The analysis says whether a cause is only suspected; its hypothesis does not.
    return plain(analysis.get("cause") or top.get("cause"), 500), quote


def _quoted(text: str) -> str:
    masked = mask(text)
    return truncated("".join(c for c in masked if c in "\n\t" or c.isprintable()), QUOTE_LENGTH)


def plain(value: Any, length: int) -> str:
    """Return text from outside as shown to people: masked, printable, at most ``length`` long."""
    text = mask(str(value or ""), emails=False)
    text = "".join(c if c == "\n" or c.isprintable() else " " for c in text)
    return truncated(text.strip(), length)


def one_line(value: Any, length: int) -> str:
    """Return text as :func:`plain` does, on one line."""
    return plain(" ".join(str(value or "").split()), length)


def facts(message: Message) -> List[tuple[str, str]]:
    """Return the facts of an incident as labels and values, for services that only show text."""
    found = []
    if message.where:
        found.append(("Affected" if message.stakeholders else "Where", listed(message.where)))
    if message.since:
        since = to_the_second(message.since)
        if message.event == "resolved" and message.time > message.since:
            since += f" (for {span(message.time - message.since)})"
        found.append(("Since", since))
    if message.next_by:
        found.append(("Next update by", to_the_second(message.next_by)))
    if message.events:
        found.append(("Events", f"{message.events:,}"))
    if message.incident_id and message.stakeholders:
        found.append(("Incident", message.incident_id))
    elif message.incident_id:
        people = " · ".join(part for part in (message.team, message.owner) if part)
        found.append(("Team · owner", people or "unassigned"))
        found += [("Roles", message.roles)] if message.roles else []
        found.append(("Incident", message.incident_id))
    if message.rules:
        found.append(("Found by", listed(message.rules)))
    return found + field_facts(message)


def listed(names: List[str]) -> str:
    """Return the first names of a list, and how many more there are."""
    shown = ", ".join(names[:LISTED])
    return shown if len(names) <= LISTED else f"{shown} and {len(names) - LISTED} more"
