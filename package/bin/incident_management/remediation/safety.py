"""The checks between a plan and its execution. Each passes or fails with one sentence.

They run when a plan is proposed and approved, are shown with it, and all run again right before the
execution. The last result counts.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, Set

from ..durations import span
from ..incidents import timeline
from ..incidents.model import Entry, Incident
from ..incidents.stored_shapes import read_analysis
from .blamed_cause import blamed_hypothesis, verified_citations
from .catalogue import Action, CatalogueError, check_value
from .check import Check
from .context import Context, Refused
from .current_state import current_state_checks, opening_state
from .entity_lock import blocking_plan
from .freeze import Freeze, freeze_check, freezes_on
from .plan import PlanState, before_run, is_whole, terms_of
from .rate_limits import rate_checks

__all__ = [
    "SKEW_SECONDS",
    "active_freezes",
    "checks",
    "cited_cause",
    "over_reason",
    "overridden_freezes",
    "resolve_arguments",
    "withdrawal",
]


# How much the clocks of search heads may differ.
SKEW_SECONDS = 300.0


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
            f"The analysis of {incident.id} names no cause, so no fix can be proposed.",
            "no_cause",
        )
    cited = verified_citations(analysis, top)
    if not cited:
        raise Refused(
            f"The likely cause of {incident.id} has no verified citation, so no fix can "
            "be proposed.",
            "no_verified_citation",
        )
    # The analysis's own wording says whether the cause is only suspected.
    cause = analysis.get("cause") or top["cause"]
    return {**top, "cause": cause, "citations": cited, "analysis_id": analysis["analysis_id"]}


def resolve_arguments(action: Action, sources: Mapping[str, Mapping[str, Any]]) -> Dict[str, str]:
    """Return the action's arguments. Raises Refused if one has no valid value."""
    arguments = {}
    for argument in action.arguments:
        try:
            arguments[argument.name] = check_value(argument, argument.value(sources))
        except CatalogueError as error:
            raise Refused(str(error), "argument") from None
    return arguments


def checks(
    context: Context, plan: Mapping[str, Any], state: PlanState, entries: Sequence[Entry]
) -> List[Check]:
    """Run every check of a plan now; the first that fails is the reason to refuse."""
    incident = timeline.fold(entries)
    results = [
        _integrity_check(context, plan),
        _contract_check(context, plan),
        _incident_check(plan, incident),
    ]
    try:
        action = context.catalogue.get(plan["action"])
    except CatalogueError:
        return results
    results.append(_evidence_check(context, plan))
    results.append(_arguments_check(action, plan))
    results.append(_approval_check(context, plan, state))
    results.extend(current_state_checks(context, plan, state, action, incident, list(entries)))
    results.extend(rate_checks(context, plan, action))
    results.append(_lock_check(context, plan))
    results.append(_freeze_check(context, plan, state, action, incident))
    return results


def withdrawal(
    context: Context, plan: Mapping[str, Any], entries: Sequence[Entry]
) -> Optional[Refused]:
    """Return why a plan's action is no longer wanted, without asking the executor, or None.

    For an action that was started: it goes on while its approval is valid, its incident is open and
    no change freeze has begun.
    """
    incident, state = timeline.fold(entries), before_run(plan, entries, context.clock.now())
    for check in (
        _incident_check(plan, incident),
        _approval_check(context, plan, state),
        _freeze_check(context, plan, state, context.catalogue.get(plan["action"]), incident),
    ):
        if not check.ok:
            return check.refusal()
    return None


def active_freezes(
    context: Context, plan: Mapping[str, Any], action: Action, incident: Incident
) -> List[Freeze]:
    """Return the change freezes in force for a plan's action, including overridden ones."""
    if action.allowed_in_freeze:
        return []
    return freezes_on(context.stores, plan["entity"], incident, context.clock.now())


def overridden_freezes(context: Context, state: PlanState) -> Set[str]:
    """Return the ids of the freezes overridden by approvers who still have the capability."""
    return {
        freeze
        for name in state.approvers
        for freeze in state.overrides.get(name, ())
        if context.has_capability(name, "incident_override")
    }


def _freeze_check(
    context: Context, plan: Mapping[str, Any], state: PlanState, action: Action, incident: Incident
) -> Check:
    freezes = active_freezes(context, plan, action, incident)
    known = overridden_freezes(context, state) if freezes else set()
    return freeze_check(freezes, action, plan["entity"], known)


def _integrity_check(context: Context, plan: Mapping[str, Any]) -> Check:
    same = is_whole(plan)
    action = context.catalogue.actions.get(plan["action"])
    if same and action and context.catalogue.contract(action) == plan["contract"]:
        # The hash does not cover these terms, such as the number of approvals and the entity.
        terms = terms_of(action, plan["arguments"], plan["state"])
        same = all(plan.get(name) == value for name, value in terms.items())
    detail = (
        "The plan has not changed since it was proposed."
        if same
        else (f"{plan['_key']} was changed after it was proposed: propose it again.")
    )
    return Check("plan", same, detail, "plan_changed", "" if same else "void")


def _contract_check(context: Context, plan: Mapping[str, Any]) -> Check:
    try:
        action = context.catalogue.get(plan["action"])
    except CatalogueError as error:
        return Check("action", False, str(error), "unknown_action")
    if context.catalogue.contract(action) != plan["contract"]:
        detail = (
            f"The action '{action.name}' or its inverse was changed in the catalogue "
            f"since {plan['_key']} was proposed: propose it again."
        )
        return Check("action", False, detail, "action_changed", "void")
    return Check("action", True, f"'{action.name}' is in the catalogue, unchanged.")


def _incident_check(plan: Mapping[str, Any], incident: Incident) -> Check:
    if not incident.is_open:
        return Check("incident", False, over_reason(incident), "incident_over", "void")
    if opening_state(incident) != plan["state"].get("incident"):
        detail = (
            f"{incident.id} ended and was reopened since {plan['_key']} was proposed, so the "
            "problem may be a different one. Analyze it again, and propose a fix for "
            "what you find."
        )
        return Check("incident", False, detail, "incident_over", "void")
    return Check("incident", True, f"{incident.id} is open.")


def over_reason(incident: Incident) -> str:
    """Return why an incident that is not open needs no fix."""
    if incident.merged_into:
        return f"{incident.id} was merged into {incident.merged_into}: propose it there."
    return f"{incident.id} is {incident.status}: there is nothing left to fix."


def _evidence_check(context: Context, plan: Mapping[str, Any]) -> Check:
    analysis = read_analysis(context.stores, plan["analysis_id"])
    cited = verified_citations(analysis, blamed_hypothesis(analysis)) if analysis else []
    if cited:
        return Check("evidence", True, f"The cause has {len(cited)} verified citations.")
    detail = "The cause has no verified citation."
    return Check("evidence", False, detail, "no_verified_citation")


def _arguments_check(action: Action, plan: Mapping[str, Any]) -> Check:
    try:
        for argument in action.arguments:
            check_value(argument, plan["arguments"].get(argument.name))
    except CatalogueError as error:
        return Check("arguments", False, str(error), "argument")
    return Check("arguments", True, "Every argument has a valid value.")


def _approval_check(context: Context, plan: Mapping[str, Any], state: PlanState) -> Check:
    if state.status == "approved":
        return _check_approval(context, plan, state)
    needed = int(plan["approvals"]) - len(state.approvers)
    people = "one person" if needed == 1 else f"{needed} people"
    sentence = {
        "proposed": f"{plan['_key']} is not approved: {people} with the capability "
        "incident_approve must approve it first.",
        "expired": f"{plan['_key']} can no longer be used. {state.detail} Propose it again.",
        "rejected": f"{plan['_key']} can no longer be used. {state.detail}",
        "void": f"The approval of {plan['_key']} is void. {state.detail}",
    }.get(state.status, f"{plan['_key']} is {state.status.replace('_', ' ')} already.")
    code = {"proposed": "not_approved", "expired": "approval_expired"}.get(
        state.status, state.status
    )
    ends = "expired" if state.status == "expired" else ""
    return Check("approval", False, sentence, code, ends)


def _check_approval(context: Context, plan: Mapping[str, Any], state: PlanState) -> Check:
    """Check that enough approvers still have the capability, and that the clocks agree."""
    ahead = state.approved_at - context.clock.now()
    if ahead > SKEW_SECONDS:
        detail = (
            f"{plan['_key']} was approved {span(ahead)} in the future by this machine's "
            "clock, so its expiry is unknown: synchronize the clocks."
        )
        return Check("approval", False, detail, "clock")
    lost = [
        name for name in state.approvers if not context.has_capability(name, "incident_approve")
    ]
    if len(state.approvers) - len(lost) >= int(plan["approvals"]):
        return Check("approval", True, state.detail)
    detail = (
        f"The approval of {plan['_key']} is void, because {' and '.join(lost)} can no "
        "longer approve (incident_approve). Propose it again."
    )
    return Check("approval", False, detail, "approver_gone", "void")


def _lock_check(context: Context, plan: Mapping[str, Any]) -> Check:
    other = blocking_plan(context, plan)
    if not other:
        return Check("alone", True, f"No other plan is being executed on {plan['entity']}.")
    detail = f"{other} is being executed on {plan['entity']}: wait until it is verified."
    return Check("alone", False, detail, "run_in_progress")
