"""Fold an incident's entries into its document. Pure: the same entries give the same document.

Entries are applied in the order of ``Entry.order``, so the order of arrival does not matter. Of
several entries with one ``once``, only the first has an effect. Signals are the union of the keys
in all entries: a signal counts once, however often it was written. An entry that lost on ``once``
still adds the signals that only it names. Merges and splits move signals: :mod:`.joining.holdings`.
"""

from __future__ import annotations

import sys
from typing import Any, Callable, Dict, Iterable, List, Optional, Set

from .clocks.promised_updates import PromisedUpdates
from .clocks.sla_state import SlaState
from .field_values import FieldValues
from .incident_channel_state import state_after
from .joining.holdings import Holdings
from .keyset import KeySet
from .model import ENDED, OPEN_STATUSES, SEVERITIES, Document, Entry, Incident, worst
from .ownership import Ownership
from .review.review_state import ReviewState
from .tasks.task_state import TaskState

__all__ = [
    "EDITABLE",
    "MAX_WORDINGS",
    "SIGNAL_KINDS",
    "TRANSITIONS",
    "State",
    "effective",
    "fold",
    "fold_state",
    "heads",
    "ordered",
    "signal_keys",
]

# The fields that an `edited` entry may set, besides the list of entities.
EDITABLE = ("title", "description", "owner", "team")

# The kinds of entries that add signals.
SIGNAL_KINDS = ("opened", "signal", "joined", "unmerged")

MAX_WORDINGS = 16
MAX_SHARED = 200

# Allowed status changes. An entry whose change lost a race is kept but has no effect.
TRANSITIONS = {
    "new": ("assigned", "in_progress", "resolved"),
    "assigned": ("in_progress", "resolved"),
    "in_progress": ("assigned", "resolved"),
    "resolved": ("new", "assigned", "closed"),
    "closed": (),
}


def ordered(entries: Iterable[Entry]) -> List[Entry]:
    """Return each entry once, in the order in which the fold applies them."""
    return sorted({entry.key: entry for entry in entries}.values(), key=lambda e: e.order)


def effective(entries: Iterable[Entry]) -> List[Entry]:
    """Return the entries that have an effect, in order: the first of each ``once``."""
    seen: Set[str] = set()
    kept = []
    for entry in ordered(entries):
        if entry.identity not in seen:
            seen.add(entry.identity)
            kept.append(entry)
    return kept


def heads(entries: Iterable[Entry]) -> List[str]:
    """Return the keys of the entries that no other entry follows, sorted."""
    known = list(entries)
    followed = {key for entry in known for key in entry.prev}
    return sorted({entry.key for entry in known} - followed)


def signal_keys(entries: Iterable[Entry]) -> Set[str]:
    """Return the keys of all signals in these entries."""
    return {key for entry in entries for key in entry.data.get("signals", ()) or ()}


def fold(entries: Iterable[Entry]) -> Incident:
    """Fold entries into an incident. Raises ValueError unless all are of one incident."""
    return fold_state(entries).incident


def fold_state(entries: Iterable[Entry]) -> State:
    """Fold as :func:`fold` does, and return the whole state."""
    known = ordered(entries)
    ids = {entry.incident_id for entry in known}
    if len(ids) != 1:
        raise ValueError(f"Entries of one incident are needed, these are of {len(ids)}.")
    state = State(Incident(id=ids.pop()))
    counted = {entry.key for entry in effective(known)}
    for entry in known:
        state.add_signals(entry)
        if entry.key in counted:
            state.apply(entry)
    state.finish(heads(known), known[-1].seq, len(known))
    state.incident.updated_at = max(entry.time for entry in known)
    return state


class State:
    """An incident while it is folded, with the state that only the fold needs."""

    def __init__(self, incident: Incident) -> None:
        self.incident = incident
        self.events: Dict[str, int] = {}
        # Signals whose events are already counted; only their keys are needed to recognize repeats.
        self.settled = KeySet()
        self.event_count = 0
        self.holdings = Holdings()
        self.openings: List[float] = []
        self.severity_was_set = False
        # The merged incident from which this one took its pin.
        self.pinned_by = ""
        self.sla = SlaState()
        self.updates = PromisedUpdates()
        self.review_state = ReviewState()
        self.fields = FieldValues()
        self.task_state = TaskState()
        self._ownership = Ownership(incident)
        self.closed: Optional[Entry] = None
        self._apply: Dict[str, Callable[[Entry], None]] = {
            "opened": self._opened,
            "routed": self._ownership.routed,
            "assigned": self._ownership.assigned,
            "escalation": self._ownership.escalation,
            "status": self._status,
            "severity": self._severity,
            "edited": self._edited,
            "fields": lambda entry: self.fields.set(entry.data.get("set") or {}),
            "analysis": self._analysis,
            "merged": self._merged,
            "unmerged": self._unmerged,
            "joined": self._joined,
            "split": self._split,
            "flapping": self._flapping,
            "sla": self._sla,
            "pinned": self._pinned,
            "review": self.review_state.review,
            "follow_up": self.review_state.follow_up,
            "notification": self.review_state.ticket,
            "ticket": self.review_state.ticket,
            "task": self.task_state.task,
            "role": self.task_state.roles.take,
            "room": self._room,
            "update": self.updates.update,
            "update_due": self.updates.update_due,
        }

    def finish(self, head: List[str], seq: int, entries: int) -> None:
        """Set the fields that depend on all entries together."""
        incident = self.incident
        incident.head = head
        incident.seq = seq
        incident.entries = entries
        incident.sla_ack_due = self.sla.acknowledge_due
        incident.sla_resolve_due = self.sla.resolve_due
        incident.sla_status = self.sla.status(incident.is_open, incident.resolved_at)
        incident.last_update = self.updates.last
        # No update is due for a closed incident, nor for a merged one, which is closed, too.
        incident.update_due = None if incident.status == "closed" else self.updates.due
        incident.update_promised = self.updates.promised
        incident.fields = dict(self.fields.values)
        incident.review = self.review_state.state
        incident.follow_ups = self.review_state.follow_ups
        incident.follow_ups_open = self.review_state.items.still_open
        incident.tasks = self.task_state.tasks.all
        incident.roles = self.task_state.roles.all
        if self.holdings:
            held = self.holdings.held(self.events)
            incident.signals, incident.events = len(held), sum(held.values())
        else:
            incident.signals = len(self.events) + len(self.settled)
            incident.events = self.event_count

    def apply(self, entry: Entry) -> None:
        """Apply one entry; kinds that are only shown on the timeline change nothing here."""
        handler = self._apply.get(entry.kind)
        if handler is not None:
            handler(entry)

    def add_signals(self, entry: Entry) -> None:
        if entry.kind not in SIGNAL_KINDS:
            return
        incident, data = self.incident, entry.data
        for key, events in (data.get("signals") or {}).items():
            if key not in self.events and key not in self.settled:
                self.events[key] = int(events)
                self.event_count += int(events)
        if data.get("number"):
            self._moved_here(entry.kind, data)
        _extend(incident.entities, data.get("entities") or [])
        _extend(incident.rules, [data["rule"]] if data.get("rule") else data.get("rules") or [])
        _extend(incident.tags, data.get("tags") or [])
        _extend(incident.actions, data.get("actions") or [])
        _extend(incident.wordings, data.get("wordings") or [], MAX_WORDINGS)
        self.fields.found(data.get("fields") or {})
        _extend(incident.group_values, data.get("group_values") or [], MAX_SHARED)
        incident.runbook = incident.runbook or str(data.get("runbook") or "")
        incident.first_time = _edge(min, incident.first_time, data.get("first_time"))
        incident.last_time = _edge(max, incident.last_time, data.get("last_time"))
        severity = data.get("severity")
        if severity in SEVERITIES and not self.severity_was_set:
            incident.severity = worst([incident.severity, severity])

    def _moved_here(self, kind: str, data: Document) -> None:
        signals, number = data.get("signals") or (), int(data["number"])
        if kind == "joined":
            self.holdings.joined(signals, number, str(data["from"]))
        else:
            self.holdings.came(signals, number)

    def _opened(self, entry: Entry) -> None:
        incident, data = self.incident, entry.data
        if incident.opened_at is not None:
            return
        incident.opened_at = entry.time
        self._count_opening(entry)
        incident.title = str(data.get("title", ""))
        incident.description = str(data.get("description", ""))
        incident.search = dict(data.get("search") or {})
        incident.previous = str(data.get("previous") or "")
        incident.split_from = str(data.get("split_from") or "")

    def _status(self, entry: Entry) -> None:
        incident, to = self.incident, entry.data.get("to")
        if to not in TRANSITIONS.get(incident.status, ()) and not self._reopens_at_close(entry):
            return
        if entry.data.get("from") in ENDED and incident.is_open:
            # A second reopen, written by an actor who had not seen the first.
            return
        was_open = incident.status in OPEN_STATUSES
        if to in ("in_progress", "resolved"):
            incident.handed_on = False
        incident.status = str(to)
        self.updates.status(str(to))
        self.closed = entry if to == "closed" else None
        if to == "in_progress":
            self._ownership.begun(entry)
            self.sla.acknowledged(entry.time)
            if incident.acknowledged_at is None:
                incident.acknowledged_at = entry.time
        if to == "resolved":
            incident.resolved_at = entry.time
            incident.resolution = str(entry.data.get("resolution") or "")
            incident.category = str(entry.data.get("category") or "")
            incident.feedback = str(entry.data.get("feedback") or "")
        elif incident.is_open and not was_open:
            self._count_opening(entry)
            incident.resolved_at = None
            incident.resolution = incident.category = incident.feedback = ""
            self.sla.reopened()
            self.review_state.reopened()

    def _reopens_at_close(self, entry: Entry) -> bool:
        """Tell whether an entry reopens an incident closed at that moment: the reopen wins."""
        reopens = entry.data.get("from") == "resolved" and entry.data.get("to") != "closed"
        return reopens and self.closed is not None and entry.seq <= self.closed.seq

    def _severity(self, entry: Entry) -> None:
        if entry.data.get("to") in SEVERITIES:
            self.incident.severity = str(entry.data["to"])
            self.severity_was_set = True

    def _edited(self, entry: Entry) -> None:
        """Apply a manual correction: each field is replaced; an empty owner means no owner.

        Later signals add their entities to those that were set.
        """
        for name in EDITABLE:
            if name in entry.data:
                setattr(self.incident, name, str(entry.data[name]))
        if "entities" in entry.data:
            self.incident.entities[:] = [str(entity) for entity in entry.data["entities"]]
        if "owner" in entry.data:
            self.incident.handed_on, self.incident.rota = False, ""
        if entry.data.get("owner") and self.incident.status == "new":
            self.incident.status = "assigned"

    def _room(self, entry: Entry) -> None:
        self.incident.room = state_after(self.incident.room, entry)

    def _pinned(self, entry: Entry) -> None:
        self.incident.pinned = bool(entry.data.get("pinned"))
        self.pinned_by = ""

    def _analysis(self, entry: Entry) -> None:
        """Take the cause of the newest analysis, even if that is none, as remediation does."""
        self.incident.cause = entry.data.get("cause") or ""

    def _sla(self, entry: Entry) -> None:
        self.sla.take(entry.data)

    def _count_opening(self, entry: Entry) -> None:
        self.openings.append(entry.time)
        self.incident.openings = len(self.openings)

    def _flapping(self, entry: Entry) -> None:
        if entry.data.get("state") in ("began", "ended"):
            self.incident.flapping = entry.data["state"] == "began"

    def _merged(self, entry: Entry) -> None:
        """Give all signals, including those still to arrive, to another incident."""
        incident = self.incident
        incident.merged_into = str(entry.data.get("into") or "")
        incident.status, self.closed = "closed", None
        self.holdings.merged(int(entry.data.get("number") or 0))

    def _unmerged(self, entry: Entry) -> None:
        incident, data = self.incident, entry.data
        incident.merged_into = ""
        incident.status = "assigned" if incident.owner else "new"
        incident.resolved_at = None
        self.holdings.unmerged()
        self.updates.unmerged()
        self.task_state.returned(data.get("tasks") or ())
        self.holdings.left(data.get("gone") or (), int(data.get("number") or 0))

    def _joined(self, entry: Entry) -> None:
        data, merged = entry.data, str(entry.data["from"])
        _extend(self.incident.merged, [merged])
        self.task_state.came(merged, data.get("tasks") or (), int(data.get("number") or 0))
        if data.get("pinned") and not self.incident.pinned:
            self.incident.pinned, self.pinned_by = True, merged

    def _split(self, entry: Entry) -> None:
        """Remove the signals that left, and what only they were about."""
        incident, data = self.incident, entry.data
        number = int(data.get("number") or 0)
        self.holdings.left(data.get("removed") or (), number)
        if data.get("undone"):
            self.holdings.undone(str(data["undone"]), number)
            self.updates.split(str(data["undone"]))
            self.task_state.left(str(data["undone"]), number)
        for known, gone in (
            (incident.entities, data.get("entities")),
            (incident.rules, data.get("rules")),
            (incident.wordings, data.get("wordings")),
            (incident.group_values, data.get("group_values")),
            (incident.merged, [data["undone"]] if data.get("undone") else []),
        ):
            known[:] = [value for value in known if value not in (gone or ())]
        if data.get("undone") and data["undone"] == self.pinned_by:
            incident.pinned, self.pinned_by = False, ""


def _extend(known: List[str], more: Iterable[Any], most: int = sys.maxsize) -> None:
    for value in more:
        if str(value) not in known and len(known) < most:
            known.append(str(value))


def _edge(choose: Callable[..., float], known: Any, more: Any) -> Any:
    values = [float(value) for value in (known, more) if value is not None]
    return choose(values) if values else None
