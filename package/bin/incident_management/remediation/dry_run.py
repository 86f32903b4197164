"""Run a fix in its executor's check mode: AWX's check mode, a dry run of Kubernetes."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence

from ..incidents.model import Entry
from .catalogue import CatalogueError
from .context import Context, Refused
from .executors.executor import Executor, ExecutorError, Outcome
from .plan import PlanState
from .rate_limits import HOUR
from .safety import checks
from .steps import Step, action_step, executor_for

__all__ = ["dry_run"]

# A dry run informs the approvers, and the limits on runs apply only to real runs.
_PASSED_OVER = ("approval", "cooldown", "rate")
_ENDS = ("done", "failed")
# Of a plan, each a job of AWX.
AN_HOUR = 10
# The longest time of a run. A try that has not ended by then no longer blocks a new one.
GOES_ON_SECONDS = 900.0


def dry_run(context: Context, plan_id: str, actor: str) -> Dict[str, Any]:
    """Run a plan in its executor's check mode, and note the outcome on the timeline.

    It is refused whenever a real run would be, except for the approval, the cool-down and the rate:
    check mode can still change something ("check_mode: false" in Ansible's manual). Only one runs
    at a time: while the last one is running, its progress is returned and no new one starts.

    Returns the outcome's ``status`` (``done``, ``failed``, or ``unknown`` while it runs) and
    ``detail``.

    Raises:
        NotFound: no such plan.
        Refused: a safety check failed, or there is no check mode.
    """
    plan, entries, state = context.load(plan_id)
    refusal = _refusal(context, plan, state, entries)
    if refusal:
        raise refusal
    try:
        step = action_step(context, plan)
        executor = executor_for(context, step)
        tries = _tries(context, plan_id)
        number = len(tries)
        outcome = None
        if tries and not _is_noted(entries, _name(plan_id, number)):
            late = tries[-1] < context.clock.now() - GOES_ON_SECONDS
            outcome = _going_on(executor, step, _request_id(plan_id, number), late)
        if outcome is None:
            number, outcome = number + 1, _begun(context, plan_id, step, executor, tries)
    except (CatalogueError, ExecutorError) as error:
        raise Refused(str(error), "executor") from None
    once = _name(plan_id, number) if outcome.status in _ENDS else f"{_name(plan_id, number)}:begun"
    text = f"{plan_id} was tried in check mode: {outcome.detail}"[:2000]
    context.append(plan, "note", {"text": text}, actor, once)
    context.refresh(plan)
    return {"plan_id": plan_id, "status": outcome.status, "detail": outcome.detail}


def _going_on(executor: Executor, step: Step, request_id: str, late: bool) -> Optional[Outcome]:
    """Return the outcome of the last try; None if it is not running, or has run for too long.

    ``unchanged``: the service knows of no running try.
    """
    outcome = executor.settle(step.arguments, request_id)
    over = outcome.status == "unchanged" or (outcome.status == "unknown" and late)
    return None if over else outcome


def _begun(
    context: Context, plan_id: str, step: Step, executor: Executor, tries: Sequence[float]
) -> Outcome:
    """Start a new try, unless another process just did. Raises Refused and ExecutorError."""
    lately = sum(begun > context.clock.now() - HOUR for begun in tries)
    if lately >= AN_HOUR:
        sentence = f"{plan_id} was tried {lately} times within the last hour. Try again later."
        raise Refused(sentence, "rate")
    name = _name(plan_id, len(tries) + 1)
    if not context.claim(name, {}, purpose=_purpose(plan_id)):
        sentence = f"{plan_id} is being tried in check mode right now. Try again in a moment."
        raise Refused(sentence, "run_in_progress")
    try:
        return executor.dry_run(step.arguments, _request_id(plan_id, len(tries) + 1))
    except ExecutorError:
        context.stores.claims.delete(name)  # Nothing was begun.
        raise


def _tries(context: Context, plan_id: str) -> List[float]:
    """Return when a plan was tried, the oldest first."""
    found = context.stores.claims.find({"purpose": _purpose(plan_id)})
    return sorted(float(claim["time"]) for claim in found)


def _is_noted(entries: Sequence[Entry], name: str) -> bool:
    return any(entry.once == name for entry in entries)


def _purpose(plan_id: str) -> str:
    return f"rehearsal:{plan_id}"


def _name(plan_id: str, number: int) -> str:
    return f"{_purpose(plan_id)}:{number}"


def _request_id(plan_id: str, number: int) -> str:
    return f"{plan_id}-check-{number}"


def _refusal(
    context: Context, plan: Mapping[str, Any], state: PlanState, entries: List[Entry]
) -> Optional[Refused]:
    if state.executed or state.finished:
        status = state.status.replace("_", " ")
        return Refused(f"{plan['_key']} is {status}: there is nothing to try out.", "decided")
    failed = (check for check in checks(context, plan, state, entries) if not check.ok)
    return next((check.refusal() for check in failed if check.name not in _PASSED_OVER), None)
