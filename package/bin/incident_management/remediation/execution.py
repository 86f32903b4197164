"""Carrying a plan out once, undoing it, and finding out what became of a run that was cut off.

The order makes every crash recoverable: the entity is taken, the execution is claimed, the
timeline says ``started``, the executor acts, the timeline says how it ended. Whoever finds a
claim or a ``started`` without an end asks the executor, by the run's request id, what happened.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional

from ..incidents.model import Entry
from ..ports import Document
from .approval import live_plans
from .catalogue import Action, CatalogueError
from .context import SYSTEM, Context, Refused
from .executors import ExecutorError, Outcome
from .plan import PlanState
from .safety import checks, preconditions, resolved_arguments

__all__ = ["execute", "roll_back", "settle", "settle_all"]

# Longer than an executor's request may take, so that a slow run is not taken for a dead one.
LEASE_SECONDS = 90.0
SETTLING_GIVES_UP_SECONDS = 900.0


@dataclass(frozen=True)
class _Step:
    """Either a plan's action or its inverse. ``kind`` is the timeline's word for it."""

    kind: str
    action: Action
    arguments: Dict[str, str]
    request_id: str


def execute(context: Context, plan_id: str, actor: str) -> PlanState:
    """Carry an approved plan out. A plan that was begun is never begun again.

    Returns the plan's state: ``done``, ``failed``, or ``running`` while nobody can tell yet.

    Raises:
        NotFound: no such plan.
        Refused: one of the rules says no; it is on the timeline, too.
    """
    plan, entries, state = context.load(plan_id)
    if state.executed:
        return state
    refusal = _refusal(context, plan, state, entries)
    if refusal is None and not context.take_run(plan["entity"], plan_id):
        other = context.blocking_run(plan["entity"], plan_id)
        refusal = Refused(
            f"{other or 'Another run'} is being carried out on {plan['entity']}: wait until it "
            "is verified.",
            "run_in_progress",
        )
    if refusal:
        context.refuse(plan["incident_id"], plan, refusal, actor)
        raise refusal
    claimed = context.clock.now()
    if not context.claim(_claim_key(plan_id, "action"), {"actor": actor}):
        settle(context, plan_id)
        return context.show(plan)
    step = _action_step(context, plan)
    _begin(context, plan, step, actor)
    if context.clock.now() - claimed < LEASE_SECONDS / 2:
        _act(context, plan, step, actor)
    return context.show(plan)


def _refusal(
    context: Context, plan: Document, state: PlanState, entries: List[Entry]
) -> Optional[Refused]:
    for check in checks(context, plan, state, entries):
        if not check.ok:
            return check.refusal()
    return None


def roll_back(context: Context, plan_id: str, actor: str, reason: str) -> PlanState:
    """Undo a plan that was carried out, by its action's inverse, once.

    Raises:
        NotFound: no such plan.
        Refused: it was not carried out, or can't be undone any more.
    """
    plan, _entries, state = context.load(plan_id)
    if state.rollback_started_at:
        return state
    if not state.done_at:
        raise Refused(f"{plan_id} was not carried out: there is nothing to undo.", "not_executed")
    try:
        step = _inverse_step(context, plan, state)
    except Refused as refusal:
        _fail_rollback(context, plan, str(refusal), actor)
        raise
    # Its document must not say that it is over while it is being undone: see live_plans.
    plan.update(status="rolling_back", updated_at=context.clock.now())
    context.stores.plans.save([plan])
    if not context.claim(_claim_key(plan_id, "rollback"), {"actor": actor}):
        settle(context, plan_id)
        return context.show(plan)
    _begin(context, plan, step, actor, reason)
    context.show(plan)
    _act(context, plan, step, actor)
    return context.show(plan)


def settle_all(context: Context, limit: int = 20) -> int:
    """End the runs that were cut off; returns how many were ended."""
    ended = 0
    for plan in live_plans(context)[:200]:
        if ended >= limit:
            break
        ended += settle(context, plan["_key"])
    return ended


def settle(context: Context, plan_id: str) -> bool:
    """Ask about a run that was begun long ago and has no end. True: it has one now."""
    plan, _entries, state = context.load(plan_id)
    begun, kind = _begun(context, plan, state)
    age = context.clock.now() - begun
    if not begun or (age < LEASE_SECONDS and not _holder_is_gone(context, plan_id, kind)):
        return False
    turn = int(age // LEASE_SECONDS)
    if not context.claim(f"settle:{plan_id}:{kind}:{turn}", {}):
        return False
    outcome = _asked(context, plan, state, kind)
    if outcome.status == "unknown":
        if age < SETTLING_GIVES_UP_SECONDS:
            return False
        detail = f"Nobody can tell whether it was done: check by hand. {outcome.detail}"
        outcome = Outcome("failed", detail, certain=False)
    _end(context, plan, kind, outcome, SYSTEM)
    context.show(plan)
    return True


def _holder_is_gone(context: Context, plan_id: str, kind: str) -> bool:
    claim = context.stores.claims.get(_claim_key(plan_id, kind))
    return claim is not None and context.gone(str(claim["holder"]))


def _claim_key(plan_id: str, kind: str) -> str:
    return f"{'execute' if kind == 'action' else 'rollback'}:{plan_id}"


def _asked(context: Context, plan: Document, state: PlanState, kind: str) -> Outcome:
    """Have the executor find out; ``unknown`` when it can't."""
    try:
        if kind == "action":
            step = _action_step(context, plan)
        else:
            step = _inverse_step(context, plan, state, check=False)
        _begin(context, plan, step, SYSTEM)
        return context.executor(step.action.executor).settle(step.arguments, step.request_id)
    except (ExecutorError, CatalogueError, Refused) as error:
        return Outcome("unknown", str(error))


def _begun(context: Context, plan: Document, state: PlanState) -> tuple[float, str]:
    """When an unfinished run of the action or its inverse was begun; 0 when there is none."""
    if state.status == "running":
        return state.started_at, "action"
    if state.status == "rolling_back":
        return state.rollback_started_at, "rollback"
    for kind, statuses in (
        ("action", ("approved",)),
        ("rollback", ("done", "recovered", "not_recovered", "insufficient_data")),
    ):
        # Cut off between its claim and its first entry.
        if state.status in statuses:
            claim = context.stores.claims.get(_claim_key(plan["_key"], kind))
            if claim is not None:
                return float(claim["time"]), kind
    return 0.0, ""


# --- steps --------------------------------------------------------------------------------------


def _action_step(context: Context, plan: Mapping[str, Any]) -> _Step:
    action = context.catalogue.get(plan["action"])
    return _Step("action", action, dict(plan["arguments"]), str(plan["_key"]))


def _inverse_step(
    context: Context, plan: Mapping[str, Any], state: PlanState, check: bool = True
) -> _Step:
    """The inverse action for a plan. Raises Refused when it can't be carried out."""
    if not plan["inverse"]:
        raise Refused(f"'{plan['action']}' has no inverse: undo it by hand.", "no_inverse")
    try:
        action = context.catalogue.get(plan["inverse"])
    except CatalogueError as error:
        raise Refused(str(error), "unknown_action") from None
    sources = {"plan": plan["arguments"], "result": state.result, "before": plan["state"]}
    arguments = resolved_arguments(action, sources)
    if check:
        try:
            service = context.executor(action.executor).facts(arguments)
        except ExecutorError as error:
            raise Refused(str(error), "executor") from None
        sentence = preconditions(action, arguments, service)
        if sentence:
            raise Refused(sentence, "precondition")
    return _Step("rollback", action, arguments, f"{plan['_key']}-undo")


def _begin(
    context: Context, plan: Mapping[str, Any], step: _Step, actor: str, reason: str = ""
) -> None:
    detail = reason or f"{step.action.label}: {plan['entity']}."
    data = {"phase": "started", "detail": detail, "request_id": step.request_id}
    context.append(plan, step.kind, data, actor, f"{step.kind}:{plan['_key']}:started")


def _act(context: Context, plan: Mapping[str, Any], step: _Step, actor: str) -> None:
    """Ask the executor. An unknown outcome is left for :func:`settle`."""
    try:
        executor = context.executor(step.action.executor)
        outcome = executor.execute(step.arguments, step.request_id)
    except ExecutorError as error:
        outcome = Outcome("failed", str(error))
    if outcome.status != "unknown":
        _end(context, plan, step.kind, outcome, actor)


def _end(
    context: Context, plan: Mapping[str, Any], kind: str, outcome: Outcome, actor: str
) -> None:
    data: Dict[str, Any] = {
        "phase": outcome.status,
        "detail": outcome.detail[:1000],
        "result": dict(outcome.result),
    }
    if outcome.status == "failed" and outcome.certain:
        data["nothing_done"] = True
    context.append(plan, kind, data, actor, f"{kind}:{plan['_key']}:finished")


def _fail_rollback(context: Context, plan: Mapping[str, Any], reason: str, actor: str) -> None:
    data = {"phase": "failed", "detail": reason[:1000], "result": {}}
    context.append(plan, "rollback", data, actor, f"rollback:{plan['_key']}:finished")
    context.show(plan)
