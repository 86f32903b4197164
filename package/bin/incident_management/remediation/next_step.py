"""What somebody who looks at a plan has to do next, or may wait for."""

from __future__ import annotations

from typing import Any, Mapping, Optional, Sequence, Tuple

from .plan import PlanState

__all__ = ["what_next"]

# Names that a sentence lists.
MOST_NAMED = 6


def what_next(
    plan: Mapping[str, Any],
    state: PlanState,
    frozen: bool = False,
    approvers: Optional[Sequence[str]] = None,
) -> Tuple[str, str]:
    """Return a sentence or two, and the search that does it; that is empty where there is none.

    ``frozen``: a change freeze stops it, which nobody has overridden. ``approvers``: who may
    approve, whom to ask first; None where that is not known.
    """
    incident, entity = plan["incident_id"], plan["entity"]
    one = f"| remediate incident={incident} plan={plan['_key']} do="
    undo = f"{one}rollback" if plan["inverse"] else ""
    again = f"| remediate incident={incident} action={plan['action']}"
    why = f"| aianalyze incident={incident}"
    otherwise = "undo the fix" if undo else "look for another cause"
    if state.status == "failed" and state.action_in_doubt:
        return f"Look at what {entity} runs before anything else is done to it.", ""
    if frozen and state.status in ("proposed", "approved"):
        sentence = "Wait for the end of the change freeze, or have it approved in spite of that."
        return sentence, f'{one}approve override="(why)"'
    return {
        "proposed": (_to_approve(plan, state, approvers), f"{one}approve"),
        "approved": ("Nothing happens by itself: have it carried out.", f"{one}execute"),
        "running": (
            "Wait. If its answer was lost, the worker finds out what became of it, within 15 min; "
            "it is not carried out twice.",
            "",
        ),
        "done": (f"Wait for the verdict{', or undo it' if undo else ''}.", undo),
        "recovered": ("Nothing is left to do.", ""),
        "not_recovered": ("Wait: it is being undone.", ""),
        "did_not_help": (
            f"What it did stays as it is{' unless somebody undoes it' if undo else ''}. Look for "
            "another cause.",
            undo or why,
        ),
        "insufficient_data": (
            f"Look whether {entity} works. Resolve {incident} if it does, else {otherwise}.",
            undo,
        ),
        "failed": ("Nothing was changed. Once the reason is put right, propose it again.", again),
        "rejected": ("If it is wanted after all, propose it again.", again),
        "void": ("If it is wanted still, propose it again.", again),
        "expired": ("If it is wanted still, propose it again.", again),
        "rolling_back": ("Wait: it is being undone.", ""),
        "rolled_back": (f"{entity} is as it was before the fix. Look for another cause.", why),
        "rollback_failed": (
            f"Look at what {entity} runs. Then try to undo it again, or do so by hand.",
            undo,
        ),
    }[state.status]


def _to_approve(
    plan: Mapping[str, Any], state: PlanState, approvers: Optional[Sequence[str]]
) -> str:
    needed = int(plan["approvals"]) - len(state.approvers)
    number = "One" if needed == 1 else str(needed)
    more = " more" if state.approvers else ""
    own = plan.get("approve_own", True)
    passed = {*state.approvers, *(() if own else (plan["proposed_by"],))}
    names = [name for name in approvers or () if name not in passed]
    if len(names) >= needed:
        return f"{number}{more} of {_named(names)} must approve it (capability incident_approve)."
    other = "" if own else f", other than {plan['proposed_by']},"
    people = f"{number}{more} {'person' if needed == 1 else 'people'}"
    sentence = f"{people} with the capability incident_approve{other} must approve it"
    if approvers is None:
        return f"{sentence}."
    few = f"only {_named(names)} can" if names else "nobody can"
    return f"{sentence}; {few}: an administrator can give the role incident_approver."


def _named(names: Sequence[str]) -> str:
    if len(names) <= MOST_NAMED:
        return ", ".join(names)
    return f"{', '.join(names[: MOST_NAMED - 1])} and {len(names) - MOST_NAMED + 1} others"
