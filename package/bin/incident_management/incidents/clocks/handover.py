"""Hand unacknowledged incidents over when a rota's shift changes.

A person who acknowledged an incident keeps it. Any other incident that was assigned by a rota goes
to the person who is on call now, with one entry for each handover. The entry counts only while the
incident is unchanged (:mod:`..fold`): an acknowledgement in the same moment wins, and so does the
first of two workers.

An entry that assigns an incident by a rota has ``on_call_since``: from when on that person was on
call. The incident is handed over only to a person who came on call later. So

* it stays with a person to whom it was passed on,
* a worker whose clock is behind does not give it back,
* an assignment by a worker that did not know of a handover or cover yet is corrected.

An incident of a person who was removed from the rota is handed over, too.
"""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence, Set, Tuple

from ...ports import Clock, Document, Stores
from .. import timeline
from ..fold import effective
from ..model import ACTOR, Entry, Incident
from ..routing import Routing
from ..routing.on_call import Duty
from ..routing.teams import Team
from .assignment import loads, required_skills, with_covers
from .lives import lives_of

__all__ = ["Seen", "hand_over"]

Seen = Set[Tuple[str, str, float]]
# For each rota, in one round; the rest waits for the next round.
MAX_HANDED_OVER = 500


def hand_over(stores: Stores, clock: Clock, routing: Routing, seen: Seen) -> Dict[str, int]:
    """Hand unacknowledged incidents to the person on call. Safe to repeat and to run at once.

    Args:
        seen: incidents that were already checked for a handover. Keep the set between calls.
    """
    routing = with_covers(stores, clock, routing)
    now = clock.now()
    new: List[Entry] = []
    current: Seen = set()
    looked_at: Seen = set()
    for rota in routing.rotas:
        duty = routing.on_call.at(rota, now)
        ids = _ids_of_others(stores, rota, duty.person) if duty.person else []
        if not ids:
            continue
        since = routing.on_call.since(rota, now)
        current |= {(incident_id, rota, since) for incident_id in ids}
        fresh = [one for one in ids if (one, rota, since) not in seen][:MAX_HANDED_OVER]
        load = loads(stores, routing, {duty.person}) if fresh else {}
        for entries in timeline.read_many(stores, fresh).values():
            entry = _entry(routing, rota, duty, since, entries, load, now)
            new += [entry] if entry else []
        looked_at |= {(incident_id, rota, since) for incident_id in fresh}
    timeline.write(stores, new)
    timeline.refresh_many(stores, [entry.incident_id for entry in new])
    seen |= looked_at
    seen &= current
    return {"incidents_handed_over": sum(entry.kind == "assigned" for entry in new)}


def _ids_of_others(stores: Stores, rota: str, person: str) -> List[str]:
    """Return the ids of unacknowledged incidents that a rota assigned to other people."""
    of: List[Document] = [{"status": "assigned"}, {"rota": rota}, {"owner": {"$ne": person}}]
    return sorted(stores.incidents.keys({"$and": of}))


def _entry(
    routing: Routing,
    rota: str,
    duty: Duty,
    since: float,
    entries: Sequence[Entry],
    load: Dict[str, float],
    now: float,
) -> Optional[Entry]:
    """Return the entry that hands an incident over, or says why not; None if none is due."""
    incident = timeline.fold(entries) if entries else None
    if incident is None or (incident.status, incident.rota) != ("assigned", rota):
        return None
    once = f"handover:{len(lives_of(entries))}:{rota}:{since:.0f}"
    belongs = incident.owner in routing.on_call.people(rota)
    if incident.owner == duty.person or (belongs and _known_on_call_since(entries, rota) >= since):
        return None
    if any(entry.once == once for entry in entries):
        return None
    kind, data = _kind_and_data(routing, duty, incident, load)
    if kind == "assigned":
        data.update(routing.on_call.entry_data(rota, now), handover=True)
    head = timeline.head_of(entries)
    return Entry.create(incident.id, kind, data, ACTOR, now, head, once)


def _kind_and_data(
    routing: Routing, duty: Duty, incident: Incident, load: Dict[str, float]
) -> Tuple[str, Document]:
    before, person = incident.owner, duty.person
    weight = routing.weight(incident.severity)
    skills = required_skills(routing, incident, incident.team)
    team = routing.teams.get(incident.team, Team(""))
    one = routing.chooser.availability_on_call(team, person, skills, load)
    words = f"{duty.reason} {one.words(weight)}."
    if not one.can_take(weight):
        return "note", {"text": f"Handover: {words} {before} keeps the incident."}
    load[person] = load.get(person, 0.0) + weight
    reason = f"Handover: {before} had not acknowledged the incident. {words}"
    data = {"team": incident.team, "owner": person, "reason": reason}
    return "assigned", {**data, "instead_of": before}


def _known_on_call_since(entries: Sequence[Entry], rota: str) -> float:
    """Return the latest ``on_call_since`` of the entries that assigned the incident by a rota."""
    given = [entry.data for entry in effective(entries) if entry.data.get("rota") == rota]
    return max((float(data.get("on_call_since") or 0.0) for data in given), default=0.0)
