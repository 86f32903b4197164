"""The rules between a plan and its execution. Each says yes or no in one sentence.

They are checked when a plan is proposed and approved, shown with it, and all checked again right
before it is carried out; the answer of that last time counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from ..incidents import timeline
from ..incidents.canonical import digest
from ..incidents.model import Entry, Incident
from ..notify.message import span
from .catalogue import Action, CatalogueError, check_value
from .context import Context, Refused
from .executor import ExecutorError
from .plan import PlanState, before_run, plan_digest, terms_of
from .proof import blamed_hypothesis, verified_citations

__all__ = [
    "Check",
    "checks",
    "cited_cause",
    "facts_of",
    "over_because",
    "overrun",
    "preconditions",
    "resolved_arguments",
    "state_changes",
    "suitable_facts",
    "withdrawn",
]


HOUR = 3600.0


@dataclass(frozen=True)
class Check:
    """One rule's answer. ``code`` and ``ends`` are those of the refusal it would be."""

    name: str
    ok: bool
    detail: str
    code: str = ""
    ends: str = ""

    def refusal(self) -> Refused:
        """What to raise when it is not ok."""
        return Refused(self.detail, self.code or self.name, self.ends)


def cited_cause(incident: Incident, analysis: Optional[Mapping[str, Any]]) -> Dict[str, Any]:
    """Return the blamed hypothesis with its verified citations. Raises Refused without them."""
    if analysis is None:
        raise Refused(
            f"{incident.id} has no analysis: run | aianalyze incident={incident.id} first.",
            "no_analysis",
        )
    top = blamed_hypothesis(analysis)
    if not top:
        raise Refused(
            f"The analysis of {incident.id} names no cause, so there is nothing to undo.",
            "no_cause",
        )
    cited = verified_citations(analysis, top)
    if not cited:
        raise Refused(
            f"The likely cause of {incident.id} rests on no verified citation, so no fix is "
            "proposed for it.",
            "no_verified_citation",
        )
    # The analysis says of a cause that is only suspected that it is.
    cause = analysis.get("cause") or top["cause"]
    return {**top, "cause": cause, "citations": cited, "analysis_id": analysis["analysis_id"]}


def resolved_arguments(action: Action, sources: Mapping[str, Mapping[str, Any]]) -> Dict[str, str]:
    """Return the action's arguments. Raises Refused for one without a fitting value."""
    arguments = {}
    for argument in action.arguments:
        try:
            arguments[argument.name] = check_value(argument, argument.value(sources))
        except CatalogueError as error:
            raise Refused(str(error), "argument") from None
    return arguments


def facts_of(incident: Incident, cause: Mapping[str, Any], service: Mapping[str, Any]) -> Dict:
    """The state that a plan is made for and an approval binds to.

    Notes, more signals of the same entities and the like leave it as it is.
    """
    return {
        "incident": "open" if incident.is_open else "over",
        "entities": sorted(incident.entities),
        "cause": str(cause.get("change_id") or cause.get("cause") or ""),
        **{name: str(value) for name, value in service.items()},
    }


def state_changes(then: Mapping[str, Any], now: Mapping[str, Any]) -> List[str]:
    """What is different, one clause each."""
    names = sorted(set(then) | set(now))
    return [
        f"{name.replace('_', ' ')} is {_shown(now.get(name))}, no longer {_shown(then.get(name))}"
        for name in names
        if then.get(name) != now.get(name)
    ]


def _shown(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value or "nothing")


def suitable_facts(
    context: Context, action: Action, arguments: Mapping[str, str]
) -> Mapping[str, Any]:
    """Return what the executor knows of the service that an action is about.

    Raises Refused when it can't be asked, or when a precondition does not hold.
    """
    try:
        service = context.executor(action.executor).facts(arguments)
    except ExecutorError as error:
        raise Refused(str(error), "executor") from None
    sentence = preconditions(action, arguments, service)
    if sentence:
        raise Refused(sentence, "precondition")
    return service


def preconditions(
    action: Action, arguments: Mapping[str, str], service: Mapping[str, Any]
) -> Optional[str]:
    """Return the sentence of the first precondition that does not hold, or None."""
    name = arguments[action.entity]
    rules: Dict[str, Callable[[], str]] = {
        "runs_the_change": lambda: (
            ""
            if service.get("change_id") == arguments.get("change_id")
            else f"{name} runs {service.get('version')} since {service.get('change_id')}, no "
            f"longer the change {arguments.get('change_id')}: nothing was done."
        ),
        "returns_to_previous": lambda: (
            ""
            if service.get("previous_version") == arguments.get("to_version")
            else f"The version before the change was {service.get('previous_version')} by the "
            f"deploy API, not {arguments.get('to_version')}: nothing was done."
        ),
        "not_there_yet": lambda: (
            ""
            if service.get("version") != arguments.get("to_version")
            else f"{name} runs {service.get('version')} already: there is nothing to do."
        ),
    }
    for condition in action.preconditions:
        sentence = rules[condition]()
        if sentence:
            return sentence
    return None


def checks(
    context: Context, plan: Mapping[str, Any], state: PlanState, entries: Sequence[Entry]
) -> List[Check]:
    """Check every rule of a plan as of now; the first that is not ok is the reason to refuse."""
    incident, _entries = context.incident(plan["incident_id"])
    results = [_whole(context, plan), _contract(context, plan), _open(incident)]
    try:
        action = context.catalogue.get(plan["action"])
    except CatalogueError:
        return results
    results.append(_evidence(context, plan))
    results.append(_arguments(action, plan))
    results.append(_approval(plan, state))
    results.extend(_present(context, plan, state, action, incident, list(entries)))
    results.extend(_pace(context, plan, action))
    results.append(_alone(context, plan))
    return results


def withdrawn(
    context: Context, plan: Mapping[str, Any], entries: Sequence[Entry]
) -> Optional[Refused]:
    """Return why nobody wants a plan's action any more, by its incident's entries alone, or None.

    For an action that was begun: it goes on while its approval stands and its incident is open.
    """
    for check in (
        _open(timeline.fold(entries)),
        _approval(plan, before_run(plan, entries, context.clock.now())),
    ):
        if not check.ok:
            return check.refusal()
    return None


def _whole(context: Context, plan: Mapping[str, Any]) -> Check:
    same = plan_digest(plan) == plan["plan_hash"] and digest(plan["state"]) == plan["state_hash"]
    action = context.catalogue.actions.get(plan["action"])
    if same and action and context.catalogue.contract(action) == plan["contract"]:
        # The hash does not cover these, which say how many must approve, and what else may not run.
        terms = terms_of(action, plan["arguments"])
        same = all(plan[name] == value for name, value in terms.items())
    detail = (
        "The plan is as it was made."
        if same
        else (f"{plan['_key']} was changed after it was made: propose it again.")
    )
    return Check("plan", same, detail, "plan_changed", "" if same else "void")


def _contract(context: Context, plan: Mapping[str, Any]) -> Check:
    try:
        action = context.catalogue.get(plan["action"])
    except CatalogueError as error:
        return Check("action", False, str(error), "unknown_action")
    if context.catalogue.contract(action) != plan["contract"]:
        detail = (
            f"The action '{action.name}' was changed in the catalogue since {plan['_key']} was "
            "made, or what undoes it was: propose it again."
        )
        return Check("action", False, detail, "action_changed", "void")
    return Check("action", True, f"'{action.name}' is in the catalogue, unchanged.")


def _open(incident: Incident) -> Check:
    if incident.is_open:
        return Check("incident", True, f"{incident.id} is open.")
    return Check("incident", False, over_because(incident), "incident_over", "void")


def over_because(incident: Incident) -> str:
    """Say why an incident that is not open needs no fix."""
    if incident.merged_into:
        return f"{incident.id} was merged into {incident.merged_into}: propose it there."
    return f"{incident.id} is {incident.status}: there is nothing left to fix."


def _evidence(context: Context, plan: Mapping[str, Any]) -> Check:
    analysis = context.stores.analyses.get(plan["analysis_id"])
    cited = verified_citations(analysis, blamed_hypothesis(analysis)) if analysis else []
    if cited:
        return Check("evidence", True, f"The cause has {len(cited)} verified citations.")
    detail = "The cause rests on no verified citation."
    return Check("evidence", False, detail, "no_verified_citation")


def _arguments(action: Action, plan: Mapping[str, Any]) -> Check:
    try:
        for argument in action.arguments:
            check_value(argument, plan["arguments"].get(argument.name))
    except CatalogueError as error:
        return Check("arguments", False, str(error), "argument")
    return Check("arguments", True, "Every argument has its type.")


def _approval(plan: Mapping[str, Any], state: PlanState) -> Check:
    if state.status == "approved":
        return Check("approval", True, state.detail)
    needed = int(plan["approvals"]) - len(state.approvers)
    people = "one person" if needed == 1 else f"{needed} people"
    sentence = {
        "proposed": f"{plan['_key']} is not approved: {people} with the capability "
        "incident_approve must approve it first.",
        "expired": f"{plan['_key']} can't be used any more. {state.detail} Propose it again.",
        "rejected": f"{plan['_key']} can't be used any more. {state.detail}",
        "void": f"The approval of {plan['_key']} is void. {state.detail}",
    }.get(state.status, f"{plan['_key']} is {state.status.replace('_', ' ')} already.")
    code = {"proposed": "not_approved", "expired": "approval_expired"}.get(
        state.status, state.status
    )
    ends = "expired" if state.status == "expired" else ""
    return Check("approval", False, sentence, code, ends)


def _present(
    context: Context,
    plan: Mapping[str, Any],
    state: PlanState,
    action: Action,
    incident: Incident,
    entries: List[Entry],
) -> List[Check]:
    """The rules that need to know what is so right now."""
    try:
        service = context.executor(action.executor).facts(plan["arguments"])
    except ExecutorError as error:
        return [Check("state", False, str(error), "executor")]
    sentence = preconditions(action, plan["arguments"], service)
    cause = blamed_hypothesis(context.newest_analysis(entries))
    changes = state_changes(plan["state"], facts_of(incident, cause, service))
    approved = bool(state.approvers)
    word = "approved" if approved else "proposed"
    return [
        Check(
            "state",
            not changes,
            f"Everything is as when it was {word}."
            if not changes
            else f"{'The approval' if approved else 'The proposal'} of {plan['_key']} is void, "
            f"because the state has changed: {'; '.join(changes)}. Propose it again.",
            "state_changed",
            "void" if changes else "",
        ),
        Check(
            "preconditions",
            sentence is None,
            sentence or "The preconditions hold.",
            "precondition",
        ),
    ]


def _pace(context: Context, plan: Mapping[str, Any], action: Action) -> List[Check]:
    """How often an action may run: on one entity, and in all.

    The latter stops whatever takes one cause for that of many incidents.
    """
    now = context.clock.now()
    runs = _runs(context, plan, now - max(action.cooldown, HOUR))
    same = [run for run in runs if run[1]["entity"] == plan["entity"]]
    since, other = same[0] if same else (0.0, {})
    cool = since + action.cooldown <= now
    many = sum(begun > now - HOUR for begun, _other in runs)
    return [
        Check(
            "cooldown",
            cool,
            f"Not carried out on {plan['entity']} lately."
            if cool
            else f"'{action.name}' was carried out on {plan['entity']} by {other['_key']} already; "
            f"it may be again in {span(since + action.cooldown - now)}.",
        ),
        _rate(action, many),
    ]


def overrun(
    context: Context, plan: Mapping[str, Any], action: Action, state: PlanState
) -> Optional[Refused]:
    """Return that too many runs were begun within the hour before a plan's, or None.

    For an action that was begun: of several at the same moment each had seen none of the others.
    """
    mine = (state.started_at, str(plan["_key"]))
    runs = _runs(context, plan, state.started_at - HOUR)
    before = sum((begun, str(other["_key"])) < mine for begun, other in runs)
    return None if before < action.hourly_limit else _rate(action, before).refusal()


def _rate(action: Action, runs: int) -> Check:
    detail = (
        f"'{action.name}' was carried out {runs} times within the last hour; it may be "
        f"{action.hourly_limit} times (hourly_limit)."
    )
    return Check("rate", runs < action.hourly_limit, detail)


def _runs(
    context: Context, plan: Mapping[str, Any], since: float
) -> List[Tuple[float, Mapping[str, Any]]]:
    """When other plans of the same action were begun, the newest first; without harmless ones."""
    query = {"kind": "action", "time": {"$gt": since}}
    documents = context.stores.timeline.find(query, "time:-1", 1000)
    harmless = {d["data"]["plan_id"] for d in documents if d["data"].get("nothing_done")}
    begun = {
        str(document["data"].get("plan_id", "")): float(document["time"])
        for document in documents
        if document["data"].get("phase") == "started"
    }
    others = (
        (when, context.stores.plans.get(other) or {})
        for other, when in begun.items()
        if other not in harmless | {plan["_key"]}
    )
    return [(when, other) for when, other in others if other.get("action") == plan["action"]]


def _alone(context: Context, plan: Mapping[str, Any]) -> Check:
    other = context.blocking_run(plan["entity"], plan["_key"])
    if not other:
        return Check("alone", True, f"Nothing else is being done to {plan['entity']}.")
    detail = f"{other} is being carried out on {plan['entity']}: wait until it is verified."
    return Check("alone", False, detail, "run_in_progress")
