"""Timeline entries become notifications: who wants to hear of what, and in what order.

Reads the entries since a checkpoint, less an overlap that covers clocks that differ and inserts
that came late. An entry has one notification a channel, whose key is made of both, so reading an
entry again puts nothing more on the outbox. The entries of one incident are put there in the
timeline's order.

A channel that was left out, because nobody had set it up, hears of what happens after that. Else a
page could follow a resolve.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Collection, Dict, Iterator, List, Mapping, Optional, Sequence, Set

from ..incidents import timeline
from ..incidents.model import Entry
from ..incidents.routing import Routing
from ..ports import Clock, Document, Stores
from .channel import CHANNELS
from .message import build
from .outbox import Outbox

__all__ = ["Announcer"]

CHECKPOINT = "worker:announce:checkpoint"
OVERLAP_SECONDS = 900.0
# What is older than this is no news any more.
OLDEST_SECONDS = 24 * 3600.0
# An incident is opened and routed in two entries: its message waits for the team.
ROUTING_WAIT_SECONDS = 10.0
REMEMBERED = 20_000
# Entries about telling are not told.
_SILENT = {"notification"}

Subscribed = Callable[[str, str, str], Sequence[str]]


@dataclass(frozen=True)
class _Checkpoint:
    """How far the announcing got, and until when each channel was left out: epoch seconds."""

    time: float
    left_out: Mapping[str, float]


@dataclass(frozen=True)
class _Audience:
    """Who hears of an entry; ``set_up`` are the channels that somebody has set up."""

    routing: Routing
    subscribed: Subscribed
    set_up: Collection[str]
    left_out: Mapping[str, float]

    def channels(self, entry: Entry, message: Mapping[str, Any], team: str) -> Iterator[str]:
        """Give the channels; one may come more than once."""
        event = message["event"]
        hearing = [name for name in self.set_up if self.left_out.get(name, 0.0) < entry.time]
        yield from self.routing.channels(event, team, hearing)
        yield from _asked_for(entry)
        yield from self.subscribed(event, message["severity"], team)


class Announcer:
    """Puts on the outbox what the routing wants told."""

    def __init__(self, stores: Stores, clock: Clock, outbox: Outbox) -> None:
        self._stores = stores
        self._clock = clock
        self._outbox = outbox
        self._told: Set[str] = set()

    def run(
        self,
        routing: Routing,
        web_url: str,
        set_up: Callable[[], Collection[str]],
        subscribed: Subscribed = lambda event, severity, team: (),
    ) -> int:
        """Announce everything new; returns how many notifications were put on the outbox.

        Args:
            routing: an :class:`incident_management.incidents.routing.Routing`.
            web_url: base URL of Splunk Web, for links; may be empty.
            set_up: gives the channels that somebody has set up; asked when there is news.
            subscribed: gives more channels for an event, a severity and a team.
        """
        now = self._clock.now()
        known = self._checkpoint()
        since = max(known.time - OVERLAP_SECONDS, now - OLDEST_SECONDS)
        if len(self._told) > REMEMBERED:
            self._told.clear()
        fresh = self._fresh(since)
        waiting = {key for key, entries in fresh.items() if _awaits_routing(entries, now)}
        ready = [key for key in fresh if key not in waiting]
        # Before the settings are read: what happens from here on may be told there later.
        moment = self._clock.now()
        there = set_up() if ready else CHANNELS
        left_out = {**known.left_out, **{name: moment for name in CHANNELS if name not in there}}
        audience = _Audience(routing, subscribed, there, left_out)
        added = 0
        for incident_id, entries in timeline.read_many(self._stores, ready).items():
            added += self._announce(fresh[incident_id], entries, audience, web_url)
        times = [entry["time"] for key in waiting for entry in fresh[key]]
        self._save_checkpoint(_Checkpoint(min([now, *times]), left_out))
        return added

    def _checkpoint(self) -> _Checkpoint:
        document = self._stores.claims.get(CHECKPOINT) or {"time": 0.0, "value": {}}
        return _Checkpoint(float(document["time"]), document["value"].get("left_out", {}))

    def _save_checkpoint(self, checkpoint: _Checkpoint) -> None:
        self._stores.claims.save(
            [
                {
                    "_key": CHECKPOINT,
                    "purpose": CHECKPOINT,
                    "holder": "",
                    "time": checkpoint.time,
                    "value": {"left_out": dict(checkpoint.left_out)},
                }
            ]
        )

    def _fresh(self, since: float) -> Dict[str, List[Document]]:
        """Entries since then that this process has not announced, by incident."""
        fresh: Dict[str, List[Document]] = {}
        for entry in self._stores.timeline.find({"time": {"$gte": since}}, "time:1"):
            if entry["_key"] not in self._told and entry["kind"] not in _SILENT:
                fresh.setdefault(entry["incident_id"], []).append(entry)
        return fresh

    def _announce(
        self,
        fresh: Sequence[Document],
        entries: Sequence[Entry],
        audience: _Audience,
        web_url: str,
    ) -> int:
        """Announce an incident's fresh entries, as it stands now."""
        wanted = {entry["_key"] for entry in fresh}
        incident = timeline.fold(entries).to_document()
        analysis = self._newest_analysis(entries) if incident.get("cause") else None
        added = 0
        for entry in timeline.effective(entries):
            if entry.key not in wanted:
                continue
            message = build(incident, entry.to_document(), analysis, web_url).to_document()
            team = str(incident.get("team") or "")
            for channel in audience.channels(entry, message, team):
                added += self._outbox.enqueue(
                    source=entry.identity,
                    channel=channel,
                    event=message["event"],
                    message=message,
                    incident_id=entry.incident_id,
                    target=audience.routing.slack_channel(team) if channel == "slack" else "",
                    order=f"{entry.seq:09d} {entry.time:017.6f} {entry.key[:12]}",
                )
        self._told |= wanted
        return added

    def _newest_analysis(self, entries: Sequence[Entry]) -> Optional[Document]:
        for entry in reversed(entries):
            if entry.kind == "analysis":
                return self._stores.analyses.get(str(entry.data.get("analysis_id", "")))
        return None


def _asked_for(entry: Entry) -> Sequence[str]:
    """The channels that a step of an escalation names."""
    named = entry.data.get("channels") if entry.kind == "escalation" else ()
    return [channel for channel in named or () if channel in CHANNELS]


def _awaits_routing(entries: Sequence[Document], now: float) -> bool:
    """Whether an incident was opened so recently that its team is not known yet."""
    kinds = {entry["kind"] for entry in entries}
    opened = [entry["time"] for entry in entries if entry["kind"] == "opened"]
    return bool(opened) and "routed" not in kinds and now - max(opened) < ROUTING_WAIT_SECONDS
