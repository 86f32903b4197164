"""The nouns timeline entry and incident, and their words; the third, signal, is :mod:`.signal`.

See docs/DATA.md for their documents.

Times are epoch seconds as float, rounded to milliseconds when written, so that a value survives
any JSON printer on its way through the KV store unchanged.
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
"""The other statuses."""
ACTOR = "incident_management"
"""Whose the entries are that the app writes by itself."""
NOBODY = ("nobody", "splunk-system-user")
"""The owner of what nobody owns, and the user that splunkd runs it as."""
# Where no promise is still to be kept: later than any time.
NO_DEADLINE = 1e11


def worst(severities: Iterable[str]) -> str:
    """Return the gravest of some severities."""
    return min(severities, key=SEVERITIES.index)


@dataclass(frozen=True)
class Head:
    """The latest entries that a writer has seen, and their largest ``seq``."""

    seq: int = 0
    keys: Tuple[str, ...] = ()


def _entry_key(content: Document) -> str:
    """The digest of an entry's document, which has no key yet; its ``data`` is plain."""
    return sha256(ENCODER.encode({**content, "time": plain(content["time"])}))


@dataclass(frozen=True)
class Entry:
    """One timeline entry; ``key`` is the hash of all the rest."""

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
        """Make the entry that follows ``head``. Raises Invalid for data the KV store refuses."""
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
        """Sorts entries: cause before effect, then by time."""
        return (self.seq, self.time, self.key)

    @property
    def identity(self) -> str:
        """What this entry does: equal for entries that must count, or be told of, once."""
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
    """What an incident's entries add up to; made by :func:`.fold.fold` alone.

    ``signals`` and ``events`` are counts. ``head`` are the keys of the entries that no other entry
    follows, ``seq`` their largest. ``previous`` is the incident of this problem's earlier episode.
    ``feedback`` says whether the finding was right; ``level`` counts the escalations.
    ``sla_…`` are what was promised and how that stands: :mod:`.clocks.sla_state`.
    ``merged_into`` is the incident that took over all signals of this one, ``merged`` are those
    that were merged into this one; ``split_from`` is the one that it was split off.
    ``runbook`` and ``actions`` are what the detection suggests. ``openings`` counts how often it
    was opened; ``flapping``: too often in a short time (:mod:`.upkeep.flapping`). ``wordings`` are
    the telling words of what its problems' events say (:mod:`.grouping.wording`), ``group_values``
    the values of its problems' grouping fields. ``handed_on``: its team was given it and nobody of
    that could take it, so whoever had it keeps it until somebody can. ``rota``: by which its owner
    was on call when it was given to them. ``review``, ``follow_ups`` and how many of these
    are open: :mod:`.review.review_state`. ``tasks`` that were added or touched, and ``roles`` that
    somebody has or had: :mod:`.tasks.task_state`.
    ``update_due`` is when stakeholders are to hear next, ``update_promised`` when they were told
    that they would, ``last_update`` the data of the last update, with ``time`` and ``by``.
    ``room`` is its own channel in Slack: :func:`.incident_channel_state.state_after`.
    ``fields`` are the values of its custom fields by name: :mod:`.field_values`.
    Times that did not come yet are None and left out of the document.
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
        """The custom fields as lists and rules look for them: ``region=eu``."""
        return search_tokens(self.fields)

    @property
    def people(self) -> List[str]:
        """Whose it is, or a task or role of it, while it is open: by these tasks are looked for."""
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
        """Numbers that the KV store sorts by, where its order of the values is not ours."""
        rank, due = len(SEVERITIES) - SEVERITIES.index(self.severity), self._next_due()
        return {
            "severity_rank": rank,
            "status_rank": STATUSES.index(self.status) + 1,
            "last_seen": self.last_time or self.opened_at or 0.0,
            "next_due": due,
            # Of two as severe, the one whose deadline comes first, or passed first, is the larger.
            "urgency": rank * 10 * NO_DEADLINE - due,
        }

    def _next_due(self) -> float:
        """The deadline that comes next: of the acknowledgement until that is given."""
        due = self.sla_resolve_due
        if self.acknowledged_at is None and self.sla_ack_due is not None:
            due = self.sla_ack_due
        return due if self.is_open and due is not None else NO_DEADLINE

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Incident:
        """Read a document, or some fields of it, as :func:`readable_fields` leaves them."""
        return cls(**readable_fields(document))


def readable_fields(document: Mapping[str, Any]) -> Document:
    """Return the fields of an incident's document, or of what was read of it, that can be right.

    Left out is what is of another type, such as the texts that an editor of lookups makes of
    numbers. One incident must not stop what is done for many; the worker's walk makes its document
    anew.
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
