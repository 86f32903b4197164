"""Carries decided merges and splits out: :mod:`.merging` decides them.

Every step may be done again, by anybody, with the same end: entries are written with a ``once``,
and who holds a signal follows from the entries alone. The signals' documents only name its holder
for searches, and are corrected last. Of a merge a request corrects no more than some thousands, and
leaves the rest to the worker: until then :func:`.signals.signals_query` finds them by the
merged incident.
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
# Signals' documents of a merged incident that one request corrects.
IN_A_REQUEST = 5000
ROUNDS = 20
# The worker looks at moves this old again: a writer that was slow has written by then.
LOOK_BACK_SECONDS = 3600.0
MAX_MOVES = 1000
# What leaves an incident with the last of the signals that are about it.
_REMOVED_VALUES = ("entities", "rules", "wordings", "group_values")


def finish(stores: Stores, clock: Clock, move: Move, most: Optional[int] = None) -> bool:
    """Do what a decided move says, or what is missing of it.

    False: of a merge, ``most`` signals' documents were corrected, and there are more.

    Of incidents that have left by age nothing is missing: long before, the worker has finished it.
    Nor is it of one whose timeline is gone without a trace, as after a restore. It must not keep
    the next moves waiting; once it is back, the worker finishes what was decided of late. Of one
    that can't be read nobody knows what it says.
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
    """Finish the moves of the last hour, where anything of them is missing; the worker's duty.

    And the last of all: the others were finished before it was decided.
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
    # Nothing to tell of: most often all of them were finished before.
    return {}


def _finish_all(stores: Stores, clock: Clock, decided: Sequence[Move]) -> None:
    for move in decided:
        finish(stores, clock, move)
    _repair_late_writes(stores, clock, decided)


def _repair_late_writes(stores: Stores, clock: Clock, decided: Sequence[Move]) -> None:
    """Put right what writers left who were slower than these moves.

    Two deliveries of one signal, of which the first may have been killed, may have counted it on
    both sides of a split or an undone merge. A signal's document may have been written, or
    corrected, for where the signal was before.
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
            data["reason"] = f"Counted on {move.target} as well."
            once = move.once("split", digest(twice, 40))
            timeline.record(Act(stores, clock, move.actor), move.source, "split", data, once)
            stories.update(timeline.load(stores, [move.source]))
    for some in chunks(involved, NAMES_A_QUERY):
        naming = stores.signals.find(any_of("incident_id", some), fields=["incident_id"])
        _correct_misplaced(stores, stories, naming)


def _correct_misplaced(
    stores: Stores, stories: Mapping[str, Story], naming: Iterable[Document]
) -> None:
    """Let those of these documents that name an incident without the signal name the one with."""
    for one in naming:
        key, named = one["_key"], one["incident_id"]
        if not stories[named].counts(key):
            for holder in [name for name, story in stories.items() if story.counts(key)]:
                _repoint_documents(stores, [key], named, holder)


def forward(
    stores: Stores, clock: Clock, incident_id: str, most: Optional[int] = None
) -> Tuple[str, bool]:
    """Hand the signals of a merged incident on.

    Returns the incident that has them in the end, and whether all of their documents name it:
    ``most`` of them are corrected.

    Also those that a writer added who had not seen the merge. The merge's entry is written before
    this reads, and such a writer reads after it wrote: so one of the two sees the other's entry.
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
    """Hand on what was added to merged incidents; returns who has it, by incident."""
    merged = [key for key, story in stories.items() if story.merge_number]
    return {
        incident_id: forward(stores, clock, incident_id, IN_A_REQUEST)[0]
        for incident_id in sorted(merged)
    }


def _copy_to_target(stores: Stores, clock: Clock, source_id: str) -> str:
    """Write a merged incident's signals down on the one that took it over; returns that one."""
    for _round in range(ROUNDS):
        source = timeline.load(stores, [source_id])[source_id]
        incident = source.incident
        if incident is None or not incident.merged_into:
            return ""
        target_id, number = incident.merged_into, source.merge_number
        target = timeline.load(stores, [target_id])[target_id]
        if not target.keys:
            # Its timeline is gone: what it held is no longer anybody's to add to.
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
    """The entries that write these signals and tasks of a merged incident down on the target."""
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
        # Once: who lets it be resolved by itself after that is not overruled by a late signal.
        pinned = incident.pinned and once == first
        data: Document = {
            "from": incident.id,
            "number": number,
            "signals": signals,
            **{name: getattr(incident, name) for name in (*shared, "first_time", "last_time")},
            **({"tasks": brought} if brought else {}),
            **({"pinned": True} if pinned else {}),
            "reason": f"{reason} It was pinned, so this one is, too." if pinned else reason,
        }
        entry = Entry.create(incident.merged_into, "joined", data, ACTOR, now, target.head, once)
        target.add(entry)
        joined.append(entry)
    return joined


def _promise_entries(source: Incident, target: Story, number: int, now: float) -> List[Entry]:
    """The entry that has the target's people keep what the source's stakeholders were promised."""
    due = source.update_promised
    if due is None:
        return []
    once = f"move:{number}:update:{due:.3f}"
    if target.has(once):
        return []
    by = ALWAYS.date_of(due)
    reason = f"Stakeholders of {source.id} were promised an update by {by}: it is due here now."
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
    """Let the later signals of what was split off go to its incident: it is their next episode."""
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
    raise Contended("Too many writers open incidents of the split-off problems; try again.")


def _correct(stores: Stores, source: str, target: str, signals: Collection[str]) -> None:
    """Let the documents of these signals name the target where they still name the source."""
    if signals:
        story = timeline.load(stores, [target])[target]
        here = [key for key in signals if story.counts(key)]
        _repoint_documents(stores, here, source, target)


def _correct_all(stores: Stores, source: str, target: str, most: Optional[int]) -> bool:
    """The same for the documents that name a merged incident. False: ``most`` were not all."""
    keys = stores.signals.keys({"incident_id": source})
    _correct(stores, source, target, keys[:most])
    return most is None or len(keys) <= most


def _is_unfinished(stores: Stores, move: Move) -> bool:
    """Whether a signal's document still names where it went from: they are corrected last."""
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
    """What each entry of a move has of its signals; the first says all else, also without any."""
    for keys in list(chunks(sorted(signals), ENTRY_SIGNALS)) or [[]]:
        yield {key: signals[key] for key in keys}
