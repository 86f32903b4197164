"""One step of a plan, its action or its inverse: the executor call and what is recorded."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Dict, Mapping

from .active_plans import affects_all_plans, error_text
from .catalogue import Action, CatalogueError
from .context import Context, Refused
from .current_state import address_of, checked_facts
from .executors.executor import Executor, ExecutorError, NotApplicable, Outcome, base_address
from .executors.traits import same_service, traits_of
from .plan import PlanState, is_whole
from .runs import Run, action_run, rollback_run
from .safety import resolve_arguments

__all__ = [
    "LEASE_SECONDS",
    "Step",
    "action_step",
    "claim_value",
    "execute_step",
    "executor_for",
    "inverse_step",
    "is_idle",
    "mark_idle",
    "query_outcome",
    "record_end",
    "record_start",
    "save_result",
    "saved_result",
    "write_rejection",
]


# Longer than an executor's request may take, so that a slow run does not count as interrupted.
LEASE_SECONDS = 90.0


@dataclass(frozen=True)
class Step:
    """A run's call of the executor.

    ``address``: the only address at which it may run, empty if unknown. ``override``: what it
    overrides, as its timeline entry stores it.
    """

    run: Run
    action: Action
    arguments: Dict[str, str]
    address: str = ""
    override: Dict[str, Any] = field(default_factory=dict)


def action_step(context: Context, plan: Mapping[str, Any]) -> Step:
    """Return the step of a plan's action. Raises CatalogueError if the catalogue lacks it.

    It is also raised if another executor runs the action now: only the original executor can
    determine the outcome of its run.
    """
    action = context.catalogue.get(plan["action"])
    names = {argument.name for argument in action.arguments}
    if names != set(plan["arguments"]) or plan.get("executor", action.executor) != action.executor:
        raise CatalogueError(
            f"'{action.name}' was changed in the catalogue since {plan['_key']} was proposed, "
            "so its executor can't determine the outcome."
        )
    if not is_whole(plan):
        raise CatalogueError(f"{plan['_key']} was changed after it was proposed.")
    bound, known = traits_of(action.executor).bound_facts, plan["state"]
    if not set(bound) <= set(known):
        raise CatalogueError(
            f"{plan['_key']} was proposed before the app was upgraded and lacks the facts "
            "that identify its target now."
        )
    told = {name: known[name] for name in bound}
    arguments = {**plan["arguments"], **told, **_object_facts(plan), **_incident(plan, action)}
    return Step(action_run(plan), action, arguments, _address(plan))


def _address(plan: Mapping[str, Any]) -> str:
    """Return the address that a plan's action is approved for; empty for plans that lack it.

    It is normalized, because older versions stored addresses as they were spelled.
    """
    return base_address(str(plan["state"].get("address") or ""))


def _incident(plan: Mapping[str, Any], action: Action) -> Dict[str, str]:
    needed = traits_of(action.executor).needs_incident_id
    return {"incident_id": str(plan["incident_id"])} if needed else {}


def _object_facts(plan: Mapping[str, Any]) -> Dict[str, str]:
    """Return the facts of a plan's state that identify its target object."""
    names, state = traits_of(plan.get("executor")).object_facts, plan["state"]
    return {name: state[name] for name in names if name in state}


def _state_left(plan: Mapping[str, Any], state: PlanState, inverse: Action) -> Dict[str, str]:
    """Return the state in which a fix left its object, which the inverse must find."""
    names = traits_of(inverse.executor).bound_facts
    if not names or not traits_of(plan.get("executor")).bound_facts:
        return {}
    result = {name: str(state.result[name]) for name in names if name in state.result}
    return {**result, **_object_facts(plan)}


def inverse_step(
    context: Context, plan: Mapping[str, Any], state: PlanState, check: bool = True
) -> Step:
    """Return the step that rolls a plan back. Raises Refused if it can't run."""
    if not is_whole(plan):
        sentence = f"{plan['_key']} was changed after it was proposed: roll it back by hand."
        raise Refused(sentence, "plan_changed")
    if not plan["inverse"]:
        raise Refused(f"'{plan['action']}' has no inverse: roll it back by hand.", "no_inverse")
    try:
        action = context.catalogue.get(plan["inverse"])
    except CatalogueError as error:
        raise Refused(str(error), "unknown_action") from None
    sources = {"plan": plan["arguments"], "result": state.result, "before": plan["state"]}
    left = _state_left(plan, state, action)
    arguments = {**left, **resolve_arguments(action, sources), **_incident(plan, action)}
    run = rollback_run(plan, state)
    there = same_service(plan.get("executor", ""), action.executor)
    address = _address(plan) if there else _start_address(context, run)
    if check:
        # A service at another address is not even asked.
        now = address_of(context, action, arguments)
        address = address or now
        if address != now:
            raise Refused(
                f"{plan['_key']} was executed at {address}, but {now} is configured now: "
                "roll it back by hand.",
                "precondition",
            )
        checked_facts(context, action, arguments)
    return Step(run, action, arguments, address)


def claim_value(step: Step, actor: str) -> Dict[str, Any]:
    """Return the value of the claim of a step's run."""
    return {"actor": actor, "address": step.address}


def _start_address(context: Context, run: Run) -> str:
    """Return the address at which a run was started; empty if unknown."""
    claim = context.stores.claims.get(run.claim)
    return str(claim["value"].get("address") or "") if claim else ""


def executor_for(context: Context, step: Step) -> Executor:
    """Return the executor of a step.

    Raises ExecutorError if it is not configured, and NotApplicable if its address is not the
    step's: that service can't determine the outcome and must not be changed.
    """
    executor = context.executor(step.action.executor)
    now = executor.address(step.arguments) if step.address else ""
    if now != step.address:
        raise NotApplicable(
            f"{step.run.plan_id} is for {step.address}, but {now} is configured now."
        )
    return executor


def save_result(context: Context, run: Run, result: Mapping[str, Any]) -> None:
    """Save what a run's request created, for whoever determines its outcome later."""
    claim = context.stores.claims.get(run.claim)
    if result and claim is not None:
        value = {**claim["value"], "result": dict(result)}
        context.stores.claims.save([{**claim, "value": value}])


def saved_result(context: Context, run: Run) -> Dict[str, Any]:
    """Return what :func:`save_result` saved."""
    claim = context.stores.claims.get(run.claim)
    return dict(claim["value"].get("result") or {}) if claim else {}


def write_rejection(context: Context, plan: Mapping[str, Any]) -> bool:
    """Record that a plan is rejected, once, if a rejection holds its claim. False: none does."""
    claim = context.stores.claims.get(action_run(plan).claim)
    if claim is None or not claim["value"].get("rejected"):
        return False
    said = claim["value"]
    data = {
        "plan_hash": plan["plan_hash"],
        "state_hash": plan["state_hash"],
        "decision": "rejected",
        "expires_at": 0,
        "reason": said["reason"],
    }
    context.append(plan, "approval", data, said["actor"], f"rejection:{plan['_key']}")
    return True


def mark_idle(context: Context, run: Run, idle: bool) -> None:
    """Save whether certainly no request of an unfinished run is under way."""
    claim = context.stores.claims.get(run.claim)
    if claim is not None and bool(claim["value"].get("idle")) != idle:
        context.stores.claims.save([{**claim, "value": {**claim["value"], "idle": idle}}])


def is_idle(context: Context, run: Run) -> bool:
    """Return what :func:`mark_idle` saved last."""
    claim = context.stores.claims.get(run.claim)
    return claim is not None and bool(claim["value"].get("idle"))


def record_start(
    context: Context, plan: Mapping[str, Any], step: Step, actor: str, reason: str = ""
) -> None:
    """Record on the timeline that a step's run started, once."""
    detail = reason or f"{step.action.label}: {plan['entity']}."
    data: Dict[str, Any] = {"phase": "started", "detail": detail, "request_id": step.run.request_id}
    if step.override:
        data["override"] = step.override
    context.append(plan, step.run.kind, data, actor, f"{step.run.name}:started")


def execute_step(context: Context, step: Step) -> Outcome:
    """Have the executor run a step."""
    try:
        executor = executor_for(context, step)
    except ExecutorError as error:
        return Outcome("failed", str(error))
    return executor.execute(step.arguments, step.run.request_id)


def query_outcome(context: Context, step: Step, run: Run) -> Outcome:
    """Ask the executor for the outcome of a run that requested the same as a step.

    An answer that makes the executor fail counts as ``unknown``. Otherwise the run would never
    finish and would keep its entity locked.
    """
    try:
        executor = executor_for(
            context, replace(step, address=_start_address(context, run) or step.address)
        )
        return executor.settle(step.arguments, run.request_id)
    except ExecutorError as error:
        return Outcome("unknown", str(error))
    except Exception as error:
        if affects_all_plans(error):
            raise
        return Outcome("unknown", f"The current state can't be read ({error_text(error)}).")


def record_end(
    context: Context, plan: Mapping[str, Any], run: Run, outcome: Outcome, actor: str
) -> None:
    """Record a run's outcome on the timeline, once."""
    data: Dict[str, Any] = {
        "phase": outcome.status,
        "detail": outcome.detail[:1000],
        "result": dict(outcome.result),
    }
    if outcome.status == "failed" and outcome.certain:
        data["nothing_done"] = True
    context.append(plan, run.kind, data, actor, f"{run.name}:finished")
