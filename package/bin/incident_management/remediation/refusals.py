"""Reasons to refuse a run: failed checks, another run, a freeze, an incident that is over."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional, Sequence

from ..incidents.model import Entry
from ..ports import Document
from .context import SYSTEM, Context, Refused
from .entity_lock import acquire_lock, blocking_plan, holds_lock
from .freeze import Freeze, frozen_until_overridden
from .plan import PlanState
from .rate_limits import limit_exceeded
from .runs import Run
from .safety import active_freezes, checks, overridden_freezes, withdrawal
from .steps import Step

__all__ = [
    "check_inverse_unchanged",
    "check_not_frozen",
    "first_refusal",
    "freeze_exemption",
    "incident_over",
    "is_automatic",
    "lock_entity",
    "rollback_freezes",
    "stop_reason",
]  # fmt: skip


def first_refusal(
    context: Context, plan: Document, state: PlanState, entries: List[Entry], beyond_limit: bool
) -> Optional[Refused]:
    """Return the first failed check of a plan's action as a refusal, or None."""
    for check in checks(context, plan, state, entries):
        if not check.ok and not (beyond_limit and check.name == "rate"):
            return check.refusal()
    return None


def lock_entity(context: Context, plan: Document) -> Optional[Refused]:
    """Lock the plan's entity for it. Returns a refusal if another plan holds it."""
    if acquire_lock(context, plan):
        return None
    return _taken(context, plan)


def _taken(context: Context, plan: Document) -> Refused:
    other = blocking_plan(context, plan) or "Another run"
    sentence = f"{other} is being executed on {plan['entity']}: wait until it is verified."
    return Refused(sentence, "run_in_progress")


def stop_reason(context: Context, plan: Document, step: Step, actor: str) -> Optional[Refused]:
    """Return why a step that was just started must not run after all, or None.

    It is read after the step was claimed and started: a decision that is not visible here was made
    later, and its author sees that it came too late. The same holds for another plan that locked
    the entity because this one looked finished before its rollback started.
    """
    if not holds_lock(context, plan):
        return _taken(context, plan)
    _plan, entries, state = context.load(plan["_key"])
    if step.run.kind == "action":
        refusal = withdrawal(context, plan, entries)
        if refusal or state.beyond_limit:
            return refusal
        return limit_exceeded(context, plan, step.action, state)
    return incident_over(context, plan) if actor == SYSTEM else None


def check_inverse_unchanged(context: Context, plan: Mapping[str, Any]) -> None:
    """Raise Refused if the inverse in the catalogue is not the one that was approved."""
    action = context.catalogue.actions.get(plan["action"])
    approved = str(plan["contract"]).partition(":")[2]
    if approved and (action is None or context.catalogue.undoing(action) != approved):
        sentence = (
            f"The inverse of {plan['_key']} was changed in the catalogue since the plan "
            "was proposed: review it, and roll the fix back by hand if needed."
        )
        raise Refused(sentence, "action_changed")


def incident_over(context: Context, plan: Mapping[str, Any]) -> Optional[Refused]:
    """Return why the app does not roll a fix back automatically: its incident is no longer open."""
    incident, _entries = context.surviving_incident(plan["incident_id"])
    if incident.is_open:
        return None
    sentence = (
        f"{incident.id} is {incident.status}, so the fix is not rolled back "
        "automatically: roll it back by hand if needed."
    )
    return Refused(sentence, "incident_over")


def rollback_freezes(context: Context, plan: Mapping[str, Any], state: PlanState) -> List[Freeze]:
    """Return the change freezes in which a person needs a reason to roll a plan back.

    Freezes that its approval overrode are left out, because the approval covers the rollback too.
    """
    action = context.catalogue.actions.get(plan["inverse"])
    if action is None:
        return []
    incident, _entries = context.surviving_incident(plan["incident_id"])
    freezes = active_freezes(context, plan, action, incident)
    known = {*overridden_freezes(context, state), *state.undo_overrides} if freezes else set()
    return [freeze for freeze in freezes if freeze.id not in known]


def check_not_frozen(freezes: Sequence[Freeze], plan: Mapping[str, Any]) -> None:
    """Raise Refused if there is a change freeze."""
    if freezes:
        raise Refused(frozen_until_overridden(freezes, plan["entity"]), "frozen")


def freeze_exemption(freezes: Sequence[Freeze]) -> str:
    """Return why an automatic rollback proceeds in a change freeze; empty without one."""
    if not freezes:
        return ""
    named = " and ".join(freeze.named() for freeze in freezes)
    return (
        f"The approval also covers the rollback, so it proceeds during the change freeze {named}."
    )


def is_automatic(context: Context, run: Run) -> bool:
    """Tell whether the app, not a person, started a run."""
    claim = context.stores.claims.get(run.claim)
    return claim is not None and claim["value"].get("actor") == SYSTEM
