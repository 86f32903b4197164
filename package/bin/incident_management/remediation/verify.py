"""Whether a fix helped: the search or the monitor that raised the incident decides.

It is run over two windows of the same length, one that ends where the action began and one after
it. ``recovered`` takes all of: the search finds the incident's entities in the first, none of
them in the second, and those that it found had enough events in the second, so that silence is
not mistaken for health. Anything less is ``insufficient_data``, which is waited out up to a limit
and never counts as recovered.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping, Optional, Protocol, Sequence, Set

from ..incidents import lifecycle
from ..incidents.errors import IllegalMove
from ..incidents.model import Incident
from ..ports import Searcher, SearchFailed
from ..splunk import spl
from .approval import live_plans
from .catalogue import Action, CatalogueError
from .context import SYSTEM, Context, Refused
from .execution import undo
from .plan import PlanState

__all__ = ["CannotJudge", "Grid", "RaisingSearch", "Rerun", "Verifier", "Windows", "windows"]

# Events reach the index late; a window is judged this long after its end.
INDEX_LAG_SECONDS = 5.0
SAMPLED_ENTITIES = 10


@dataclass(frozen=True)
class Rerun:
    """What the raising search found in a window: rows, by the field that names the entity.

    ``events``: how many events it saw of an entity, found or not; where it can tell.
    """

    spl: str
    entity_field: str
    rows: List[Dict[str, Any]]
    events: Mapping[str, int] = field(default_factory=dict)

    def entities(self) -> Set[str]:
        """The entities that it found."""
        found: Set[str] = set()
        for row in self.rows:
            value = row.get(self.entity_field)
            found.update(str(v) for v in (value if isinstance(value, list) else [value]) if v)
        return found


class CannotJudge(Exception):
    """What raised the incident can't be asked again, and won't be; the text says why."""


@dataclass(frozen=True)
class Grid:
    """Which windows can be judged, in seconds: whole multiples of ``span``, ``lag`` after the end.

    ``span`` 0: any window.
    """

    span: int = 0
    lag: float = INDEX_LAG_SECONDS


class RaisingSearch(Protocol):
    """Asks again, over another window, what raised an incident, without its actions.

    ``search`` is an incident's ``search``: that of a saved search has its ``name``, that of a
    monitor has ``monitor``. Both methods raise SearchFailed and CannotJudge.
    """

    def grid(self, search: Mapping[str, Any]) -> Grid:
        """Tell which windows it can judge."""

    def run(self, search: Mapping[str, Any], earliest: float, latest: float) -> Rerun:
        """Judge a window of its grid; times are epoch seconds."""


@dataclass(frozen=True)
class Windows:
    """Epoch seconds; both windows have the same length."""

    before: tuple[float, float]
    after: tuple[float, float]

    def to_document(self) -> Dict[str, Any]:
        """As it stands on the timeline."""
        return {"before": list(self.before), "after": list(self.after)}


@dataclass
class _Judgement:
    outcome: str
    detail: str
    before: List[str] = field(default_factory=list)
    after: List[str] = field(default_factory=list)
    samples: Dict[str, int] = field(default_factory=dict)
    spl: str = ""


def windows(action: Action, state: PlanState, now: float, grid: Grid = Grid()) -> Optional[Windows]:
    """Return the newest complete pair of windows, or None while the first is not over."""
    begin, begun = state.done_at + action.verify_delay, state.started_at
    length = action.verify_window
    if grid.span:
        span = float(grid.span)
        begin, begun = math.ceil(begin / span) * span, math.floor(begun / span) * span
        length = math.ceil(length / span) * span
    complete = int((now - grid.lag - begin) // length)
    if complete < 1:
        return None
    start = begin + (complete - 1) * length
    return Windows(
        (round(begun - length, 3), round(begun, 3)),
        (round(start, 3), round(start + length, 3)),
    )


class Verifier:
    """Checks the plans that were carried out, resolves or rolls back."""

    def __init__(self, context: Context, searcher: Searcher, raising: RaisingSearch) -> None:
        self._context = context
        self._searcher = searcher
        self._raising = raising
        self._judged: Set[str] = set()

    def use(self, context: Context) -> None:
        """Go on with newer configuration."""
        self._context = context

    def run(self, limit: int = 20, failed: Optional[Callable[[str, str], None]] = None) -> int:
        """Look after every live plan; returns how many were judged.

        A plan whose searches fail, or that can't be undone just now, is tried again next time;
        ``failed`` gets its id and why.
        """
        count = 0
        for plan in live_plans(self._context)[:200]:
            if count >= limit:
                break
            try:
                count += self.look_after(plan["_key"])
            except (SearchFailed, CatalogueError, Refused) as error:
                if failed is not None:
                    failed(plan["_key"], str(error))
        return count

    def look_after(self, plan_id: str) -> bool:
        """Take one plan a step further, if there is one to take.

        Raises SearchFailed, CatalogueError, and Refused when it can't be undone just now.
        """
        plan, _entries, state = self._context.load(plan_id)
        if state.status != "done":
            return self._follow(plan, state)
        return self._judge(plan, state)

    def _follow(self, plan: Mapping[str, Any], state: PlanState) -> bool:
        """Do what a verdict asks for; done again after a crash, as the plan is then still live."""
        if state.status == "recovered":
            return self._resolve(plan)
        if state.status == "not_recovered":
            undo(self._context, plan["_key"])
            return True
        return False

    def _judge(self, plan: Mapping[str, Any], state: PlanState) -> bool:
        action = self._context.catalogue.get(plan["action"])
        now = self._context.clock.now()
        incident, _entries = self._context.incident(plan["incident_id"])
        pair = windows(action, state, now, self._grid(incident))
        if pair is None:
            return False
        turn = f"{plan['_key']}:{pair.after[0]}"
        if turn in self._judged:
            return False
        judgement = self._compare(incident, action, pair)
        self._judged.add(turn)
        waited = now - state.done_at
        if judgement.outcome == "insufficient_data" and waited < action.verify_limit:
            return False
        if self._context.load(plan["_key"])[2].status != "done":
            # Somebody began to undo it while the search ran.
            return False
        self._write(plan, pair, judgement)
        self._follow(plan, self._context.show(plan))
        return True

    def _grid(self, incident: Incident) -> Grid:
        try:
            return self._raising.grid(incident.search)
        except CannotJudge:
            return Grid()  # Why is the verdict's detail.

    def _compare(self, incident: Incident, action: Action, pair: Windows) -> _Judgement:
        own = set(incident.entities)
        try:
            before = self._raising.run(incident.search, *pair.before)
            after = self._raising.run(incident.search, *pair.after)
        except CannotJudge as error:
            return _Judgement("insufficient_data", str(error))
        failing = sorted(before.entities() & own)
        still = sorted(after.entities() & own)
        judgement = _Judgement("", "", failing, still, {}, after.spl)
        if still:
            judgement.outcome = "not_recovered"
            judgement.detail = f"The search still finds {', '.join(still)} after the fix."
            return judgement
        if not failing:
            judgement.outcome = "insufficient_data"
            judgement.detail = (
                "The search does not find the problem in as long a window before the fix, so "
                "that it finds none after it proves nothing."
            )
            return judgement
        judgement.samples = {
            entity: self._samples(action, entity, pair, after.events.get(entity, 0))
            for entity in failing[:SAMPLED_ENTITIES]
        }
        _weigh(judgement, action.min_samples)
        return judgement

    def _samples(self, action: Action, entity: str, pair: Windows, seen: int) -> int:
        """How many events an entity produced in the second window; ``seen`` it is known to have."""
        if seen >= action.min_samples or not spl.is_searchable(entity):
            return seen
        of_entity = spl.either(*(spl.field_is(name, entity) for name in action.sample_fields))
        search = spl.Search(spl.macro("incident_indexes"), of_entity).pipe(spl.stats("count"))
        earliest, latest = (f"{when:.3f}" for when in pair.after)
        rows = self._searcher.run(str(search), earliest, latest, limit=1).rows
        return max(seen, int(float(rows[0].get("count") or 0)) if rows else 0)

    def _write(self, plan: Mapping[str, Any], pair: Windows, judgement: _Judgement) -> None:
        data = {
            "outcome": judgement.outcome,
            "detail": judgement.detail,
            "before": judgement.before,
            "after": judgement.after,
            "windows": pair.to_document(),
            "samples": [
                {"entity": entity, "events": events} for entity, events in judgement.samples.items()
            ],
            "spl": judgement.spl,
        }
        self._context.append(plan, "verification", data, SYSTEM, f"verification:{plan['_key']}")

    def _resolve(self, plan: Mapping[str, Any]) -> bool:
        """Resolve the incident that a plan has cured, unless somebody did."""
        incident, _entries = self._context.incident(plan["incident_id"])
        if not incident.is_open:
            self._context.show(plan)
            return False
        try:
            lifecycle.resolve(
                self._context.stores,
                self._context.clock,
                incident.id,
                SYSTEM,
                resolution=f"{plan['summary']} The raising search finds it no more.",
                reason=f"Recovery verified after {plan['_key']}.",
                once=f"resolve:{plan['_key']}",
            )
        except IllegalMove:
            # Somebody resolved it between the look and the move: that is as good.
            return False
        self._context.show(plan)
        return True


def _weigh(judgement: _Judgement, enough: int) -> None:
    few: Sequence[str] = [
        f"{entity} ({events})" for entity, events in judgement.samples.items() if events < enough
    ]
    if few:
        judgement.outcome = "insufficient_data"
        judgement.detail = (
            f"Too few events after the fix to tell, fewer than {enough}: {', '.join(few)}."
        )
    else:
        judgement.outcome = "recovered"
        judgement.detail = (
            f"The search found {', '.join(judgement.before)} before the fix and none of them "
            "after it, while they went on working."
        )
