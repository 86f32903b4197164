"""Show what a fix would do and whether the checks pass, without doing or writing anything."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

from ..incidents.model import Entry
from .approval import draft_plan
from .catalogue import CatalogueError
from .context import Context
from .executors.executor import ExecutorError
from .plan import PlanState, plan_state
from .runs import rollback_run
from .safety import checks
from .steps import Step, action_step
from .verification_forecast import forecast_verification

__all__ = ["preview_plan", "preview_proposal"]


def preview_plan(context: Context, plan_id: str) -> Dict[str, Any]:
    """Preview a plan. Raises NotFound."""
    plan, entries, state = context.load(plan_id)
    return _previewed(context, plan, state, entries)


def preview_proposal(
    context: Context, incident_id: str, action_name: str, actor: str
) -> Dict[str, Any]:
    """Preview the plan that :func:`.approval.propose` would create.

    Raises NotFound, and Refused if nothing could be proposed.
    """
    incident, entries = context.incident(incident_id)
    plan = draft_plan(context, incident, entries, action_name, actor)
    state = plan_state(plan, entries, context.clock.now())
    return _previewed(context, plan, state, entries)


def _previewed(
    context: Context, plan: Mapping[str, Any], state: PlanState, entries: List[Entry]
) -> Dict[str, Any]:
    names = ("incident_id", "action", "arguments", "plan_hash", "entity", "summary", "approvals")
    found = [] if state.executed or state.finished else checks(context, plan, state, entries)
    return {
        **{name: plan[name] for name in names},
        "plan_id": plan["_key"],
        "proposed": context.stores.plans.get(plan["_key"]) is not None,
        "status": state.status,
        "blast_radius": plan["blast_radius"],
        "request": _request(context, lambda: action_step(context, plan)),
        "inverse": plan["inverse"],
        "inverse_request": _request(context, lambda: _undoing(context, plan, state))
        if plan["inverse"]
        else {},
        "checks": [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in found],
        **forecast_verification(context, plan).to_document(),
    }


def _request(context: Context, made: Any) -> Dict[str, Any]:
    """Return the request the executor would send, or the problem that prevents a preview."""
    try:
        step: Step = made()
        executor = context.executor(step.action.executor)
        return executor.preview(step.arguments, step.run.request_id)
    except (CatalogueError, ExecutorError) as error:
        return {"problem": str(error)}


def _undoing(context: Context, plan: Mapping[str, Any], state: PlanState) -> Step:
    """Return the step that would roll a plan back, with placeholders for values not known yet."""
    action = context.catalogue.get(plan["inverse"])
    sources = {"plan": plan["arguments"], "result": state.result, "before": plan["state"]}
    arguments = {}
    for argument in action.arguments:
        value = argument.value(sources)
        arguments[argument.name] = str(value) if value else f"({argument.source.strip('$')})"
    return Step(rollback_run(plan, state), action, arguments)
