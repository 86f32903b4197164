"""Reads what a handover report tells, in eleven calls, each of them bounded.

Of each incident only what lists and counts need is read at first; of those that the report names,
the rest.
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

# So many incidents are told one by one; beyond that they are counted.
LISTED = 50
# What is read of a kind; a report of more says that it counts the gravest, or the newest.
MAX_READ = 5000
MAX_NOTES = 200
MAX_UNDELIVERED = 1000
# A message that waits for longer has a channel that does not take it.
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
# What asks somebody of a team to act on an incident.
CALLING = (*ASKING, "assigned")


@dataclass(frozen=True)
class Facts:
    """What was read. ``cut``: there was more of the incidents, or of the messages.

    ``open_`` are the open incidents, the gravest first, ``ended`` those that are over and were
    resolved within the span, the newest first; both with what is counted. ``told`` has, by id, the
    rest of the first of both. ``calls`` and ``undelivered`` are messages of the outbox, of which
    recipients and errors are not read: those are for administrators.
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
    """Read what a report of a shift tells."""
    of_team, since, now = {"team": shift.team}, shift.since, shift.until
    open_ = stores.incidents.find(
        {"$and": [of_team, IS_OPEN]}, "urgency:-1,_key:-1", MAX_READ + 1, fields=_COUNTED
    )
    # An end changes an incident, and only that is found quickly.
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
        # Those that a summary told of are its, and not counted one by one.
        [one for one in calls[:MAX_READ] if not (one.get("summary") or one.get("stakeholders"))],
        [one for one in undelivered[:MAX_UNDELIVERED] if _is_in_trouble(one, shift)],
    )


def _plans(stores: Stores, incident_ids: Sequence[str]) -> Dict[str, List[Document]]:
    """The plans of each of these, the newest first."""
    found: Dict[str, List[Document]] = {}
    if incident_ids:
        fields = ("incident_id", "status", "summary", "updated_at")
        plans = find_by(stores.plans, "incident_id", incident_ids, fields)
        for one in sorted(plans, key=lambda plan: -float(plan.get("updated_at") or 0.0)):
            found.setdefault(str(one["incident_id"]), []).append(one)
    return found


def _notes(stores: Stores, incident_ids: Sequence[str], since: float) -> Dict[str, Document]:
    """The last thing that a person noted within the span, of each of these."""
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
    """Open ones of the team that are due within a day, the first first, with their incident."""
    found: List[Document] = [
        {**one, "incident_id": str(document["_key"]), "severity": document.get("severity")}
        for document in incidents_with_follow_ups(stores, ("team", "severity"), only_open=True)
        if str(document.get("team") or "") == shift.team
        for one in document.get("follow_ups") or ()
        if one["state"] == "open" and one["due"] <= shift.until + DAY
    ]
    return sorted(found, key=lambda one: (one["due"], one["id"]))


def _calls(stores: Stores, shift: Shift) -> List[Document]:
    """Messages of the span that asked somebody of the team to act, and copies of them."""
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
    """Messages of the team, or of none, that certainly or perhaps never arrived, or may yet."""
    # What waits is given up after a day.
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
