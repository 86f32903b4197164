"""A plan as people and ``| remediate`` see it."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

from ..incidents import timeline
from .context import Context
from .next_step import what_next
from .plan import PlanState, is_readable, plan_state
from .safety import checks
from .verification_forecast import forecast_verification

__all__ = ["describe", "of_incident"]


def describe(context: Context, plan_id: str) -> Dict[str, Any]:
    """Return a plan with its state and next step, its forecast and checks while they matter.

    Raises NotFound.
    """
    plan, entries, state = context.load(plan_id)
    view = _with_state(plan, state)
    if not state.finished and not state.outcome:
        view.update(forecast_verification(context, plan).to_document())
    if not state.executed and not state.finished:
        found = checks(context, plan, state, entries)
        stopping = (check.detail for check in found if check.name == "freeze" and not check.ok)
        view["freeze"] = next(stopping, "")
        view["checks"] = [
            {"name": check.name, "ok": check.ok, "detail": check.detail} for check in found
        ]
        who = context.users_with("incident_approve") if state.status == "proposed" else None
        view["next"], view["next_search"] = what_next(plan, state, bool(view["freeze"]), who)
    return view


def of_incident(context: Context, incident_id: str) -> List[Dict[str, Any]]:
    """Return the plans of an incident and of those merged into it, the newest first.

    They come without checks, and without plans whose incident was deleted by age. Raises NotFound.
    """
    incident, _entries = context.incident(incident_id)
    known = [{"incident_id": one} for one in (incident_id, *incident.merged)]
    found = context.stores.plans.find({"$or": known}, "created_at:-1", 100)
    plans = [plan for plan in found if is_readable(plan)]
    stories = timeline.read_many(context.stores, (plan["incident_id"] for plan in plans))
    now = context.clock.now()
    return [
        _with_state(plan, plan_state(plan, stories[plan["incident_id"]], now))
        for plan in plans
        if stories[plan["incident_id"]]
    ]


def _with_state(plan: Mapping[str, Any], state: PlanState) -> Dict[str, Any]:
    sentence, search = what_next(plan, state)
    return {
        **{name: value for name, value in plan.items() if name != "_key"},
        "plan_id": plan["_key"],
        "status": state.status,
        "detail": state.detail,
        "approved_by": list(state.approvers),
        "expires_at": state.expires_at,
        "started_at": state.started_at,
        "done_at": state.done_at,
        "outcome": state.outcome,
        "result": state.result,
        "freeze": "",
        "checks": [],
        "next": sentence,
        "next_search": search,
    }
