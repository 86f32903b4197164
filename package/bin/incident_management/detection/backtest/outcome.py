"""What a replay shows about a detection: pages a day, known incidents found, a threshold.

A page is an incident that is opened or reopened. Times are epoch seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

from ...incidents.grouping import Topology
from ..thresholds import threshold_of, without_threshold
from .replay import BacktestFailed, Replay, Setting, Simulated, Window, simulate
from .request import BacktestRequest

__all__ = [
    "COLUMNS",
    "Recorded",
    "compare_settings",
    "propose_threshold",
    "search_without_threshold",
    "setting_columns",
    "summarize",
]

COLUMNS = (
    "kind", "setting", "rule", "threshold", "opened_at", "first_time", "last_time", "resolved_at",
    "entities", "severity", "signals", "events", "title", "reopened", "known", "lead_seconds",
    "incidents", "pages", "pages_per_day", "known_incidents", "known_found", "known_missed",
    "unknown", "runs", "runs_fired", "throttled", "suppressed", "searches", "search_seconds",
    "truncated_runs", "quiet",
)  # fmt: skip
"""Of every row, as a search command has the same columns throughout; incidents leave the summary's
blank, and a summary the incidents'."""
MAX_THRESHOLDS = 60
CALM = 900.0
"""Seconds without a finding that end an incident where a threshold is looked for."""
USUAL = 0.25
"""The share of runs above which what they find is how things are, and no incident."""


@dataclass(frozen=True)
class Recorded:
    """An incident that was actually opened in the past."""

    id: str
    opened_at: float
    first_time: float
    last_time: float
    entities: Tuple[str, ...]

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Recorded:
        opened = _number(row.get("opened_at"), 0.0)
        first = _number(row.get("first_time"), opened)
        entities = row.get("entities") or []
        names = entities if isinstance(entities, list) else str(entities).splitlines()
        last = max(opened, _number(row.get("last_time"), opened))
        return cls(str(row.get("id") or row.get("_key")), opened, first, last, tuple(names))

    def overlaps(self, row: Mapping[str, Any], slack: float) -> bool:
        """Return whether a replayed incident shares an entity with this one at about its time."""
        return (
            not set(self.entities).isdisjoint(row["entities"])
            and row["first_time"] <= self.last_time + slack
            and row["last_time"] >= self.first_time - slack
        )


def compare_settings(
    run: Replay, request: BacktestRequest, recorded: Optional[Sequence[Recorded]]
) -> Iterator[Dict[str, Any]]:
    """Yield the rows of each requested setting, from one round of searches.

    Args:
        recorded: the incidents of that time; None if they are unknown.
    """
    plain, target = run.setting.changed(request.changes), request.target_pages_per_day
    settings = {"as asked": plain}
    if request.compare:
        settings["compared"] = plain.changed(request.compare)
    loose: List[Window] = []
    if target is not None or any(one.threshold is not None for one in settings.values()):
        spl, metric = search_without_threshold(run.detection.spl)
        loose = run.windows(spl)
        # Settings without a limit of their own use the search's own limit.
        own = None if run.truncated_runs else run.limit
        for label, one in settings.items():
            limit = own if one.threshold is None else one.threshold
            settings[label] = replace(one, metric=metric, threshold=limit)
    is_plain = any(one.threshold is None for one in settings.values())
    windows = run.windows() if is_plain else []
    for label, one in settings.items():
        if one.threshold is None:
            yield from _rows_of(run, windows, one, recorded, label, run.limit)
        else:
            yield from _rows_of(run, loose, one, recorded, label, one.threshold)
    if target is not None:
        threshold = propose_threshold(loose, settings["as asked"], run.topology, run.days, target)
        chosen = replace(settings["as asked"], threshold=threshold)
        yield from _rows_of(run, loose, chosen, recorded, "proposed", threshold)


def _rows_of(
    run: Replay,
    windows: Sequence[Window],
    setting: Setting,
    recorded: Optional[Sequence[Recorded]],
    label: str,
    limit: Optional[float],
) -> Iterator[Dict[str, Any]]:
    found = simulate(windows, setting, run.topology)
    rows, summary = summarize(found, len(windows), run.days, recorded, run.step, label)
    yield from rows
    yield {**summary, **setting_columns(run.detection.name, limit, setting.quiet), **run.costs()}


def setting_columns(rule: str, limit: Optional[float], quiet: float) -> Dict[str, str]:
    """Return the columns of a summary row that describe its setting."""
    return {
        "rule": rule,
        "threshold": "" if limit is None else f"{limit:g}",
        "quiet": f"{quiet:g}" if quiet else "never",
    }


def summarize(
    simulated: Simulated,
    runs: int,
    days: float,
    recorded: Optional[Sequence[Recorded]],
    slack: float,
    label: str,
) -> Tuple[List[Dict[str, Any]], Dict[str, Any]]:
    """Return the rows of a setting's incidents, with their recorded overlaps, and the summary row.

    ``lead_seconds`` is how long before the earliest overlapping recorded incident the replayed one
    would have been opened; it is negative if it would have been opened later.

    Args:
        runs: the number of runs.
        days: the number of days they cover.
        recorded: None if unknown; then the columns that compare with it stay empty.
    """
    found: Set[str] = set()
    leads: List[float] = []
    rows = []
    for row in simulated.incidents:
        mine = [one for one in recorded or () if one.overlaps(row, slack)]
        found.update(one.id for one in mine)
        lead = min((one.opened_at - row["opened_at"] for one in mine), default=None)
        if lead is not None:
            leads.append(lead)
        rows.append(
            {
                "kind": "incident",
                "setting": label,
                **row,
                "known": [one.id for one in mine],
                "lead_seconds": "" if lead is None else round(lead),
            }
        )
    summary = {
        "kind": "summary",
        "setting": label,
        "incidents": len(rows),
        "pages": simulated.pages,
        "pages_per_day": round(simulated.pages / days, 2),
        "runs": runs,
        "runs_fired": simulated.runs_fired,
        "throttled": simulated.throttled,
        "suppressed": simulated.suppressed,
        "lead_seconds": round(sorted(leads)[len(leads) // 2]) if leads else "",
    }
    if recorded is not None:
        summary.update(
            known_incidents=len(recorded),
            known_found=len(found),
            known_missed=sorted(one.id for one in recorded if one.id not in found),
            unknown=sum(1 for row in rows if not row["known"]),
        )
    return rows, summary


def search_without_threshold(spl: str) -> Tuple[str, str]:
    """Return a search without its threshold, and the field that the threshold compares.

    Raises BacktestFailed unless the last ``where`` has exactly one condition ``field > number``,
    where a macro may stand for the number.
    """
    loose = without_threshold(spl)
    if loose is None:
        raise BacktestFailed(
            "The search has no threshold that can be changed. End it "
            "with | where count > 5, with a "
            "number or a macro; other conditions may follow AND."
        )
    return loose, threshold_of(spl)[0]


def propose_threshold(
    windows: Sequence[Window], setting: Setting, topology: Topology, days: float, wanted: float
) -> Optional[float]:
    """Return the lowest threshold with at most ``wanted`` pages a day; None if any threshold does.

    The threshold is lowered from the highest value seen, until there are more pages or more than
    the share ``USUAL`` of the runs find something. Below that point the detection fires all the
    time, which makes one incident without an end and therefore few pages. For the same reason an
    incident counts as over after ``CALM`` seconds here, however long that takes in the app.

    Of many values, an even selection is tried. The result is None if no value was above 0.

    Args:
        days: the number of days that the windows cover.
    """
    seen = sorted({_number(row.get(setting.metric), 0.0) for w in windows for row in w.rows})
    if not seen:
        return None
    pace = max(1, -(-len(seen) // MAX_THRESHOLDS))
    calmer = replace(setting, quiet=min(setting.quiet or CALM, CALM))
    lowest = None
    for threshold in sorted({0.0, *seen[::pace], seen[-1]}, reverse=True):
        found = simulate(windows, replace(calmer, threshold=threshold), topology)
        if found.pages / days > wanted or found.runs_fired > USUAL * len(windows):
            break
        lowest = threshold
    if lowest is None:
        raise BacktestFailed(
            "No threshold gives so few pages; raise target_pages_per_day."
        )  # the highest value itself gives no findings
    return lowest


def _number(value: Any, default: float) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return default
