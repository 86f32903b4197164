"""Tells stakeholders: what a person wrote for them, and that an incident began or ended.

They do not work on it, and some are not even of the company. So what they get is a message of its
own: what is affected, since when, what a person wrote, and when they hear next. No log line, no
cause, no rule, no name of who has it, no link into Splunk and no button; and the title only where a
person wrote it, because a detection may put a piece of a log line into it.

Who was told of an incident goes on to hear of it: after its severity has changed, and, when it was
merged into another, what is written there.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Callable, List, Mapping, Optional, Sequence, Set

from ..incidents.canonical import digest
from ..incidents.model import Entry
from ..incidents.routing import Routing, Stakeholders
from ..incidents.stores import find_by
from ..incidents.updates import STATES
from ..ports import Stores
from .events import HEADLINES, event_of
from .message import TEXT_LENGTH, TITLE_LENGTH, Message, listed, one_line, plain

__all__ = ["SUBSCRIBERS", "Telling", "hearing_of", "message_for", "told_before", "wish_of"]

# The group of whoever has subscribed to updates by a webhook.
SUBSCRIBERS = "subscribers"
NAME_LENGTH = 80
# Of what a group that wants to hear of openings, or of ends, does: the event of it.
_WISHES = {"opened": "opened", "reopened": "opened", "severity": "opened", "resolved": "resolved"}

# Takes a channel, a place there, what makes it another notification of the entry, and the message;
# tells whether it is new.
Enqueue = Callable[[str, str, str, Message], bool]


def hearing_of(group: Stakeholders) -> str:
    """Return what a group's wishes are kept under, as those of a channel are."""
    return f"stakeholders:{group.name}"


def wish_of(group: Stakeholders) -> str:
    """Return a mark of all that a group wants; with another, it hears of what happens since."""
    return digest(asdict(group), 16)


class Telling:
    """Tells of one incident's entries; ``incident`` is its document, ``entries`` its timeline."""

    def __init__(
        self,
        stores: Stores,
        routing: Routing,
        incident: Mapping[str, Any],
        entries: Sequence[Entry],
    ) -> None:
        self._stores = stores
        self._groups = routing.stakeholders
        self._incident = incident
        self._entries = entries
        self._told: Optional[Set[str]] = None
        self._kin: Optional[List[Mapping[str, Any]]] = None

    def tell(
        self,
        entry: Entry,
        hears: Callable[[Stakeholders], bool],
        own: Mapping[str, str],
        enqueue: Enqueue,
    ) -> int:
        """Put an entry's messages on the outbox; returns how many are new.

        Args:
            hears: whether a group was there, with what it wants now, before the entry.
            own: where those who work on the incident are told of the entry, by channel: nobody is
                told twice in one place.
        """
        added = 0
        mailed = set(own.get("email", "").split(","))
        for group in self._groups:
            if not (self._wants(group, entry) and hears(group)):
                continue
            message = message_for(group.name, self._incident, self._entries, entry)
            self._told_before().add(group.name)
            for channel, place in group.places:
                if channel == "email":
                    left = [one for one in place.split(",") if one not in mailed]
                    mailed.update(left)
                    place, key = ",".join(left), group.name
                    is_there = not left
                else:
                    key, is_there = place, own.get(channel) == place
                if not is_there:
                    added += enqueue(channel, place, f"stakeholders/{key}", message)
        return added

    def _wants(self, group: Stakeholders, entry: Entry) -> bool:
        event = event_of(entry.to_document())
        if event == "update":
            return self._is_for(group) or group.name in self._told_before()
        # A merge ends nothing for people: the other incident goes on.
        is_told = entry.kind in ("opened", "status", "severity")
        if not is_told or _WISHES.get(event) not in group.events:
            return False
        if event == "severity":
            # It has become one that they want to hear of.
            return self._is_for(group) and group.name not in self._told_before()
        return self._is_for(group) or (event != "opened" and group.name in self._told_before())

    def _is_for(self, group: Stakeholders) -> bool:
        """Whether it is for this incident, or for the one that has taken it over."""
        if self._kin is None:
            into = str(self._incident.get("merged_into") or "")
            over = self._stores.incidents.get(into) if into else None
            self._kin = [self._incident, *([over] if over else [])]
        return any(
            group.fits(str(one.get("severity") or ""), str(one.get("team") or ""))
            for one in self._kin
        )

    def _told_before(self) -> Set[str]:
        """The groups that were told of the incident, or of one that it is one with now."""
        if self._told is None:
            self._told = told_before(self._stores, self._incident)
        return self._told


def told_before(stores: Stores, incident: Mapping[str, Any]) -> Set[str]:
    """Return the groups that were told of an incident, or of one that it is one with now."""
    into = str(incident.get("merged_into") or "")
    keys = [str(incident["id"]), *(incident.get("merged") or ()), *([into] if into else [])]
    found = find_by(stores.outbox, "incident_id", keys, fields=("stakeholders",))
    return {str(one["stakeholders"]) for one in found if one.get("stakeholders")}


def message_for(
    group: str, incident: Mapping[str, Any], entries: Sequence[Entry], entry: Entry
) -> Message:
    """Return what a group gets of an entry; ``incident`` is the incident's document."""
    event = event_of(entry.to_document())
    event = "opened" if event == "severity" else event
    is_update = event == "update"
    services = entry.data.get("services") if is_update else incident.get("entities")
    opened_as = _opened_as(entries)
    return Message(
        event=event,
        headline=_headline(event, str(entry.data.get("state") or "")),
        title=_corrected(entries) or opened_as,
        incident_id=str(incident.get("id") or ""),
        severity=str(incident.get("severity") or "info"),
        status=str(incident.get("status") or ""),
        text=plain(entry.data.get("text"), TEXT_LENGTH) if is_update else "",
        where=[plain(name, NAME_LENGTH) for name in services or []],
        since=float(incident.get("first_time") or incident.get("opened_at") or 0.0),
        time=entry.time,
        opened_as=opened_as,
        next_by=float(entry.data.get("next_by") or 0.0) if is_update else 0.0,
        stakeholders=group,
    )


def _headline(event: str, state: str) -> str:
    if event == "update":
        return state.capitalize() if state in STATES else "Update"
    return HEADLINES[event]


def _opened_as(entries: Sequence[Entry]) -> str:
    """The title that it was opened with, by a person; else what it is about.

    It is the subject of all of its mails, and so never changes.
    """
    opened = next((one.data for one in entries if one.kind == "opened"), {})
    by_hand = not (opened.get("rule") or opened.get("signals") or opened.get("split_from"))
    if by_hand and opened.get("title"):
        return one_line(opened["title"], TITLE_LENGTH)
    names = [plain(name, NAME_LENGTH) for name in opened.get("entities") or []]
    return one_line(f"Problem with {listed(names) or 'a service'}", TITLE_LENGTH)


def _corrected(entries: Sequence[Entry]) -> str:
    """The title that a person gave it last; empty: nobody has."""
    titles = (one.data["title"] for one in reversed(entries) if _is_titled(one))
    return one_line(next(titles, ""), TITLE_LENGTH)


def _is_titled(entry: Entry) -> bool:
    return entry.kind == "edited" and bool(entry.data.get("title"))
