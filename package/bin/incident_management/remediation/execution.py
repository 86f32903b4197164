"""Execute a plan, once.

The order makes every crash recoverable: lock the entity, claim the execution, write ``started`` to
the timeline, read what people decided meanwhile, call the executor, and write the outcome.
:mod:`.interrupted_runs` finishes what is cut off in between.
"""

from __future__ import annotations

from dataclasses import replace

from ..incidents import timeline
from ..incidents.act import Act
from ..ports import Document
from .context import SYSTEM, Context
from .executors.executor import Outcome
from .interrupted_runs import settle
from .plan import PlanState
from .refusals import first_refusal, lock_entity, stop_reason
from .runs import rollback_in_doubt
from .steps import (
    LEASE_SECONDS,
    Step,
    action_step,
    claim_value,
    execute_step,
    mark_idle,
    query_outcome,
    record_end,
    record_start,
    save_result,
)

__all__ = ["execute", "mark_rolling_back", "run_once"]


def execute(context: Context, plan_id: str, actor: str, override: str = "") -> PlanState:
    """Execute an approved plan. A plan that was started is never started again.

    ``override`` is the reason to exceed the action's ``hourly_limit``. The caller has checked that
    the actor has the capability.

    Returns the plan's state: ``done``, ``failed``, or ``running`` while the outcome is unknown.

    Raises:
        NotFound: no such plan.
        Refused: a safety check failed; the refusal is on the timeline too.
    """
    plan, entries, state = context.load(plan_id)
    if state.executed:
        return state
    why = override.strip()[:1000]
    refusal = first_refusal(context, plan, state, entries, beyond_limit=bool(why))
    refusal = refusal or lock_entity(context, plan)
    if refusal:
        context.refuse(plan["incident_id"], plan, refusal, actor)
        raise refusal
    step = action_step(context, plan)
    if not why:
        return run_once(context, plan, step, actor)
    step = replace(step, override={"hourly_limit": step.action.hourly_limit, "reason": why})
    reason = f"{step.action.label}: {plan['entity']}. Overrides hourly_limit: {why}"
    return run_once(context, plan, step, actor, reason)


def run_once(
    context: Context, plan: Document, step: Step, actor: str, reason: str = ""
) -> PlanState:
    """Claim a step and run it, unless another process has claimed it."""
    began = context.clock.now()
    if not context.claim(step.run.claim, claim_value(step, actor)):
        settle(context, plan["_key"])
        return context.refresh(plan)
    if step.run.kind == "rollback":
        mark_rolling_back(context, plan)  # From now on no older status is saved.
    record_start(context, plan, step, actor, reason)
    context.refresh(plan)
    refusal = stop_reason(context, plan, step, actor)
    # Later, the worker may have settled it already, so a failure here would mean nothing.
    if context.clock.now() - began < LEASE_SECONDS / 2:
        stopped = Outcome("failed", f"Nothing was changed. {refusal}") if refusal else None
        outcome = stopped or _acted(context, plan, step)
        late = context.clock.now() - began >= LEASE_SECONDS
        if outcome.transient and actor == SYSTEM:
            _leave(context, plan, step, outcome)
            mark_idle(context, step.run, not late)
        elif outcome.status == "done" or (outcome.status == "failed" and not late):
            record_end(context, plan, step.run, outcome, actor)
        else:
            save_result(context, step.run, outcome.result)
    return context.refresh(plan)


def mark_rolling_back(context: Context, plan: Document) -> None:
    """Save the plan's document as ``rolling_back``."""
    plan.update(status="rolling_back", updated_at=context.clock.now())
    context.stores.plans.save([plan])


def _leave(context: Context, plan: Document, step: Step, outcome: Outcome) -> None:
    """Leave an automatic rollback to :func:`settle`, which sends it again, and write a note."""
    text = f"{plan['_key']} is not rolled back yet. The worker tries again: {outcome.detail}"
    once = f"{step.run.name}:again"
    execute_step = Act(context.stores, context.clock, SYSTEM)
    timeline.append(execute_step, plan["incident_id"], "note", {"text": text}, once)


def _acted(context: Context, plan: Document, step: Step) -> Outcome:
    """Run a step, unless an earlier attempt of unknown outcome turns out to have succeeded.

    Such an attempt may also be why a new request is rejected.
    """
    _plan, _entries, state = context.load(plan["_key"])
    earlier = rollback_in_doubt(plan, state) if step.run.kind == "rollback" else None
    if earlier is None:
        return execute_step(context, step)
    found = query_outcome(context, step, earlier)
    if found.status == "done":
        return found
    outcome = execute_step(context, step)
    if outcome.status == "failed":
        found = query_outcome(context, step, earlier)
    return found if found.status == "done" else outcome
