"""Forecast before a fix is executed how and when it will be verified."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Dict, Mapping, Optional

from ..durations import span
from ..incidents.model import Incident
from ..notify.message import listed
from ..ports import SearchFailed
from .catalogue import Action, CatalogueError
from .context import Context
from .plan import PlanState
from .raising_search import CannotJudge, RaisingSearch, opening_data, raising_searches
from .verdict import MAX_ENTITIES

__all__ = ["Forecast", "forecast_verification"]


@dataclass(frozen=True)
class Forecast:
    """Whether recovery can be verified (None: not known yet), in one or two sentences.

    ``seconds``: how long after the action the first verdict can come; 0 if none can.
    """

    provable: Optional[bool]
    detail: str
    seconds: float = 0.0

    def to_document(self) -> Dict[str, Any]:
        """Return the fields that a plan shows."""
        return {"provable": self.provable, "proof": self.detail}


def forecast_verification(context: Context, plan: Mapping[str, Any]) -> Forecast:
    """Check whether the raising searches can judge a fix, without running them."""
    if context.raising is None:
        return Forecast(None, "")
    try:
        action = context.catalogue.get(plan["action"])
        incident, _entries = context.surviving_incident(plan["incident_id"])
        found = _foreseen(context, context.raising(), action, incident)
        undone = _undone(context, plan, action, incident) if plan["inverse"] else ""
        return replace(found, detail=found.detail + undone)
    except CannotJudge as reason:
        undone = " and the fix is not rolled back automatically" if plan["inverse"] else ""
        detail = f"Recovery can't be verified automatically, so a person decides{undone}: {reason}"
        return Forecast(False, detail)
    except (SearchFailed, CatalogueError) as error:
        return Forecast(None, f"It is not known yet whether recovery can be verified: {error}")


def _undone(context: Context, plan: Mapping[str, Any], action: Action, standing: Incident) -> str:
    """Return the sentence that says when the fix is rolled back automatically."""
    if not action.undo_by_itself:
        return " It is not rolled back automatically."
    _incident, entries = context.incident(plan["incident_id"])
    opener = opening_data(entries).get("search") or {}
    name = opener.get("name") or opener.get("monitor")
    if not name:
        return " No search opened the incident, so the fix is not rolled back automatically."
    if len(raising_searches(context.stores, standing)) > 1:
        return (
            f" If '{name}', which opened the incident, and every other search still find "
            "the problem, the fix is rolled back automatically."
        )
    return (
        f" If '{name}', which opened the incident, still finds the problem, the fix is rolled "
        "back automatically."
    )


def _foreseen(
    context: Context, raising: RaisingSearch, action: Action, incident: Incident
) -> Forecast:
    now = context.clock.now()
    if len(incident.entities) > MAX_ENTITIES:
        raise CannotJudge(f"The incident has more than {MAX_ENTITIES} entities.")
    searches = raising_searches(context.stores, incident)
    grids = [raising.grid(search, now) for search in searches]
    state = PlanState(started_at=now, done_at=now)
    seconds = max(grid.first(action, state).after[1] + grid.lag for grid in grids) - now
    names = sorted({str(one.get("name") or one.get("monitor")) for one in searches})
    quoted = listed([f"'{name}'" for name in names])
    verb = "is" if len(names) == 1 else "are"
    detail = f"{quoted} {verb} run again; the verdict comes about {span(seconds)} after the fix."
    return Forecast(True, detail, seconds)
