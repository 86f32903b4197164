"""What speaks against undoing a fix: a change freeze, another catalogue, people who are done."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional, Sequence

from .context import SYSTEM, Context, Refused
from .freeze import Freeze, frozen_until_overridden
from .plan import PlanState
from .runs import Run
from .safety import freezes_of, overridden

__all__ = ["as_approved", "freezes_on_undoing", "in_spite_of", "is_by_itself", "over", "unfrozen"]


def as_approved(context: Context, plan: Mapping[str, Any]) -> None:
    """Raise Refused where the catalogue does not undo a plan as it did when that was approved."""
    action = context.catalogue.actions.get(plan["action"])
    approved = str(plan["contract"]).partition(":")[2]
    if approved and (action is None or context.catalogue.undoing(action) != approved):
        sentence = (
            f"What undoes {plan['_key']} was changed in the catalogue since it was made: look at "
            "it, and roll it back by hand if it has to be."
        )
        raise Refused(sentence, "action_changed")


def over(context: Context, plan: Mapping[str, Any]) -> Optional[Refused]:
    """Why the app does not undo a fix by itself: the people whose incident it is are done."""
    incident, _entries = context.standing(plan["incident_id"])
    if incident.is_open:
        return None
    sentence = (
        f"{incident.id} is {incident.status}, so the fix is not undone by itself: roll it back by "
        "hand if it has to be."
    )
    return Refused(sentence, "incident_over")


def freezes_on_undoing(context: Context, plan: Mapping[str, Any], state: PlanState) -> List[Freeze]:
    """Return the change freezes in which a person must not undo a plan now without a reason.

    Not those that its approval overrode, which was given for what undoes it, too.
    """
    action = context.catalogue.actions.get(plan["inverse"])
    if action is None:
        return []
    incident, _entries = context.standing(plan["incident_id"])
    freezes = freezes_of(context, plan, action, incident)
    known = {*overridden(context, state), *state.undo_overrides} if freezes else set()
    return [freeze for freeze in freezes if freeze.id not in known]


def unfrozen(freezes: Sequence[Freeze], plan: Mapping[str, Any]) -> None:
    """Raise Refused in a change freeze."""
    if freezes:
        raise Refused(frozen_until_overridden(freezes, plan["entity"]), "frozen")


def in_spite_of(freezes: Sequence[Freeze]) -> str:
    """Say that a fix is undone by itself in a change freeze; empty without one."""
    if not freezes:
        return ""
    named = " and ".join(freeze.named() for freeze in freezes)
    return f"Its approval was for its undoing, too, so that goes on in the change freeze {named}."


def is_by_itself(context: Context, run: Run) -> bool:
    """Tell whether the app began a run by itself, and no person."""
    claim = context.stores.claims.get(run.claim)
    return claim is not None and claim["value"].get("actor") == SYSTEM
