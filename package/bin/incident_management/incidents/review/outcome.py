"""The parts of an account on fixes, notifications and deviations. Pure."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Sequence

from ...utc import to_the_second as utc
from ..entry_text import describe_entry
from ..fold import State
from ..model import Entry, Incident
from ..report import final_notifications
from .statements import ReviewedTimeline, Statement, elide_middle, join_names

__all__ = ["deviation_statements", "fix_statements", "notification_statements"]

_FIXING = ("plan", "approval", "refused", "action", "verification", "rollback")
MOST_SEARCHES = 10
Data = Mapping[str, Any]


def fix_statements(story: ReviewedTimeline) -> List[Statement]:
    """Describe plans, decisions, runs and their verification, and how the incident was resolved."""
    entries = story.of_kind(*_FIXING, "status")
    found: List[Statement] = []
    for entry in entries:
        if entry.kind == "verification":
            found += _proof(entry)
        elif entry.kind != "status":
            found.append(Statement(describe_entry(entry), (entry,)))
        elif entry.data.get("to") == "resolved":
            found += _resolved(entry)
    return elide_middle(found) or [Statement("The timeline has no fix and no resolution.")]


def _proof(entry: Entry) -> List[Statement]:
    data = entry.data
    found = [Statement(describe_entry(entry), (entry,))]
    for search in list(data.get("searches") or ())[:MOST_SEARCHES]:
        windows = search.get("windows") or {}
        halves = [
            f"{half} the fix{_span(windows.get(half))}: {_names(search.get(half))}"
            for half in ("before", "after")
        ]
        text = f"The search {search.get('name') or 'that raised it'} found {'; '.join(halves)}."
        found.append(Statement(text, (entry,)))
    return found


def _names(found: Any) -> str:
    return join_names(list(found or ())) or "nothing"


def _span(window: Any) -> str:
    if not isinstance(window, (list, tuple)) or len(window) != 2:
        return ""
    return f" ({utc(float(window[0]))} to {utc(float(window[1]))})"


def _resolved(entry: Entry) -> List[Statement]:
    data = entry.data
    said = any(data.get(name) for name in ("category", "resolution", "reason"))
    text = describe_entry(entry) if said else "Resolved, without a recorded resolution."
    found = [Statement(text, (entry,))]
    if data.get("feedback"):
        judged = str(data["feedback"]).replace("_", " ")
        found.append(Statement(f"The finding was judged a {judged}.", (entry,)))
    return found


def notification_statements(story: ReviewedTimeline) -> List[Statement]:
    """Describe how many messages each channel got, the stakeholder updates, and lost messages."""
    sent: Dict[str, List[Entry]] = {}
    lost: List[Statement] = []
    for entry in final_notifications(story.counted):
        data = entry.data
        if data.get("follow_up"):
            continue  # A message to a follow-up's ticket is shown with the follow-up.
        if data.get("outcome") == "sent":
            sent.setdefault(str(data.get("channel")), []).append(entry)
            continue
        how = "may not have received" if data.get("outcome") == "unconfirmed" else "did not receive"
        what = str(data.get("event") or "something").replace("_", " ")
        text = f"{data.get('channel')} {how} “{what}”: {data.get('detail') or 'no reason is known'}"
        lost.append(Statement(text, (entry,)))
    found = []
    for channel, entries in sorted(sent.items()):
        events = dict.fromkeys(str(e.data.get("event")).replace("_", " ") for e in entries)
        count = f"{len(entries)} message{'' if len(entries) == 1 else 's'}"
        since = f"the first at {utc(entries[0].time)}"
        found.append(
            Statement(
                f"{channel} got {count}, {since}: {join_names(list(events))}.", tuple(entries)
            )
        )
    found += [Statement(describe_entry(entry), (entry,)) for entry in story.of_kind("update")]
    return elide_middle([*found, *lost]) or [Statement("The app sent no notification.")]


def deviation_statements(story: ReviewedTimeline, empty: Sequence[str] = ()) -> List[Statement]:
    """Describe the deadlines, whether they were met, and all other deviations.

    ``empty``: the labels of custom fields that are required by now and have no value.
    """
    timed = [e for e in story.of_kind("sla") if e.data.get("event") == "timed"]
    found: List[Statement] = []
    if timed:
        said = describe_entry(timed[-1])
        # A merge does not meet a deadline: it continues in the other incident.
        status = "" if story.incident.merged_into else story.incident.sla_status
        standing = f" Status: {status}." if status else ""
        found.append(Statement(said + standing, (timed[-1],)))
    found += _undelivered(story) + _left_open(story)
    if empty:
        # It was resolved automatically, by a fix or in its ticket, or the field became required
        # later.
        verb = "is" if len(empty) == 1 else "are"
        text = f"{join_names(empty, 20)} {verb} empty, though people must fill it in to resolve."
        found.append(Statement(text))
    for entry in story.counted:
        deviates = _DEVIATES.get(entry.kind)
        if deviates and deviates(entry.data):
            found.append(Statement(describe_entry(entry), (entry,)))
    return elide_middle(found) or [Statement("The timeline has no deadline and no deviation.")]


def _left_open(story: ReviewedTimeline) -> List[Statement]:
    """Describe the tasks that were open at each resolve."""
    state, found = State(Incident(story.incident.id)), []
    for entry in story.counted:
        state.apply(entry)
        if entry.kind == "status" and entry.data.get("to") == "resolved":
            # An automatic resolve does not list the open steps of checklists.
            tasks = state.task_state.tasks.all
            written = [str(one["title"]) for one in tasks if one["state"] == "open"]
            left = list(entry.data.get("tasks_left") or written)
            if left:
                what = f"{len(left)} task{' was' if len(left) == 1 else 's were'} open"
                text = f"When it was resolved {what}: {join_names(left, 20)}."
                found.append(Statement(text, (entry,)))
    return found


def _undelivered(story: ReviewedTimeline) -> List[Statement]:
    lost: Dict[str, List[Entry]] = {}
    for entry in final_notifications(story.counted):
        if entry.data.get("outcome") != "sent":
            lost.setdefault(str(entry.data.get("channel")), []).append(entry)
    return [
        Statement(
            f"{channel} did not receive {len(some)} of its messages, or may not have.", tuple(some)
        )
        for channel, some in sorted(lost.items())
    ]


# Which entries of a kind are deviations.
_DEVIATES: Dict[str, Callable[[Data], bool]] = {
    "sla": lambda data: data.get("event") == "breached",
    "escalation": lambda data: not (data.get("owner") or data.get("channels")),
    "update_due": lambda data: data.get("event") == "missed",
    "unassigned": lambda data: True,
    "action": lambda data: data.get("phase") == "failed",
    "rollback": lambda data: data.get("phase") in ("done", "failed"),
    "verification": lambda data: data.get("outcome") != "recovered",
    "refused": lambda data: True,
    "flapping": lambda data: data.get("state") == "began",
}
