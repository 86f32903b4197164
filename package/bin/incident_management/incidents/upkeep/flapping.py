"""Keeps an incident that repeatedly opens and resolves open, until it is calm.

``flap_count``, ``flap_window`` and ``flap_calm`` of incident_routing.conf set the limits. While an
incident flaps, an automatic resolve (a quiet search, the end of an alert in its tool, a verified
fix) is recorded but does not resolve it, so it causes no new messages; a person may resolve it. The
incident is calm when no automatic resolve happened for ``flap_calm``. It is then resolved if
nothing was found and nobody reopened it since the last recorded resolve; otherwise it stays open as
any other. A suppressed finding counts as found: a snooze is no calm.

The writer of a recorded resolve and the writer of the flapping's end each check for the other's
entry afterwards (:func:`_resolve_unseen`): so of two simultaneous writers, one sees both.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ...ports import Clock, Stores
from .. import timeline
from ..act import Act
from ..fold import SIGNAL_KINDS, effective
from ..model import ACTOR, ENDED, Entry, Head, Incident
from ..routing import Routing
from ..stores import any_of
from ..story import Story
from .suppressed import was_found_since

__all__ = ["flapping_entry", "hold", "release_calm"]

# The most flapping incidents checked in one turn of the worker.
MAX_AT_ONCE = 1000
OPEN_RANK = 3


def flapping_entry(
    story: Story, routing: Routing, now: float
) -> Optional[Tuple[Dict[str, Any], str]]:
    """Return data and ``once`` of the entry that begins flapping; None below the limit."""
    incident = story.incident
    if not routing.flap_count or incident is None or incident.flapping:
        return None
    opened = story.openings(now - routing.flap_window)
    if opened <= routing.flap_count:
        return None
    data = {
        "state": "began",
        "opened": opened,
        "window": routing.flap_window,
        "reason": f"The incident opened {opened} times within {routing.flap_window:.0f} seconds "
        f"(limit {routing.flap_count}). It stays open until it is calm.",
    }
    return data, f"flapping:{story.last_resolve}"


def hold(act: Act, incident: Incident, resolve: Mapping[str, Any]) -> bool:
    """Record an automatic resolve of a flapping incident. Return False if it does not flap."""
    if not incident.flapping:
        return False
    said = {name: str(resolve.get(name) or "") for name in ("reason", "resolution", "category")}
    over = {"over": resolve["over"]} if "over" in resolve else {}
    data = {"state": "held", **said, **over}
    timeline.append(act, incident.id, "flapping", data, act.once)
    _resolve_unseen(act.stores, act.clock, incident.id)
    return True


def release_calm(stores: Stores, clock: Clock, routing: Routing) -> Dict[str, int]:
    """Release the calm incidents; a duty of the worker. Safe to run twice at once."""
    query = {"$and": [{"flapping": True}, {"status_rank": {"$lte": OPEN_RANK}}]}
    found = stores.incidents.find(query, "opened_at:1", MAX_AT_ONCE)
    now, ids = clock.now(), [str(document["id"]) for document in found]
    timelines = timeline.read_many(stores, _may_be_calm(stores, routing, ids, now))
    released = 0
    for incident_id, entries in timelines.items():
        new = _released(stores, entries, routing, now)
        if new:
            timeline.write(stores, new)
            _resolve_unseen(stores, clock, incident_id)
            timeline.refresh(stores, incident_id)
            released += 1
    return {"incidents_calm": released}


def _may_be_calm(
    stores: Stores, routing: Routing, incident_ids: Sequence[str], now: float
) -> List[str]:
    """Return those without a ``flapping`` entry within ``flap_calm``.

    This saves reading the timelines of the others, which are long.
    """
    if not (incident_ids and routing.flap_count):
        return list(incident_ids)
    lately = [{"kind": "flapping"}, {"time": {"$gt": now - routing.flap_calm}}]
    query = {"$and": [any_of("incident_id", incident_ids), *lately]}
    found = stores.timeline.find(query, fields=("incident_id",))
    return sorted(set(incident_ids).difference(str(one["incident_id"]) for one in found))


def _released(
    stores: Stores, entries: Sequence[Entry], routing: Routing, now: float
) -> List[Entry]:
    """Return the entries that end the flapping, and resolve the incident if it is over."""
    counted = effective(entries)
    incident = timeline.fold(entries) if entries else None
    if incident is None or not incident.flapping:
        return []
    marks = [entry for entry in counted if entry.kind == "flapping"]
    began = [entry for entry in marks if entry.data.get("state") == "began"][-1]
    last = marks[-1]
    if routing.flap_count and now - last.time < routing.flap_calm:
        return []
    calm = f"Calm for {now - last.time:.0f} seconds (limit {routing.flap_calm:.0f})."
    head = timeline.head_of(entries)
    data: Dict[str, Any] = {"state": "ended", "reason": calm}
    ended = Entry.create(incident.id, "flapping", data, ACTOR, now, head, f"calm:{began.key}")
    if last.data.get("state") != "held" or not _is_over(stores, incident, counted, last):
        return [ended]
    head = timeline.head_of([*entries, ended])
    return [ended, _resolve(incident, began, last, calm, now, head)]


def _resolve_unseen(stores: Stores, clock: Clock, incident_id: str) -> None:
    """Resolve an incident that was released at the same moment as another resolve was recorded."""
    entries = timeline.read(stores, incident_id)
    counted = effective(entries)
    marks = {str(one.data.get("state")): one for one in counted if one.kind == "flapping"}
    incident = timeline.fold(entries)
    if incident.flapping or not incident.is_open or not {"began", "held", "ended"} <= set(marks):
        return
    held, ended = marks["held"], marks["ended"]
    if held.seq < ended.seq or not _is_over(stores, incident, counted, held):
        return
    calm = str(ended.data.get("reason"))
    head = timeline.head_of(entries)
    new = _resolve(incident, marks["began"], held, calm, clock.now(), head)
    timeline.write(stores, [new])


def _is_over(stores: Stores, incident: Incident, counted: Sequence[Entry], held: Entry) -> bool:
    """Tell whether the recorded resolve still holds: nothing was found, nobody reopened it since.

    An entry with the same ``seq`` was not seen by the writer of ``held``. An incident without rules
    has lost its problem to a split or merge.
    """
    since = [entry for entry in counted if entry.seq >= held.seq]
    is_anew = any(entry.kind in SIGNAL_KINDS or _reopens(entry) for entry in since)
    if is_anew or incident.pinned or not incident.rules:
        return False
    return not was_found_since(stores, incident, held.time)


def _reopens(entry: Entry) -> bool:
    was_over = entry.kind == "status" and entry.data.get("from") in ENDED
    return was_over and entry.data.get("to") not in ENDED


def _resolve(
    incident: Incident, began: Entry, held: Entry, calm: str, now: float, head: Head
) -> Entry:
    said = held.data
    data = {
        "from": incident.status,
        "to": "resolved",
        "reason": f"{calm} {said.get('reason') or ''}".strip(),
        "resolution": str(said.get("resolution") or ""),
        "category": str(said.get("category") or ""),
        "feedback": "",
    }
    once = f"calm-resolve:{began.key}"
    return Entry.create(incident.id, "status", data, ACTOR, now, head, once)
