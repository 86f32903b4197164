"""The timeline entry and the incident, with their vocabularies; signals are in :mod:`.signal`.

See docs/DATA.md for their documents. Times are epoch seconds as float, rounded to milliseconds when
written, so that any JSON printer on the way through the KV store leaves them unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from ..ports import Document
from .canonical import ENCODER, check_names, milliseconds, plain, sha256
from .field_values import search_tokens

__all__ = [
    "ACTOR",
    "ENDED",
    "NOBODY",
    "OPEN_STATUSES",
    "SEVERITIES",
    "STATUSES",
    "Entry",
    "Head",
    "Incident",
    "readable_fields",
    "worst",
]

SEVERITIES = ("critical", "high", "medium", "low", "info")
STATUSES = ("new", "assigned", "in_progress", "resolved", "closed")
OPEN_STATUSES = ("new", "assigned", "in_progress")
ENDED = ("resolved", "closed")
"""The statuses of incidents that are over."""
ACTOR = "incident_management"
"""The actor of the entries that the app writes automatically."""
NOBODY = ("nobody", "splunk-system-user")
"""The owner of objects without an owner, and the user as whom splunkd runs them."""
# Sorts incidents without an open deadline last: later than any time.
NO_DEADLINE = 1e11


def worst(severities: Iterable[str]) -> str:
    """Return the most severe of some severities."""
    return min(severities, key=SEVERITIES.index)


@dataclass(frozen=True)
class Head:
    """The latest entries that a writer has seen, and their largest ``seq``."""

    seq: int = 0
    keys: Tuple[str, ...] = ()


def _entry_key(content: Document) -> str:
    """Return the hash of an entry's document without ``_key``, whose ``data`` is plain."""
    return sha256(ENCODER.encode({**content, "time": plain(content["time"])}))


@dataclass(frozen=True)
class Entry:
    """One timeline entry; ``key`` is the hash of all other fields."""

    key: str
    incident_id: str
    kind: str
    time: float
    seq: int
    actor: str
    data: Document
    prev: Tuple[str, ...]
    once: str = ""

    @classmethod
    def create(
        cls,
        incident_id: str,
        kind: str,
        data: Mapping[str, Any],
        actor: str,
        time: float,
        head: Head = Head(),
        once: str = "",
    ) -> Entry:
        """Create the entry that follows ``head``. Raises Invalid for data the KV store refuses."""
        check_names(data)
        content = {
            "incident_id": incident_id,
            "kind": kind,
            "time": milliseconds(time),
            "seq": head.seq + 1,
            "actor": actor,
            "data": plain(data),
            "prev": sorted(head.keys),
            "once": once,
        }
        return cls.from_document({**content, "_key": _entry_key(content)})

    def hash(self) -> str:
        """Return the key that this content must have."""
        content = {**self.to_document(), "data": plain(self.data)}
        del content["_key"]
        return _entry_key(content)

    @property
    def order(self) -> Tuple[int, float, str]:
        """The sort key of entries: cause before effect, then by time."""
        return (self.seq, self.time, self.key)

    @property
    def identity(self) -> str:
        """What this entry does: equal for entries that must count, or be notified about, once."""
        return f"{self.incident_id}:{self.once}" if self.once else self.key

    def to_document(self) -> Document:
        return {
            "_key": self.key,
            "incident_id": self.incident_id,
            "kind": self.kind,
            "time": self.time,
            "seq": self.seq,
            "actor": self.actor,
            "data": self.data,
            "prev": list(self.prev),
            "once": self.once,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Entry:
        return cls(
            str(document["_key"]),
            str(document["incident_id"]),
            str(document["kind"]),
            float(document["time"]),
            int(document["seq"]),
            str(document.get("actor", "")),
            dict(document.get("data") or {}),
            tuple(document.get("prev") or ()),
            str(document.get("once") or ""),
        )


@dataclass
class Incident:
    """The folded entries of an incident; made by :func:`.fold.fold` alone.

    ``signals`` and ``events`` are counts. ``head`` are the keys of the entries that no other entry
    follows, ``seq`` the largest ``seq``. ``previous`` is the incident of this problem's earlier
    episode. ``feedback`` says whether the finding was right; ``level`` counts the escalations.
    ``sla_…`` are the deadlines and their state: :mod:`.clocks.sla_state`.

    ``merged_into`` is the incident that took over all signals of this one, ``merged`` are those
    that were merged into this one; ``split_from`` is the one from which it was split off.

    ``runbook`` and ``actions`` are the detection's suggestions. ``openings`` counts how often the
    incident was opened; ``flapping``: too often in a short time (:mod:`.upkeep.flapping`).
    ``wordings`` are the characteristic words of its problems' events (:mod:`.grouping.wording`),
    ``group_values`` the values of its problems' grouping fields. ``handed_on``: it was assigned to
    its team and no member could take it, so the previous owner keeps it until one can. ``rota``:
    the rotation by which its owner was on call when assigned.

    ``review``, ``follow_ups`` and ``follow_ups_open`` (their open number):
    :mod:`.review.review_state`. ``tasks`` that were added or changed, and ``roles`` that are or
    were assigned: :mod:`.tasks.task_state`.

    ``update_due`` is when the next stakeholder update is due, ``update_promised`` the time promised
    to stakeholders, ``last_update`` the data of the last update, with ``time`` and ``by``. ``room``
    is its Slack channel: :func:`.incident_channel_state.state_after`. ``fields`` are the values of
    its custom fields by name: :mod:`.field_values`.

    Times that have not occurred are None and left out of the document.
    """

    id: str
    title: str = ""
    description: str = ""
    status: str = "new"
    severity: str = "info"
    owner: str = ""
    team: str = ""
    entities: List[str] = field(default_factory=list)
    rules: List[str] = field(default_factory=list)
    signals: int = 0
    events: int = 0
    opened_at: Optional[float] = None
    updated_at: Optional[float] = None
    acknowledged_at: Optional[float] = None
    resolved_at: Optional[float] = None
    first_time: Optional[float] = None
    last_time: Optional[float] = None
    resolution: str = ""
    cause: Any = ""
    head: List[str] = field(default_factory=list)
    seq: int = 0
    entries: int = 0
    search: Document = field(default_factory=dict)
    previous: str = ""
    category: str = ""
    feedback: str = ""
    level: int = 0
    merged_into: str = ""
    merged: List[str] = field(default_factory=list)
    split_from: str = ""
    tags: List[str] = field(default_factory=list)
    runbook: str = ""
    actions: List[str] = field(default_factory=list)
    flapping: bool = False
    openings: int = 0
    sla_ack_due: Optional[float] = None
    sla_resolve_due: Optional[float] = None
    sla_status: str = ""
    pinned: bool = False
    wordings: List[str] = field(default_factory=list)
    group_values: List[str] = field(default_factory=list)
    handed_on: bool = False
    rota: str = ""
    review: str = ""
    follow_ups: List[Document] = field(default_factory=list)
    follow_ups_open: int = 0
    tasks: List[Document] = field(default_factory=list)
    roles: List[Document] = field(default_factory=list)
    update_due: Optional[float] = None
    update_promised: Optional[float] = None
    last_update: Document = field(default_factory=dict)
    room: Document = field(default_factory=dict)
    fields: Document = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES

    @property
    def field_values(self) -> List[str]:
        """The custom fields as lists and rules match them: ``region=eu``."""
        return search_tokens(self.fields)

    @property
    def people(self) -> List[str]:
        """The owner and the people with a task or role, in lowercase; none if the incident is over.

        Lists of a person's incidents and tasks query this field.
        """
        if not self.is_open:
            return []
        owners = {self.owner.lower(), *(str(one["owner"]) for one in self.tasks)}
        return sorted((owners | {str(one["person"]) for one in self.roles}) - {""})

    def to_document(self) -> Document:
        # Copies, because a story goes on adding to its lists.
        document = {
            name: list(value) if type(value) is list else value
            for name, value in vars(self).items()
            if value is not None
        }
        document.update(self._sorted_by())
        document["field_values"] = self.field_values
        document["people"] = self.people
        document["_key"] = self.id
        return document

    def _sorted_by(self) -> Document:
        """Return numbers by which the KV store sorts, where its order of the values is not ours."""
        rank, due = len(SEVERITIES) - SEVERITIES.index(self.severity), self._next_due()
        return {
            "severity_rank": rank,
            "status_rank": STATUSES.index(self.status) + 1,
            "last_seen": self.last_time or self.opened_at or 0.0,
            "next_due": due,
            # Of two incidents with one severity, the one with the earlier deadline has the larger
            # value.
            "urgency": rank * 10 * NO_DEADLINE - due,
        }

    def _next_due(self) -> float:
        """Return the next deadline: until the acknowledgement, that of the acknowledgement."""
        due = self.sla_resolve_due
        if self.acknowledged_at is None and self.sla_ack_due is not None:
            due = self.sla_ack_due
        return due if self.is_open and due is not None else NO_DEADLINE

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Incident:
        """Read a document, or some of its fields; malformed fields are ignored."""
        return cls(**readable_fields(document))


def readable_fields(document: Mapping[str, Any]) -> Document:
    """Return the fields of an incident's document, or of a part of it, that have the right type.

    Malformed values are left out, such as texts that a lookup editor made of numbers. One malformed
    incident must not stop work on the others; the worker's sweep rebuilds its document.
    """
    known = {
        name: document[name]
        for name, kinds in _INCIDENT_FIELDS.items()
        if name in document and isinstance(document[name], kinds)
    }
    for name, values in (("severity", SEVERITIES), ("status", STATUSES)):
        if known.get(name, values[0]) not in values:
            del known[name]
    return {"id": document.get("_key", ""), **known}


_NUMBER = (int, float)
_INCIDENT_FIELDS: Dict[str, Tuple[type, ...]] = {
    name: _NUMBER if value is None or type(value) is int else (type(value),)
    for name, value in vars(Incident("")).items()
}
_INCIDENT_FIELDS["cause"] = (object,)
