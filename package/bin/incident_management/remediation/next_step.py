"""Tell the reader of a plan what to do next, or what to wait for."""

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
    """Return one or two sentences, and the search that does it, empty where there is none.

    Args:
        frozen: a change freeze that nobody has overridden stops the plan.
        approvers: who may approve, preferred people first; None if unknown.
    """
    incident, entity = plan["incident_id"], plan["entity"]
    one = f"| remediate incident={incident} plan={plan['_key']} do="
    undo = f"{one}rollback" if plan["inverse"] else ""
    again = f"| remediate incident={incident} action={plan['action']}"
    why = f"| aianalyze incident={incident}"
    otherwise = "roll the fix back" if undo else "look for another cause"
    if state.status == "failed" and state.action_in_doubt:
        return f"Check what {entity} runs before you change anything else on it.", ""
    if frozen and state.status in ("proposed", "approved"):
        sentence = "Wait until the change freeze ends, or have the plan approved with an override."
        return sentence, f'{one}approve override="(why)"'
    return {
        "proposed": (_to_approve(plan, state, approvers), f"{one}approve"),
        "approved": ("Execute the plan. It does not start automatically.", f"{one}execute"),
        "running": (
            "Wait. If the executor's answer was lost, the worker determines the outcome "
            "within 15 min. The plan is never executed twice.",
            "",
        ),
        "done": (f"Wait for the verdict{', or roll the fix back' if undo else ''}.", undo),
        "recovered": ("There is nothing left to do.", ""),
        "not_recovered": ("Wait. The fix is being rolled back.", ""),
        "did_not_help": (
            f"The fix stays in place{' unless someone rolls it back' if undo else ''}. "
            "Look for another cause.",
            undo or why,
        ),
        "insufficient_data": (
            f"Check whether {entity} works. If it does, resolve {incident}. Otherwise, "
            f"{otherwise}.",
            undo,
        ),
        "failed": ("Nothing was changed. Fix the reason, then propose the plan again.", again),
        "rejected": ("If the fix is still needed, propose it again.", again),
        "void": ("If the fix is still needed, propose it again.", again),
        "expired": ("If the fix is still needed, propose it again.", again),
        "rolling_back": ("Wait. The fix is being rolled back.", ""),
        "rolled_back": (f"{entity} is as it was before the fix. Look for another cause.", why),
        "rollback_failed": (
            f"Check what {entity} runs. Then roll the fix back again, or do it by hand.",
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
    return f"{sentence}; {few}: an administrator can grant the role incident_approver."


def _named(names: Sequence[str]) -> str:
    if len(names) <= MOST_NAMED:
        return ", ".join(names)
    return f"{', '.join(names[: MOST_NAMED - 1])} and {len(names) - MOST_NAMED + 1} others"
