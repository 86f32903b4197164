"""Finding out what became of a run that was cut off, and asking again for what is wanted still.

Whoever finds a claim or a ``started`` without an end asks the executor, by the run's request id,
what happened.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Mapping, Optional, Tuple

from ..durations import span
from ..ports import Document
from .active_plans import each_plan, stops_all, told_of
from .catalogue import CatalogueError
from .context import SYSTEM, Context, Refused
from .executors.executor import Outcome
from .plan import PlanState, before_run
from .refusals import (
    as_approved,
    freezes_on_undoing,
    is_by_itself,
    refusal_of,
    stopped_by,
    take_entity,
    unfrozen,
)
from .runs import Run, action_run, rollback_in_doubt, rollback_run
from .safety import SKEW_SECONDS
from .steps import (
    LEASE_SECONDS,
    Step,
    act,
    action_step,
    begin,
    end,
    inverse_step,
    is_idle,
    keep,
    kept,
    look,
    mark_idle,
    write_rejection,
)

__all__ = ["settle", "settle_all"]

SETTLING_GIVES_UP_SECONDS = 900.0
# Later than this nothing is sent again, so that its effect shows before settling gives up.
SEND_AGAIN_SECONDS = 600.0
# A plan in these was carried out and may be undone.
UNDOABLE = (
    "done", "recovered", "not_recovered", "did_not_help", "insufficient_data", "rollback_failed"
)  # fmt: skip


def settle_all(context: Context, failed: Optional[Callable[[str, str], None]] = None) -> int:
    """End the runs that were cut off; returns how many were ended. See :func:`each_plan`."""
    return each_plan(context, lambda plan_id: settle(context, plan_id), failed)


def settle(context: Context, plan_id: str) -> bool:
    """Ask about a run that was begun long ago and has no end. True: it has one now."""
    plan, _entries, state = context.load(plan_id)
    if state.status == "approved" and write_rejection(context, plan):
        context.show(plan)  # Who rejected it was cut off.
        return True
    begun, run = _begun(context, plan, state)
    age = context.clock.now() - begun
    # From the future: the clock was set back. That time is not waited for, as it is long after.
    ahead = age < -SKEW_SECONDS
    if run is None or (age < LEASE_SECONDS and not ahead and not _holder_is_gone(context, run)):
        return False
    if not context.claim(f"settle:{run.name}:{int(age // LEASE_SECONDS)}", {}):
        return False
    late = age >= SETTLING_GIVES_UP_SECONDS or ahead
    try:
        outcome = _found_out(context, plan, state, run, age)
    except Exception as error:
        # Also what nobody expected: a run without an end would keep its entity.
        if stops_all(error) or not late:
            raise
        outcome = Outcome("unknown", told_of(error))
    if outcome.status in ("unknown", "unchanged"):
        if not late:
            return False
        outcome = _given_up(outcome)
    end(context, plan, run, outcome, SYSTEM)
    context.show(plan)
    return True


def _holder_is_gone(context: Context, run: Run) -> bool:
    claim = context.stores.claims.get(run.claim)
    return claim is not None and context.gone(str(claim["holder"]))


def _found_out(context: Context, plan: Document, state: PlanState, run: Run, age: float) -> Outcome:
    """Have the executor find out, and ask again for what was not done and is wanted still."""
    try:
        if run.kind == "action":
            step = action_step(context, plan)
        else:
            step = inverse_step(context, plan, state, check=False)
    except (CatalogueError, Refused) as error:
        return Outcome("unknown", str(error))
    begin(context, plan, step, SYSTEM)
    outcome = _as_made(look(context, step, run), kept(context, run))
    earlier = rollback_in_doubt(plan, state) if run.kind == "rollback" else None
    if earlier and outcome.status == "unchanged":
        outcome = look(context, step, earlier)
    if outcome.status != "unchanged":
        return outcome
    idle = is_idle(context, run)
    refusal = _not_again(context, plan, step, age)
    if refusal is None:
        outcome = _again(context, step, idle)
        keep(context, run, outcome.result)
        return outcome
    detail = f"{outcome.detail} The request was not sent again: {refusal}"
    return Outcome("failed" if idle and not refusal.passing else "unchanged", detail)


def _as_made(found: Outcome, made: Mapping[str, Any]) -> Outcome:
    """Judge what is found by what the request is known to have made, if it is."""
    if made and found.status == "unchanged":
        sentence = f"{found.detail} Somebody or something has put it back."
        return Outcome("failed", sentence, certain=False)
    # Somebody may have made the same anew since.
    return replace(found, result={**found.result, **made}) if found.status == "done" else found


def _again(context: Context, step: Step, idle: bool) -> Outcome:
    """Send a request again. That it fails says nothing of the first one, which may go on.

    Unless that, and each since, had failed in passing (``idle``): then a refusal is the end.
    """
    began = context.clock.now()
    mark_idle(context, step.run, False)
    outcome = act(context, step)
    if outcome.status != "failed":
        return outcome
    # Later, somebody else may have sent it, too.
    alone = idle and context.clock.now() - began < LEASE_SECONDS
    if outcome.passing:
        mark_idle(context, step.run, alone)
    return outcome if alone and not outcome.passing else replace(outcome, status="unknown")


def _not_again(context: Context, plan: Document, step: Step, age: float) -> Optional[Refused]:
    """Why a request that was not carried out must not be sent again, ``age`` seconds later."""
    _plan, entries, state = context.load(plan["_key"])
    try:
        if step.run.kind == "action":
            unbegun = before_run(plan, entries, context.clock.now())
            refusal = refusal_of(context, plan, unbegun, entries, state.beyond_limit)
        else:
            as_approved(context, plan)
            if not is_by_itself(context, step.run):
                unfrozen(freezes_on_undoing(context, plan, state), plan)
            inverse_step(context, plan, state)
            refusal = None
    except Refused as found:
        return found
    if refusal is None and age > SEND_AGAIN_SECONDS:
        refusal = Refused(f"It was begun {span(age)} ago.", "too_late")
    if age < -SKEW_SECONDS:
        sentence = f"It was begun {span(-age)} from now by this machine's clock."
        refusal = Refused(sentence, "clock")
    return refusal or take_entity(context, plan) or stopped_by(context, plan, step, SYSTEM)


def _given_up(outcome: Outcome) -> Outcome:
    doubt = "Nobody can tell whether it was done"
    if outcome.status == "unchanged":
        doubt = "It was not done in time, and may still be"
    return Outcome("failed", f"{doubt}: check by hand. {outcome.detail}", certain=False)


def _begun(context: Context, plan: Document, state: PlanState) -> Tuple[float, Optional[Run]]:
    """When an unfinished run of the action or its inverse was begun, and which; 0 without one."""
    action, rollback = action_run(plan), rollback_run(plan, state)
    if state.status == "running":
        return state.started_at, action
    if state.status == "rolling_back":
        return state.rollback_started_at, rollback
    run = {"approved": action, **dict.fromkeys(UNDOABLE, rollback)}.get(state.status)
    # Cut off between its claim and its first entry.
    claim = context.stores.claims.get(run.claim) if run else None
    return (float(claim["time"]), run) if claim else (0.0, None)
