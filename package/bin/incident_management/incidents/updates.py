"""Stakeholder updates: what people write for stakeholders, and when the next update is due.

Words and states are those of status pages ("investigating, identified, monitoring, resolved"). An
update's state does not change the incident's own status.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, List, Mapping, Optional, Sequence

from ..ports import Document
from . import editing, lifecycle, timeline
from .act import Act
from .canonical import milliseconds
from .clocks import checkpoint
from .clocks import updates as clocks
from .clocks.promised_updates import STATES
from .errors import IllegalMove, Invalid
from .fold import effective
from .joining import execution
from .lifecycle import Ending
from .model import ENDED, Entry, Incident
from .routing import Routing
from .tasks.task_list import open_task_titles

__all__ = [
    "MAX_SERVICES",
    "STATES",
    "TEXT_CHARACTERS",
    "Update",
    "draft",
    "publish",
    "resolve",
    "updates_of",
]

TEXT_CHARACTERS = 2000
MAX_SERVICES = 50
# How far ahead the next update can be promised.
LONGEST_SECONDS = 30 * 86400.0
# The phases of a fix that an update mentions; a failed one is not mentioned.
_PHASES = {"started": "A fix was started", "done": "A fix was executed"}


@dataclass(frozen=True)
class Update:
    """A message to stakeholders.

    ``state`` is one of STATES, or empty; ``services`` are affected, None: the incident's entities.
    ``next_by`` is when the next update is due, in epoch seconds. 0: not promised, but if
    stakeholders get regular updates, due within their interval.
    """

    text: str
    state: str = ""
    services: Optional[Sequence[str]] = None
    next_by: float = 0.0


def publish(act: Act, routing: Routing, incident_id: str, update: Update) -> Incident:
    """Publish an update for stakeholders, in any state of the incident.

    Raises:
        NotFound: there is no such incident.
        IllegalMove: it was merged into another.
        Invalid: the text, the state or the time of the next update is not acceptable.
    """
    entries = timeline.read_existing(act.stores, incident_id)
    incident = timeline.fold(entries)
    if incident.merged_into:
        raise IllegalMove(
            f"{incident_id} was merged into {incident.merged_into}. Write the update there: it "
            "reaches the stakeholders of both."
        )
    now, next_by = act.clock.now(), update.next_by
    _check(incident, update, now)
    if not next_by and update.state != "resolved":
        every = clocks.every_of(entries, routing)
        next_by = now + every if every else 0.0
    services = incident.entities if update.services is None else update.services
    data: Document = {
        "text": update.text.strip(),
        "state": update.state,
        "services": list(services)[:MAX_SERVICES],
        **({"next_by": milliseconds(next_by)} if next_by else {}),
    }
    if next_by:
        # Before the entry: after a kill in between, no worker would check the promise.
        checkpoint.begin(act.stores, act.clock)
    incident = timeline.record(act, incident_id, "update", data, act.once)
    if incident.merged_into:
        # It was merged at that moment: the promise moves along.
        execution.forward(act.stores, act.clock, incident_id, execution.IN_A_REQUEST)
    return incident


def resolve(
    act: Act,
    routing: Routing,
    incident_id: str,
    ending: Ending,
    last: str = "",
    fields: Optional[Mapping[str, str]] = None,
) -> Incident:
    """Resolve an incident for a person, with a ``last`` stakeholder update unless it is empty.

    The titles of open tasks are recorded with it.

    Args:
        fields: custom field values to set before, as :func:`.editing.edit` takes them.
    Raises:
        Invalid: a required custom field has no value, or a value is not acceptable.
    """
    incident = timeline.current(act.stores, incident_id)
    lifecycle.require_open(incident, "resolved")
    values = {**incident.fields, **(fields or {})}
    routing.fields.check_resolvable(incident.severity, incident.team, values)
    if fields:
        editing.edit(act, incident_id, {"fields": fields})
    if last.strip():
        publish(act.named(act.part("update")), routing, incident_id, Update(last, "resolved"))
    ending = replace(ending, tasks_left=open_task_titles(routing, incident))
    return lifecycle.resolve(act, incident_id, ending)


def updates_of(entries: Sequence[Entry]) -> List[Entry]:
    """Return the updates among an incident's entries, in order."""
    return [entry for entry in effective(entries) if entry.kind == "update"]


def draft(entries: Sequence[Entry]) -> Document:
    """Return a draft of the next update: ``text``, ``state`` and ``services``.

    It has only facts, no log line and no cause: the sender reads and edits it first.
    """
    counted = effective(entries)
    incident = timeline.fold(entries)
    last = incident.last_update
    services = list(last.get("services") or incident.entities)[:MAX_SERVICES]
    since = _clock(incident.first_time or incident.opened_at or 0.0)
    sentences = [_affected(services, since, incident.is_open)]
    if incident.is_open:
        is_begun = incident.status == "in_progress"
        sentences.append("A team is working on it." if is_begun else "We are investigating.")
    sentences += filter(None, [_last_done(counted)])
    return {"text": " ".join(sentences), "state": _state(incident, counted), "services": services}


def _check(incident: Incident, update: Update, now: float) -> None:
    text, state, promised = update.text, update.state, update.next_by
    if not text.strip():
        raise Invalid("An update needs a text.")
    if len(text) > TEXT_CHARACTERS:
        raise Invalid(f"An update can have at most {TEXT_CHARACTERS} characters.")
    if state and state not in STATES:
        raise Invalid(f"'{state[:60]}' is not a state of an update; use {', '.join(STATES)}.")
    if not promised:
        return
    if state == "resolved" or incident.status == "closed":
        raise Invalid(
            "A final update can't promise a next one. "
            "Leave its time empty, or choose another state."
        )
    if not now < promised <= now + LONGEST_SECONDS:
        raise Invalid("The next update must be due within the next 30 days.")


def _state(incident: Incident, counted: Sequence[Entry]) -> str:
    """Return the state from the entries since the last opening, or the published one, if later."""
    if not incident.is_open:
        return "resolved"
    told, is_known, is_fixed = STATES[0], False, False
    for entry in counted:
        data = entry.data
        if _is_back(entry.kind, data):
            told, is_known, is_fixed = STATES[0], False, False
        elif entry.kind == "update" and data.get("state") in STATES[:-1]:
            told = str(data["state"])
        elif entry.kind == "analysis":
            is_known = _names_cause(data)
        elif entry.kind == "action" and data.get("phase") == "done":
            is_fixed = True
        elif data.get("outcome") == "not_recovered" or entry.kind == "rollback":
            told, is_fixed = STATES[0], False
    found = "monitoring" if is_fixed else "identified" if is_known else STATES[0]
    return max(told, found, key=STATES.index)


def _is_back(kind: str, data: Mapping[str, Any]) -> bool:
    before, after = data.get("from"), data.get("to")
    return kind == "status" and before in ENDED and after not in ENDED


def _names_cause(data: Mapping[str, Any]) -> bool:
    """Tell whether an analysis found a cause, not just a suspect."""
    return bool(data.get("cause")) and data.get("confidence") != "low"


def _last_done(counted: Sequence[Entry]) -> str:
    """Describe the last step in words for stakeholders; of analyses only the newest counts."""
    is_analysed = False
    for entry in reversed(counted):
        if entry.kind == "action" and entry.data.get("phase") not in _PHASES:
            # The fix failed, so its start is not mentioned either.
            return ""
        said = "" if is_analysed and entry.kind == "analysis" else _done(entry.kind, entry.data)
        if said:
            return f"{said} at {_clock(entry.time)}."
        is_analysed = is_analysed or entry.kind == "analysis"
    return ""


def _done(kind: str, data: Mapping[str, Any]) -> str:
    if kind == "status":
        if _is_back(kind, data):
            return "The problem came back"
        return {"resolved": "It was resolved", "in_progress": "Work began"}.get(
            str(data.get("to")), ""
        )
    if kind == "verification" and data.get("outcome") == "recovered":
        return "A fix was confirmed to work"
    if kind == "verification" and data.get("outcome") == "not_recovered":
        return "A fix did not help"
    if kind == "rollback" and data.get("phase") == "done":
        return "A fix was rolled back"
    if kind == "action":
        return _PHASES.get(str(data.get("phase")), "")
    if kind == "analysis" and _names_cause(data):
        return "A likely cause was found"
    return ""


def _affected(services: Sequence[str], since: str, is_open: bool) -> str:
    more = len(services) - 5
    names = [*services[:5], *([f"{more} more"] if more > 0 else [])] or ["A service"]
    joined = " and ".join([*([", ".join(names[:-1])] if names[1:] else []), names[-1]])
    if is_open:
        return f"{joined} {'have' if names[1:] else 'has'} been affected since {since}."
    return f"{joined} {'were' if names[1:] else 'was'} affected from {since} on."


def _clock(moment: float) -> str:
    return time.strftime("%d %b %H:%M UTC", time.gmtime(moment))
