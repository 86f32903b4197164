"""A plan as people and ``| remediate`` see it."""

from __future__ import annotations

from typing import Any, Dict, List

from .context import Context
from .foresight import foresee
from .next_step import what_next
from .safety import checks

__all__ = ["describe", "of_incident"]


def describe(context: Context, plan_id: str, with_checks: bool = True) -> Dict[str, Any]:
    """Return a plan's document with its state, what follows, and, unless that is left out, how it
    will be proved and each rule's answer, as long as these matter.

    Raises NotFound.
    """
    plan, entries, state = context.load(plan_id)
    view = {name: value for name, value in plan.items() if name != "_key"}
    view.update(
        plan_id=plan_id,
        status=state.status,
        detail=state.detail,
        approved_by=list(state.approvers),
        expires_at=state.expires_at,
        started_at=state.started_at,
        done_at=state.done_at,
        outcome=state.outcome,
        result=state.result,
        freeze="",
        checks=[],
    )
    if with_checks and not state.finished and not state.outcome:
        view.update(foresee(context, plan).to_document())
    if with_checks and not state.executed and not state.finished:
        found = checks(context, plan, state, entries)
        stopping = (check.detail for check in found if check.name == "freeze" and not check.ok)
        view["freeze"] = next(stopping, "")
        view["checks"] = [
            {"name": check.name, "ok": check.ok, "detail": check.detail} for check in found
        ]
    view["next"], view["next_search"] = what_next(plan, state, bool(view["freeze"]))
    return view


def of_incident(context: Context, incident_id: str) -> List[Dict[str, Any]]:
    """Return the plans of an incident and of those merged into it, the newest first.

    Without their rules. Raises NotFound.
    """
    incident, _entries = context.incident(incident_id)
    known = [{"incident_id": one} for one in (incident_id, *incident.merged)]
    plans = context.stores.plans.find({"$or": known}, "created_at:-1", 100)
    views = []
    for plan in plans:
        views.append(describe(context, plan["_key"], with_checks=False))
    return views
