"""Reads the data of a handover report, in eleven calls, each of them bounded.

First, only the fields for lists and counts are read of each incident; then the details of those
that the report lists.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Sequence

from ..incidents.clocks import windows
from ..incidents.entry_validation import is_readable
from ..incidents.model import ACTOR, ENDED
from ..incidents.review.reminders import incidents_with_follow_ups
from ..incidents.stores import IS_OPEN, any_of, find_by
from ..incidents.suppression import Suppression
from ..notify.message import SUMMARY
from ..notify.services.slack_buttons import ASKING
from ..ports import Document, Stores
from ..remediation import freeze
from .shift import DAY, Shift

__all__ = ["CALLING", "LATE_SECONDS", "LISTED", "WAITING", "Facts", "read_facts"]

# Incidents that are listed one by one; the others are only counted.
LISTED = 50
# Documents read of each kind; a report with more says that it is incomplete.
MAX_READ = 5000
MAX_NOTES = 200
MAX_UNDELIVERED = 1000
# A message that waits for longer than this is late: its channel does not accept it.
LATE_SECONDS = 15 * 60.0
WAITING = ("pending", "sending")
_COUNTED = (
    *("severity", "status", "owner", "opened_at", "acknowledged_at", "rules", "feedback"),
    *("urgency", "resolved_at", "merged_into"),
)
_DETAILS = (
    *_COUNTED,
    *("title", "team", "entities", "tags", "tasks", "roles", "level", "sla_ack_due"),
    *("sla_resolve_due", "update_due", "handed_on", "pinned", "flapping", "cause", "resolution"),
)
# Events that ask a member of the team to act on an incident.
CALLING = (*ASKING, "assigned")


@dataclass(frozen=True)
class Facts:
    """The data that was read. ``cut``: there were more incidents or messages.

    ``open`` are the open incidents, the most severe first; ``ended`` those resolved within the span
    that are over, the newest first; both only with the fields for counts. ``details`` has, by id,
    the other fields of the first of both. ``calls`` and ``undelivered`` are messages of the outbox,
    read without recipients and errors, which are for administrators.
    """

    shift: Shift
    open: Sequence[Document]
    ended: Sequence[Document]
    cut: bool
    details: Mapping[str, Document]
    plans: Mapping[str, Sequence[Document]]
    notes: Mapping[str, Document]
    suppressions: Sequence[Suppression]
    freezes: Sequence[freeze.Freeze]
    follow_ups: Sequence[Document]
    calls: Sequence[Document]
    undelivered: Sequence[Document]


def read_facts(stores: Stores, shift: Shift) -> Facts:
    """Read the data of a shift's report."""
    of_team, since, now = {"team": shift.team}, shift.since, shift.until
    open_ = stores.incidents.find(
        {"$and": [of_team, IS_OPEN]}, "urgency:-1,_key:-1", MAX_READ + 1, fields=_COUNTED
    )
    # Resolving changes ``updated_at``, for which there is an acceleration.
    over = [of_team, any_of("status", ENDED), {"updated_at": {"$gte": since}}]
    changed = stores.incidents.find(
        {"$and": over}, "updated_at:-1,_key:-1", MAX_READ + 1, fields=_COUNTED
    )
    ended = [one for one in changed if float(one.get("resolved_at") or 0.0) >= since]
    ended.sort(key=lambda one: -float(one["resolved_at"]))
    named = [str(one["_key"]) for one in open_[:LISTED]]
    rest = [str(one["_key"]) for one in ended[:LISTED]]
    told = find_by(stores.incidents, "_key", [*named, *rest], _DETAILS) if named or rest else []
    calls, undelivered = _calls(stores, shift), _undelivered(stores, shift)
    in_force = windows.not_ended(now)
    return Facts(
        shift,
        open_[:MAX_READ],
        ended[:MAX_READ],
        max(map(len, (open_, changed, calls))) > MAX_READ or len(undelivered) > MAX_UNDELIVERED,
        {str(one["_key"]): one for one in told},
        _plans(stores, named),
        _notes(stores, named, since),
        [Suppression.from_document(one) for one in stores.suppressions.find(in_force)],
        freeze.not_over(stores, now),
        _follow_ups(stores, shift),
        # Messages in a summary are counted as that summary.
        [one for one in calls[:MAX_READ] if not (one.get("summary") or one.get("stakeholders"))],
        [one for one in undelivered[:MAX_UNDELIVERED] if _is_in_trouble(one, shift)],
    )


def _plans(stores: Stores, incident_ids: Sequence[str]) -> Dict[str, List[Document]]:
    """Return the plans of each incident, the newest first."""
    found: Dict[str, List[Document]] = {}
    if incident_ids:
        fields = ("incident_id", "status", "summary", "updated_at")
        plans = find_by(stores.plans, "incident_id", incident_ids, fields)
        for one in sorted(plans, key=lambda plan: -float(plan.get("updated_at") or 0.0)):
            found.setdefault(str(one["incident_id"]), []).append(one)
    return found


def _notes(stores: Stores, incident_ids: Sequence[str], since: float) -> Dict[str, Document]:
    """Return the last note that a person wrote within the span, by incident."""
    if not incident_ids:
        return {}
    written = [{"kind": "note"}, {"time": {"$gte": since}}, {"actor": {"$ne": ACTOR}}]
    query = {"$and": [any_of("incident_id", incident_ids), *written]}
    fields = ("incident_id", "actor", "time", "data")
    found: Dict[str, Document] = {}
    for one in stores.timeline.find(query, "time:-1", MAX_NOTES, fields=fields):
        if is_readable(one, ("data",)):
            found.setdefault(str(one["incident_id"]), one)
    return found


def _follow_ups(stores: Stores, shift: Shift) -> List[Document]:
    """Return the team's open follow-ups due within a day, in order, with their incident."""
    found: List[Document] = [
        {**one, "incident_id": str(document["_key"]), "severity": document.get("severity")}
        for document in incidents_with_follow_ups(stores, ("team", "severity"), only_open=True)
        if str(document.get("team") or "") == shift.team
        for one in document.get("follow_ups") or ()
        if one["state"] == "open" and one["due"] <= shift.until + DAY
    ]
    return sorted(found, key=lambda one: (one["due"], one["id"]))


def _calls(stores: Stores, shift: Shift) -> List[Document]:
    """Return the span's messages that asked the team to act, copies included."""
    query = {
        "$and": [
            {"created_at": {"$gte": shift.since}},
            {"message.team": shift.team},
            any_of("event", (*CALLING, SUMMARY)),
        ]
    }
    fields = ("incident_id", "channel", "event", "summary", "stakeholders")
    return stores.outbox.find(query, "created_at:-1", MAX_READ + 1, fields=fields)


def _undelivered(stores: Stores, shift: Shift) -> List[Document]:
    """Return messages of the team, or of none, that failed, are unconfirmed, or wait."""
    # Messages that wait are given up after a day.
    since = min(shift.since, shift.until - DAY)
    states = any_of("state", ("dead", "unconfirmed", *WAITING))
    of_team = any_of("message.team", (shift.team, ""))
    query = {"$and": [{"created_at": {"$gte": since}}, states, of_team]}
    fields = ("channel", "state", "created_at")
    return stores.outbox.find(query, "created_at:-1", MAX_UNDELIVERED + 1, fields=fields)


def _is_in_trouble(one: Mapping[str, Any], shift: Shift) -> bool:
    created = float(one["created_at"])
    if one["state"] in WAITING:
        return created < shift.until - LATE_SECONDS
    return created >= shift.since
