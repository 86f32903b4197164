"""Hands on, at a rota's handover, the incidents that nobody has acknowledged.

Whoever acknowledged one keeps it. Of the others, one that somebody got by a rota is given to who is
on call by it now, with an entry that says so, once for each handover: the entry counts only while
the incident is as it was (:mod:`..fold`), so an acknowledgement in the same moment wins, and of two
workers the first.

What gives an incident by a rota says since when whoever is on call is (``on_call_since`` of the
entry), and it is handed on only where somebody came on call later than that. So it stays with whom
it was passed on to, a worker whose clock is behind gives nothing back, and what one gave that had
not heard yet of a handover, or of a cover, is handed on. So is what somebody has who was taken out
of the rota.
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
# Of each rota, in one turn; the rest waits for the next one.
MAX_HANDED_OVER = 500


def hand_over(stores: Stores, clock: Clock, routing: Routing, seen: Seen) -> Dict[str, int]:
    """Give what nobody acknowledged to who is on call now. Safe to repeat and to run twice at once.

    Args:
        seen: incidents that need not be read again for a handover; kept between calls.
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
    """Ids of what somebody else has by a rota, and has not begun."""
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
    """The entry that hands an incident over, or says why it stays; None where none is due."""
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
        return "note", {"text": f"Handover: {words} {before} keeps it."}
    load[person] = load.get(person, 0.0) + weight
    reason = f"Handover: {before} had not acknowledged it. {words}"
    data = {"team": incident.team, "owner": person, "reason": reason}
    return "assigned", {**data, "instead_of": before}


def _known_on_call_since(entries: Sequence[Entry], rota: str) -> float:
    """Since when whoever was on call was, as the entry knew that gave it by the rota last."""
    given = [entry.data for entry in effective(entries) if entry.data.get("rota") == rota]
    return max((float(data.get("on_call_since") or 0.0) for data in given), default=0.0)
