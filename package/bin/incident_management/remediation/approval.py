"""Propose plans, and approve, reject or expire them."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

from ..incidents.canonical import digest
from ..incidents.errors import Invalid, NotFound
from ..incidents.model import Entry, Incident
from ..ports import Document
from .active_plans import active_plans, undecided_plans
from .catalogue import Action, CatalogueError
from .context import SYSTEM, Context, Refused
from .current_state import checked_facts, plan_facts
from .freeze import frozen_until_overridden
from .plan import PlanState, new_plan, plan_state
from .rate_limits import HOUR
from .runs import action_run
from .safety import (
    active_freezes,
    checks,
    cited_cause,
    over_reason,
    overridden_freezes,
    resolve_arguments,
)
from .steps import LEASE_SECONDS, write_rejection
from .verification_forecast import forecast_verification

__all__ = ["approve", "draft_plan", "expire_plans", "propose", "reject"]

# Per person and incident. Each proposal is a message; other people can still propose.
PROPOSALS_AN_HOUR = 20


def propose(context: Context, incident_id: str, action_name: str, actor: str) -> Document:
    """Propose a plan based on an incident's analysis, and return its document.

    Proposing the same action again returns the plan that is already proposed. An empty
    ``action_name`` means the catalogue's only action.

    Raises:
        NotFound: no such incident.
        Refused: there is nothing to propose; the sentence says why, and is on the timeline too.
    """
    incident, entries = context.incident(incident_id)
    try:
        plan = draft_plan(context, incident, entries, action_name, actor)
        _check_proposal_rate(context, plan, actor)
    except Refused as refusal:
        context.refuse(incident_id, None, refusal, actor)
        raise
    told = ("action", "arguments", "plan_hash", "summary", "blast_radius")
    data = {
        **{name: plan[name] for name in told},
        **forecast_verification(context, plan).to_document(),
    }
    freezes = active_freezes(context, plan, context.catalogue.get(plan["action"]), incident)
    data["freeze"] = frozen_until_overridden(freezes, plan["entity"])
    context.stores.plans.insert(plan)
    context.append(plan, "plan", data, actor, f"plan:{plan['_key']}")
    context.refresh(plan)
    return context.load(plan["_key"])[0]


def _check_proposal_rate(context: Context, plan: Mapping[str, Any], actor: str) -> None:
    """Raise Refused for a new plan of someone who has proposed too many in the last hour."""
    if context.stores.plans.get(plan["_key"]) is not None:
        return
    incident_id, since = plan["incident_id"], context.clock.now() - HOUR
    lately = {"incident_id": incident_id, "proposed_by": actor, "created_at": {"$gt": since}}
    count = len(context.stores.plans.keys(lately))
    if count >= PROPOSALS_AN_HOUR:
        raise Refused(
            f"{actor} has proposed {count} plans for {incident_id} within the last hour. "
            "Wait, or ask another person to propose it.",
            "too_many_plans",
        )


def draft_plan(
    context: Context, incident: Incident, entries: List[Entry], action_name: str, actor: str
) -> Dict[str, Any]:
    """Return the document of the plan that a proposal would create, or of the existing one.

    Writes nothing. Raises Refused.
    """
    if not incident.is_open:
        raise Refused(over_reason(incident), "incident_over")
    action = _choose_action(context, action_name)
    cause = cited_cause(incident, context.newest_analysis(entries))
    sources = {"analysis": cause, "incident": incident.to_document()}
    arguments = resolve_arguments(action, sources)
    service = checked_facts(context, action, arguments)
    facts = plan_facts(action, incident, cause, service)
    document, contract = incident.to_document(), context.catalogue.contract(action)
    for earlier in range(_count_finished(context, incident.id, action, arguments, entries), 10_000):
        plan = new_plan(
            document, action, contract, arguments, cause, facts, actor, context.clock.now(), earlier
        )
        known = context.stores.plans.get(plan["_key"])
        if known is not None and known["plan_hash"] != plan["plan_hash"]:
            continue  # A different plan with the same id, the beginning of its hash, by chance.
        if known is None or not plan_state(known, entries, context.clock.now()).finished:
            return known or plan
    raise Refused(f"{incident.id} has too many plans for this action.", "too_many_plans")


def _choose_action(context: Context, action_name: str) -> Action:
    names = context.catalogue.proposable()
    if not action_name and len(names) == 1:
        action_name = names[0]
    if not action_name:
        known = ", ".join(names)
        sentence = (
            f"Choose an action with action=. The available actions are: {known}."
            if known
            else "The catalogue (incident_actions.conf) has no action that can be proposed."
        )
        raise Refused(sentence, "unknown_action")
    try:
        action = context.catalogue.get(action_name)
    except CatalogueError as error:
        raise Refused(str(error), "unknown_action") from None
    if action.inverse_only:
        raise Refused(
            f"'{action_name}' only rolls back another action, so it can't be proposed on its own.",
            "unknown_action",
        )
    return action


def _count_finished(
    context: Context,
    incident_id: str,
    action: Action,
    arguments: Mapping[str, str],
    entries: List[Entry],
) -> int:
    """Count the finished plans of this action with these arguments."""
    plans = context.stores.plans.find({"incident_id": incident_id, "action": action.name})
    now = context.clock.now()
    return sum(
        plan["arguments"] == dict(arguments) and plan_state(plan, entries, now).finished
        for plan in plans
    )


def approve(
    context: Context, plan_id: str, actor: str, plan_hash: str = "", override: str = ""
) -> PlanState:
    """Approve a plan for the state it was made for, or again after the approval expired.

    Args:
        plan_hash: the plan that the approver reviewed; empty: the current one.
        override: the reason to execute it during the change freezes in force; may also be given for
            a plan that is already approved. The caller has checked that the actor has the
            capability.

    Raises:
        NotFound: no such plan.
        Invalid: the actor is no person, or ``plan_hash`` is that of another plan.
        Refused: it can no longer be approved, or the state has changed.
    """
    plan, entries, state = context.load(plan_id)
    _check_person(actor)
    if plan_hash and plan_hash != plan["plan_hash"]:
        raise Invalid(
            f"{plan_id} is not the plan that you reviewed. Reload it and review it again."
        )
    freezes = _freezes_to_override(context, plan, state, override)
    if actor in state.approvers and state.status in ("proposed", "approved") and not freezes:
        return state
    again = bool(freezes) and state.status == "approved"
    refusal = (
        (None if again else _undecidable(plan, state))
        or _own_plan_refusal(plan, actor)
        or _failed_check(context, plan, state, entries, "freeze" if freezes else "")
    )
    if refusal:
        context.refuse(plan["incident_id"], plan, refusal, actor)
        raise refusal
    action = context.catalogue.get(plan["action"])
    data = {
        "plan_hash": plan["plan_hash"],
        "state_hash": plan["state_hash"],
        "state": plan["state"],
        "decision": "approved",
        "left": _approvals_missing(plan, state, actor),
        "detail": _approval_detail(plan, state, actor),
        "expires_at": round(context.clock.now() + action.approval_ttl, 3),
    }
    if freezes:
        data["override"] = {"freezes": freezes, "reason": override.strip()[:1000]}
        data["detail"] = (
            f"Overrides {', '.join(freezes)}: {override.strip()[:500]} {data['detail']}"
        )
    of_freezes = f":{digest(freezes, 12)}" if freezes else ""
    lapsed = f":{state.approvals[actor]}" if actor in state.approvals else ""
    context.append(plan, "approval", data, actor, f"approval:{plan_id}:{actor}{lapsed}{of_freezes}")
    return context.refresh(plan)


def reject(context: Context, plan_id: str, actor: str, reason: str = "") -> PlanState:
    """Reject a plan that is proposed, or approved but not executed yet. Raises as :func:`approve`.

    If a rejection and an execution happen at the same moment, the one that gets the claim counts.
    """
    plan, _entries, state = context.load(plan_id)
    _check_person(actor)
    if state.status == "rejected":
        return state
    refusal = None if state.status == "approved" else _undecidable(plan, state)
    if refusal:
        raise refusal
    said = {"actor": actor, "rejected": True, "reason": reason[:1000]}
    if not context.claim(action_run(plan).claim, said) and context.is_begun(plan_id):
        sentence = f"{plan_id} is already being executed, so it is too late to reject it."
        raise Refused(sentence, "decided")
    write_rejection(context, plan)
    return context.refresh(plan)


def expire_plans(context: Context) -> int:
    """Record on the timelines which plans have expired; returns how many."""
    count = 0
    for plan in [*undecided_plans(context), *active_plans(context)]:
        try:
            _plan, entries, state = context.load(plan["_key"])
        except (NotFound, Refused):
            continue  # Its incident was deleted by age, or it is malformed.
        if state.status == "expired" and not _is_ended(plan, entries):
            reason = f"{plan['_key']} has expired. {state.detail}"
            refusal = Refused(reason, "expired", "expired")
            context.refuse(plan["incident_id"], plan, refusal, SYSTEM)
            count += 1
        elif state.status != plan["status"] and not _may_be_rolling_back(context, plan, state):
            context.refresh(plan)
    return count


def _may_be_rolling_back(context: Context, plan: Mapping[str, Any], state: PlanState) -> bool:
    """Tell whether a rollback may be about to start: the plan's document says so first."""
    if plan["status"] != "rolling_back" or state.rollback_started_at:
        return False
    return context.clock.now() - float(plan["updated_at"]) < LEASE_SECONDS


def _is_ended(plan: Mapping[str, Any], entries: List[Entry]) -> bool:
    return any(
        entry.kind == "refused"
        and entry.data.get("plan_id") == plan["_key"]
        and entry.data.get("ends")
        for entry in entries
    )


def _check_person(actor: str) -> None:
    if not actor.strip() or actor == SYSTEM:
        raise Invalid("Only a person can decide on a plan, and this request has no user.")


def _undecidable(plan: Mapping[str, Any], state: PlanState) -> Optional[Refused]:
    if state.status == "proposed":
        return None
    status = state.status.replace("_", " ")
    sentence = (
        f"{plan['_key']} is {status} and can no longer be approved or rejected. {state.detail}"
    )
    return Refused(sentence.strip(), "decided")


def _own_plan_refusal(plan: Mapping[str, Any], actor: str) -> Optional[Refused]:
    """Refuse the proposer of a plan that another person must approve.

    :func:`_failed_check` refuses a plan whose ``approve_own`` was changed after it was proposed.
    """
    if plan.get("approve_own", True) or actor != plan["proposed_by"]:
        return None
    return Refused(
        f"{plan['_key']} was proposed by {actor}: another person must approve it.", "own_plan"
    )


def _freezes_to_override(
    context: Context, plan: Mapping[str, Any], state: PlanState, override: str
) -> List[str]:
    """Return the ids of the change freezes that are to be overridden and are not yet."""
    action = context.catalogue.actions.get(plan["action"])
    if not override.strip() or action is None:
        return []
    incident, _entries = context.incident(plan["incident_id"])
    known = overridden_freezes(context, state)
    freezes = active_freezes(context, plan, action, incident)
    return sorted(freeze.id for freeze in freezes if freeze.id not in known)


def _approvals_missing(plan: Mapping[str, Any], state: PlanState, actor: str) -> int:
    """Return how many more people must approve after this actor."""
    return max(0, int(plan["approvals"]) - len({*state.approvers, actor}))


def _approval_detail(plan: Mapping[str, Any], state: PlanState, actor: str) -> str:
    """Return what is still missing after this approval, for its notification."""
    left = _approvals_missing(plan, state, actor)
    if left == 0:
        return "The plan is ready to execute; it does not start automatically."
    people = "one more person" if left == 1 else f"{left} more people"
    return f"Approved by {actor}; {people} must approve it."


def _failed_check(
    context: Context, plan: Mapping[str, Any], state: PlanState, entries: List[Entry], but: str
) -> Optional[Refused]:
    """Return the first failed check that prevents an approval now.

    The cool-down and other runs matter only at execution. ``but`` names one more check to skip.
    """
    passed_over = ("approval", "cooldown", "rate", "alone", but)
    for check in checks(context, plan, state, entries):
        if not check.ok and check.name not in passed_over:
            return check.refusal()
    return None
