"""Has a fix's executor say what the fix would change: AWX's check mode."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

from ..incidents.model import Entry
from .catalogue import CatalogueError
from .context import Context, Refused
from .executor import ExecutorError
from .plan import PlanState
from .safety import checks
from .steps import action_step

__all__ = ["rehearse"]

# A rehearsal is for those who are to approve; how often an action may run is about real runs.
_PASSED_OVER = ("approval", "cooldown", "rate")


def rehearse(context: Context, plan_id: str, actor: str) -> Dict[str, Any]:
    """Run a plan in its executor's check mode, and note on the timeline what came of it.

    It is refused whenever a real run would be, but for the approval and the pace: check mode may
    change something all the same ("check_mode: false" in Ansible's manual).

    Returns the outcome's ``status`` (``done``, ``failed``, or ``unknown`` while it goes on) and
    ``detail``.

    Raises:
        NotFound: no such plan.
        Refused: a rule says no, or there is no check mode.
    """
    plan, entries, state = context.load(plan_id)
    refusal = _refusal(context, plan, state, entries)
    if refusal:
        raise refusal
    try:
        step = action_step(context, plan)
        outcome = context.executor(step.action.executor).rehearse(
            step.arguments, f"{plan_id}-check"
        )
    except (CatalogueError, ExecutorError) as error:
        raise Refused(str(error), "executor") from None
    text = f"{plan_id} was tried in check mode: {outcome.detail}"[:2000]
    context.append(plan, "note", {"text": text}, actor, "")
    context.show(plan)
    return {"plan_id": plan_id, "status": outcome.status, "detail": outcome.detail}


def _refusal(
    context: Context, plan: Mapping[str, Any], state: PlanState, entries: List[Entry]
) -> Optional[Refused]:
    if state.executed or state.finished:
        status = state.status.replace("_", " ")
        return Refused(f"{plan['_key']} is {status}: there is nothing to try.", "decided")
    failed = (check for check in checks(context, plan, state, entries) if not check.ok)
    return next((check.refusal() for check in failed if check.name not in _PASSED_OVER), None)
