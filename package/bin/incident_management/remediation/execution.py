"""Carrying a plan out once, undoing it, and finding out what became of a run that was cut off.

The order makes every crash recoverable: the entity is taken, the execution is claimed, the
timeline says ``started``, what people decided meanwhile is read, the executor acts, the timeline
says how it ended. Whoever finds a claim or a ``started`` without an end asks the executor, by the
run's request id, what happened.
"""

from __future__ import annotations

from typing import Any, List, Mapping, Optional

from ..incidents.model import Entry
from ..ports import Document
from .approval import live_plans
from .catalogue import CatalogueError
from .context import SYSTEM, Context, Refused
from .executors import ExecutorError, Outcome
from .plan import PlanState
from .safety import checks, withdrawn
from .steps import Step, act, action_step, begin, claim_key, end, inverse_step

__all__ = ["execute", "roll_back", "settle", "settle_all"]

# Longer than an executor's request may take, so that a slow run is not taken for a dead one.
LEASE_SECONDS = 90.0
SETTLING_GIVES_UP_SECONDS = 900.0


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
    refusal = _refusal(context, plan, state, entries) or _occupied(context, plan)
    if refusal:
        context.refuse(plan["incident_id"], plan, refusal, actor)
        raise refusal
    return _run_once(context, plan, action_step(context, plan), actor)


def _refusal(
    context: Context, plan: Document, state: PlanState, entries: List[Entry]
) -> Optional[Refused]:
    for check in checks(context, plan, state, entries):
        if not check.ok:
            return check.refusal()
    return None


def _occupied(context: Context, plan: Document) -> Optional[Refused]:
    """Take the plan's entity for it, or return who has it."""
    if context.take_run(plan["entity"], plan["_key"]):
        return None
    return _taken(context, plan)


def _taken(context: Context, plan: Document) -> Refused:
    other = context.blocking_run(plan["entity"], plan["_key"]) or "Another run"
    sentence = f"{other} is being carried out on {plan['entity']}: wait until it is verified."
    return Refused(sentence, "run_in_progress")


def roll_back(context: Context, plan_id: str, actor: str, reason: str) -> PlanState:
    """Undo a plan that was carried out, by its action's inverse, once.

    Raises:
        NotFound: no such plan.
        Refused: it was not carried out, can't be undone any more, or another plan is being carried
            out on the same entity.
    """
    plan, _entries, state = context.load(plan_id)
    if state.rollback_started_at:
        return state
    if not state.done_at:
        raise Refused(f"{plan_id} was not carried out: there is nothing to undo.", "not_executed")
    try:
        step = inverse_step(context, plan, state)
    except Refused as refusal:
        _fail_rollback(context, plan, str(refusal), actor)
        raise
    occupied = _occupied(context, plan)
    if occupied:
        context.refuse(plan["incident_id"], plan, occupied, actor)
        raise occupied
    # Its document must not say that it is over while it is being undone: see live_plans.
    plan.update(status="rolling_back", updated_at=context.clock.now())
    context.stores.plans.save([plan])
    return _run_once(context, plan, step, actor, reason)


def _run_once(
    context: Context, plan: Document, step: Step, actor: str, reason: str = ""
) -> PlanState:
    """Claim a step and carry it out, unless it is somebody's already."""
    claimed = context.clock.now()
    if not context.claim(claim_key(plan["_key"], step.kind), {"actor": actor}):
        settle(context, plan["_key"])
        return context.show(plan)
    begin(context, plan, step, actor, reason)
    context.show(plan)
    refusal = _stopped(context, plan, step)
    if refusal:
        outcome = Outcome("failed", f"Nothing was done. {refusal}")
        end(context, plan, step.kind, outcome, actor)
    elif context.clock.now() - claimed < LEASE_SECONDS / 2:
        outcome = act(context, step)
        if outcome.status != "unknown":
            end(context, plan, step.kind, outcome, actor)
    return context.show(plan)


def _stopped(context: Context, plan: Document, step: Step) -> Optional[Refused]:
    """Why a step that was just begun must not be carried out after all.

    Read after the step is claimed and begun: a decision that is not seen here was made later, and
    whoever made it sees that it came too late. The same goes for another plan that took the entity
    because this one looked finished before its undoing was begun.
    """
    if not context.holds_run(plan["entity"], plan["_key"]):
        return _taken(context, plan)
    _plan, entries, _state = context.load(plan["_key"])
    return withdrawn(context, plan, entries) if step.kind == "action" else None


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
    end(context, plan, kind, outcome, SYSTEM)
    context.show(plan)
    return True


def _holder_is_gone(context: Context, plan_id: str, kind: str) -> bool:
    claim = context.stores.claims.get(claim_key(plan_id, kind))
    return claim is not None and context.gone(str(claim["holder"]))


def _asked(context: Context, plan: Document, state: PlanState, kind: str) -> Outcome:
    """Have the executor find out; ``unknown`` when it can't."""
    try:
        if kind == "action":
            step = action_step(context, plan)
        else:
            step = inverse_step(context, plan, state, check=False)
        begin(context, plan, step, SYSTEM)
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
            claim = context.stores.claims.get(claim_key(plan["_key"], kind))
            if claim is not None:
                return float(claim["time"]), kind
    return 0.0, ""


def _fail_rollback(context: Context, plan: Mapping[str, Any], reason: str, actor: str) -> None:
    data = {"phase": "failed", "detail": reason[:1000], "result": {}}
    context.append(plan, "rollback", data, actor, f"rollback:{plan['_key']}:finished")
    context.show(plan)
