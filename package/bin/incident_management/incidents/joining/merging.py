"""Merging two incidents and splitting one; both can be undone, and no signal counts twice.

What is decided is a :class:`.moves.Move`; :mod:`.execution` carries it out. All functions raise
NotFound for an unknown id, IllegalMove when the state does not allow it, and Contended when others
move incidents all the time, or a very large merge is not finished yet.
"""

from __future__ import annotations

from typing import Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Set

from ...ports import Clock, Document, Stores
from .. import timeline
from ..act import Act
from ..canonical import milliseconds
from ..errors import Contended, IllegalMove, Invalid
from ..field_values import search_tokens
from ..fold import MAX_SHARED, MAX_WORDINGS
from ..grouping import wording_of
from ..identity import new_incident_id
from ..intake.ledger import ledger_of
from ..model import Incident, worst
from ..routing import Routing
from ..signal import Signal, first_values
from ..stores import any_of, chunks, find_by
from ..story import Story
from ..tasks.task_state import tasks_from
from . import moves
from .execution import IN_A_REQUEST, finish
from .moves import Move

__all__ = [
    "MAX_SPLIT",
    "merge",
    "merged_since",
    "split",
    "split_since",
    "undo_merge",
    "undone_since",
]

# Signals in one split; what a person chooses on a page.
MAX_SPLIT = 1000
# Signals that one undone merge gives back: their keys are one document of the KV store.
MAX_UNDONE = 100_000
# Beyond this many different values nobody looks up which stay behind; all are kept.
MAX_VALUES = 200
KEYS_PER_QUERY = 500
ROUNDS = 50


def merge(
    act: Act,
    source: str,
    into: str,
    reason: str = "",
    may: Callable[[], bool] = lambda: True,
) -> Incident:
    """Merge ``source`` into ``into``, an open incident; returns that one.

    The source is closed. Its signals, and those of the same problems that come later, count there.
    ``may`` is asked once all earlier moves were carried out; False: IllegalMove is raised.
    """
    if source == into:
        raise IllegalMove(f"{source} can't be merged with itself.")

    def decide(number: int, now: float) -> Move:
        found = _stories(act.stores, [source, into])
        _movable(found[source])
        target = _movable(found[into])
        if not target.is_open:
            text = f"{into} is {target.status} and can't take another one over; reopen it first."
            raise IllegalMove(text)
        if not may():
            raise IllegalMove(f"{source} and {into} were taken apart just now.")
        return Move(number, "merge", source, into, act.actor, now, reason)

    _decide_and_execute(act, decide)
    return timeline.refresh(act.stores, into)


def merged_since(act: Act, source: str, into: str, time: float) -> Optional[Incident]:
    """Return ``into`` if this actor has merged ``source`` into it since then, all of it done."""
    return _finish_and_read(act, moves.latest_matching(act, time, "merge", source, into))


def split_since(
    act: Act, incident_id: str, signals: Sequence[str], time: float
) -> Optional[Incident]:
    """Return the incident that this actor has split off with these signals since then."""
    return _finish_and_read(
        act, moves.latest_matching(act, time, "split", incident_id, signals=signals)
    )


def undone_since(act: Act, incident_id: str, merged: str, time: float) -> Optional[Incident]:
    """Return ``merged`` if this actor has taken it out of the incident since then."""
    return _finish_and_read(act, moves.latest_matching(act, time, "undo", incident_id, merged))


def split(
    act: Act,
    routing: Routing,
    incident_id: str,
    signals: Sequence[str],
    title: str = "",
    reason: str = "",
) -> Incident:
    """Give some signals of an incident to a new one, and return that.

    A problem (dedup key) none of whose signals stays behind goes along: its later signals add to
    the new incident. Raises Invalid for signals that the incident does not have.
    """
    keys = list(dict.fromkeys(signals))
    if not 0 < len(keys) <= MAX_SPLIT:
        raise Invalid(f"Name 1 to {MAX_SPLIT} signals to split off.")

    def decide(number: int, now: float) -> Move:
        story = _stories(act.stores, [incident_id])[incident_id]
        incident = _movable(story)
        documents = find_by(act.stores.signals, "_key", [k for k in keys if story.counts(k)])
        if len(documents) < len(keys):
            known = {document["_key"] for document in documents}
            lacking = next(key for key in keys if key not in known)
            raise Invalid(f"{incident_id} has no signal {lacking[:60]}; see its signals.")
        if len(keys) >= incident.signals:
            raise IllegalMove(f"All signals of {incident_id} would leave it; leave one there.")
        found = [Signal.from_document(document) for document in documents]
        found.sort(key=lambda signal: (signal.first_time, signal.key))
        opened = _opening_data(found, incident_id, title)
        asked = (opened[name] for name in ("severity", "entities", "rules", "tags"))
        decision = routing.decide(*asked, search_tokens(opened["fields"]))
        detail = {
            "opened": opened,
            "routed": decision.to_data(),
            "problems": _problems_leaving(act.stores, incident_id, found),
            **_values_leaving(act.stores, incident_id, found),
        }
        counts = {signal.key: signal.count for signal in found}
        target = _unused_id(act.stores, act.clock, number)
        return Move(number, "split", incident_id, target, act.actor, now, reason, counts, detail)

    return timeline.refresh(act.stores, _decide_and_execute(act, decide).target)


def undo_merge(act: Act, incident_id: str, merged: str, reason: str = "") -> Incident:
    """Take ``merged`` out of the incident that it was merged into, and return it, open again.

    It gets back its signals, and those of its problems that came since; what was split off in
    between stays where it is.
    """
    stores = act.stores

    def decide(number: int, now: float) -> Move:
        found = _stories(stores, [incident_id, merged])
        holder, story = found[incident_id], found[merged]
        _movable(holder)
        incident = story.incident
        if incident is None or incident.merged_into != incident_id:
            raise IllegalMove(f"{merged} is not merged into {incident_id}.")
        owned = story.owned()
        back = {key: count for key, count in owned.items() if holder.counts(key)}
        back.update(_later_signals(stores, incident_id, holder, back))
        if len(back) > MAX_UNDONE:
            raise IllegalMove(f"More than {MAX_UNDONE} signals would move; split some off.")
        some = find_by(stores.signals, "_key", sorted(back)[:MAX_SPLIT])
        detail = {
            "gone": _split_off(holder, story, back),
            "tasks": tasks_from(holder.incident.tasks if holder.incident else (), merged),
            **_values_leaving(
                stores, incident_id, [Signal.from_document(d) for d in some], set(back)
            ),
        }
        return Move(number, "undo", incident_id, merged, act.actor, now, reason, back, detail)

    return timeline.refresh(stores, _decide_and_execute(act, decide).target)


def _finish_and_read(act: Act, move: Optional[Move]) -> Optional[Incident]:
    """Do what is missing of a move, if there is one, and return where its signals went."""
    if move is None:
        return None
    finish(act.stores, act.clock, move, IN_A_REQUEST)
    return timeline.refresh(act.stores, move.target)


def _decide_and_execute(act: Act, decide: Callable[[int, float], Move]) -> Move:
    """Take the next number for what ``decide`` says once all earlier moves are finished."""
    stores, clock = act.stores, act.clock
    for _round in range(ROUNDS):
        last = moves.newest(stores)
        if last is not None and not finish(stores, clock, last, IN_A_REQUEST):
            text = f"The signals of {last.source} are still being handed over to {last.target}"
            raise Contended(f"{text}; try again.")
        move = decide(last.number + 1 if last else 1, milliseconds(clock.now()))
        if moves.take(stores, move):
            finish(stores, clock, move, IN_A_REQUEST)
            return move
    raise Contended("Too many people merge and split incidents at once; try again.")


def _stories(stores: Stores, incident_ids: Sequence[str]) -> Dict[str, Story]:
    found = timeline.load(stores, incident_ids)
    for incident_id in incident_ids:
        if not found[incident_id].keys:
            raise timeline.not_found(incident_id)
    return found


def _movable(story: Story) -> Incident:
    incident = story.incident
    if incident is None:
        raise AssertionError("a story with entries has an incident")
    if incident.merged_into:
        text = f"{incident.id} is merged into {incident.merged_into}; take it out of there first."
        raise IllegalMove(text)
    if incident.status == "closed":
        raise IllegalMove(f"{incident.id} is closed; its signals stay with it.")
    return incident


def _opening_data(signals: Sequence[Signal], incident_id: str, title: str) -> Document:
    first = signals[0]
    rules = list(dict.fromkeys(signal.rule for signal in signals))
    tags = list(dict.fromkeys(tag for signal in signals for tag in signal.tags))
    actions = list(dict.fromkeys(name for signal in signals for name in signal.actions))
    return {
        "title": title or first.title,
        "description": first.description,
        "severity": worst([signal.severity for signal in signals]),
        "entities": list(dict.fromkeys(signal.entity for signal in signals)),
        "rules": rules,
        "rule": rules[0] if len(rules) == 1 else "",
        "tags": tags,
        "actions": actions,
        "runbook": next((signal.runbook for signal in signals if signal.runbook), ""),
        "first_time": min(signal.first_time for signal in signals),
        "last_time": max(signal.last_time for signal in signals),
        "dedup_key": first.dedup_key,
        "search": first.search,
        "previous": "",
        "split_from": incident_id,
        "wordings": _wordings(signals),
        "group_values": _group_values(signals),
        "fields": first_values(signals),
    }


def _problems_leaving(
    stores: Stores, incident_id: str, signals: Sequence[Signal]
) -> List[Document]:
    """The problems of which no signal stays behind, each with the ledger that it is claimed in."""
    ledgers = {signal.dedup_key: ledger_of(signal) for signal in signals}
    leaving = {signal.key for signal in signals}
    return [
        {"dedup_key": key, "ledger": ledger}
        for key, ledger in sorted(ledgers.items())
        if not _is_any_staying(stores, incident_id, "dedup_key", key, leaving)
    ]


def _values_leaving(
    stores: Stores, incident_id: str, signals: Sequence[Signal], leaving: Iterable[str] = ()
) -> Document:
    """What no signal of the incident is about after these have left: entities and rules.

    Wordings and group values leave even if a signal that stays has them: somebody said that they
    do not tell.
    """
    going = set(leaving) or {signal.key for signal in signals}
    found: Document = {"wordings": _wordings(signals), "group_values": _group_values(signals)}
    for name, field in (("entities", "entity"), ("rules", "rule")):
        values = sorted({str(getattr(signal, field)) for signal in signals})
        found[name] = [
            value
            for value in (values if len(values) <= MAX_VALUES else [])
            if not _is_any_staying(stores, incident_id, field, value, going)
        ]
    return found


def _wordings(signals: Iterable[Signal]) -> List[str]:
    return sorted({wording_of(signal) for signal in signals} - {""})[:MAX_WORDINGS]


def _group_values(signals: Iterable[Signal]) -> List[str]:
    return sorted({value for signal in signals for value in signal.group_values})[:MAX_SHARED]


def _is_any_staying(
    stores: Stores, incident_id: str, field: str, value: str, leaving: Set[str]
) -> bool:
    query = {"$and": [{"incident_id": incident_id}, {field: value}]}
    return not leaving.issuperset(stores.signals.keys(query))


def _later_signals(
    stores: Stores, incident_id: str, holder: Story, back: Dict[str, int]
) -> Dict[str, int]:
    """The signals of the same problems that came to the incident since."""
    documents = find_by(stores.signals, "_key", back)
    problems = sorted({str(document["dedup_key"]) for document in documents})
    owned = holder.owned()
    found: Dict[str, int] = {}
    for some in chunks(problems, KEYS_PER_QUERY):
        query = {"$and": [{"incident_id": incident_id}, any_of("dedup_key", some)]}
        keys = stores.signals.keys(query)
        found.update({key: owned[key] for key in keys if key in owned})
    return found


def _split_off(holder: Story, merged: Story, back: Mapping[str, int]) -> List[str]:
    """The signals of a merged incident that were split off from its holder.

    One that its holder never had is still on its way there, and stays with the merged incident.
    """
    number = merged.merge_number
    return sorted(k for k in merged.owned() if k not in back and holder.has_had(k, number))


def _unused_id(stores: Stores, clock: Clock, number: int) -> str:
    salt = 0
    while True:
        chosen = new_incident_id(clock.now(), f"split:{number}:{salt}")
        if not timeline.read(stores, chosen):
            return chosen
        salt += 1
