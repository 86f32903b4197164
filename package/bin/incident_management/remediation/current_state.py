"""Compare the current state of a target with the state that a plan was made for."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

from ..incidents.model import Entry, Incident
from .blamed_cause import blamed_hypothesis
from .catalogue import Action
from .check import Check
from .context import Context, Refused
from .executors.executor import ExecutorError, NotApplicable
from .location import unstated_location
from .plan import PlanState

__all__ = ["address_of", "checked_facts", "current_state_checks", "opening_state", "plan_facts"]


def plan_facts(
    action: Action, incident: Incident, cause: Mapping[str, Any], service: Mapping[str, Any]
) -> Dict[str, Any]:
    """Return the state that a plan is made for and an approval is bound to.

    Notes, more signals of the same entities and the like do not change it. Raises Refused if the
    cause is a change of something else.
    """
    return {
        "incident": opening_state(incident),
        "entities": sorted(incident.entities),
        "cause": str(cause.get("change_id") or cause.get("cause") or ""),
        **{name: str(value) for name, value in service.items()},
        **unstated_location(action, cause, service),
    }


def _changes(then: Mapping[str, Any], now: Mapping[str, Any]) -> List[str]:
    """Return the differences between two states, one clause each."""
    names = sorted(set(then) | set(now))
    return [_change(name, then, now) for name in names if then.get(name) != now.get(name)]


def _change(name: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    if name == "untold":
        unsaid = f"does not tell the {now[name]}" if name in now else "tells its place"
        return f"the change event {unsaid}"
    word, was, is_now = name.replace("_", " "), _shown(then.get(name)), _shown(now.get(name))
    return f"{word} is {is_now}, no longer {was}"


def _shown(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value or "nothing")


def checked_facts(
    context: Context, action: Action, arguments: Mapping[str, str]
) -> Mapping[str, Any]:
    """Return the executor's facts about an action's target.

    Raises Refused if the executor can't be reached, or if a precondition does not hold.
    """
    try:
        service = context.facts(action.executor, arguments)
    except ExecutorError as error:
        raise Refused(str(error), _code(error)) from None
    sentence = _preconditions(action, arguments, service)
    if sentence:
        raise Refused(sentence, "precondition")
    return service


def address_of(context: Context, action: Action, arguments: Mapping[str, str]) -> str:
    """Return the address at which an action would run now. Raises Refused."""
    try:
        return context.address(action.executor, arguments)
    except ExecutorError as error:
        raise Refused(str(error), _code(error)) from None


def _code(error: ExecutorError) -> str:
    return "precondition" if isinstance(error, NotApplicable) else "executor"


def _preconditions(
    action: Action, arguments: Mapping[str, str], service: Mapping[str, Any]
) -> Optional[str]:
    """Return the sentence of the first precondition that does not hold, or None."""
    name = arguments[action.entity]
    rules = {
        "runs_the_change": (
            service.get("change_id") == arguments.get("change_id"),
            f"{name} has run {service.get('version')} since {service.get('change_id')}, "
            f"no longer the change {arguments.get('change_id')}. Nothing was changed.",
        ),
        "returns_to_previous": (
            service.get("previous_version") == arguments.get("to_version"),
            "According to the deploy API, the version before the change was "
            f"{service.get('previous_version')}, not {arguments.get('to_version')}. "
            "Nothing was changed.",
        ),
        "not_there_yet": (
            service.get("version") != arguments.get("to_version"),
            f"{name} already runs {service.get('version')}. There is nothing to do.",
        ),
    }
    chosen = [rules[condition] for condition in action.preconditions]
    return next((sentence for holds, sentence in chosen if not holds), None)


def opening_state(incident: Incident) -> str:
    """Return whether an incident is open, and if it was reopened, how often it was opened."""
    if not incident.is_open:
        return "over"
    return "open" if incident.openings < 2 else f"open for the {incident.openings}. time"


def current_state_checks(
    context: Context,
    plan: Mapping[str, Any],
    state: PlanState,
    action: Action,
    incident: Incident,
    entries: List[Entry],
) -> List[Check]:
    """Return the checks that depend on the current state.

    If the address differs from the plan's, the service there is not even asked.
    """
    then = plan["state"]
    try:
        address = context.address(action.executor, plan["arguments"])
        if then.get("address", address) != address:
            moved = _changes({"address": then["address"]}, {"address": address})
            return [_state(plan, state, moved)]
        service = context.facts(action.executor, plan["arguments"])
    except ExecutorError as error:
        return [Check("state", False, str(error), _code(error))]
    sentence = _preconditions(action, plan["arguments"], service)
    cause = blamed_hypothesis(context.newest_analysis(entries))
    try:
        now = plan_facts(action, incident, cause, service)
    except Refused as refusal:
        return [Check("place", False, str(refusal), refusal.code, "void")]
    older = _refuse_older_version(plan, now)
    return [
        older or _state(plan, state, _changes(then, now)),
        Check(
            "preconditions", sentence is None, sentence or "The preconditions hold.", "precondition"
        ),
    ]


def _refuse_older_version(plan: Mapping[str, Any], now: Mapping[str, Any]) -> Optional[Check]:
    """Refuse a plan of another version of the app, which compared other facts; else None."""
    # Only some change events leave something untold.
    compared, known = set(now) - {"untold"}, set(plan["state"]) - {"untold"}
    if compared == known:
        return None
    different = sorted(compared - known) or sorted(known - compared)
    names = " and ".join(name.replace("_", " ") for name in different)
    detail = (
        f"{plan['_key']} was proposed before the app was upgraded, and other facts are "
        f"compared before a fix now ({names}): propose it again."
    )
    return Check("state", False, detail, "state_changed", "void")


def _state(plan: Mapping[str, Any], state: PlanState, changes: List[str]) -> Check:
    approved = bool(state.approvers)
    if not changes:
        word = "approved" if approved else "proposed"
        return Check("state", True, f"Nothing has changed since it was {word}.", "state_changed")
    what = "The approval" if approved else "The proposal"
    detail = (
        f"{what} of {plan['_key']} is void, because the state has changed: {'; '.join(changes)}. "
        "Propose it again."
    )
    return Check("state", False, detail, "state_changed", "void")
