"""Timeline entries in words, for the report and the review. Pure.

The workbench words the same kinds in ``appserver/static/workbench/entries.js``. Texts are neither
masked nor escaped.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping

from ..utc import to_the_second
from .model import Entry
from .review.review_state import SECTIONS

__all__ = ["describe_entry"]

Data = Mapping[str, Any]


def describe_entry(entry: Entry) -> str:
    """Describe an entry in full sentences; an unknown kind is described by its name."""
    describe = _SENTENCES.get(entry.kind)
    return describe(entry.data) if describe else entry.kind.replace("_", " ")


def _ended(text: Any) -> str:
    """Return a text with a full stop, unless it ends a sentence already or is empty."""
    words = str(text or "").strip()
    return words if not words or words[-1] in ".!?…”" else f"{words}."


def _with(text: str, detail: Any) -> str:
    """Return a sentence that ends with a detail after a colon, if there is one."""
    return _ended(f"{text}: {detail}" if detail else text)


def _joined_texts(*texts: Any) -> str:
    return " ".join(_ended(text) for text in texts if text)


def _because(text: str, data: Data) -> str:
    """Return a sentence and the reason, which is a sentence of its own."""
    return _joined_texts(text, data.get("reason"))


def _listed(*values: Any) -> str:
    return ", ".join(str(value) for value in values if value)


def _count(data: Data, what: str, name: str = "") -> str:
    """Count the things that the data lists under ``name``, by default under their plural."""
    count = len(data.get(name or f"{what}s") or ())
    return f"{count} {what}{'' if count == 1 else 's'}"


def _signals(data: Data) -> str:
    return f"{_count(data, 'signal')} of {data.get('rule') or 'several rules'}"


def _opened(data: Data) -> str:
    return _ended(f"Opened with {_signals(data)}" if data.get("signals") else "Opened by hand")


def _edited(data: Data) -> str:
    """Describe each corrected field with its new value; the long description only by its name."""
    said = []
    for name, value in sorted(data.items()):
        text = ", ".join(value) if isinstance(value, list) else str(value)
        said.append(f"{name} is now {text or 'empty'}" if name != "description" else name)
    return _ended(f"Edited: {'; '.join(said)}")


def _ticket(data: Data) -> str:
    author = data.get("by") if data.get("event") == "comment" else ""
    named = (f"Ticket {data.get('number') or ''}".strip(), author, data.get("text"))
    return _ended(": ".join(str(one) for one in named if one))


def _assignee(data: Data) -> str:
    team = f"team {data['team']}" if data.get("team") else ""
    return _listed(data.get("owner"), team) or "nobody"


def _escalation(data: Data) -> str:
    to_whom = _assignee(data)
    if to_whom == "nobody":
        to_whom = ", ".join(data.get("channels") or ()) or to_whom
    return _because(f"Escalated to level {data.get('level')}: {to_whom}", data)


def _deadlines(data: Data) -> str:
    event = data.get("event")
    if event == "timed":
        dues = ((name, data.get(f"{name}_due")) for name in ("acknowledge", "resolve"))
        said = [f"{name} by {to_the_second(float(due))}" for name, due in dues if due is not None]
        return _ended(f"Deadlines: {', '.join(said) or 'none'}")
    state = {"warning": "is near", "breached": "was missed"}.get(str(event), str(event))
    clock = "acknowledge" if data.get("clock") == "acknowledge" else "resolve"
    return _with(f"The deadline to {clock} {state}", data.get("reason"))


def _status(data: Data) -> str:
    before, after, reason = str(data.get("from")), str(data.get("to")), data.get("reason")
    if after in ("resolved", "closed"):
        said = _joined_texts(data.get("category"), data.get("resolution"), reason)
        return _with(after.capitalize(), said)
    if before in ("resolved", "closed"):
        return _with("Reopened", reason)
    if after == "in_progress":
        return _with("Acknowledged", "" if reason == "acknowledged" else reason)
    return _with(f"Status changed from {before} to {after}".replace("_", " "), reason)


def _approval(data: Data) -> str:
    plan = f" (plan {data['plan_id']})" if data.get("plan_id") else ""
    if data.get("decision") != "approved":
        return _because(f"Fix rejected{plan}", data)
    return _ended(f"Fix approved{plan}{'; more approvals are needed' if data.get('left') else ''}")


_PHASES = {
    "action": {"started": "Fix started", "done": "Fix executed", "failed": "Fix failed"},
    "rollback": {
        "started": "Rollback started",
        "done": "Fix rolled back",
        "failed": "Rollback failed",
    },
}
_OUTCOMES = {
    "recovered": "Recovery was proved",
    "not_recovered": "The fix did not help",
    "insufficient_data": "Recovery was not proved",
}
_FLAPPING = {
    "began": "Flapping, so it is kept open",
    "held": "Kept open",
    "ended": "No longer flapping",
}
_CHANNEL = {
    "wanted": "requested",
    "opened": "opened",
    "failed": "could not be opened",
    "held": "was not opened",
    "archived": "archived",
    "gone": "was deleted",
}


def _phase(kind: str) -> Callable[[Data], str]:
    def describe(data: Data) -> str:
        phase = str(data.get("phase"))
        return _with(_PHASES[kind].get(phase, f"{kind} {phase}"), data.get("detail"))

    return describe


def _joined(data: Data) -> str:
    tasks = f" and {_count(data, 'task')}" if data.get("tasks") else ""
    return _ended(f"Merged in {data.get('from')} with {_count(data, 'signal')}{tasks}")


def _split(data: Data) -> str:
    removed = _count(data, "signal", "removed")
    if data.get("undone"):
        return _because(f"Undid the merge of {data['undone']} with {removed}", data)
    return _because(f"Split {removed} off to {data.get('to')}", data)


def _update(data: Data) -> str:
    state = f" ({data['state']})" if data.get("state") else ""
    due = f"Next update by {to_the_second(float(data['next_by']))}" if data.get("next_by") else ""
    return _joined_texts(f"Stakeholder update{state}: {data.get('text')}", due)


def _update_due(data: Data) -> str:
    if data.get("event") == "missed":
        return _with("A stakeholder update was missed", data.get("reason"))
    return _ended(data.get("reason"))


def _channel(data: Data) -> str:
    event = str(data.get("event"))
    name = f" #{data['name']}" if data.get("name") else ""
    return _because(f"Slack channel{name} {_CHANNEL.get(event, event)}", data)


def _review(data: Data) -> str:
    states = {"done": "Review done", "not_needed": "No review needed", "open": "Review reopened"}
    state = states.get(str(data.get("state")), "")
    written = [SECTIONS[name].lower() for name in SECTIONS if name in data]
    said = f"Wrote the review's {', '.join(written)}" if written else ""
    return _joined_texts(state, said, data.get("reason"))


_TASK_STATES = {"done": "done", "dropped": "dropped", "open": "reopened"}


def _task(data: Data) -> str:
    owner, added = data.get("owner"), data.get("event") == "added"
    state = _TASK_STATES.get(str(data.get("state")), "")
    if not state and data.get("event") == "changed" and "owner" in data:
        state = f"assigned to {owner}" if owner else "unassigned"
    renamed = f"renamed from “{data['was']}”" if data.get("was") else ""
    did = _listed("added" if added else "", renamed, state)
    for_whom = f", for {owner}" if added and owner else ""
    return _because(f"Task {did}: {data.get('title')}{for_whom}", data)


def _role(data: Data) -> str:
    person, before = data.get("person"), data.get("instead_of")
    state = f"assigned to {person}" if person else "unassigned"
    return _ended(f"Role {data.get('role')} {state}{f', instead of {before}' if before else ''}")


def _follow_up(data: Data) -> str:
    if data.get("event") == "ticket":
        return _ended(f"Ticket in {data.get('channel')} requested for {data.get('follow_up')}")
    due = f"due {to_the_second(float(data['due']))}" if data.get("due") else ""
    owner = f"owner {data['owner']}" if data.get("owner") else ""
    state = _TASK_STATES.get(str(data.get("state"))) or data.get("event")
    about = _listed(data.get("title"), owner, due)
    said = f"Follow-up {data.get('follow_up')} {state}"
    return _because(f"{said}: {about}" if about else said, data)


_SENTENCES: Dict[str, Callable[[Data], str]] = {
    "action": _phase("action"),
    "analysis": lambda data: _ended(data.get("verdict") or "Analyzed"),
    "approval": _approval,
    "assigned": lambda data: _because(f"Assigned to {_assignee(data)}", data),
    "edited": _edited,
    "escalation": _escalation,
    "fields": lambda data: _ended(data.get("text")),
    "flapping": lambda data: _because(_FLAPPING.get(str(data.get("state")), "Flapping"), data),
    "follow_up": _follow_up,
    "joined": _joined,
    "merged": lambda data: _because(f"Merged into {data.get('into')}", data),
    "note": lambda data: str(data.get("text") or ""),
    "opened": _opened,
    "pinned": lambda data: _because(
        "Pinned: not resolved automatically" if data.get("pinned") else "Unpinned", data
    ),
    "plan": lambda data: _ended(f"Fix proposed: {data.get('summary') or data.get('action')}"),
    "refused": lambda data: _with("Fix refused", data.get("reason")),
    "review": _review,
    "role": _role,
    "rollback": _phase("rollback"),
    "room": _channel,
    "routed": lambda data: _ended(data.get("reason")),
    "severity": lambda data: _because(
        f"Severity changed from {data.get('from')} to {data.get('to')}", data
    ),
    "signal": lambda data: _because(f"Added {_signals(data)}", data),
    "sla": _deadlines,
    "split": _split,
    "status": _status,
    "task": _task,
    "ticket": _ticket,
    "unassigned": lambda data: _with("Nobody could be assigned", data.get("reason")),
    "unmerged": lambda data: _because(f"Undid the merge into {data.get('from')}", data),
    "update": _update,
    "update_due": _update_due,
    "verification": lambda data: _with(
        _OUTCOMES.get(str(data.get("outcome")), str(data.get("outcome"))), data.get("detail")
    ),
}
