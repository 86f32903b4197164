"""Carrying a plan out once, undoing it, and finding out what became of a run that was cut off.

The order makes every crash recoverable: the entity is taken, the execution is claimed, the
timeline says ``started``, what people decided meanwhile is read, the executor acts, the timeline
says how it ended. Whoever finds a claim or a ``started`` without an end asks the executor, by the
run's request id, what happened. Only what is wanted still is asked for again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, List, Mapping, Optional, Tuple

from ..durations import span
from ..incidents import timeline
from ..incidents.model import Entry
from ..ports import Document
from .catalogue import CatalogueError
from .context import SYSTEM, Context, Refused
from .executor import Outcome
from .live import each_plan
from .pace import overrun
from .plan import PlanState, before_run
from .runs import Run, action_run, rollback_in_doubt, rollback_run
from .safety import SKEW_SECONDS, checks, withdrawn
from .steps import (
    LEASE_SECONDS,
    Step,
    act,
    action_step,
    begin,
    end,
    inverse_step,
    keep,
    kept,
    look,
)
from .undoing import as_approved, freezes_on_undoing, in_spite_of, is_by_itself, over, unfrozen

__all__ = ["execute", "roll_back", "settle", "settle_all", "undo"]

SETTLING_GIVES_UP_SECONDS = 900.0
# Later than this nothing is sent again, so that its effect shows before settling gives up.
SEND_AGAIN_SECONDS = 600.0
# A plan in these was carried out and may be undone.
UNDOABLE = (
    "done", "recovered", "not_recovered", "did_not_help", "insufficient_data", "rollback_failed"
)  # fmt: skip
# A fix that did not help is undone by itself within this time of the verdict, later by people.
UNDO_SECONDS = 1800.0


def execute(context: Context, plan_id: str, actor: str, override: str = "") -> PlanState:
    """Carry an approved plan out. A plan that was begun is never begun again.

    ``override``: why it may be carried out beyond the action's ``hourly_limit``; whoever calls has
    seen that the actor has the right.

    Returns the plan's state: ``done``, ``failed``, or ``running`` while nobody can tell yet.

    Raises:
        NotFound: no such plan.
        Refused: one of the rules says no; it is on the timeline, too.
    """
    plan, entries, state = context.load(plan_id)
    if state.executed:
        return state
    why = override.strip()[:1000]
    refusal = _refusal(context, plan, state, entries, beyond_limit=bool(why))
    refusal = refusal or _occupied(context, plan)
    if refusal:
        context.refuse(plan["incident_id"], plan, refusal, actor)
        raise refusal
    step = action_step(context, plan)
    if not why:
        return _run_once(context, plan, step, actor)
    step = replace(step, override={"hourly_limit": step.action.hourly_limit, "reason": why})
    reason = f"{step.action.label}: {plan['entity']}. Whatever hourly_limit says: {why}"
    return _run_once(context, plan, step, actor, reason)


def _refusal(
    context: Context, plan: Document, state: PlanState, entries: List[Entry], beyond_limit: bool
) -> Optional[Refused]:
    for check in checks(context, plan, state, entries):
        if not check.ok and not (beyond_limit and check.name == "rate"):
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


def roll_back(
    context: Context, plan_id: str, actor: str, reason: str, override: str = ""
) -> PlanState:
    """Undo a plan that was carried out, by its action's inverse, once.

    A refusal leaves the plan as it is: a fix that is not verified yet still will be. Of an earlier
    attempt that is in doubt the executor is asked first: what was done after all is not done again.
    ``override``: why it may be done in the change freezes that are in force; whoever calls has seen
    that the actor has the right.

    Raises:
        NotFound: no such plan.
        Refused: it was not carried out, can't be undone just now or any more, or another plan is
            being carried out on the same entity; it is on the timeline, too.
    """
    plan, _entries, state = context.load(plan_id)
    if state.rollback_started_at:
        return state
    freezes = freezes_on_undoing(context, plan, state)
    try:
        if not override.strip():
            unfrozen(freezes, plan)
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


def undo(context: Context, plan_id: str) -> PlanState:
    """Undo a fix that did not help, without being asked.

    Where that can't be done, and trying again is of no use or was tried for long enough, the plan
    ends as ``rollback_failed``, which people are told. A change freeze that began meanwhile does
    not stop it: whoever approved the fix approved its undoing, too.

    Raises:
        NotFound: no such plan.
        Refused: it can't be done just now: call again.
    """
    plan, _entries, state = context.load(plan_id)
    if state.status != "not_recovered":
        return state
    done = over(context, plan)
    if done:
        return _give_up(context, plan, state, str(done))
    late = context.clock.now() - state.judged_at > UNDO_SECONDS
    try:
        as_approved(context, plan)
        step = _undoing(context, plan, state)
        if late:
            raise Refused("Roll it back by hand if it has to be.", "too_late")
    except Refused as refusal:
        if refusal.passing and not late:
            raise
        words = f"It was not undone within {span(UNDO_SECONDS)}. " if late else ""
        return _give_up(context, plan, state, f"{words}{refusal}")
    reason = f"The fix did not help. {in_spite_of(freezes_on_undoing(context, plan, state))}"
    return _carry_back(context, plan, step, SYSTEM, reason.strip())


def _undoing(context: Context, plan: Document, state: PlanState) -> Step:
    """Take the entity for what undoes a plan. Raises Refused."""
    if not state.done_at:
        sentence = f"{plan['_key']} was not carried out: there is nothing to undo."
        if state.action_in_doubt:
            sentence = (
                f"Nobody can tell whether {plan['_key']} was carried out: look at what "
                f"{plan['entity']} runs, and undo it by hand if it has to be."
            )
        raise Refused(sentence, "not_executed")
    step = _unless_done(context, plan, state)
    occupied = _occupied(context, plan)
    if occupied:
        raise occupied
    return step


def _unless_done(context: Context, plan: Document, state: PlanState) -> Step:
    """Return what undoes a plan. Raises Refused if it can't be done, and was not done already."""
    step = inverse_step(context, plan, state, check=False)
    earlier = rollback_in_doubt(plan, state)
    if earlier and look(context, step, earlier).status == "done":
        return step
    return inverse_step(context, plan, state)


def _give_up(context: Context, plan: Document, state: PlanState, why: str) -> PlanState:
    """End a rollback that can't be begun, unless somebody has begun it meanwhile."""
    run = rollback_run(plan, state)
    if context.claim(run.claim, {"actor": SYSTEM}):
        end(context, plan, run, Outcome("failed", why), SYSTEM)
    return context.show(plan)


def _carry_back(context: Context, plan: Document, step: Step, actor: str, reason: str) -> PlanState:
    # Its document must not say that it is over while it is being undone: see :mod:`.live`.
    _show_undoing(context, plan)
    return _run_once(context, plan, step, actor, reason)


def _show_undoing(context: Context, plan: Document) -> None:
    plan.update(status="rolling_back", updated_at=context.clock.now())
    context.stores.plans.save([plan])


def _run_once(
    context: Context, plan: Document, step: Step, actor: str, reason: str = ""
) -> PlanState:
    """Claim a step and carry it out, unless it is somebody's already."""
    claimed = context.clock.now()
    if not context.claim(step.run.claim, {"actor": actor}):
        settle(context, plan["_key"])
        return context.show(plan)
    if step.run.kind == "rollback":
        _show_undoing(context, plan)  # An older status may have been saved; from now on none is.
    begin(context, plan, step, actor, reason)
    context.show(plan)
    refusal = _stopped(context, plan, step, actor)
    # Later, whoever settles may have asked the executor already: that this fails says nothing.
    if context.clock.now() - claimed < LEASE_SECONDS / 2:
        stopped = Outcome("failed", f"Nothing was done. {refusal}") if refusal else None
        outcome = stopped or _acted(context, plan, step)
        late = context.clock.now() - claimed >= LEASE_SECONDS
        if outcome.passing and actor == SYSTEM:
            _leave(context, plan, step, outcome)
        elif outcome.status == "done" or (outcome.status == "failed" and not late):
            end(context, plan, step.run, outcome, actor)
        else:
            keep(context, step.run, outcome.result)
    return context.show(plan)


def _leave(context: Context, plan: Document, step: Step, outcome: Outcome) -> None:
    """Leave what undoes a fix by itself to :func:`settle`, which sends it again; say so."""
    text = f"{plan['_key']} is not undone yet, and is tried again: {outcome.detail}"
    once = f"{step.run.name}:again"
    note = {"text": text}
    timeline.append(context.stores, context.clock, plan["incident_id"], "note", note, SYSTEM, once)


def _acted(context: Context, plan: Document, step: Step) -> Outcome:
    """Carry a step out, unless an attempt that was in doubt turns out to have been carried out.

    That may also be why a new request is refused.
    """
    _plan, _entries, state = context.load(plan["_key"])
    earlier = rollback_in_doubt(plan, state) if step.run.kind == "rollback" else None
    if earlier is None:
        return act(context, step)
    found = look(context, step, earlier)
    if found.status == "done":
        return found
    outcome = act(context, step)
    if outcome.status == "failed":
        found = look(context, step, earlier)
    return found if found.status == "done" else outcome


def _stopped(context: Context, plan: Document, step: Step, actor: str) -> Optional[Refused]:
    """Why a step that was just begun must not be carried out after all.

    Read after the step is claimed and begun: a decision that is not seen here was made later, and
    whoever made it sees that it came too late. The same goes for another plan that took the entity
    because this one looked finished before its undoing was begun.
    """
    if not context.holds_run(plan["entity"], plan["_key"]):
        return _taken(context, plan)
    _plan, entries, state = context.load(plan["_key"])
    if step.run.kind == "action":
        refusal = withdrawn(context, plan, entries)
        if refusal or state.beyond_limit:
            return refusal
        return overrun(context, plan, step.action, state)
    return over(context, plan) if actor == SYSTEM else None


def settle_all(context: Context, failed: Optional[Callable[[str, str], None]] = None) -> int:
    """End the runs that were cut off; returns how many were ended. See :func:`each_plan`."""
    return each_plan(context, lambda plan_id: settle(context, plan_id), failed)


def settle(context: Context, plan_id: str) -> bool:
    """Ask about a run that was begun long ago and has no end. True: it has one now."""
    plan, _entries, state = context.load(plan_id)
    begun, run = _begun(context, plan, state)
    age = context.clock.now() - begun
    # From the future: the clock was set back. That time is not waited for, as it is long after.
    ahead = age < -SKEW_SECONDS
    if run is None or (age < LEASE_SECONDS and not ahead and not _holder_is_gone(context, run)):
        return False
    if not context.claim(f"settle:{run.name}:{int(age // LEASE_SECONDS)}", {}):
        return False
    outcome = _found_out(context, plan, state, run, age)
    if outcome.status in ("unknown", "unchanged"):
        if age < SETTLING_GIVES_UP_SECONDS and not ahead:
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
    refusal = _not_again(context, plan, step, age)
    if refusal is None:
        outcome = _again(context, step)
        keep(context, run, outcome.result)
        return outcome
    return Outcome("unchanged", f"{outcome.detail} The request was not sent again: {refusal}")


def _as_made(found: Outcome, made: Mapping[str, Any]) -> Outcome:
    """Judge what is found by what the request is known to have made, if it is."""
    if made and found.status == "unchanged":
        sentence = f"{found.detail} Somebody or something has put it back."
        return Outcome("failed", sentence, certain=False)
    # Somebody may have made the same anew since.
    return replace(found, result={**found.result, **made}) if found.status == "done" else found


def _again(context: Context, step: Step) -> Outcome:
    """Send a request again. That it fails says nothing of the first one, which may go on."""
    outcome = act(context, step)
    return replace(outcome, status="unknown") if outcome.status == "failed" else outcome


def _not_again(context: Context, plan: Document, step: Step, age: float) -> Optional[Refused]:
    """Why a request that was not carried out must not be sent again, ``age`` seconds later."""
    _plan, entries, state = context.load(plan["_key"])
    try:
        if step.run.kind == "action":
            unbegun = before_run(plan, entries, context.clock.now())
            refusal = _refusal(context, plan, unbegun, entries, state.beyond_limit)
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
    return refusal or _occupied(context, plan) or _stopped(context, plan, step, SYSTEM)


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
