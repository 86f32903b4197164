"""Decides who is notified of an entry: channels of the routing or of a step, and subscribers.

A new recipient is not notified of what was announced before it was added, although the last minutes
are read again. A channel is notified only of what happens after it was set up; otherwise a page
could follow a resolve. A change of the routing or of a subscription applies to what was not
announced before the change.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Collection, Dict, Iterator, Mapping, Sequence, Set

from ...incidents.lifecycle import is_from_acknowledgement
from ...incidents.model import Entry
from ...incidents.routing import Routing, Stakeholders
from ...ports import Document
from ..inbound.ticket_changes import inbound_channel
from ..services.webhook import ALL, channel_of, subscribed
from .stakeholders import audience_key, fingerprint_of

__all__ = ["Audience", "AudienceState"]

_NUMBER = (int, float)
Subscriptions = Mapping[str, Document]


@dataclass(frozen=True)
class AudienceState:
    """What is kept of the audience from run to run. Times are epoch seconds.

    Attributes:
        left_out: until when each channel was left out because it was not set up.
        since: by channel and request, the time after which matching entries are sent there. A
            request is an event, ``*``, or the name of a team whose incidents may be sent there.
    """

    left_out: Mapping[str, float] = field(default_factory=dict)
    since: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> AudienceState:
        """Read the state from its document; parts that were changed by hand count as absent.

        A version before this one kept no ``since``.
        """
        since: Dict[str, Dict[str, float]] = {}
        kept, left_out = document.get("since"), document.get("left_out")
        for one in filter(_is_request, kept if isinstance(kept, list) else ()):
            since.setdefault(one[0], {})[one[1]] = one[2]
        known = left_out.items() if isinstance(left_out, dict) else ()
        return cls({name: time for name, time in known if isinstance(time, _NUMBER)}, since)

    def to_document(self) -> Document:
        """Return the state as a JSON object.

        ``since`` is a list, as a team's name may not be a valid field name in the KV store.
        """
        since = [
            [channel, wish, time]
            for channel, requests in self.since.items()
            for wish, time in requests.items()
        ]
        return {"left_out": dict(self.left_out), "since": since}

    def without(
        self, channels: Collection[str], set_up: Collection[str], moment: float
    ) -> AudienceState:
        """Leave out, until that moment, those of the channels that are not set up."""
        left_out = {name: moment for name in channels if name not in set_up}
        return AudienceState({**self.left_out, **left_out}, self.since)

    def under(
        self, routing: Routing, subscriptions: Subscriptions, announced: float
    ) -> AudienceState:
        """Adopt the current requests; a new one applies to entries after ``announced``."""
        begin = announced if self.since else 0.0
        since = {
            channel: {
                wish: self.since.get(channel, {}).get(wish, begin) for wish in sorted(requests)
            }
            for channel, requests in _requests(routing, subscriptions).items()
        }
        return AudienceState(self.left_out, since)

    def was_requested(self, channel: str, time: float, *requests: str) -> bool:
        """Return whether one of these requests was in force before that time."""
        known = self.since.get(channel, {})
        return min((known[wish] for wish in requests if wish in known), default=0.0) < time


@dataclass(frozen=True)
class Audience:
    """Who is notified of an entry; ``set_up`` are the channels that are set up."""

    routing: Routing
    subscriptions: Subscriptions
    set_up: Collection[str]
    hearing: AudienceState

    def channels(self, entry: Entry, message: Mapping[str, Any], team: str) -> Iterator[str]:
        """Yield the channels to notify of an entry; one may come more than once.

        An entry that came from a ticket is not sent back to that ticket's channel.
        """
        source = inbound_channel(entry.once)
        return (name for name in self._wanted(entry, message, team) if name != source)

    def includes(self, group: Stakeholders, entry: Entry) -> bool:
        """Return whether a group, with its current settings, existed before an entry."""
        return self.hearing.was_requested(audience_key(group), entry.time, fingerprint_of(group))

    def _wanted(self, entry: Entry, message: Mapping[str, Any], team: str) -> Iterator[str]:
        event, hearing = message["event"], self.hearing
        there = [name for name in self.set_up if hearing.left_out.get(name, 0.0) < entry.time]
        by_routing = self.routing.channels(event, team, there)
        for name in () if is_from_acknowledgement(entry.once) else by_routing:
            if hearing.was_requested(
                name, entry.time, event, f"{event}?"
            ) and hearing.was_requested(name, entry.time, _team(team)):
                yield name
        yield from _asked_for(entry, self.routing)
        for name in subscribed(self._made_before(entry), event, message["severity"], team):
            if hearing.was_requested(name, entry.time, event, ALL):
                yield name

    def _made_before(self, entry: Entry) -> Subscriptions:
        return {
            key: one
            for key, one in self.subscriptions.items()
            if float(one.get("created_at") or 0.0) <= entry.time
        }


def _is_request(kept: Any) -> bool:
    """Return whether a value is a list of a channel, a request and a time."""
    if not isinstance(kept, list) or len(kept) != 3:
        return False
    return all(isinstance(name, str) for name in kept[:2]) and isinstance(kept[2], _NUMBER)


def _asked_for(entry: Entry, routing: Routing) -> Sequence[str]:
    """Return the channels that the step of an escalation names."""
    named = entry.data.get("channels") if entry.kind == "escalation" else ()
    return [channel for channel in named or () if channel in routing.channel_names]


def _team(name: str) -> str:
    return f"team:{name}"


def _requests(routing: Routing, subscriptions: Subscriptions) -> Dict[str, Set[str]]:
    """Return the requests of each channel; ``opened?`` applies only if the channel is set up."""
    found: Dict[str, Set[str]] = {channel: set() for channel in routing.channel_names}
    for event, requests in routing.announce.items():
        for wish in requests:
            found[wish.channel].add(f"{event}?" if wish.if_set_up else event)
    for team in routing.teams.values():
        for channel in team.channels or routing.channel_names:
            found[channel].add(_team(team.name))
    for group in routing.stakeholders:
        found[audience_key(group)] = {fingerprint_of(group)}
    for key, one in subscriptions.items():
        if one.get("enabled", True):
            found[channel_of(key)] = set(one["events"])
    return found
