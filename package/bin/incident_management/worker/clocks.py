"""Writes what deadlines and escalation paths call for: warnings, breaches, steps.

Everything that is due follows from timelines and incident_routing.conf, so this module only has to
know which incidents to look at: those that have changed since a checkpoint, and those whose
next moment has come. That moment is kept in ``incident_claims`` under ``clock:<incident>``, a note
that may be lost: a changed conf, a checkpoint that is gone, or one from the future, which a wrong
clock made, has all open incidents looked at.

The entries are written first, the notes after them, the checkpoint last, so a worker that is
killed anywhere is repeated by the next, and ``once`` makes the repeat harmless.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from ..incidents import timeline
from ..incidents.canonical import digest
from ..incidents.clocks import escalation, sla, updates
from ..incidents.clocks.assignment import escalation_data, loads, required_skills, with_covers
from ..incidents.clocks.checkpoint import KEY as CHECKPOINT
from ..incidents.clocks.lives import Life, lives_of
from ..incidents.fold import effective
from ..incidents.model import ACTOR, Entry, Incident
from ..incidents.routing import Choice, Routing
from ..incidents.stores import IS_OPEN, claim_document, find_by, readable_claim
from ..overlap import OVERLAP_SECONDS, Overlap
from ..ports import Clock, Document, Stores

__all__ = ["Clocks", "schedule_check"]

PURPOSE = "clock"
# With nothing to look at the checkpoint is written this often: what follows it is read again.
IDLE_SAVE_SECONDS = 30.0
# The most incidents of each kind that one turn looks at; the rest waits for the next one.
MAX_AT_ONCE = 500
# How many of those that changed are read to find so many that are new; more where it takes more.
READ_AT_ONCE = (500, 5_000, 50_000)
REMEMBERED = 50_000
# By then whoever changes an incident has saved its document, too.
AGAIN_SECONDS = 15.0
MARKS = (
    "status",
    "severity",
    "team",
    "opened_at",
    "acknowledged_at",
    "resolved_at",
    "level",
    "openings",
    "sla_ack_due",
    "sla_resolve_due",
    "update_due",
)
READ = ("updated_at", *MARKS)
Marks = Tuple[Any, ...]


@dataclass
class _Reached:
    """How far the looking has come.

    ``after``: the last incident of a sweep; None without one. ``again``: it is followed by another.
    ``saved``: the time that was read. ``overlap``: how much of the overlap was looked through.
    """

    time: float
    conf: str
    after: Optional[str]
    again: bool = False
    saved: float = 0.0
    overlap: float = 0.0


class Clocks:
    """Writes what the clocks have to say. One lives as long as its process."""

    def __init__(self, stores: Stores, clock: Clock) -> None:
        self._stores = stores
        self._clock = clock
        # How an incident was when it was looked at; for the overlap, and for mere signals.
        self._seen: Dict[str, Marks] = {}
        self._load: Optional[Dict[str, float]] = None
        self._overlap = Overlap(clock)

    def run(self, routing: Routing) -> Dict[str, int]:
        """Look at what is due; returns how many entries were written, by kind."""
        reached = self._reached(_digest(routing))
        if reached is None:
            if not _has_promises(routing):
                return {}
            self._seen.clear()
            reached = _Reached(self._clock.now(), _digest(routing), "")
        is_sweeping = reached.after is not None
        rung = self._rung()
        wanted = [*rung, *self._changed(reached), *self._swept(reached)]
        agreed = with_covers(self._stores, self._clock, routing)
        counts = self._look_at(list(dict.fromkeys(wanted)), set(rung), agreed)
        if wanted or is_sweeping or not 0 <= reached.time - reached.saved < IDLE_SAVE_SECONDS:
            self._save(reached)
        self._overlap.was_read(reached.overlap)
        return counts

    # --- which ------------------------------------------------------------------------------

    def _reached(self, conf: str) -> Optional[_Reached]:
        """Where the last turn ended; None: there was none.

        Another conf begins a sweep of all open incidents.
        """
        known = self._stores.claims.get(CHECKPOINT)
        if known is None:
            return None
        known = readable_claim(known)
        value = known["value"]
        after = str(value["after"]) if value.get("sweeping") else None
        if value.get("conf") != conf:
            self._seen.clear()
            after = ""
        moment, is_again = float(known["time"]), bool(value.get("again"))
        reached = _Reached(moment, conf, after, is_again, moment)
        self._come_back(reached)
        return reached

    def _come_back(self, reached: _Reached) -> None:
        """Go on from now where the time lies in the future: a clock was, or still is, ahead.

        What changed meanwhile by a right clock may lie before the overlap, so a sweep begins. One
        that is on goes on first: a member that is always ahead must not hold it at its beginning.
        """
        now = self._clock.now()
        if reached.time > now + OVERLAP_SECONDS:
            reached.again, reached.after = bool(reached.after), reached.after or ""
        reached.time = min(reached.time, now)

    def _save(self, reached: _Reached) -> None:
        sweeping = reached.after is not None
        value = {
            "conf": reached.conf,
            "sweeping": sweeping,
            "after": reached.after or "",
            "again": reached.again,
        }
        document = claim_document(CHECKPOINT, reached.time, value)
        self._stores.claims.save([document])

    def _changed(self, reached: _Reached) -> List[str]:
        """Incidents that changed since the checkpoint, less the overlap; it moves on."""
        seconds = self._overlap.seconds()
        query = {"updated_at": {"$gte": reached.time - seconds}}
        now = self._clock.now()
        for most in READ_AT_ONCE:
            # From the beginning again: a page after so many rows lacks one if another moved.
            page = self._stores.incidents.find(query, "updated_at:1,_key:1", most, fields=READ)
            new = [one for one in page if not self._has_seen(one)]
            if len(new) >= MAX_AT_ONCE or len(page) < most:
                break
        is_all = len(page) < most and len(new) < MAX_AT_ONCE
        new = new[:MAX_AT_ONCE]
        if is_all:
            moment, reached.overlap = now, seconds
        else:
            last = new[-1] if len(new) == MAX_AT_ONCE else page[-1]
            moment = min(now, float(last["updated_at"]))
        reached.time = max(reached.time, moment)
        return [str(one["_key"]) for one in new]

    def _swept(self, reached: _Reached) -> List[str]:
        """The next of all open incidents, in the order of their ids, while a sweep is on."""
        if reached.after is None:
            return []
        query: Document = {"$and": [IS_OPEN, {"_key": {"$gt": reached.after}}]}
        page = self._stores.incidents.find(query, "_key:1", MAX_AT_ONCE, fields=READ)
        if len(page) == MAX_AT_ONCE:
            reached.after = str(page[-1]["_key"])
        else:
            reached.after, reached.again = ("" if reached.again else None), False
        return [str(one["_key"]) for one in page if not self._has_seen(one)]

    def _has_seen(self, document: Document) -> bool:
        """Tell whether an incident was as its document says when it was looked at."""
        return self._seen.get(str(document["_key"])) == _marks(document)

    def _rung(self) -> List[str]:
        """Incidents whose next moment has come, the longest ago first."""
        query = {"$and": [{"purpose": PURPOSE}, {"time": {"$lte": self._clock.now()}}]}
        notes = self._stores.claims.find(query, "time:1", MAX_AT_ONCE)
        return [str(note["holder"]) for note in notes]

    # --- what -------------------------------------------------------------------------------

    def _look_at(
        self, incident_ids: Sequence[str], rung: Set[str], routing: Routing
    ) -> Dict[str, int]:
        now = self._clock.now()
        self._load = None
        new: List[Entry] = []
        notes: List[Document] = []
        if len(self._seen) > REMEMBERED:
            self._seen.clear()
        for incident_id, entries in timeline.read_many(self._stores, incident_ids).items():
            if not entries:
                continue
            lives, incident = lives_of(entries), timeline.fold(entries)
            self._seen[incident_id] = _marks(incident.to_document())
            new.extend(self._drafted(lives, incident, entries, routing, now))
            moments = (
                sla.next_moment(lives, routing, now),
                escalation.next_step(lives, routing, now),
                updates.next_moment(incident, lives, routing, now) if lives else None,
            )
            coming = [moment for moment in moments if moment is not None]
            if coming:
                notes.append(_note(incident_id, min(coming)))
                rung.discard(incident_id)
        timeline.write(self._stores, new)
        changed = dict.fromkeys(entry.incident_id for entry in new)
        for incident in timeline.refresh_many(self._stores, changed).values():
            self._seen[incident.id] = _marks(incident.to_document())
        if notes:
            self._stores.claims.save(notes)
        for incident_id in sorted(rung):
            self._stores.claims.delete(_key(incident_id))
        self._look_again([*(str(note["holder"]) for note in notes), *sorted(rung)], now)
        kinds = ("sla", "escalation", "update_due")
        return {f"{kind}_entries": _count(new, kind) for kind in kinds}

    def _look_again(self, incident_ids: Sequence[str], now: float) -> None:
        """Have those looked at once more that were changed in the meantime.

        Another worker may have seen that, and what was noted here be written over its note. A
        document that differs without a change, such as one that an editor of lookups saved, is
        made anew: else its incident would be looked at again and again.
        """
        found = find_by(self._stores.incidents, "_key", incident_ids, fields=READ)
        differing = [str(one["_key"]) for one in found if not self._has_seen(one)]
        if differing:
            made = timeline.refresh_many(self._stores, differing).values()
            changed = [one.id for one in made if not self._has_seen(one.to_document())]
            schedule_check(self._stores, changed, now + AGAIN_SECONDS)

    def _drafted(
        self,
        lives: Sequence[Life],
        incident: Incident,
        entries: List[Entry],
        routing: Routing,
        now: float,
    ) -> List[Entry]:
        """The entries that an incident's timeline should have by now and has not."""
        if not lives:
            return []
        counted = effective(entries)
        written = {entry.once: entry.data for entry in counted if entry.kind == "sla"}
        known = list(entries)

        def add(kind: str, data: Mapping[str, Any], once: str) -> None:
            head = timeline.head_of(known)
            known.append(Entry.create(entries[0].incident_id, kind, data, ACTOR, now, head, once))

        told = updates.update_due_data(counted)
        for draft in (
            *sla.due_entries(lives, written, routing, now),
            *updates.due_entries(incident, lives, told, routing, now),
        ):
            add(draft.kind, draft.data, draft.once)
        onces = {entry.once for entry in entries}
        for due in escalation.due_steps(lives, onces, routing, now):
            add("escalation", self._step(due, timeline.fold(known), routing), due.once)
        return known[len(entries) :]

    def _taker(self, routing: Routing, incident: Incident, team: str) -> Choice:
        """Choose who gets it; everybody's work is read once in a turn and counted on from there."""
        if self._load is None:
            self._load = loads(self._stores, routing, routing.people())
        skills = required_skills(routing, incident, team)
        now = self._clock.now()
        severity = incident.severity
        choice = routing.choose(team, severity, skills, self._load, now, incident.owner)
        if choice.owner:
            weight = routing.weight(severity)
            self._load[choice.owner] = self._load.get(choice.owner, 0.0) + weight
        return choice

    def _step(self, due: escalation.Due, incident: Incident, routing: Routing) -> Document:
        """The data of the entry that takes one step."""
        now = self._clock.now()
        choose = partial(self._taker, routing, incident)
        return {
            **escalation_data(incident, due.step, due.reason, routing, now, choose),
            "path": due.path,
            "step": due.step.number,
            "round": due.round,
            "until": due.until,
            "channels": list(due.step.channels),
        }


def _marks(document: Mapping[str, Any]) -> Marks:
    """What of an incident can move a deadline or a step nearer; signals alone can't."""
    return tuple(document.get(name) for name in MARKS)


def schedule_check(stores: Stores, incident_ids: Sequence[str], moment: float) -> None:
    """Have some incidents looked at at a moment, whatever their documents say of a change."""
    if incident_ids:
        stores.claims.save([_note(incident_id, moment) for incident_id in incident_ids])


def _key(incident_id: str) -> str:
    return f"{PURPOSE}:{incident_id}"


def _note(incident_id: str, moment: float) -> Document:
    return claim_document(_key(incident_id), moment, purpose=PURPOSE, holder=incident_id)


def _has_promises(routing: Routing) -> bool:
    wanted = any(group.update_every for group in routing.stakeholders)
    return bool(routing.policies or routing.paths or wanted)


def _count(entries: Sequence[Entry], kind: str) -> int:
    return sum(1 for entry in entries if entry.kind == kind)


def _digest(routing: Routing) -> str:
    """A mark of all that deadlines and steps follow from."""
    return digest(routing.terms(), 16)
