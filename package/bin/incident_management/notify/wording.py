"""The wording of a message about one timeline entry. Pure."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Iterable, Mapping, Sequence

from ..incidents.clocks.promised_updates import STATES
from ..incidents.field_values import describe_changes as told_of_fields
from ..incidents.model import ENDED
from ..incidents.review.review_state import due_day
from .events import HEADLINES, ROOM_OPENED

__all__ = ["details", "happened"]

# Texts by an entry's kind or event, filled from its data.
_TOLD = {
    "opened": "{description}",
    "analysis": "{verdict}",
    "merged": "This incident was merged into {into}. {reason}",
    "joined": "{from}: {title}",
    "split": "These signals are now in {to}. {reason}",
    **dict.fromkeys(ENDED, "{resolution} {reason}"),
    "severity": "From {from} to {to}. {reason}",
    ROOM_OPENED: "Messages about this incident now go to #{name}.",
}


def happened(event: str, entry: Mapping[str, Any]) -> str:
    """Return the headline of an entry with the event ``event``, without its actor."""
    data = entry["data"]
    if event == "analysis" and not data.get("cause"):
        return "No cause found"
    if event == "analysis" and data.get("confidence") == "low":
        return "Suspected cause, not proved"
    if event == "update" and data.get("state") in STATES:
        return f"{str(data['state']).capitalize()}: update for stakeholders"
    if event == "verification":
        return {
            "recovered": "Fix verified: recovered",
            "not_recovered": "Fix did not help",
        }.get(data.get("outcome", ""), "Fix not verified: not enough data")
    if event == "approval":
        decision = str(data.get("decision", "decided on"))
        # If a fix needs several approvals, only the last one approves it.
        return f"Fix {decision}{' in part' if data.get('left') else ''}"
    if event == "action":
        return {"started": "Fix started", "done": "Fix executed"}.get(
            data.get("phase", ""), "Fix failed"
        )
    if event == "rollback":
        return {"started": "Fix being rolled back", "done": "Fix rolled back"}.get(
            data.get("phase", ""), "Fix not rolled back"
        )
    if event == "follow_up" and data.get("event") == "ticket":
        return "Follow-up ticket requested"
    if event in ("task", "follow_up"):
        return f"{'Task' if event == 'task' else 'Follow-up'} {_became(data, _actor(entry))}"
    if event == "role":
        return f"Role {_passed_on(data, _actor(entry))}"
    if event == "review" and data.get("state") == "open":
        return "Review reopened"
    if event == "review_done":
        return "Review done" if data.get("state") == "done" else "Review not needed"
    return HEADLINES.get(event, event.replace("_", " ").capitalize())


def _actor(entry: Mapping[str, Any]) -> str:
    """Return an entry's actor in lower case, as owners are written."""
    return str(entry.get("actor") or "").lower()


def _passed_on(data: Mapping[str, Any], actor: str) -> str:
    """Return what was done with a role, as a participle."""
    if data.get("person"):
        return "taken" if data["person"] == actor else "assigned"
    return "released" if data.get("instead_of") == actor else "removed"


def _became(data: Mapping[str, Any], actor: str) -> str:
    """Return what was done with a task or a follow-up, as a participle."""
    if data.get("state"):
        return "opened again" if data["state"] == "open" else str(data["state"])
    if data.get("event") == "added":
        return "added"
    if "was" in data:
        return "renamed"
    if "owner" not in data:
        return "changed"
    if not data["owner"]:
        return "left to anybody"
    return "taken" if data["owner"] == actor else "handed over"


def details(
    event: str,
    entry: Mapping[str, Any],
    incident: Mapping[str, Any],
    shown: Iterable[Sequence[str]],
) -> str:
    """Return the text after the headline; ``shown``: the custom fields that a message shows."""
    kind, data = entry["kind"], entry["data"]
    told = _TOLD.get(kind) or _TOLD.get(event)
    if told:
        return told.format_map(defaultdict(str, {name: one or "" for name, one in data.items()}))
    if event == "plan":
        return _plan(data, str(incident.get("id", "")))
    if event == "assigned":
        owner, team = data.get("owner") or "nobody", data.get("team") or "none"
        return f"Owner: {owner}. Team: {team}. {data.get('reason') or ''}"
    if event == "acknowledged":
        return f"Owner: {incident.get('owner') or 'nobody'}."
    if event == "edited":
        return f"Corrected: {', '.join(sorted(data))}."
    if event == "pinned":
        state = (
            "It is not resolved automatically."
            if data.get("pinned")
            else "It may be resolved automatically."
        )
        return f"{state} {data.get('reason') or ''}"
    if event == "ticket":
        said = str(data.get("by") or "") if data.get("event") == "comment" else ""
        return f"{data.get('number')}: {f'{said}: ' if said else ''}{data.get('text')}"
    if kind == "fields":
        # The entry's own text has all fields, including those that no message may show.
        return told_of_fields(data, {name: label for name, label, *_ in shown})
    if kind == "task":
        return _task(data)
    if kind == "role":
        before = f" now; {data['instead_of']} had it" if data.get("instead_of") else ""
        return f"{data.get('person') or 'Nobody'} has the role {data.get('role')}{before}."
    if kind == "follow_up":
        return _follow_up(data, incident)
    texts = (data.get(part) for part in ("text", "detail", "reason", "summary"))
    return str(next(filter(None, texts), ""))


def _plan(data: Mapping[str, Any], incident_id: str) -> str:
    override = ' override="(why)"' if data.get("freeze") else ""
    lines = [
        *(str(data.get(part) or "") for part in ("summary", "blast_radius", "freeze", "proof")),
        f"Approval required: | remediate incident={incident_id} "
        f"plan={data.get('plan_id', '')} do=approve{override}",
    ]
    return "\n".join(line for line in lines if line)


def _task(data: Mapping[str, Any]) -> str:
    was = f"Before: {str(data['was']).rstrip('.')}." if data.get("was") else ""
    owner = f"Owner: {data['owner'] or 'anybody'}." if "owner" in data else ""
    title = str(data.get("title") or "").rstrip(".")
    return " ".join(filter(None, (f"{title}.", was, owner, str(data.get("reason") or ""))))


def _follow_up(data: Mapping[str, Any], incident: Mapping[str, Any]) -> str:
    known = [one for one in incident.get("follow_ups") or () if one["id"] == data.get("follow_up")]
    said = {**(known[0] if known else {}), **data}
    due = f" Due {due_day(said)}." if said.get("due") else ""
    state = f" It is {said['state']}." if data.get("state") in ("done", "dropped") else ""
    title = str(said.get("title") or "").rstrip(".")
    return f"{title}. Owner: {said.get('owner') or 'nobody'}.{due}{state}"
