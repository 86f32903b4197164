"""A plan: one action with its arguments for one incident, and its state.

The plan's document says what would be done and never changes, except ``status`` and ``updated_at``.
These repeat what its timeline entries add up to, for lists and dashboards.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from ..incidents.canonical import digest
from ..incidents.model import Entry
from ..incidents.timeline import effective
from .catalogue import Action

__all__ = [
    "FINISHED",
    "PlanState",
    "before_run",
    "is_readable",
    "is_whole",
    "new_plan",
    "plan_digest",
    "plan_state",
    "terms_of",
]

# In these states nothing more happens to a plan automatically.
FINISHED = (
    "rejected",
    "void",
    "expired",
    "failed",
    "recovered",
    "did_not_help",
    "insufficient_data",
    "rolled_back",
    "rollback_failed",
)
# An undecided proposal expires, because its state is outdated by then.
PROPOSAL_SECONDS = 24 * 3600.0

# The facts about the location, as the service reports them, that an approver sees.
_SHOWN_PLACES = ("account_id", "region")
_NAMED = re.compile(r"\$([a-z0-9_]+)\$")
_HASHED = ("incident_id", "action", "contract", "arguments", "analysis_id", "state_hash", "round")

_NUMBER = (int, float)
_READ: Dict[str, Tuple[type, ...]] = {
    **dict.fromkeys(("incident_id", "action", "plan_hash", "state_hash", "status"), (str,)),
    **dict.fromkeys(("entity", "label", "summary", "inverse", "contract"), (str,)),
    "executor": (str, type(None)),  # one of an earlier version has none
    **dict.fromkeys(("arguments", "state"), (dict,)),
    **dict.fromkeys(("created_at", "updated_at", "approvals"), _NUMBER),
}

Facts = Dict[str, Any]


def new_plan(
    incident: Mapping[str, Any],
    action: Action,
    contract: str,
    arguments: Mapping[str, str],
    analysis: Mapping[str, Any],
    facts: Facts,
    actor: str,
    now: float,
    earlier: int,
) -> Dict[str, Any]:
    """Return a plan's document.

    ``contract`` is the catalogue's for the action. ``earlier`` counts the finished plans of the
    same action and arguments. So proposing the same again returns the same plan while it is not
    finished, and a new one afterwards.
    """
    content = {
        "incident_id": incident["id"],
        "action": action.name,
        "contract": contract,
        "arguments": dict(arguments),
        "analysis_id": analysis["analysis_id"],
        "state_hash": digest(facts),
        "round": earlier + 1,
    }
    plan_hash = plan_digest(content)
    return {
        "_key": f"PLAN-{plan_hash[:10]}",
        **content,
        "plan_hash": plan_hash,
        "state": facts,
        **terms_of(action, arguments, facts),
        "cause": str(analysis.get("cause", "")),
        "citations": list(analysis.get("citations") or [])[:3],
        "proposed_by": actor,
        "created_at": now,
        "status": "proposed",
        "updated_at": now,
    }


def terms_of(action: Action, arguments: Mapping[str, str], facts: Facts) -> Dict[str, Any]:
    """Return the fields of a plan that follow from its action, arguments and state alone."""
    return {
        "entity": arguments.get(action.entity, ""),
        "label": action.label,
        "summary": _summary(action, arguments, facts),
        "blast_radius": _filled(action.blast_radius, {**facts, **arguments}) + _to_compare(facts),
        "executor": action.executor,
        "inverse": action.inverse,
        "approvals": action.approvals,
        "approve_own": action.approve_own,
    }


def plan_digest(plan: Mapping[str, Any]) -> str:
    """Return the hash of what a plan would do and why, which approvals are bound to."""
    return digest({name: plan[name] for name in _HASHED})


def is_readable(plan: Mapping[str, Any]) -> bool:
    """Tell whether a plan's fields have the expected types.

    Someone may edit a plan's document by hand; that must not stop other plans.
    """
    return all(isinstance(plan.get(name), kinds) for name, kinds in _READ.items())


def is_whole(plan: Mapping[str, Any]) -> bool:
    """Tell whether what a plan would do, and the state it was made for, are unchanged."""
    return plan_digest(plan) == plan["plan_hash"] and digest(plan["state"]) == plan["state_hash"]


def _summary(action: Action, arguments: Mapping[str, str], facts: Facts) -> str:
    others = [
        f"{name.replace('_', ' ')} {value}"
        for name, value in sorted(arguments.items())
        if name != action.entity
    ]
    others += [f"{name.replace('_', ' ')} {facts[name]}" for name in _SHOWN_PLACES if name in facts]
    how = f" ({', '.join(others)})" if others else ""
    return f"{action.label}: {arguments.get(action.entity, '')}{how}."


def _to_compare(facts: Facts) -> str:
    """Return what only a person can compare of the change's location; see :mod:`.location`."""
    if not facts.get("untold"):
        return ""
    return f" The change event does not tell the {facts['untold']}: compare before you approve."


def _filled(text: str, values: Mapping[str, Any]) -> str:
    """Replace the placeholders of a text by values; placeholders inside values stay."""
    return _NAMED.sub(lambda found: str(values.get(found[1], found[0])), text)


@dataclass
class PlanState:
    """The state that a plan's entries add up to. Times are epoch seconds, 0 if it did not happen.

    Attributes:
        approvals: until when each person's approval is valid.
        approvers: the people whose approval is valid, or was at the last decision.
        approved_at: when the newest of these approvals was given.
        expires_at: until when enough of them are valid.
        overrides: the change freezes that each approver has overridden.
        undo_overrides: the change freezes that were overridden for the rollback.
        action_in_doubt: the action failed, and it is unknown whether it was executed.
        beyond_limit: the action was started with a reason to exceed ``hourly_limit``.
        rollback_started_at: 0 again after a failed rollback.
        rollback_in_doubt: the number of the rollback attempt of unknown outcome, 0 if there is
            none.
    """

    status: str = "proposed"
    detail: str = ""
    proposed_at: float = 0.0
    approvals: Dict[str, float] = field(default_factory=dict)
    approvers: List[str] = field(default_factory=list)
    approved_at: float = 0.0
    overrides: Dict[str, List[str]] = field(default_factory=dict)
    undo_overrides: List[str] = field(default_factory=list)
    expires_at: float = 0.0
    started_at: float = 0.0
    beyond_limit: bool = False
    done_at: float = 0.0
    result: Dict[str, Any] = field(default_factory=dict)
    outcome: str = ""
    judged_at: float = 0.0
    rollback_started_at: float = 0.0
    rollbacks_failed: int = 0
    rollback_in_doubt: int = 0
    action_in_doubt: bool = False

    @property
    def executed(self) -> bool:
        """Whether the action was started; it is never started again."""
        return self.started_at > 0.0

    @property
    def finished(self) -> bool:
        """Whether nothing more happens automatically."""
        return self.status in FINISHED


def plan_state(plan: Mapping[str, Any], entries: Sequence[Entry], now: float) -> PlanState:
    """Compute a plan's state from its entries.

    ``now`` decides what has expired: a proposal after a day, an approval after its time.
    """
    state = PlanState(proposed_at=float(plan["created_at"]))
    for entry in effective(entries):
        if entry.data.get("plan_id") == plan["_key"]:
            _apply(state, plan, entry)
    if state.status == "approved" and now > state.expires_at:
        state.status, state.detail = "expired", "The approval expired before the plan was executed."
    if state.status == "proposed":
        state.approvers = _holding(state, now)
        if now > state.proposed_at + PROPOSAL_SECONDS:
            state.status, state.detail = "expired", "Nobody approved it within a day."
    return state


def before_run(plan: Mapping[str, Any], entries: Sequence[Entry], now: float) -> PlanState:
    """Return the state a plan would have without its action: whether it is still approved."""
    return plan_state(plan, [entry for entry in entries if entry.kind != "action"], now)


def _apply(state: PlanState, plan: Mapping[str, Any], entry: Entry) -> None:
    data = entry.data
    if entry.kind == "refused":
        if data.get("ends") and not state.executed and not state.finished:
            state.status, state.detail = str(data["ends"]), str(data.get("reason", ""))
    elif entry.kind == "approval":
        _approval(state, plan, entry)
    elif entry.kind == "action":
        _phase(state, entry, ("running", "done", "failed"))
        state.action_in_doubt = state.status == "failed" and not data.get("nothing_done")
    elif entry.kind == "verification":
        state.outcome, state.judged_at = str(data.get("outcome", "")), entry.time
        # A verdict from during the rollback says nothing about the current state.
        if state.status == "done":
            state.status, state.detail = state.outcome, str(data.get("detail", ""))
            # There is no inverse, or a person decides about the rollback.
            if state.outcome == "not_recovered" and (not plan["inverse"] or data.get("by_hand")):
                state.status = "did_not_help"
    elif entry.kind == "rollback":
        _phase(state, entry, ("rolling_back", "rolled_back", "rollback_failed"))
        if state.status == "rollback_failed":
            _not_rolled_back(state, nothing_done=bool(data.get("nothing_done")))


def _approval(state: PlanState, plan: Mapping[str, Any], entry: Entry) -> None:
    if state.status not in ("proposed", "approved") or not entry.actor:
        return
    if entry.data.get("decision") == "rejected":
        state.status, state.detail = "rejected", f"Rejected by {entry.actor}."
        return
    if entry.data.get("plan_hash") != plan["plan_hash"]:
        return
    state.approved_at = max(state.approved_at, entry.time)
    # An override is valid as long as its author's approval.
    known = state.overrides.get(entry.actor, []) if _holds(state, entry.actor, entry.time) else []
    state.overrides[entry.actor] = [*known, *_overridden(entry)]
    state.approvals[entry.actor] = float(entry.data.get("expires_at") or 0.0)
    state.approvers = _holding(state, entry.time)
    needed = int(plan["approvals"])
    if len(state.approvers) >= needed:
        state.expires_at = sorted(state.approvals.values())[-needed]
        state.status, state.detail = "approved", f"Approved by {', '.join(state.approvers)}."


def _overridden(entry: Entry) -> List[str]:
    """Return the ids of the change freezes that an entry overrides."""
    return list((entry.data.get("override") or {}).get("freezes") or [])


def _holding(state: PlanState, now: float) -> List[str]:
    return [actor for actor in state.approvals if _holds(state, actor, now)]


def _holds(state: PlanState, actor: str, now: float) -> bool:
    return now <= state.approvals.get(actor, 0.0)


def _phase(state: PlanState, entry: Entry, names: Tuple[str, str, str]) -> None:
    started, done, failed = names
    phase = entry.data.get("phase")
    state.detail = str(entry.data.get("detail", ""))
    if phase == "started":
        state.status = started
        if started == "running":
            state.started_at = entry.time
            state.beyond_limit = "hourly_limit" in (entry.data.get("override") or {})
        else:
            state.rollback_started_at = entry.time
            state.undo_overrides = _overridden(entry)
    elif phase == "done":
        state.status = done
        if done == "done":
            state.done_at = entry.time
            state.result = dict(entry.data.get("result") or {})
    elif phase == "failed":
        state.status = failed


def _not_rolled_back(state: PlanState, nothing_done: bool) -> None:
    """Apply a failed rollback: it may be tried again, and if it changed nothing the fix stays.

    So a fix without a verdict is still verified, and one that helped still counts. That a later
    attempt changed nothing says nothing about an earlier attempt of unknown outcome.
    """
    state.rollbacks_failed += 1
    state.rollback_started_at = 0.0
    if not nothing_done:
        state.rollback_in_doubt = state.rollbacks_failed
    if state.rollback_in_doubt:
        return
    if state.outcome in ("", "recovered"):
        state.status = state.outcome or "done"
        state.detail = f"It was not rolled back. {state.detail}"
