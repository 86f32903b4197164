"""Notifies stakeholders of a person's updates, and that an incident began or ended.

Stakeholders do not work on the incident, and some are outside the company. So they get a message of
their own: what is affected, since when, what a person wrote, and when the next update comes. It has
no log line, cause, rule, owner's name, link into Splunk or button. It has the title only where a
person wrote it, because a detection may put a piece of a log line into it.

A group that was notified of an incident stays notified: after its severity or team has changed,
and, when it was merged into another incident, of the updates written there.
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

# The group of those who have subscribed to updates by a webhook.
SUBSCRIBERS = "subscribers"
NAME_LENGTH = 80
# The event that a group must have chosen to be notified of these.
_WISHES = {"reopened": "opened", "resolved": "resolved"}
# The most incidents that are read because merges have made them one.
MAX_RELATED = 500


class StakeholderMessage(NamedTuple):
    """A message for a place on a channel; ``key`` tells it from others of the same entry."""

    channel: str
    place: str
    key: str
    message: Message


@dataclass(frozen=True)
class Standing:
    """What decides whom an incident concerns; ``team`` is the team that owns it.

    That is not a team that an escalation calls in to help. ``merged_into`` may be empty; ``merged``
    are the incidents that were merged into this one.
    """

    severity: str
    team: str
    merged_into: str
    merged: Tuple[str, ...]


def audience_key(group: Stakeholders) -> str:
    """Return the key under which a group's requests are kept, beside those of channels."""
    return f"stakeholders:{group.name}"


def fingerprint_of(group: Stakeholders) -> str:
    """Return a digest of a group's settings; when it changes, the group counts as new."""
    return digest(asdict(group), 16)


class StakeholderMessages:
    """Builds the messages about one incident, from its document and its timeline (``entries``)."""

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
        # Since when each group is notified: by this object, and, once it is read, by the outbox
        # before.
        self._now: Dict[str, float] = {}
        self._before: Dict[str, Dict[str, float]] = {}

    def letters(
        self,
        entry: Entry,
        includes: Callable[[Stakeholders, Entry], bool],
        own: Mapping[str, str],
    ) -> Iterator[StakeholderMessage]:
        """Yield the messages of an entry.

        Args:
            includes: returns whether a group, with its current settings, existed before an entry.
            own: by channel, where responders are notified of the entry: nobody is notified twice in
                one place.
        """
        mailed = {_same(one) for one in own.get("email", "").split(",")}
        for group in self._groups:
            if not (self._wants(group, entry) and includes(group, entry)):
                continue
            said = self._resolving_update(entry)
            if said and self._wants(group, said) and includes(group, said):
                # A person's update already told the group.
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
        """Return a group's message about an entry."""
        message = message_for(group, self._incident, self._entries, entry)
        return replace(message, fields=fields_of(self._incident, self._shown))

    def _wants(self, group: Stakeholders, entry: Entry) -> bool:
        """Return whether a group is notified of an entry, by the incident's state after it.

        By its current state, a worker that starts and reads older entries again would announce
        those to the group, too.
        """
        if entry.kind == "update":
            return self._is_for(group, entry) or self._was_notified(group, entry)
        if _is_test(self._entries):
            return False
        # A merge does not end anything for people: the other incident goes on.
        if entry.kind == "status":
            if _WISHES.get(event_of(entry.to_document())) not in group.events:
                return False
            return self._is_for(group, entry) or self._was_notified(group, entry)
        return "opened" in group.events and self._became_its(group, entry)

    def _resolving_update(self, entry: Entry) -> Optional[Entry]:
        """For an entry that resolves, return the update that already said "resolved", else None."""
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
        """The incident's standing after each entry, computed on first use, which is rare."""
        self._known = self._known or standings(self._entries)
        return self._known

    def _is_for(self, group: Stakeholders, entry: Entry) -> bool:
        """Return whether the group is concerned by this incident, or by one it was merged into."""
        standing = self._standings[entry.key]
        if group.fits(standing.severity, standing.team):
            return True
        over = survivors(self._stores, standing.merged_into)
        return any(group.fits(one.get("severity", ""), one.get("team", "")) for one in over)

    def _became_its(self, group: Stakeholders, entry: Entry) -> bool:
        """Return whether the entry is the first after which the incident concerns the group."""
        its = (key for key, one in self._standings.items() if group.fits(one.severity, one.team))
        return next(its, "") == entry.key

    def _was_notified(self, group: Stakeholders, entry: Entry) -> bool:
        """Return whether the group was notified before, of this or a then merged incident."""
        told = self._before.get(entry.key)
        if told is None:
            related = related_incidents(self._stores, entry.incident_id, self._standings[entry.key])
            told = self._before[entry.key] = first_notified(self._stores, related)
        since = min(told.get(group.name, entry.time), self._now.get(group.name, entry.time))
        return since < entry.time


def _same(place: str) -> str:
    """Return a channel or an address as it is compared: ``#Status`` and ``status`` are the same."""
    return place.strip().lower().lstrip("#")


def standings(entries: Sequence[Entry]) -> Dict[str, Standing]:
    """Return the incident's standing after each of its entries, by their keys, in order.

    While it is over it keeps the last standing: whom it concerns does not change any more.
    """
    found: Dict[str, Standing] = {}
    severity = team = ""
    for entry, incident, home in steps_of(entries):
        if incident.is_open and incident.opened_at is not None:
            severity, team = incident.severity, home
        found[entry.key] = Standing(severity, team, incident.merged_into, tuple(incident.merged))
    return found


def survivors(stores: Stores, merged_into: str) -> List[Document]:
    """Return the incident that one was merged into, the one that this was merged into, etc."""
    found: Dict[str, Document] = {}
    while merged_into and merged_into not in found:
        known = stores.incidents.get(merged_into)
        if known is None:
            break
        found[merged_into] = known
        merged_into = str(known.get("merged_into") or "")
    return list(found.values())


def related_incidents(stores: Stores, incident_id: str, standing: Standing) -> Set[str]:
    """Return the ids of an incident and of those that any number of merges connect it with."""
    found = {incident_id}
    named = {*standing.merged, standing.merged_into} - {""}
    while named and len(found) < MAX_RELATED:
        found |= named
        known = find_by(stores.incidents, "_key", sorted(named), fields=("merged", "merged_into"))
        named = {key for one in known for key in _one_with(one)} - found
    return found


def _one_with(incident: Document) -> Set[str]:
    """Return the ids that an incident's document names; a version before this one left some out."""
    return {*(incident.get("merged") or ()), incident.get("merged_into") or ""} - {""}


def first_notified(stores: Stores, incident_ids: Iterable[str]) -> Dict[str, float]:
    """Return the groups that were notified of one of these incidents, with their first time."""
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
    """Return the groups that the next update of an incident goes to."""
    now = list(standings(entries).values())[-1]
    told = first_notified(stores, related_incidents(stores, incident_id, now))
    groups = routing.stakeholders
    return [one for one in groups if one.name in told or one.fits(now.severity, now.team)]


def message_for(
    group: str, incident: Mapping[str, Any], entries: Sequence[Entry], entry: Entry
) -> Message:
    """Return a group's message about an entry; ``incident`` is the incident's document."""
    is_update = entry.kind == "update"
    # For a group, an incident begins with the entry that makes it concern the group.
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
    """Return the title that a person opened the incident with; else one made of its entities.

    It is the subject of all of the incident's mails, so it must never change.
    """
    opened = next((one.data for one in entries if one.kind == "opened"), {})
    by_hand = not (opened.get("rule") or opened.get("signals") or opened.get("split_from"))
    if by_hand and opened.get("title"):
        return one_line(opened["title"], TITLE_LENGTH)
    names = [_named(name) for name in opened.get("entities") or []]
    mark = f"{TEST_MARK} " if _is_test(entries) else ""
    return one_line(f"{mark}Problem with {listed(names) or 'a service'}", TITLE_LENGTH)


def _named(name: object) -> str:
    """Return the name of something affected, masked: a detection may use a person's address."""
    return plain(mask(str(name)), NAME_LENGTH)


def _is_test(entries: Sequence[Entry]) -> bool:
    """Return whether the incident was opened as a test, which concerns no stakeholder."""
    return any(one.kind == "opened" and one.data.get("rule") == SIMULATED for one in entries)


def _corrected(entries: Sequence[Entry]) -> str:
    """Return the last title that a person gave the incident; empty if there is none."""
    titles = (one.data["title"] for one in reversed(entries) if _is_titled(one))
    return one_line(next(titles, ""), TITLE_LENGTH)


def _is_titled(entry: Entry) -> bool:
    return entry.kind == "edited" and bool(entry.data.get("title"))
