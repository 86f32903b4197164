"""Merge two incidents and split one; a merge can be undone, and no signal counts twice.

A decision is a :class:`.moves.Move`; :mod:`.execution` executes it. All functions raise NotFound
for an unknown id and IllegalMove if the state does not allow the change. They raise Contended if
other users constantly merge or split incidents, or if a very large merge is not finished yet.
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

# The most signals in one split, which a person chooses on a page.
MAX_SPLIT = 1000
# The most signals that one undone merge returns: their keys are in one KV store document.
MAX_UNDONE = 100_000
# With more different values, the remaining ones are not looked up; all values are kept.
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
    """Merge ``source`` into ``into``, an open incident; return the latter.

    The source is closed. Its signals, and later ones of the same problems, count in ``into``.
    ``may`` is called after all earlier moves were executed; if it returns False, IllegalMove is
    raised.
    """
    if source == into:
        raise IllegalMove(f"{source} can't be merged with itself.")

    def decide(number: int, now: float) -> Move:
        found = _stories(act.stores, [source, into])
        _movable(found[source])
        target = _movable(found[into])
        if not target.is_open:
            text = f"{into} is {target.status}. Reopen it before you merge an incident into it."
            raise IllegalMove(text)
        if not may():
            raise IllegalMove(f"The merge of {source} into {into} was undone just now.")
        return Move(number, "merge", source, into, act.actor, now, reason)

    _decide_and_execute(act, decide)
    return timeline.refresh(act.stores, into)


def merged_since(act: Act, source: str, into: str, time: float) -> Optional[Incident]:
    """Return ``into`` if this actor has merged ``source`` into it since then; finish the merge."""
    return _finish_and_read(act, moves.latest_matching(act, time, "merge", source, into))


def split_since(
    act: Act, incident_id: str, signals: Sequence[str], time: float
) -> Optional[Incident]:
    """Return the incident that this actor has split off with these signals since then."""
    return _finish_and_read(
        act, moves.latest_matching(act, time, "split", incident_id, signals=signals)
    )


def undone_since(act: Act, incident_id: str, merged: str, time: float) -> Optional[Incident]:
    """Return ``merged`` if this actor has undone its merge into the incident since then."""
    return _finish_and_read(act, moves.latest_matching(act, time, "undo", incident_id, merged))


def split(
    act: Act,
    routing: Routing,
    incident_id: str,
    signals: Sequence[str],
    title: str = "",
    reason: str = "",
) -> Incident:
    """Split signals off into a new incident, and return the new one.

    A problem (dedup key) moves along if none of its signals stays behind: its later signals add to
    the new incident. Raises Invalid for signals that the incident does not have.
    """
    keys = list(dict.fromkeys(signals))
    if not 0 < len(keys) <= MAX_SPLIT:
        raise Invalid(f"Choose 1 to {MAX_SPLIT} signals to split off.")

    def decide(number: int, now: float) -> Move:
        story = _stories(act.stores, [incident_id])[incident_id]
        incident = _movable(story)
        documents = find_by(act.stores.signals, "_key", [k for k in keys if story.counts(k)])
        if len(documents) < len(keys):
            known = {document["_key"] for document in documents}
            lacking = next(key for key in keys if key not in known)
            raise Invalid(
                f"{incident_id} has no signal {lacking[:60]}. Choose from its own signals."
            )
        if len(keys) >= incident.signals:
            raise IllegalMove(f"A split must leave at least one signal in {incident_id}.")
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
    """Undo the merge of ``merged`` into an incident, and return it, open again.

    It gets back its signals, and those of its problems that came since. Signals that were split off
    in between stay where they are.
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
            raise IllegalMove(f"More than {MAX_UNDONE} signals would move. Split some off first.")
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
    """Finish a move, if there is one, and return the incident that got its signals."""
    if move is None:
        return None
    finish(act.stores, act.clock, move, IN_A_REQUEST)
    return timeline.refresh(act.stores, move.target)


def _decide_and_execute(act: Act, decide: Callable[[int, float], Move]) -> Move:
    """Finish all earlier moves, then decide the next one with ``decide`` and execute it."""
    stores, clock = act.stores, act.clock
    for _round in range(ROUNDS):
        last = moves.newest(stores)
        if last is not None and not finish(stores, clock, last, IN_A_REQUEST):
            text = f"The signals of {last.source} are still being moved to {last.target}"
            raise Contended(f"{text}. Try again.")
        move = decide(last.number + 1 if last else 1, milliseconds(clock.now()))
        if moves.take(stores, move):
            finish(stores, clock, move, IN_A_REQUEST)
            return move
    raise Contended("Too many incidents are being merged and split at once. Try again.")


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
        text = f"{incident.id} is merged into {incident.merged_into}. Undo that merge first."
        raise IllegalMove(text)
    if incident.status == "closed":
        raise IllegalMove(f"{incident.id} is closed, so its signals can't be moved.")
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
    """Return the problems that leave as a whole, each with the ledger of its claims."""
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
    """Return the entities and rules that no remaining signal has.

    Wordings and group values leave even if a remaining signal has them: by splitting, a person
    decided that they do not connect the signals.
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
    """Return the signals of the same problems that the incident got since the merge."""
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
    """Return the signals of a merged incident that were split off from its holder.

    A signal that the holder never had is still on its way there, and stays with the merged
    incident.
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
