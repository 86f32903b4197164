"""Tells stakeholders: what a person wrote for them, and that an incident began or ended.

They do not work on it, and some are not even of the company. So what they get is a message of its
own: what is affected, since when, what a person wrote, and when they hear next. No log line, no
cause, no rule, no name of who has it, no link into Splunk and no button; and the title only where a
person wrote it, because a detection may put a piece of a log line into it.

Who was told of an incident goes on to hear of it: after its severity or team has changed, and, when
it was merged into another, what is written there.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import (
    Any,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Set,
    Tuple,
)

from ...incidents.canonical import digest
from ...incidents.clocks.lives import steps_of
from ...incidents.clocks.promised_updates import STATES
from ...incidents.fold import effective
from ...incidents.model import Entry
from ...incidents.routing import Routing, Stakeholders
from ...incidents.signal import SIMULATED, TEST_MARK
from ...incidents.stores import find_by
from ...masking import mask
from ...ports import Document, Stores
from ..events import HEADLINES, event_of
from ..message import TEXT_LENGTH, TITLE_LENGTH, Message, fields_of, listed, one_line, plain

__all__ = [
    "SUBSCRIBERS",
    "StakeholderMessage",
    "StakeholderMessages",
    "audience_key",
    "fingerprint_of",
    "hearing",
    "message_for",
]

# The group of whoever has subscribed to updates by a webhook.
SUBSCRIBERS = "subscribers"
NAME_LENGTH = 80
# What a group has to want that is to hear of these.
_WISHES = {"reopened": "opened", "resolved": "resolved"}
# The most incidents that are looked at because they are one by now.
MAX_RELATED = 500


class StakeholderMessage(NamedTuple):
    """A message for a place on a channel; ``key``: what makes it another one of its entry's."""

    channel: str
    place: str
    key: str
    message: Message


@dataclass(frozen=True)
class Standing:
    """What of an incident says who it is for: ``team`` is the one that it belongs to.

    That is not the one that an escalation brings to help. ``merged_into`` may be empty; ``merged``
    are those that were merged into it.
    """

    severity: str
    team: str
    merged_into: str
    merged: Tuple[str, ...]


def audience_key(group: Stakeholders) -> str:
    """Return what a group's wishes are kept under, as those of a channel are."""
    return f"stakeholders:{group.name}"


def fingerprint_of(group: Stakeholders) -> str:
    """Return a mark of all that a group wants; with another, it hears of what happens since."""
    return digest(asdict(group), 16)


class StakeholderMessages:
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
        self._shown = routing.fields.shown_in("stakeholders")
        self._incident = incident
        self._entries = entries
        self._known: Dict[str, Standing] = {}
        # Since when a group was told of it: by this, and, once that is read, before.
        self._now: Dict[str, float] = {}
        self._before: Dict[str, Dict[str, float]] = {}

    def letters(
        self,
        entry: Entry,
        hears: Callable[[Stakeholders, Entry], bool],
        own: Mapping[str, str],
    ) -> Iterator[StakeholderMessage]:
        """Yield the messages of an entry.

        Args:
            hears: whether a group was there, with what it wants now, before an entry.
            own: where those who work on the incident are told of the entry, by channel: nobody is
                told twice in one place.
        """
        mailed = {_same(one) for one in own.get("email", "").split(",")}
        for group in self._groups:
            if not (self._wants(group, entry) and hears(group, entry)):
                continue
            said = self._said_over(entry)
            if said and self._wants(group, said) and hears(group, said):
                # A person told them so.
                continue
            message = self.message_for(group.name, entry)
            self._now.setdefault(group.name, entry.time)
            for channel, place in group.places:
                if channel == "email":
                    left = [one for one in place.split(",") if _same(one) not in mailed]
                    mailed.update(map(_same, left))
                    if left:
                        key = f"stakeholders/{group.name}"
                        yield StakeholderMessage(channel, ",".join(left), key, message)
                elif channel not in own or _same(own[channel]) != _same(place):
                    yield StakeholderMessage(
                        channel, place, f"stakeholders/{_same(place)}", message
                    )

    def message_for(self, group: str, entry: Entry) -> Message:
        """Return what a group gets of an entry."""
        message = message_for(group, self._incident, self._entries, entry)
        return replace(message, fields=fields_of(self._incident, self._shown))

    def _wants(self, group: Stakeholders, entry: Entry) -> bool:
        """Whether a group is to hear of an entry, by how the incident stood after it.

        By how it stands now it would be told of older entries, too, when a worker that begins reads
        them again.
        """
        if entry.kind == "update":
            return self._is_for(group, entry) or self._was_told(group, entry)
        if _is_test(self._entries):
            return False
        # A merge ends nothing for people: the other incident goes on.
        if entry.kind == "status":
            if _WISHES.get(event_of(entry.to_document())) not in group.events:
                return False
            return self._is_for(group, entry) or self._was_told(group, entry)
        return "opened" in group.events and self._became_its(group, entry)

    def _said_over(self, entry: Entry) -> Optional[Entry]:
        """Return the update that said "resolved" already, of an entry that means the same."""
        if entry.kind != "status" or entry.data.get("to") != "resolved":
            return None
        last: Optional[Entry] = None
        for one in effective(self._entries):
            if one.key == entry.key:
                break
            if one.kind == "update":
                last = one
            elif event_of(one.to_document()) == "reopened":
                last = None
        return last if last and last.data.get("state") == "resolved" else None

    @property
    def _standings(self) -> Dict[str, Standing]:
        """How it stood after each entry; added up where that matters, which is rare."""
        self._known = self._known or standings(self._entries)
        return self._known

    def _is_for(self, group: Stakeholders, entry: Entry) -> bool:
        """Whether it is for this incident, or for the one that had taken it over."""
        standing = self._standings[entry.key]
        if group.fits(standing.severity, standing.team):
            return True
        over = survivors(self._stores, standing.merged_into)
        return any(group.fits(one.get("severity", ""), one.get("team", "")) for one in over)

    def _became_its(self, group: Stakeholders, entry: Entry) -> bool:
        """Whether the entry is the first after which the incident is one of the group's."""
        its = (key for key, one in self._standings.items() if group.fits(one.severity, one.team))
        return next(its, "") == entry.key

    def _was_told(self, group: Stakeholders, entry: Entry) -> bool:
        """Whether it was told before of the incident, or of one that it was one with then."""
        told = self._before.get(entry.key)
        if told is None:
            related = related_incidents(self._stores, entry.incident_id, self._standings[entry.key])
            told = self._before[entry.key] = first_notified(self._stores, related)
        since = min(told.get(group.name, entry.time), self._now.get(group.name, entry.time))
        return since < entry.time


def _same(place: str) -> str:
    """A channel or an address as it is compared: people write ``#Status`` and ``status``."""
    return place.strip().lower().lstrip("#")


def standings(entries: Sequence[Entry]) -> Dict[str, Standing]:
    """Return how an incident stood after each of its entries, by their keys, in order.

    While it is over it stands as before: who it is for does not change any more.
    """
    found: Dict[str, Standing] = {}
    severity = team = ""
    for entry, incident, home in steps_of(entries):
        if incident.is_open and incident.opened_at is not None:
            severity, team = incident.severity, home
        found[entry.key] = Standing(severity, team, incident.merged_into, tuple(incident.merged))
    return found


def survivors(stores: Stores, merged_into: str) -> List[Document]:
    """Return the incident that one was merged into, the one that this was, and so on."""
    found: Dict[str, Document] = {}
    while merged_into and merged_into not in found:
        known = stores.incidents.get(merged_into)
        if known is None:
            break
        found[merged_into] = known
        merged_into = str(known.get("merged_into") or "")
    return list(found.values())


def related_incidents(stores: Stores, incident_id: str, standing: Standing) -> Set[str]:
    """Return the ids of an incident and of those that it is one with, by however many merges."""
    found = {incident_id}
    named = {*standing.merged, standing.merged_into} - {""}
    while named and len(found) < MAX_RELATED:
        found |= named
        known = find_by(stores.incidents, "_key", sorted(named), fields=("merged", "merged_into"))
        named = {key for one in known for key in _one_with(one)} - found
    return found


def _one_with(incident: Document) -> Set[str]:
    """The ids that an incident's document names; a version before this one left some out."""
    return {*(incident.get("merged") or ()), incident.get("merged_into") or ""} - {""}


def first_notified(stores: Stores, incident_ids: Iterable[str]) -> Dict[str, float]:
    """Return the groups that were told of one of these incidents, each with the first moment."""
    told: Dict[str, float] = {}
    wanted = ("stakeholders", "message")
    for one in find_by(stores.outbox, "incident_id", sorted(incident_ids), fields=wanted):
        if one.get("stakeholders"):
            name, moment = str(one["stakeholders"]), float(one["message"]["time"])
            told[name] = min(moment, told.get(name, moment))
    return told


def hearing(
    stores: Stores, routing: Routing, incident_id: str, entries: Sequence[Entry]
) -> List[Stakeholders]:
    """Return the groups that hear of the next update of an incident."""
    now = list(standings(entries).values())[-1]
    told = first_notified(stores, related_incidents(stores, incident_id, now))
    groups = routing.stakeholders
    return [one for one in groups if one.name in told or one.fits(now.severity, now.team)]


def message_for(
    group: str, incident: Mapping[str, Any], entries: Sequence[Entry], entry: Entry
) -> Message:
    """Return what a group gets of an entry; ``incident`` is the incident's document."""
    is_update = entry.kind == "update"
    # Whatever makes it one of theirs is its beginning for them.
    event = event_of(entry.to_document()) if is_update or entry.kind == "status" else "opened"
    said = entry.data if is_update else incident.get("last_update") or {}
    services = said.get("services", incident.get("entities"))
    opened_as = _opened_as(entries)
    return Message(
        event=event,
        headline=_headline(event, str(entry.data.get("state") or "")),
        title=_corrected(entries) or opened_as,
        incident_id=str(incident.get("id") or ""),
        severity=str(incident.get("severity") or "info"),
        status=str(incident.get("status") or ""),
        text=plain(entry.data.get("text"), TEXT_LENGTH) if is_update else "",
        where=[_named(name) for name in services or []],
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
    names = [_named(name) for name in opened.get("entities") or []]
    mark = f"{TEST_MARK} " if _is_test(entries) else ""
    return one_line(f"{mark}Problem with {listed(names) or 'a service'}", TITLE_LENGTH)


def _named(name: object) -> str:
    """What is affected: where a detection named it after somebody, without their address."""
    return plain(mask(str(name)), NAME_LENGTH)


def _is_test(entries: Sequence[Entry]) -> bool:
    """Whether somebody opened it to try the way: that is nobody else's concern."""
    return any(one.kind == "opened" and one.data.get("rule") == SIMULATED for one in entries)


def _corrected(entries: Sequence[Entry]) -> str:
    """The title that a person gave it last; empty: nobody has."""
    titles = (one.data["title"] for one in reversed(entries) if _is_titled(one))
    return one_line(next(titles, ""), TITLE_LENGTH)


def _is_titled(entry: Entry) -> bool:
    return entry.kind == "edited" and bool(entry.data.get("title"))
