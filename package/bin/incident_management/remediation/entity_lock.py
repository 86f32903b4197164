"""Run one plan at a time on an entity: a name at a location.

Claims are numbered for each name and never removed. A plan that finds no running plan among the
earlier claims inserts the next number, which only one process can. Plans that certainly act
elsewhere do not block each other.
"""

from __future__ import annotations

from typing import Any, List, Mapping

from ..incidents.errors import NotFound
from ..ports import Document
from .context import Context
from .location import Location, are_distinct, location_of

__all__ = ["acquire_lock", "blocking_plan", "holds_lock"]

# The time between locking an entity and claiming the run, which is the next request to the KV
# store. A process that was delayed for longer sees that another plan has the entity.
BEGINNING_SECONDS = 60.0
# How many claims on a name may be inserted by others during one attempt.
MOST_TRIES = 20


def blocking_plan(context: Context, plan: Mapping[str, Any]) -> str:
    """Return the id of another plan that is running on this plan's entity; empty if none is."""
    place = location_of(plan, context.catalogue)
    rivals = _rivals(_runs(context, plan["entity"]), plan, place)
    return "" if _is_mine(rivals[:1], plan, place) else _live_run(context, rivals, plan)


def acquire_lock(context: Context, plan: Mapping[str, Any]) -> bool:
    """Lock the entity for this plan until it is finished. Returns False if another plan runs."""
    place, purpose = location_of(plan, context.catalogue), _running(plan["entity"])
    for _try in range(MOST_TRIES):
        runs = _runs(context, plan["entity"])
        rivals = _rivals(runs, plan, place)
        if _is_mine(rivals[:1], plan, place):
            return True
        if _live_run(context, rivals, plan):
            return False
        number = int(runs[0]["value"]["number"]) + 1 if runs else 1
        value = {"plan_id": plan["_key"], "number": number, "place": dict(place)}
        if context.claim(f"{purpose}:{number}", value, purpose=purpose):
            return True
    return False


def holds_lock(context: Context, plan: Mapping[str, Any]) -> bool:
    """Tell whether this plan was the last to lock its entity and no other plan runs there.

    A plan that seemed finished may have started again at the same moment. Both start before they
    check here, so at least one of them sees the other.
    """
    place = location_of(plan, context.catalogue)
    rivals = _rivals(_runs(context, plan["entity"]), plan, place)
    return _is_mine(rivals[:1], plan, place) and not _live_run(context, rivals[1:], plan)


def _runs(context: Context, entity: str) -> List[Document]:
    """Return the claims on an entity of this name, the newest first."""
    found = context.stores.claims.find({"purpose": _running(entity)})
    return sorted(found, key=lambda claim: int(claim["value"]["number"]), reverse=True)


def _running(entity: str) -> str:
    """Return the claims' purpose; lower-case, because logs and services differ in case."""
    return f"run:{entity.lower()}"


def _place(run: Document) -> Location:
    """Return where a run acts; empty for claims of versions that did not store it."""
    return dict(run["value"].get("place") or {})


def _rivals(runs: List[Document], plan: Mapping[str, Any], place: Location) -> List[Document]:
    """Return a plan's own claims, and those of plans that may act at the same location."""
    return [
        run
        for run in runs
        if run["value"]["plan_id"] == plan["_key"] or not are_distinct(_place(run), place)
    ]


def _is_mine(newest: List[Document], plan: Mapping[str, Any], place: Mapping[str, str]) -> bool:
    return any(run["value"]["plan_id"] == plan["_key"] and _place(run) == place for run in newest)


def _live_run(context: Context, runs: List[Document], plan: Mapping[str, Any]) -> str:
    """Return the id of the first other plan that runs, or is about to; empty if none is.

    A process that was killed after it locked the entity has started nothing, so earlier claims
    count too. Claims before a finished run at the same location were all finished.
    """
    over: List[Location] = []
    for run in runs:
        other, place = str(run["value"]["plan_id"]), _place(run)
        if other == plan["_key"] or not all(are_distinct(place, one) for one in over):
            continue
        try:
            state = context.load(other)[2]
        except NotFound:
            continue  # Its incident was deleted by age.
        if state.executed or context.is_begun(other):
            if not state.finished:
                return other
            over.append(place)
        elif not state.finished and not _is_left(context, run):
            return other
    return ""


def _is_left(context: Context, run: Document) -> bool:
    """Tell whether a holder had enough time to start its run, or has certainly ended."""
    late = context.clock.now() - float(run["time"]) > BEGINNING_SECONDS
    return late or context.has_ended(str(run["holder"]))
