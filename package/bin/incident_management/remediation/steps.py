"""One step of a plan, its action or its inverse: what is asked, and what is written of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Mapping

from .catalogue import Action, CatalogueError
from .context import Context, Refused
from .executors import ExecutorError, Outcome
from .plan import PlanState
from .safety import preconditions, resolved_arguments

__all__ = ["Step", "act", "action_step", "begin", "claim_key", "end", "inverse_step"]


@dataclass(frozen=True)
class Step:
    """Either a plan's action or its inverse. ``kind`` is the timeline's word for it."""

    kind: str
    action: Action
    arguments: Dict[str, str]
    request_id: str


def claim_key(plan_id: str, kind: str) -> str:
    """Name the claim that only one process gets, which then carries the step out."""
    return f"{'execute' if kind == 'action' else 'rollback'}:{plan_id}"


def action_step(context: Context, plan: Mapping[str, Any]) -> Step:
    """Return a plan's action. Raises CatalogueError when the catalogue has it no more."""
    action = context.catalogue.get(plan["action"])
    return Step("action", action, dict(plan["arguments"]), str(plan["_key"]))


def inverse_step(
    context: Context, plan: Mapping[str, Any], state: PlanState, check: bool = True
) -> Step:
    """Return what undoes a plan. Raises Refused when it can't be carried out."""
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
    return Step("rollback", action, arguments, f"{plan['_key']}-undo")


def begin(
    context: Context, plan: Mapping[str, Any], step: Step, actor: str, reason: str = ""
) -> None:
    """Write that a step is begun, once."""
    detail = reason or f"{step.action.label}: {plan['entity']}."
    data = {"phase": "started", "detail": detail, "request_id": step.request_id}
    context.append(plan, step.kind, data, actor, f"{step.kind}:{plan['_key']}:started")


def act(context: Context, step: Step) -> Outcome:
    """Ask the executor to carry a step out."""
    try:
        executor = context.executor(step.action.executor)
        return executor.execute(step.arguments, step.request_id)
    except ExecutorError as error:
        return Outcome("failed", str(error))


def end(context: Context, plan: Mapping[str, Any], kind: str, outcome: Outcome, actor: str) -> None:
    """Write how a step ended, once."""
    data: Dict[str, Any] = {
        "phase": outcome.status,
        "detail": outcome.detail[:1000],
        "result": dict(outcome.result),
    }
    if outcome.status == "failed" and outcome.certain:
        data["nothing_done"] = True
    context.append(plan, kind, data, actor, f"{kind}:{plan['_key']}:finished")
