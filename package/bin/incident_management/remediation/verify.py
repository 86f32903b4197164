"""Verify executed plans: judge each fix, then resolve its incident or roll the fix back.

The verifier waits until the windows of the raising searches (:mod:`.raising_search`) are over. Up
to a limit it also waits for a failing search to work again, and for enough events. After the limit
the plan ends as ``insufficient_data``: nothing is resolved or rolled back, and the entity is free
for another plan. A worker that comes too late ends the plan the same way, because what a search
finds then may be another problem.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, Mapping, Optional, Set

from ..durations import span
from ..incidents import lifecycle, timeline
from ..incidents.act import Act
from ..incidents.errors import IllegalMove
from ..ports import Searcher
from .active_plans import affects_all_plans, error_text, for_each_plan
from .auto_resolve import has_new_findings, resolve_once, stays_open, verdict_once
from .context import SYSTEM, Context
from .executors.executor import Outcome
from .executors.traits import traits_of
from .plan import PlanState
from .raising_search import (
    CannotJudge,
    RaisingSearch,
    opening_data,
    raising_searches,
    search_identity,
)
from .rollback import roll_back_automatically
from .safety import SKEW_SECONDS
from .steps import action_step, query_outcome
from .verdict import INSUFFICIENT, NOT_RECOVERED, RECOVERED, Judgement, RollbackRule, judge

__all__ = ["Verifier"]

# The first windows may end later than an action's limit; their judgement may take this long.
FIRST_TRY_SECONDS = 120.0
# A verdict this long after the limit says nothing about the fix.
LATE_SECONDS = 600.0
# An action that was removed from the catalogue has no limit; one failure may be temporary.
SHORTEST_LIMIT_SECONDS = 120.0
# The pause after a failure; doubled each time.
PAUSE_SECONDS = 30.0
LONGEST_PAUSE_SECONDS = 300.0


@dataclass
class _Schedule:
    """When a plan is judged next, and the deadline for that; epoch seconds."""

    deadline: float
    next: float = 0.0
    failures: int = 0

    def failed(self, now: float) -> None:
        pause = min(LONGEST_PAUSE_SECONDS, PAUSE_SECONDS * 2**self.failures)
        self.failures += 1
        self.next = min(now + pause, max(now, self.deadline))


class Verifier:
    """Verifies executed plans, then resolves their incidents or rolls the fixes back."""

    def __init__(self, context: Context, searcher: Searcher, raising: RaisingSearch) -> None:
        self._context = context
        self._searcher = searcher
        self._raising = raising
        self._schedules: Dict[str, _Schedule] = {}

    def use(self, context: Context) -> None:
        """Continue with newer configuration."""
        self._context = context

    def run(self, failed: Optional[Callable[[str, str], None]] = None) -> int:
        """Process every active plan; returns how many were judged.

        A plan whose searches fail, or that can't be rolled back right now, is tried again later;
        see :func:`.active_plans.for_each_plan`.
        """
        return for_each_plan(self._context, self.verify_plan, failed)

    def verify_plan(self, plan_id: str) -> bool:
        """Process one plan. Returns whether something was done.

        Raises SearchFailed, CatalogueError, and Refused if it can't be rolled back right now.
        """
        plan, _entries, state = self._context.load(plan_id)
        if state.status != "done":
            self._schedules.pop(plan_id, None)
            return self._act_on_verdict(plan, state)
        return self._judge(plan, state)

    def _act_on_verdict(self, plan: Mapping[str, Any], state: PlanState) -> bool:
        """Do what a verdict requires. A crash repeats it, as the plan is then still active."""
        if state.status == "recovered":
            return self._resolve(plan, state)
        if state.status == "not_recovered":
            roll_back_automatically(self._context, plan["_key"])
            return True
        return False

    def _judge(self, plan: Mapping[str, Any], state: PlanState) -> bool:
        now = self._context.clock.now()
        turn = self._schedules.setdefault(
            plan["_key"], _Schedule(state.done_at + SHORTEST_LIMIT_SECONDS)
        )
        ahead = max(state.started_at, state.done_at) - now
        if ahead > SKEW_SECONDS:
            sentence = (
                f"It was executed {span(ahead)} in the future by this machine's clock, so "
                "what came before it can't be told from what came after: synchronize the "
                "clocks."
            )
            return self._conclude(plan, Judgement(INSUFFICIENT, sentence))
        if now < turn.next:
            return False
        try:
            judgement = self._judgement(plan, state, turn, now)
        except CannotJudge as error:
            turn.failed(now)
            judgement = Judgement(INSUFFICIENT, str(error))
        except Exception as error:
            # Catch unexpected errors too: an unfinished plan would keep its entity locked.
            turn.failed(now)
            if now < turn.deadline or affects_all_plans(error):
                raise
            judgement = Judgement(INSUFFICIENT, error_text(error))
        if judgement is None or (judgement.outcome == INSUFFICIENT and now < turn.deadline):
            return False
        return self._conclude(plan, judgement)

    def _judgement(
        self, plan: Mapping[str, Any], state: PlanState, turn: _Schedule, now: float
    ) -> Optional[Judgement]:
        """Judge by the newest windows that are over; None until the first ones are."""
        action = self._context.catalogue.get(plan["action"])
        turn.deadline = max(turn.deadline, state.done_at + action.verify_limit)
        incident, entries = self._context.surviving_incident(plan["incident_id"])
        known = {entry.key for entry in entries}
        searches = raising_searches(self._context.stores, incident)
        grids = [self._raising.grid(search, state.done_at) for search in searches]
        over = max(grid.first(action, state).after[1] + grid.lag for grid in grids)
        turn.deadline = max(turn.deadline, over + FIRST_TRY_SECONDS)
        if now < over:
            turn.next = over
            return None
        if now > turn.deadline + LATE_SECONDS:
            return self._too_late(state)
        pairs = [grid.newest(action, state, now) for grid in grids]
        asked = list(zip(searches, pairs))
        rule = self._rollback_rule(plan)
        judgement = judge(self._raising, self._searcher, action, incident, asked, rule)
        if self._context.clock.now() > turn.deadline + LATE_SECONDS:
            return self._too_late(state)  # The searches took too long.
        following = [pair.after[1] + pair.length + grid.lag for pair, grid in zip(pairs, grids)]
        turn.next = min([turn.deadline, *following])
        turn.failures = 0
        judgement = self._unless_new_findings(plan, judgement, known)
        return self._if_fix_in_place(plan, state, judgement, turn)

    def _too_late(self, state: PlanState) -> Judgement:
        late = span(self._context.clock.now() - state.done_at)
        return Judgement(INSUFFICIENT, f"It was verified {late} after the fix, which is too late.")

    def _rollback_rule(self, plan: Mapping[str, Any]) -> RollbackRule:
        """Return which search can have a plan rolled back, from its incident's entries."""
        _incident, entries = self._context.incident(plan["incident_id"])
        opened = opening_data(entries)
        names = {str(one).lower() for one in (*opened.get("entities", ()), plan["entity"])}
        entities = (one for one in plan["state"]["entities"] if one.lower() in names)
        return RollbackRule(search_identity(opened.get("search") or {}), frozenset(entities))

    def _unless_new_findings(
        self, plan: Mapping[str, Any], judgement: Judgement, known: Set[str]
    ) -> Judgement:
        """Turn a recovery into insufficient data if a finding arrived while it was judged."""
        _incident, entries = self._context.surviving_incident(plan["incident_id"])
        if judgement.outcome == RECOVERED and has_new_findings(known, entries):
            judgement.outcome = INSUFFICIENT
            judgement.detail = "A new finding arrived while the fix was being verified."
        return judgement

    def _if_fix_in_place(
        self, plan: Mapping[str, Any], state: PlanState, judgement: Judgement, turn: _Schedule
    ) -> Judgement:
        """Accept a recovery only while the service still runs what the fix deployed.

        Someone else's release may have cured it, or the fix may have been reverted.
        """
        if judgement.outcome != RECOVERED:
            return judgement
        step = action_step(self._context, plan)
        found = query_outcome(self._context, step, step.run)
        if found.status == "done":
            made = traits_of(step.action.executor).result_id
            mine, now = (str(one.get(made) or "") for one in (state.result, found.result))
            if not (mine and now) or mine == now:
                return judgement
            by = made.replace("_", " ")
            sentence = (
                f"It is in place by {by} {now[:100]}, which someone made since, not by {mine}."
            )
            found = Outcome("failed", sentence)
        if found.status != "unknown":
            turn.deadline = 0.0  # The fix is gone, so waiting does not help.
        judgement.outcome = INSUFFICIENT
        judgement.detail = (
            "The search no longer finds it, but that does not prove that the fix worked: "
            f"{found.detail}"
        )
        return judgement

    def _conclude(self, plan: Mapping[str, Any], judgement: Judgement) -> bool:
        """Record a verdict and act on it, unless someone has started a rollback."""
        if self._context.load(plan["_key"])[2].status != "done":
            return False
        self._schedules.pop(plan["_key"], None)
        data = judgement.to_data()
        action = self._context.catalogue.actions.get(plan["action"])
        if judgement.outcome == NOT_RECOVERED and action and not action.undo_by_itself:
            data["by_hand"] = True
        self._context.append(plan, "verification", data, SYSTEM, verdict_once(plan))
        self._act_on_verdict(plan, self._context.refresh(plan))
        return True

    def _resolve(self, plan: Mapping[str, Any], state: PlanState) -> bool:
        """Resolve the incident that a plan cured, unless people or findings keep it open."""
        act = Act(self._context.stores, self._context.clock, SYSTEM, resolve_once(plan))
        incident, entries = self._context.surviving_incident(plan["incident_id"])
        is_kept, why = stays_open(plan, state, incident, entries)
        if is_kept:
            if why:
                text = f"{plan['_key']} helped, but {incident.id} stays open: {why}"
                once = f"kept open:{plan['_key']}"
                timeline.record(act, incident.id, "note", {"text": text}, once)
            self._context.refresh(plan)
            return False
        try:
            ending = lifecycle.Ending(
                resolution=f"{plan['summary']} The raising search no longer finds it.",
                reason=f"Recovery verified after {plan['_key']}.",
            )
            lifecycle.resolve(act, incident.id, ending, by_itself=True)
        except IllegalMove:
            # Someone resolved it meanwhile.
            return False
        known, reason = (
            {entry.key for entry in entries},
            "A new finding arrived while it was being resolved.",
        )
        lifecycle.reopen_if_found(act, incident.id, known, reason)
        self._context.refresh(plan)
        return True
