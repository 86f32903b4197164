"""Maps timeline entries to the events that people may be notified of."""

from __future__ import annotations

from typing import Any, Mapping

from ..incidents.incident_channel_state import OPEN
from ..incidents.model import ENDED
from ..incidents.review.review_state import ENDING

__all__ = ["FOLLOW_UP_OVERDUE", "HEADLINES", "ROOM_OPENED", "event_of"]

# An event for the follow-up's owner, not for the incident's.
FOLLOW_UP_OVERDUE = "follow_up_overdue"
ROOM_OPENED = "room_opened"

# Every event that people and subscribers may be notified of, with its headline.
HEADLINES = {
    "opened": "Incident opened",
    "reopened": "Incident reopened",
    "resolved": "Incident resolved",
    "closed": "Incident closed",
    "acknowledged": "Incident acknowledged",
    "status": "Status changed",
    "severity": "Severity changed",
    "assigned": "Incident assigned",
    "unassigned": "Nobody can take the incident",
    "escalation": "Incident escalated",
    "sla_timed": "Deadlines set",
    "sla_warning": "Deadline near",
    "sla_breached": "Deadline missed",
    "routed": "Incident routed",
    "note": "Note added",
    "edited": "Incident corrected",
    "fields": "Custom fields set",
    "pinned": "Pin changed",
    "signal": "More signals found",
    "analysis": "Likely cause",
    "plan": "Fix proposed",
    "approval": "Fix approved or rejected",
    "refused": "Fix refused",
    "action": "Fix running",
    "verification": "Fix checked",
    "rollback": "Fix rolled back",
    "flapping": "Incident is flapping",
    "calm": "Incident is calm again",
    "held": "Kept open while flapping",
    "joined": "Another incident was merged into this one",
    "split": "Signals were split off to another incident",
    "ticket": "Ticket changed",
    "task": "Task changed",
    "role": "Role changed",
    "review": "Review updated or reopened",
    "review_done": "Review done or not needed",
    "follow_up": "Follow-up added or changed",
    FOLLOW_UP_OVERDUE: "Follow-up overdue",
    ROOM_OPENED: "Incident channel opened",
    "room": "Incident channel",
    "update": "Update for stakeholders",
    "update_due": "Stakeholder update due",
    "update_overdue": "Stakeholder update overdue",
}
_MEANS = {"merged": "resolved", "unmerged": "reopened"}


def event_of(entry: Mapping[str, Any]) -> str:
    """Return the event of an entry; a status change is named by its new status.

    For those who were notified of it, a merged incident is over; the one it was merged into goes
    on.
    """
    if entry["kind"] in _MEANS:
        return _MEANS[str(entry["kind"])]
    if entry["kind"] == "flapping":
        return {"began": "flapping", "ended": "calm"}.get(entry["data"].get("state", ""), "held")
    if entry["kind"] == "update_due":
        return "update_overdue" if entry["data"].get("event") == "missed" else "update_due"
    if entry["kind"] == "room" and entry["data"].get("event") == OPEN:
        return ROOM_OPENED
    if entry["kind"] == "sla":
        return f"sla_{entry['data'].get('event', '')}"
    if entry["kind"] == "follow_up" and entry["data"].get("event") == "overdue":
        return FOLLOW_UP_OVERDUE
    if entry["kind"] == "review" and entry["data"].get("state") in ENDING:
        return "review_done"
    if entry["kind"] != "status":
        return str(entry["kind"])
    before, after = entry["data"].get("from", ""), entry["data"].get("to", "")
    if after in ENDED:
        return str(after)
    if before in ENDED:
        return "reopened"
    if after == "in_progress":
        return "acknowledged"
    return "status"
