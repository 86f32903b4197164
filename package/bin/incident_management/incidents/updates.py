"""Updates: what a person writes for those who do not work on an incident, and when they hear next.

Words and states are those of status pages ("investigating, identified, monitoring, resolved"). A
state is what people are told, and changes nothing of the incident's own status.
"""

from __future__ import annotations

import time
from typing import Any, List, Mapping, Optional, Sequence

from ..ports import Clock, Document, Stores
from . import lifecycle, timeline
from .canonical import milliseconds
from .clocks import checkpoint
from .clocks import updates as clocks
from .errors import IllegalMove, Invalid
from .fold import effective
from .joining import carrying_out
from .model import Entry, Incident
from .routing import Routing

__all__ = ["MAX_SERVICES", "STATES", "TEXT_CHARACTERS", "draft", "resolve", "updates_of", "write"]

STATES = ("investigating", "identified", "monitoring", "resolved")
TEXT_CHARACTERS = 2000
MAX_SERVICES = 50
# How far ahead something can be promised.
LONGEST_SECONDS = 30 * 86400.0


def write(
    stores: Stores,
    clock: Clock,
    routing: Routing,
    incident_id: str,
    actor: str,
    text: str,
    state: str = "",
    services: Optional[Sequence[str]] = None,
    next_in: float = 0.0,
    next_by: float = 0.0,
    once: str = "",
) -> Incident:
    """Tell stakeholders something, in any state of the incident.

    Args:
        state: one of STATES, or empty.
        services: what is affected; None: the incident's entities.
        next_in, next_by: when they hear next, in seconds from now or epoch seconds; 0: not
            promised, but where stakeholders want to hear regularly, within that time.

    Raises:
        NotFound: there is no such incident.
        IllegalMove: it was merged into another.
        Invalid: what is given can't be told or promised.
    """
    entries = timeline.read_existing(stores, incident_id)
    incident = timeline.fold(entries)
    if incident.merged_into:
        raise IllegalMove(
            f"{incident_id} was merged into {incident.merged_into}: write the update there, its "
            "stakeholders hear of both."
        )
    now = clock.now()
    promised = next_by or (now + next_in if next_in else 0.0)
    _check(incident, text, state, promised, now)
    if not promised and state != "resolved":
        every = clocks.every_of(entries, routing)
        promised = now + every if every else 0.0
    data: Document = {
        "text": text.strip(),
        "state": state,
        "services": list(incident.entities if services is None else services)[:MAX_SERVICES],
        **({"next_by": milliseconds(promised)} if promised else {}),
    }
    if promised:
        # Before the entry: after a kill in between nobody would see to the promise.
        checkpoint.begin(stores, clock)
    timeline.append(stores, clock, incident_id, "update", data, actor, once)
    incident = timeline.refresh(stores, incident_id)
    if incident.merged_into:
        # In that moment: what was promised goes along.
        carrying_out.forward(stores, clock, incident_id, carrying_out.IN_A_REQUEST)
    return incident


def resolve(
    stores: Stores,
    clock: Clock,
    routing: Routing,
    incident_id: str,
    actor: str,
    update: str = "",
    once: str = "",
    **given: Any,
) -> Incident:
    """Resolve an incident as :func:`.lifecycle.resolve` does, with a last ``update``, if given."""
    if update.strip():
        lifecycle.must_be_open(timeline.current(stores, incident_id), "resolved")
        who = (stores, clock, routing, incident_id, actor)
        write(*who, update, "resolved", once=f"{once}:update" if once else "")
    return lifecycle.resolve(stores, clock, incident_id, actor, once=once, **given)


def updates_of(entries: Sequence[Entry]) -> List[Entry]:
    """Return the updates among an incident's entries, in order."""
    return [entry for entry in effective(entries) if entry.kind == "update"]


def draft(entries: Sequence[Entry]) -> Document:
    """Return a first version of the next update: ``text``, ``state`` and ``services``.

    Made of facts alone, without a log line or a cause: whoever sends it has read and changed it.
    """
    counted = effective(entries)
    incident = timeline.fold(entries)
    last = incident.last_update
    services = list(last.get("services") or incident.entities)[:MAX_SERVICES]
    since = incident.first_time or incident.opened_at or 0.0
    sentences = [f"{_listed(services) or 'A service is'} affected since {_clock(since)}."]
    if incident.is_open:
        sentences.append("A team works on it." if incident.acknowledged_at else "We look into it.")
    sentences += filter(None, [_last_done(counted)])
    return {"text": " ".join(sentences), "state": _state(incident, counted), "services": services}


def _check(incident: Incident, text: str, state: str, promised: float, now: float) -> None:
    if not text.strip():
        raise Invalid("An update needs a text.")
    if len(text) > TEXT_CHARACTERS:
        raise Invalid(f"An update holds at most {TEXT_CHARACTERS} characters.")
    if state and state not in STATES:
        raise Invalid(f"'{state[:60]}' is no state of an update; use {', '.join(STATES)}.")
    if not promised:
        return
    if state == "resolved" or incident.status == "closed":
        raise Invalid("It is over: leave out when the next update comes, or choose another state.")
    if not now < promised <= now + LONGEST_SECONDS:
        raise Invalid("The next update must be promised for a time from now to in 30 days.")


def _state(incident: Incident, counted: Sequence[Entry]) -> str:
    if not incident.is_open:
        return "resolved"
    if any(e.kind == "action" and e.data.get("phase") == "done" for e in counted):
        return "monitoring"
    return str(incident.last_update.get("state") or ("identified" if incident.cause else STATES[0]))


def _last_done(counted: Sequence[Entry]) -> str:
    """What was done last, as somebody else understands it."""
    for entry in reversed(counted):
        said = _done(entry.kind, entry.data)
        if said:
            return f"{said} at {_clock(entry.time)}."
    return ""


def _done(kind: str, data: Mapping[str, Any]) -> str:
    if kind == "status":
        to, before = data.get("to"), data.get("from")
        if before in ("resolved", "closed") and to not in ("resolved", "closed"):
            return "It came back"
        return {"resolved": "It was resolved", "in_progress": "Work on it began"}.get(str(to), "")
    if kind == "verification" and data.get("outcome") == "recovered":
        return "A fix was confirmed to have helped"
    if kind == "verification" and data.get("outcome") == "not_recovered":
        return "A fix was found not to have helped"
    if kind == "rollback" and data.get("phase") == "done":
        return "A fix was taken back"
    if kind == "action":
        phases = {"started": "A fix was begun", "done": "A fix was carried out"}
        return phases.get(str(data.get("phase")), "")
    if kind == "analysis" and data.get("cause") and data.get("confidence") != "low":
        return "A likely cause was found"
    return ""


def _listed(services: Sequence[str]) -> str:
    if not services:
        return ""
    more = len(services) - 5
    names = [*services[:5], *([f"{more} more"] if more > 0 else [])]
    joined = " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
    return f"{joined} {'are' if len(names) > 1 else 'is'}"


def _clock(moment: float) -> str:
    return time.strftime("%d %b %H:%M UTC", time.gmtime(moment))
