"""Roll a fix back by its action's inverse: by hand, or automatically if it did not help."""

from __future__ import annotations

from dataclasses import replace

from ..durations import span
from ..ports import Document
from .active_plans import affects_all_plans, error_text
from .context import SYSTEM, Context, Refused
from .execution import mark_rolling_back, run_once
from .executors.executor import Outcome
from .plan import PlanState
from .refusals import (
    check_inverse_unchanged,
    check_not_frozen,
    freeze_exemption,
    incident_over,
    lock_entity,
    rollback_freezes,
)
from .runs import rollback_in_doubt, rollback_run
from .safety import SKEW_SECONDS
from .steps import Step, inverse_step, query_outcome, record_end

__all__ = ["roll_back", "roll_back_automatically"]

# A fix that did not help is rolled back automatically within this time of the verdict.
UNDO_SECONDS = 1800.0


def roll_back(
    context: Context, plan_id: str, actor: str, reason: str, override: str = ""
) -> PlanState:
    """Roll an executed plan back by its action's inverse, once.

    A refusal leaves the plan unchanged: a fix without a verdict is still verified. If an earlier
    attempt has an unknown outcome, the executor is asked first, so that nothing is done twice.
    ``override`` is the reason to proceed during the change freezes in force. The caller has checked
    that the actor has the capability.

    Raises:
        NotFound: no such plan.
        Refused: it was not executed, can't be rolled back now or any more, or another plan runs on
            the same entity; the refusal is on the timeline too.
    """
    plan, _entries, state = context.load(plan_id)
    if state.rollback_started_at:
        return state
    freezes = rollback_freezes(context, plan, state)
    try:
        if not override.strip():
            check_not_frozen(freezes, plan)
        step = _undoing(context, plan, state)
    except Refused as refusal:
        meanwhile = context.load(plan_id)[2]
        if meanwhile.rollback_started_at:
            return meanwhile
        context.refuse(plan["incident_id"], plan, refusal, actor)
        raise
    if freezes:
        ids = sorted(freeze.id for freeze in freezes)
        step = replace(step, override={"freezes": ids, "reason": override.strip()[:1000]})
    return _carry_back(context, plan, step, actor, reason)


def roll_back_automatically(context: Context, plan_id: str) -> PlanState:
    """Roll back a fix that did not help.

    If that is impossible, and a retry is useless or has been tried for long enough, the plan ends
    as ``rollback_failed``, of which people are notified. A change freeze that began meanwhile does
    not stop it: the approval of the fix covers its rollback.

    Raises:
        NotFound: no such plan.
        Refused: it is not possible right now; call again.
    """
    plan, _entries, state = context.load(plan_id)
    if state.status != "not_recovered":
        return state
    done = incident_over(context, plan)
    if done:
        return _give_up(context, plan, state, str(done))
    # A verdict in the future means that the clock was set back; do not wait for that time.
    since = context.clock.now() - state.judged_at
    late = not -SKEW_SECONDS <= since <= UNDO_SECONDS
    try:
        check_inverse_unchanged(context, plan)
        step = _undoing(context, plan, state)
        if late:
            raise Refused("Roll it back by hand if needed.", "too_late")
    except Exception as error:
        # Catch unexpected errors too: an unfinished plan would keep its entity locked.
        transient = not isinstance(error, Refused) or error.transient
        if affects_all_plans(error) or (transient and not late):
            raise
        words = (
            f"It was not rolled back within {span(UNDO_SECONDS)}. " if since > UNDO_SECONDS else ""
        )
        return _give_up(context, plan, state, f"{words}{error_text(error)}")
    reason = f"The fix did not help. {freeze_exemption(rollback_freezes(context, plan, state))}"
    return _carry_back(context, plan, step, SYSTEM, reason.strip())


def _undoing(context: Context, plan: Document, state: PlanState) -> Step:
    """Return the rollback step, and lock the entity for it. Raises Refused."""
    if not state.done_at:
        sentence = f"{plan['_key']} was not executed: there is nothing to roll back."
        if state.action_in_doubt:
            sentence = (
                f"It is unknown whether {plan['_key']} was executed: check what "
                f"{plan['entity']} runs, and roll it back by hand if needed."
            )
        raise Refused(sentence, "not_executed")
    step = _unless_done(context, plan, state)
    occupied = lock_entity(context, plan)
    if occupied:
        raise occupied
    return step


def _unless_done(context: Context, plan: Document, state: PlanState) -> Step:
    """Return the rollback step. Raises Refused if it can't run and has not already succeeded."""
    step = inverse_step(context, plan, state, check=False)
    earlier = rollback_in_doubt(plan, state)
    if earlier and query_outcome(context, step, earlier).status == "done":
        return step
    return inverse_step(context, plan, state)


def _give_up(context: Context, plan: Document, state: PlanState, why: str) -> PlanState:
    """End a rollback that can't be started, unless someone has started it meanwhile."""
    run = rollback_run(plan, state)
    if context.claim(run.claim, {"actor": SYSTEM}):
        record_end(context, plan, run, Outcome("failed", why), SYSTEM)
    return context.refresh(plan)


def _carry_back(context: Context, plan: Document, step: Step, actor: str, reason: str) -> PlanState:
    # Its document must not look finished during the rollback: see :mod:`.active_plans`.
    mark_rolling_back(context, plan)
    return run_once(context, plan, step, actor, reason)
