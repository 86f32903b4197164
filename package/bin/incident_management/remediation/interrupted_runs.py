"""Determine the outcome of interrupted runs, and repeat requests that are still wanted.

A claim or a ``started`` entry without an outcome is an interrupted run. The executor is asked by
the run's request id what happened.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Mapping, Optional, Tuple

from ..durations import span
from ..ports import Document
from .active_plans import affects_all_plans, error_text, for_each_plan
from .catalogue import CatalogueError
from .context import SYSTEM, Context, Refused
from .executors.executor import Outcome
from .plan import PlanState, before_run
from .refusals import (
    check_inverse_unchanged,
    check_not_frozen,
    first_refusal,
    is_automatic,
    lock_entity,
    rollback_freezes,
    stop_reason,
)
from .runs import Run, action_run, rollback_in_doubt, rollback_run
from .safety import SKEW_SECONDS
from .steps import (
    LEASE_SECONDS,
    Step,
    action_step,
    execute_step,
    inverse_step,
    is_idle,
    mark_idle,
    query_outcome,
    record_end,
    record_start,
    save_result,
    saved_result,
    write_rejection,
)

__all__ = ["settle", "settle_all"]

SETTLING_GIVES_UP_SECONDS = 900.0
# Requests are not repeated later than this, so that their effect shows before settling gives up.
SEND_AGAIN_SECONDS = 600.0
# Plans in these states were executed and may be rolled back.
UNDOABLE = (
    "done", "recovered", "not_recovered", "did_not_help", "insufficient_data", "rollback_failed"
)  # fmt: skip


def settle_all(context: Context, failed: Optional[Callable[[str, str], None]] = None) -> int:
    """Finish the interrupted runs; returns how many. See :func:`.active_plans.for_each_plan`."""
    return for_each_plan(context, lambda plan_id: settle(context, plan_id), failed)


def settle(context: Context, plan_id: str) -> bool:
    """Determine the outcome of a plan's run that started long ago. True: it has one now."""
    plan, _entries, state = context.load(plan_id)
    if state.status == "approved" and write_rejection(context, plan):
        context.refresh(plan)  # The rejection was interrupted.
        return True
    begun, run = _begun(context, plan, state)
    age = context.clock.now() - begun
    # A start in the future means that the clock was set back; do not wait for that time.
    ahead = age < -SKEW_SECONDS
    if run is None or (age < LEASE_SECONDS and not ahead and not _holder_is_gone(context, run)):
        return False
    if not context.claim(f"settle:{run.name}:{int(age // LEASE_SECONDS)}", {}):
        return False
    late = age >= SETTLING_GIVES_UP_SECONDS or ahead
    try:
        outcome = _found_out(context, plan, state, run, age)
    except Exception as error:
        # Catch unexpected errors too: a run without an outcome would keep its entity locked.
        if affects_all_plans(error) or not late:
            raise
        outcome = Outcome("unknown", error_text(error))
    if outcome.status in ("unknown", "unchanged"):
        if not late:
            return False
        outcome = _given_up(outcome)
    record_end(context, plan, run, outcome, SYSTEM)
    context.refresh(plan)
    return True


def _holder_is_gone(context: Context, run: Run) -> bool:
    claim = context.stores.claims.get(run.claim)
    return claim is not None and context.has_ended(str(claim["holder"]))


def _found_out(context: Context, plan: Document, state: PlanState, run: Run, age: float) -> Outcome:
    """Ask the executor for the outcome, and repeat a request that was not executed."""
    try:
        if run.kind == "action":
            step = action_step(context, plan)
        else:
            step = inverse_step(context, plan, state, check=False)
    except (CatalogueError, Refused) as error:
        return Outcome("unknown", str(error))
    record_start(context, plan, step, SYSTEM)
    outcome = _as_made(query_outcome(context, step, run), saved_result(context, run))
    earlier = rollback_in_doubt(plan, state) if run.kind == "rollback" else None
    if earlier and outcome.status == "unchanged":
        outcome = query_outcome(context, step, earlier)
    if outcome.status != "unchanged":
        return outcome
    idle = is_idle(context, run)
    refusal = _not_again(context, plan, step, age)
    if refusal is None:
        outcome = _again(context, step, idle)
        save_result(context, run, outcome.result)
        return outcome
    detail = f"{outcome.detail} The request was not sent again: {refusal}"
    return Outcome("failed" if idle and not refusal.transient else "unchanged", detail)


def _as_made(found: Outcome, made: Mapping[str, Any]) -> Outcome:
    """Compare an outcome with what the request is known to have created, if it is known."""
    if made and found.status == "unchanged":
        sentence = f"{found.detail} Someone or something has reverted the change."
        return Outcome("failed", sentence, certain=False)
    # Someone may have made the same change again since.
    return replace(found, result={**found.result, **made}) if found.status == "done" else found


def _again(context: Context, step: Step, idle: bool) -> Outcome:
    """Send a request again. If it fails, the first request may still be running.

    Unless it is idle: the first request and each repeat failed with transient errors, so a refusal
    is final.
    """
    began = context.clock.now()
    mark_idle(context, step.run, False)
    outcome = execute_step(context, step)
    if outcome.status != "failed":
        return outcome
    # Later, another process may have sent it too.
    alone = idle and context.clock.now() - began < LEASE_SECONDS
    if outcome.transient:
        mark_idle(context, step.run, alone)
    return outcome if alone and not outcome.transient else replace(outcome, status="unknown")


def _not_again(context: Context, plan: Document, step: Step, age: float) -> Optional[Refused]:
    """Return why a request that was not executed must not be sent again, or None.

    ``age``: seconds since the run started.
    """
    _plan, entries, state = context.load(plan["_key"])
    try:
        if step.run.kind == "action":
            unbegun = before_run(plan, entries, context.clock.now())
            refusal = first_refusal(context, plan, unbegun, entries, state.beyond_limit)
        else:
            check_inverse_unchanged(context, plan)
            if not is_automatic(context, step.run):
                check_not_frozen(rollback_freezes(context, plan, state), plan)
            inverse_step(context, plan, state)
            refusal = None
    except Refused as found:
        return found
    if refusal is None and age > SEND_AGAIN_SECONDS:
        refusal = Refused(f"It started {span(age)} ago.", "too_late")
    if age < -SKEW_SECONDS:
        sentence = f"It started {span(-age)} in the future by this machine's clock."
        refusal = Refused(sentence, "clock")
    return refusal or lock_entity(context, plan) or stop_reason(context, plan, step, SYSTEM)


def _given_up(outcome: Outcome) -> Outcome:
    """Return the final outcome of a run that stayed unknown for too long."""
    doubt = "It is unknown whether it was done"
    if outcome.status == "unchanged":
        doubt = "It was not done in time, but may still be done"
    return Outcome("failed", f"{doubt}: check by hand. {outcome.detail}", certain=False)


def _begun(context: Context, plan: Document, state: PlanState) -> Tuple[float, Optional[Run]]:
    """Return when the interrupted run started, and the run; 0 and None if there is none."""
    action, rollback = action_run(plan), rollback_run(plan, state)
    if state.status == "running":
        return state.started_at, action
    if state.status == "rolling_back":
        return state.rollback_started_at, rollback
    run = {"approved": action, **dict.fromkeys(UNDOABLE, rollback)}.get(state.status)
    # It was interrupted between its claim and its first entry.
    claim = context.stores.claims.get(run.claim) if run else None
    return (float(claim["time"]), run) if claim else (0.0, None)
