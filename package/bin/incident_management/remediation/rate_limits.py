"""Limit how often an action runs: on one entity (cool-down), and in total (hourly_limit)."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional, Tuple

from ..durations import span
from ..incidents.stores import find_by
from .catalogue import Action
from .check import Check
from .context import Context, Refused
from .location import Location, are_distinct, location_of
from .plan import PlanState

__all__ = ["HOUR", "limit_exceeded", "rate_checks"]

HOUR = 3600.0
# How many of the newest entries of all actions are read: more than two for each run that the
# greatest hourly_limit allows.
MOST_ENTRIES = 10_000


def rate_checks(context: Context, plan: Mapping[str, Any], action: Action) -> List[Check]:
    """Return the checks of the cool-down and of ``hourly_limit``.

    The latter stops an analysis that mistakes one cause for that of many incidents.
    """
    now = context.clock.now()
    runs = _runs(context, plan, now - max(action.cooldown, HOUR))
    place = location_of(plan, context.catalogue)
    same = [run for run in runs if _is_same(context, run[1], plan["entity"], place)]
    since, other = same[0] if same else (0.0, {})
    cool = since + action.cooldown <= now
    many = sum(begun > now - HOUR for begun, _other in runs)
    return [
        Check(
            "cooldown",
            cool,
            f"Not executed on {plan['entity']} recently."
            if cool
            else (
                f"'{action.name}' was already executed on {plan['entity']} by "
                f"{other['_key']}; it can run there again in "
                f"{span(since + action.cooldown - now)}."
            ),
        ),
        _rate(action, many),
    ]


def _is_same(context: Context, run: Mapping[str, Any], entity: str, place: Location) -> bool:
    """Tell whether an earlier run may be about the entity of this name at this location."""
    named = run["entity"].lower() == entity.lower()
    return named and not are_distinct(location_of(run, context.catalogue), place)


def limit_exceeded(
    context: Context, plan: Mapping[str, Any], action: Action, state: PlanState
) -> Optional[Refused]:
    """Return a refusal if too many other runs started since an hour before this one, or None.

    Several runs may start at the same moment without seeing each other, so this is checked after
    the start. It does not compare start times: a member whose clock is behind writes the earlier
    time, possibly after the others have checked. So when many start at once, fewer than allowed go
    on.
    """
    many = len(_runs(context, plan, state.started_at - HOUR))
    return None if many < action.hourly_limit else _rate(action, many).refusal()


def _rate(action: Action, runs: int) -> Check:
    ok = runs < action.hourly_limit
    detail = (
        f"'{action.name}' ran {runs} of at most {action.hourly_limit} times within the last hour "
        "(hourly_limit)."
    )
    if not ok:
        detail += ' Wait, or have it carried out with override="(why)" (incident_override).'
    return Check("rate", ok, detail)


def _runs(
    context: Context, plan: Mapping[str, Any], since: float
) -> List[Tuple[float, Mapping[str, Any]]]:
    """Return when other plans of the action started, the newest first, without runs that did
    nothing.
    """
    query = {"kind": "action", "time": {"$gt": since}}
    documents = context.stores.timeline.find(query, "time:-1", MOST_ENTRIES)
    harmless = {d["data"]["plan_id"] for d in documents if d["data"].get("nothing_done")}
    begun = {
        str(document["data"].get("plan_id", "")): float(document["time"])
        for document in documents
        if document["data"].get("phase") == "started"
    }
    plans = find_by(context.stores.plans, "_key", set(begun) - harmless - {plan["_key"]})
    mine = [other for other in plans if other.get("action") == plan["action"]]
    runs = ((begun[other["_key"]], other) for other in mine)
    return sorted(runs, key=lambda run: run[0], reverse=True)
