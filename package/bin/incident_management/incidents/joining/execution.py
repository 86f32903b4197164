"""Execute decided merges and splits; :mod:`.merging` decides them.

Every step may be repeated by any process with the same result: entries are written with a ``once``,
and which incident holds a signal follows from the entries alone. The signals' documents name their
incident only for searches, and are corrected last. Of a large merge, a request corrects some
thousands and leaves the rest to the worker; until then :func:`.signals.signals_query` finds them by
the merged incident.
"""

from __future__ import annotations

from typing import Collection, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from ...ports import Clock, Document, Stores
from .. import timeline
from ..act import Act
from ..canonical import digest
from ..clocks.calendar import ALWAYS
from ..errors import Contended, NotFound
from ..intake.ledger import Claim, Ledger, claims_of, newest_episodes
from ..model import ACTOR, Entry, Incident
from ..stores import any_of, chunks, find_by
from ..story import Story
from ..tasks.task_state import missing_tasks
from ..upkeep.retention import pruned
from . import moves
from .moves import Move
from .rechecks import Rechecks
from .signals import NAMES_A_QUERY

__all__ = ["IN_A_REQUEST", "finish", "finish_recent", "forward", "forward_arrivals"]

# Keys in one entry: about 250 kB.
ENTRY_SIGNALS = 5000
SAVED_AT_ONCE = 1000
# The most signals' documents that one request corrects.
IN_A_REQUEST = 5000
ROUNDS = 20
# The worker checks moves again for this long: by then, slow writers have finished.
LOOK_BACK_SECONDS = 3600.0
MAX_MOVES = 1000
# What an incident loses with the last signal that has it.
_REMOVED_VALUES = ("entities", "rules", "wordings", "group_values")


def finish(stores: Stores, clock: Clock, move: Move, most: Optional[int] = None) -> bool:
    """Execute a decided move, or the part of it that is missing.

    Returns False if ``most`` signals' documents of a merge were corrected and more are left.

    A move counts as finished, so that it does not block the next ones, if

    * its document is malformed,
    * one of its incidents was deleted by age: the worker finished the move long before, or
    * a timeline is missing, as after a restore. The worker finishes recent moves once it is back.
    """
    if not move.source or pruned(stores, [move.source, move.target]):
        return True
    try:
        return _execute(stores, clock, move, most)
    except NotFound:
        return True


def _execute(stores: Stores, clock: Clock, move: Move, most: Optional[int]) -> bool:
    act = Act(stores, clock, move.actor)
    if move.kind == "merge":
        data = {"into": move.target, "number": move.number, "reason": move.reason}
        timeline.append(act, move.source, "merged", data, move.once("merged"))
        return forward(stores, clock, move.source, most)[1]
    arrive = _write_opening if move.kind == "split" else _write_unmerged
    arrive(act, move)
    for part, signals in enumerate(_entry_parts(move.signals)):
        data = {
            "to": move.target,
            "number": move.number,
            "removed": list(signals),
            **{name: move.detail.get(name, []) for name in _REMOVED_VALUES},
            "problems": [one["dedup_key"] for one in move.detail.get("problems", [])],
            "undone": move.target if move.kind == "undo" else "",
            "reason": move.reason,
        }
        once = move.once("split", str(part or ""))
        timeline.append(act, move.source, "split", data, once)
    timeline.refresh_many(stores, [move.source, move.target])
    _claim_problems(stores, clock, move)
    _correct(stores, move.source, move.target, move.signals)
    return True


def finish_recent(stores: Stores, clock: Clock) -> Dict[str, int]:
    """Finish the incomplete moves of the last hour; a duty of the worker.

    Without any, finish the newest move: all earlier ones were finished before it was decided.
    """
    recent = moves.since(stores, clock.now() - LOOK_BACK_SECONDS, MAX_MOVES)
    last = None if recent else moves.newest(stores)
    if recent:
        rechecks = Rechecks(stores, clock)
        due = rechecks.due(recent)
        _finish_all(stores, clock, due)
        rechecks.record(recent, due)
    elif last is not None and _is_unfinished(stores, last):
        _finish_all(stores, clock, [last])
    # No counts: usually all of them were finished before.
    return {}


def _finish_all(stores: Stores, clock: Clock, decided: Sequence[Move]) -> None:
    for move in decided:
        finish(stores, clock, move)
    _repair_late_writes(stores, clock, decided)


def _repair_late_writes(stores: Stores, clock: Clock, decided: Sequence[Move]) -> None:
    """Correct what slow writers wrote after these moves.

    Two deliveries of one signal may have counted it on both sides of a split or an undone merge. A
    signal's document may name the incident that held the signal before.
    """
    involved = sorted({name for move in decided for name in (move.source, move.target)})
    stories = timeline.load(stores, involved)
    for move in decided:
        if move.kind == "merge":
            continue
        source, target = stories[move.source], stories[move.target]
        twice = [key for key in target.owned() if source.counts(key) and target.counts(key)]
        if twice:
            data = {"to": move.target, "number": move.number, "removed": twice}
            data["reason"] = f"Also counted in {move.target}."
            once = move.once("split", digest(twice, 40))
            timeline.record(Act(stores, clock, move.actor), move.source, "split", data, once)
            stories.update(timeline.load(stores, [move.source]))
    for some in chunks(involved, NAMES_A_QUERY):
        naming = stores.signals.find(any_of("incident_id", some), fields=["incident_id"])
        _correct_misplaced(stores, stories, naming)


def _correct_misplaced(
    stores: Stores, stories: Mapping[str, Story], naming: Iterable[Document]
) -> None:
    """Point documents that name an incident without their signal to the incident with it."""
    for one in naming:
        key, named = one["_key"], one["incident_id"]
        if not stories[named].counts(key):
            for holder in [name for name, story in stories.items() if story.counts(key)]:
                _repoint_documents(stores, [key], named, holder)


def forward(
    stores: Stores, clock: Clock, incident_id: str, most: Optional[int] = None
) -> Tuple[str, bool]:
    """Move the signals of a merged incident to the incident that holds them in the end.

    Returns that incident's id, and whether all documents of the signals name it; at most ``most``
    are corrected.

    This includes signals from a writer that had not seen the merge. The merge's entry is written
    before this function reads, and the writer reads after it wrote, so one of the two sees the
    other's entry.
    """
    passed = [incident_id]
    for _step in range(ROUNDS):
        target = _copy_to_target(stores, clock, passed[-1])
        if not target or target in passed:
            break
        passed.append(target)
    done = True
    for source in passed[:-1]:
        done = _correct_all(stores, source, passed[-1], most) and done
    return passed[-1], done


def forward_arrivals(stores: Stores, clock: Clock, stories: Mapping[str, Story]) -> Dict[str, str]:
    """Move signals added to merged incidents; return the incident that holds them, by source."""
    merged = [key for key, story in stories.items() if story.merge_number]
    return {
        incident_id: forward(stores, clock, incident_id, IN_A_REQUEST)[0]
        for incident_id in sorted(merged)
    }


def _copy_to_target(stores: Stores, clock: Clock, source_id: str) -> str:
    """Copy a merged incident's signals to its target; return the target's id, empty for none."""
    for _round in range(ROUNDS):
        source = timeline.load(stores, [source_id])[source_id]
        incident = source.incident
        if incident is None or not incident.merged_into:
            return ""
        target_id, number = incident.merged_into, source.merge_number
        target = timeline.load(stores, [target_id])[target_id]
        if not target.keys:
            # The target's timeline is gone, so nothing can be added to it.
            return ""
        owned = source.owned()
        missing = {k: n for k, n in owned.items() if not target.has_had(k, number)}
        tasks = missing_tasks(
            target.incident.tasks if target.incident else (), incident.tasks, source_id
        )
        entries: List[Entry] = []
        if missing or tasks or not target.has(_first_join_once(number)):
            entries += _join_entries(source, target, missing, tasks, number, clock.now())
        entries += _promise_entries(incident, target, number, clock.now())
        if not entries:
            timeline.refresh_many(stores, [source_id, target_id])
            return target_id
        timeline.write(stores, entries)
    return target_id


def _join_entries(
    source: Story,
    target: Story,
    missing: Mapping[str, int],
    tasks: Sequence[Document],
    number: int,
    now: float,
) -> List[Entry]:
    """Return the entries that add a merged incident's signals and tasks to the target."""
    incident = source.incident
    if incident is None:
        return []
    joined: List[Entry] = []
    first = _first_join_once(number)
    shared = (
        *("title", "severity", "entities", "rules", "tags", "wordings", "group_values"),
        "fields",
    )
    for signals in _entry_parts(missing):
        brought = tasks if not joined else []
        told = [*sorted(signals), *(f"{one['id']} {one['at']}" for one in brought)]
        once = f"move:{number}:{digest(told, 40)}" if target.has(first) else first
        reason = f"{incident.id} was merged into this incident."
        # Only once: a late signal must not pin the incident again after a person unpinned it.
        pinned = incident.pinned and once == first
        data: Document = {
            "from": incident.id,
            "number": number,
            "signals": signals,
            **{name: getattr(incident, name) for name in (*shared, "first_time", "last_time")},
            **({"tasks": brought} if brought else {}),
            **({"pinned": True} if pinned else {}),
            "reason": f"{reason} It was pinned, so this incident is pinned, too."
            if pinned
            else reason,
        }
        entry = Entry.create(incident.merged_into, "joined", data, ACTOR, now, target.head, once)
        target.add(entry)
        joined.append(entry)
    return joined


def _promise_entries(source: Incident, target: Story, number: int, now: float) -> List[Entry]:
    """Return the entry by which the target takes over an update promised by the source."""
    due = source.update_promised
    if due is None:
        return []
    once = f"move:{number}:update:{due:.3f}"
    if target.has(once):
        return []
    by = ALWAYS.date_of(due)
    reason = f"Stakeholders of {source.id} were promised an update by {by}. It is now due here."
    data: Document = {"event": "taken_over", "from": source.id, "due": due, "reason": reason}
    return [Entry.create(source.merged_into, "update_due", data, ACTOR, now, target.head, once)]


def _first_join_once(number: int) -> str:
    """The ``once`` of the first entry that a merge writes on its target."""
    return f"move:{number}:joined"


def _write_opening(act: Act, move: Move) -> None:
    data = {**move.detail["opened"], "signals": move.signals, "number": move.number}
    timeline.append(act, move.target, "opened", data, "opened")
    timeline.append(act, move.target, "routed", move.detail["routed"], "routed")


def _write_unmerged(act: Act, move: Move) -> None:
    for part, signals in enumerate(_entry_parts(move.signals)):
        data = {
            "from": move.source,
            "number": move.number,
            "signals": signals,
            "gone": [] if part else move.detail.get("gone", []),
            "tasks": [] if part else move.detail.get("tasks", []),
            "reason": move.reason,
        }
        once = move.once("unmerged", str(part or ""))
        timeline.append(act, move.target, "unmerged", data, once)


def _claim_problems(stores: Stores, clock: Clock, move: Move) -> None:
    """Claim the next episode of the split-off problems, so that later signals go there."""
    wanted = {one["dedup_key"]: one["ledger"] for one in move.detail.get("problems", [])}
    ledger = Ledger(stores, clock)
    if not wanted:
        return
    for _round in range(ROUNDS):
        newest = ledger.newest(wanted.values())
        claims = claims_of(stores, wanted, newest)
        claimed = {value["dedup_key"] for value in claims if value["incident_id"] == move.target}
        episodes = {key: int(value["episode"]) for key, value in newest_episodes(claims).items()}
        missing = [
            Claim(ledger_name, key, episodes.get(key, 0) + 1, move.target, move.source)
            for key, ledger_name in wanted.items()
            if key not in claimed
        ]
        if not missing or ledger.take(missing, newest, move.actor):
            return
    raise Contended("Too many requests open incidents of the split-off problems. Try again.")


def _correct(stores: Stores, source: str, target: str, signals: Collection[str]) -> None:
    """Point the documents of these signals from the source to the target."""
    if signals:
        story = timeline.load(stores, [target])[target]
        here = [key for key in signals if story.counts(key)]
        _repoint_documents(stores, here, source, target)


def _correct_all(stores: Stores, source: str, target: str, most: Optional[int]) -> bool:
    """Correct the documents that name a merged incident; return whether ``most`` was enough."""
    keys = stores.signals.keys({"incident_id": source})
    _correct(stores, source, target, keys[:most])
    return most is None or len(keys) <= most


def _is_unfinished(stores: Stores, move: Move) -> bool:
    """Tell whether a signal's document still names the source; documents are corrected last."""
    if move.kind == "merge":
        return bool(stores.signals.find({"incident_id": move.source}, limit=1))
    moved = find_by(stores.signals, "_key", move.signals, fields=["incident_id"])
    return any(one["incident_id"] == move.source for one in moved)


def _repoint_documents(stores: Stores, keys: List[str], source: str, target: str) -> None:
    for some in chunks(keys, SAVED_AT_ONCE):
        found = find_by(stores.signals, "_key", some)
        stale = [document for document in found if document.get("incident_id") == source]
        if stale:
            stores.signals.save([{**document, "incident_id": target} for document in stale])


def _entry_parts(signals: Mapping[str, int]) -> Iterator[Dict[str, int]]:
    """Split a move's signals into parts for one entry each; at least one, maybe empty."""
    for keys in list(chunks(sorted(signals), ENTRY_SIGNALS)) or [[]]:
        yield {key: signals[key] for key in keys}
