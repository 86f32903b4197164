"""Writes the entries due by deadlines and escalation paths: warnings, breaches, steps.

Everything due follows from timelines and incident_routing.conf, so this module only has to know
which incidents to check: those that changed since a checkpoint, and those whose next moment has
come. That moment is kept in ``incident_claims`` under ``clock:<incident>``, a note that may be
lost: all open incidents are checked after a change of the conf, and if the checkpoint is missing or
lies in the future because of a wrong clock.

The entries are written first, the notes after them, the checkpoint last, so a worker that is killed
anywhere is repeated by the next, and ``once`` makes the repeat harmless.
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
# Without work, the checkpoint is saved this often; changes after it are read again.
IDLE_SAVE_SECONDS = 30.0
# The most incidents of each kind that one turn checks; the rest waits for the next one.
MAX_AT_ONCE = 500
# The numbers of changed incidents to read until enough new ones are found.
READ_AT_ONCE = (500, 5_000, 50_000)
REMEMBERED = 50_000
# By then the writer of a change has saved the incident's document, too.
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
    """The progress of the checks.

    ``after``: the last incident of a sweep; None without one. ``again``: another sweep follows.
    ``saved``: the stored time. ``overlap``: the seconds of overlap that were read.
    """

    time: float
    conf: str
    after: Optional[str]
    again: bool = False
    saved: float = 0.0
    overlap: float = 0.0


class Clocks:
    """Writes the entries that are due. An instance lives as long as its process."""

    def __init__(self, stores: Stores, clock: Clock) -> None:
        self._stores = stores
        self._clock = clock
        # The state in which incidents were checked, to skip them in the overlap or after mere
        # signals.
        self._seen: Dict[str, Marks] = {}
        self._load: Optional[Dict[str, float]] = None
        self._overlap = Overlap(clock)

    def run(self, routing: Routing) -> Dict[str, int]:
        """Check what is due; return how many entries were written, by kind."""
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
        counts = self._check(list(dict.fromkeys(wanted)), set(rung), agreed)
        if wanted or is_sweeping or not 0 <= reached.time - reached.saved < IDLE_SAVE_SECONDS:
            self._save(reached)
        self._overlap.was_read(reached.overlap)
        return counts

    # --- which incidents ---------------------------------------------------------------------

    def _reached(self, conf: str) -> Optional[_Reached]:
        """Return where the last turn ended; None without one.

        A changed conf begins a sweep of all open incidents.
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
        """Continue from now if the stored time lies in the future: a clock was, or still is, ahead.

        Changes timed by a right clock meanwhile may lie before the overlap, so a sweep begins. A
        running sweep is finished first: a member that is always ahead must not hold it at its
        beginning.
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
        """Return incidents changed since the checkpoint, less the overlap; move it on."""
        seconds = self._overlap.seconds()
        query = {"updated_at": {"$gte": reached.time - seconds}}
        now = self._clock.now()
        for most in READ_AT_ONCE:
            # From the beginning again: with an offset, a row is missed if another one moved.
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
        """Return the next of all open incidents, in the order of their ids, during a sweep."""
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
        """Tell whether an incident was checked in the state of its document."""
        return self._seen.get(str(document["_key"])) == _marks(document)

    def _rung(self) -> List[str]:
        """Return incidents whose next moment has come, the longest ago first."""
        query = {"$and": [{"purpose": PURPOSE}, {"time": {"$lte": self._clock.now()}}]}
        notes = self._stores.claims.find(query, "time:1", MAX_AT_ONCE)
        return [str(note["holder"]) for note in notes]

    # --- which entries -----------------------------------------------------------------------

    def _check(
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
        self._reschedule_changed([*(str(note["holder"]) for note in notes), *sorted(rung)], now)
        kinds = ("sla", "escalation", "update_due")
        return {f"{kind}_entries": _count(new, kind) for kind in kinds}

    def _reschedule_changed(self, incident_ids: Sequence[str], now: float) -> None:
        """Schedule another check of incidents that changed in the meantime.

        Another worker may have seen the change, and this worker may have overwritten its note. A
        document that differs without a change, such as one saved in a lookup editor, is rebuilt:
        otherwise its incident would be checked again and again.
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
        """Return the entries that an incident's timeline should have by now and lacks."""
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
        """Choose who gets it; the open work is read once in a turn and counted from there."""
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
        """Return the data of the entry that takes one step."""
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
    """Return the fields that can bring a deadline or a step nearer; signals alone can't."""
    return tuple(document.get(name) for name in MARKS)


def schedule_check(stores: Stores, incident_ids: Sequence[str], moment: float) -> None:
    """Schedule a check of some incidents at a moment, whether or not their documents change."""
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
    """Return a mark of everything on which deadlines and steps depend."""
    return digest(routing.terms(), 16)
