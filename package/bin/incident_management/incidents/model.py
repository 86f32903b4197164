"""The nouns: signal, timeline entry, incident. See docs/ARCHITECTURE.md for their documents.

Times are epoch seconds as float, rounded to milliseconds when written, so that a value survives
any JSON printer on its way through the KV store unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from .canonical import ENCODER, check_names, dedup_keys, milliseconds, plain, sha256
from .errors import Invalid

__all__ = [
    "OPEN_STATUSES",
    "SEVERITIES",
    "STATUSES",
    "Entry",
    "Head",
    "Incident",
    "Signal",
    "normal",
    "worst",
]

Document = Dict[str, Any]

SEVERITIES = ("critical", "high", "medium", "low", "info")
STATUSES = ("new", "assigned", "in_progress", "resolved", "closed")
OPEN_STATUSES = ("new", "assigned", "in_progress")

SAMPLE_ROWS = 5
SAMPLE_VALUE_CHARACTERS = 4000
TITLE_CHARACTERS = 300
TEXT_CHARACTERS = 10_000
LINK_CHARACTERS = 2000
NAME_CHARACTERS = 100
MOST_ACTIONS = 20
MOST_TAGS = 20
MOST_GROUP_VALUES = 20


def worst(severities: Iterable[str]) -> str:
    """Return the gravest of some severities."""
    return min(severities, key=SEVERITIES.index)


@dataclass(frozen=True)
class Signal:
    """One finding of one detection. Make one with :meth:`create`, which works out its keys.

    ``count`` is how many events it stands for; ``group`` allows it to join an incident of a
    related entity; ``run`` is the detection's run that found it; ``runbook`` is a link to what
    people do about it, ``actions`` the entries of the catalogue that suit it. ``tags`` are the
    detection's own words, for routing and suppression. ``group_values`` (``customer=acme``)
    are what it shares with problems that belong to it. ``after`` says when it opens an incident
    (:mod:`.intake.conditions`); empty: at once.
    """

    key: str
    dedup_key: str
    rule: str
    app: str
    owner: str
    entity: str
    severity: str
    title: str
    description: str
    first_time: float
    last_time: float
    count: int
    sid: str
    received_at: float
    rows: List[Document] = field(default_factory=list)
    search: Document = field(default_factory=dict)
    group: bool = True
    incident_id: str = ""
    runbook: str = ""
    actions: List[str] = field(default_factory=list)
    tags: List[str] = field(default_factory=list)
    after: Document = field(default_factory=dict)
    group_values: List[str] = field(default_factory=list)

    @classmethod
    def create(
        cls,
        *,
        rule: str,
        entity: str,
        severity: str,
        first_time: float,
        last_time: float,
        run: str,
        received_at: float,
        dedup: Optional[Mapping[str, Any]] = None,
        app: str = "",
        owner: str = "",
        title: str = "",
        description: str = "",
        count: int = 1,
        sid: str = "",
        rows: Sequence[Mapping[str, Any]] = (),
        search: Optional[Mapping[str, Any]] = None,
        group: bool = True,
        runbook: str = "",
        actions: Sequence[str] = (),
        tags: Sequence[str] = (),
        after: Optional[Mapping[str, Any]] = None,
        group_values: Sequence[str] = (),
    ) -> Signal:
        """Make a signal and its keys.

        ``dedup`` holds the values that make two findings the same problem (by default the
        entity); with app and rule they are the ``dedup_key``. With ``run`` that is the signal's
        own key, so the same run delivered twice is one signal.

        Raises:
            Invalid: no rule, no entity, an unknown severity, a span that ends before it begins.
        """
        given = {
            "rule": rule,
            "app": app,
            "owner": owner,
            "entity": entity,
            "severity": severity,
            "title": title,
            "description": description,
            "first_time": first_time,
            "last_time": last_time,
            "count": count,
            "sid": sid,
            "received_at": received_at,
            "rows": rows,
            "search": search or {},
            "group": group,
            "incident_id": "",
            "runbook": runbook,
            "actions": actions,
            "tags": tags,
            "after": after or {},
            "group_values": group_values,
        }
        return cls.of({name: normal(name, value) for name, value in given.items()}, run, dedup)

    @classmethod
    def of(cls, fields: Document, run: str, dedup: Optional[Mapping[str, Any]]) -> Signal:
        """Do what :meth:`create` does with all fields but the keys, each :func:`normal`.

        The signal keeps ``fields``.
        """
        rule, entity, severity = fields["rule"], fields["entity"], fields["severity"]
        if not rule.strip() or not entity.strip():
            raise Invalid("A signal needs a rule and an entity.")
        if severity not in SEVERITIES:
            raise Invalid(f"'{severity}' is not a severity; use {', '.join(SEVERITIES)}.")
        if fields["last_time"] < fields["first_time"]:
            raise Invalid(f"The signal of '{rule}' ends before it begins.")
        values = {name: str(value) for name, value in (dedup or {"entity": entity}).items()}
        fields["dedup_key"], fields["key"] = dedup_keys(fields["app"], rule, values, run)
        if not fields["title"]:
            fields["title"] = f"{rule}: {entity}"[:TITLE_CHARACTERS]
        signal = cls.__new__(cls)
        # As a whole: a frozen dataclass sets its two dozen fields one by one, and this is hot.
        object.__setattr__(signal, "__dict__", fields)
        return signal

    def to_document(self) -> Document:
        document = dict(self.__dict__)
        document["_key"] = document.pop("key")
        if not self.tags:
            del document["tags"]
        if not self.after:
            del document["after"]
        if not self.group_values:
            del document["group_values"]
        return document

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Signal:
        values = {name: document[name] for name in _SIGNAL_FIELDS if name in document}
        return cls(key=str(document["_key"]), **values)


def normal(name: str, value: Any) -> Any:
    """Return the value of a signal's field as it is kept: texts cut, times in milliseconds."""
    change = _NORMAL.get(name)
    return value if change is None else change(value)


def _cut(characters: int) -> Callable[[str], str]:
    return lambda text: text[:characters]


def _first_names(most: int) -> Callable[[Sequence[str]], List[str]]:
    return lambda names: [name[:NAME_CHARACTERS] for name in dict.fromkeys(names)][:most]


def _samples(rows: Sequence[Mapping[str, Any]]) -> List[Document]:
    return [_sample(row) for row in list(rows)[:SAMPLE_ROWS]]


def _sample(row: Mapping[str, Any]) -> Document:
    """A result row as a document: field names that the KV store refuses are changed."""
    return {
        _safe(name): value[:SAMPLE_VALUE_CHARACTERS] if type(value) is str else _shown(value)
        for name, value in row.items()
    }


@lru_cache(maxsize=1000)
def _safe(name: str) -> str:
    if "." in name or name[:1] in ("$", ""):
        return name.replace(".", "_").replace("$", "_") or "_"
    return name


def _shown(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [str(part)[:SAMPLE_VALUE_CHARACTERS] for part in value]
    return str(value)[:SAMPLE_VALUE_CHARACTERS]


@dataclass(frozen=True)
class Head:
    """The latest entries that a writer has seen, and their largest ``seq``."""

    seq: int = 0
    keys: Tuple[str, ...] = ()


def _entry_key(
    incident_id: str,
    kind: str,
    time: float,
    seq: int,
    actor: str,
    data: Document,
    prev: Sequence[str],
    once: str,
) -> str:
    """The digest of an entry's document without its key; ``data`` is plain already."""
    return sha256(
        ENCODER.encode(
            {
                "actor": actor,
                "data": data,
                "incident_id": incident_id,
                "kind": kind,
                "once": once,
                "prev": list(prev),
                "seq": seq,
                "time": plain(time),
            }
        )
    )


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
        written, prev = plain(data), tuple(sorted(head.keys))
        moment, seq = milliseconds(time), head.seq + 1
        key = _entry_key(incident_id, kind, moment, seq, actor, written, prev, once)
        return cls(key, incident_id, kind, moment, seq, actor, written, prev, once)

    def hash(self) -> str:
        """Return the key that this content must have."""
        rest = (self.seq, self.actor, plain(self.data), self.prev, self.once)
        return _entry_key(self.incident_id, self.kind, self.time, *rest)

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
    ``sla_…`` are what was promised and how that stands: :mod:`.clocks.promise`.
    ``merged_into`` is the incident that took over all signals of this one, ``merged`` are those
    that were merged into this one; ``split_from`` is the one that it was split off.
    ``runbook`` and ``actions`` are what the detection suggests. ``openings`` counts how often it
    was opened; ``flapping``: too often in a short time (:mod:`.upkeep.flapping`). ``wordings`` are
    the telling words of what its problems' events say (:mod:`.grouping.wording`), ``group_values``
    the values of its problems' grouping fields.
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

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES

    def to_document(self) -> Document:
        # Copies, because a story goes on adding to its lists.
        document = {
            name: list(value) if type(value) is list else value
            for name, value in vars(self).items()
            if value is not None
        }
        document.update(self._sorted_by())
        document["_key"] = self.id
        return document

    def _sorted_by(self) -> Document:
        """Numbers that the KV store sorts by, where its order of the values is not ours."""
        return {
            "severity_rank": len(SEVERITIES) - SEVERITIES.index(self.severity),
            "status_rank": STATUSES.index(self.status) + 1,
            "last_seen": self.last_time or self.opened_at or 0.0,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Incident:
        return cls(**{name: document[name] for name in _INCIDENT_FIELDS if name in document})


_NORMAL: Dict[str, Callable[[Any], Any]] = {
    "title": _cut(TITLE_CHARACTERS),
    "description": _cut(TEXT_CHARACTERS),
    "runbook": _cut(LINK_CHARACTERS),
    "first_time": milliseconds,
    "last_time": milliseconds,
    "received_at": milliseconds,
    "count": lambda count: max(1, int(count)),
    "rows": _samples,
    "search": dict,
    "after": dict,
    "actions": _first_names(MOST_ACTIONS),
    "tags": _first_names(MOST_TAGS),
    "group_values": _first_names(MOST_GROUP_VALUES),
}
_SIGNAL_FIELDS = [name for name in Signal.__dataclass_fields__ if name != "key"]
_INCIDENT_FIELDS = list(Incident.__dataclass_fields__)
