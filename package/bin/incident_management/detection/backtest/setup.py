"""Set up a replay from what splunkd knows: the saved search, its schedule, routing, topology."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, List, Mapping, Optional, Protocol, Sequence, Tuple

from ...incidents.grouping import Topology
from ...incidents.routing import Routing
from ...incidents.suppression import Suppression
from ...ports import Searcher, SearchFailed, SearchResult
from ...splunk import conf, spl
from ...splunk.session import Session, SplunkError
from ..options import Duration, Kind, Number, parse_options
from ..timemodifiers import resolve
from .judging import COLUMNS, Recorded, judged, loosened, proposed
from .replay import BacktestFailed, Detection, Replay, Setting, Simulated, Window, simulate

__all__ = ["SPANS", "Asked", "compared", "parse_compare", "replay", "step_of"]

SPANS = ("quiet", "group_window", "reopen_window")

QUIET_RUNS = 3
"""Runs without a finding after which an incident counts as recovered, unless told otherwise."""


class SavedSearchReader(Protocol):
    """A searcher that can also read saved searches."""

    def run(
        self, spl: str, earliest: str, latest: str, limit: int = 1000, timeout: float = 60.0
    ) -> SearchResult: ...

    def saved_search(self, name: str, app: str, owner: str) -> Any: ...


@dataclass(frozen=True)
class Asked:
    """What a replay is asked for; spans in seconds. None: as it is configured.

    ``compare`` holds settings (threshold, quiet, group_window, reopen_window) of a second run
    beside the first; ``target_pages_per_day`` asks for a threshold.
    """

    earliest: str
    latest: str
    step: Optional[float] = None
    threshold: Optional[float] = None
    quiet: Optional[float] = None
    group_window: Optional[float] = None
    reopen_window: Optional[float] = None
    compare: Mapping[str, float] = field(default_factory=dict)
    target_pages_per_day: Optional[float] = None


def replay(
    session: Session,
    searcher: SavedSearchReader,
    now: float,
    name: str,
    app: str,
    owner: str,
    asked: Asked,
) -> Iterator[Dict[str, Any]]:
    """Replay a saved search: a row an incident, then a summary row, of each setting.

    The searches are run once, whatever is compared. Raises BacktestFailed with one sentence.
    """
    try:
        saved = searcher.saved_search(name, app, owner)
        routing = Routing.from_stanzas(conf.load(session, "incident_routing"))
        start, end = resolve(asked.earliest, now), resolve(asked.latest, now)
    except (SearchFailed, SplunkError, ValueError) as error:
        raise BacktestFailed(str(error)) from error
    detection = Detection(name, app, owner, saved.spl, saved.earliest, saved.latest, saved.settings)
    seconds = asked.step or step_of(saved.settings.get("cron_schedule", ""))
    if not seconds:
        raise BacktestFailed(
            f"How often '{name}' runs can't be told from its schedule; give step=, such as step=5m."
        )
    # Runs are done when cron would do them: on whole steps.
    start = -(-start // seconds) * seconds
    quiet = QUIET_RUNS * seconds
    run = Replay(
        detection,
        searcher,
        start,
        end,
        seconds,
        quiet,
        routing,
        _topology(searcher),
        _suppressions(searcher),
    )
    for row in compared(run, asked, _recorded(searcher, start, end)):
        yield {column: row.get(column, "") for column in COLUMNS}


def compared(run: Replay, asked: Asked, recorded: Sequence[Recorded]) -> Iterator[Dict[str, Any]]:
    """Yield the rows of each setting that is asked for, from one round of searches."""
    base = Setting(run.detection, run.routing, run.quiet, suppressions=run.suppressions)
    plain = _changed(base, asked, {})
    settings = [("as asked", plain)]
    if asked.compare:
        settings.append(("compared", _changed(plain, None, asked.compare)))
    wants_threshold = asked.target_pages_per_day is not None or any(
        one.threshold is not None for _label, one in settings
    )
    windows = None
    loose: List[Window] = []
    if wants_threshold:
        spl, metric = loosened(run.detection.spl)
        loose = run.windows(spl)
        settings = [(label, dataclasses.replace(one, metric=metric)) for label, one in settings]
    for label, setting in settings:
        if setting.threshold is None and windows is None:
            windows = run.windows()
        chosen = loose if setting.threshold is not None else windows or []
        found = simulate(chosen, setting, run.topology)
        yield from _told(run, chosen, found, recorded, label, setting.threshold)
    if asked.target_pages_per_day is not None:
        setting = settings[0][1]
        threshold, found = proposed(
            loose, setting, run.topology, run.step, asked.target_pages_per_day
        )
        yield from _told(run, loose, found, recorded, "proposed", threshold)


def _told(
    run: Replay,
    windows: Sequence[Window],
    found: Simulated,
    recorded: Sequence[Recorded],
    label: str,
    threshold: Optional[float],
) -> Iterator[Dict[str, Any]]:
    rows, summary = judged(found, windows, run.step, recorded, run.step, label)
    yield from rows
    yield {
        **summary,
        "rule": run.detection.name,
        "threshold": "" if threshold is None else f"{threshold:g}",
        "searches": run.searches,
        "search_seconds": round(run.search_seconds, 3),
        "truncated_runs": run.truncated_runs,
    }


def _changed(setting: Setting, asked: Optional[Asked], values: Mapping[str, float]) -> Setting:
    def value(key: str) -> Optional[float]:
        return values.get(key) if asked is None else getattr(asked, key)

    routing = setting.routing
    group, reopen = value("group_window"), value("reopen_window")
    quiet, threshold = value("quiet"), value("threshold")
    return dataclasses.replace(
        setting,
        routing=dataclasses.replace(
            routing,
            group_window=routing.group_window if group is None else group,
            reopen_window=routing.reopen_window if reopen is None else reopen,
        ),
        quiet=setting.quiet if quiet is None else quiet,
        threshold=setting.threshold if threshold is None else threshold,
    )


def parse_compare(text: str) -> Dict[str, float]:
    """Read ``threshold=9,group_window=1h``. Raises ValueError with one sentence."""
    kinds: Dict[str, Kind] = {name: Duration() for name in SPANS}
    kinds["threshold"] = Number(-1e12, 1e12)
    given = dict(part.partition("=")[::2] for part in text.replace(" ", "").split(",") if part)
    for name in given:
        if name not in kinds:
            raise ValueError(
                f"The option compare is wrong: '{name[:60]}' can't be compared; use "
                f"{', '.join(kinds)}."
            )
    return {name: one for name, one in parse_options(kinds, given).items() if one is not None}


def _recorded(searcher: Searcher, start: float, end: float) -> List[Recorded]:
    """The incidents of that time which the searcher may see; none where it may see none."""
    search = spl.Search(commands=[spl.command("inputlookup", spl.quote("incidents"))])
    try:
        rows = searcher.run(str(search), "0", "now", limit=10000).rows
    except SearchFailed:
        return []
    known = [Recorded.of(row) for row in rows]
    return [one for one in known if one.last_time >= start and one.first_time <= end]


def step_of(cron: str) -> Optional[float]:
    """Return the seconds between runs of a regular cron schedule, None for any other."""
    patterns = (
        (r"\* \* \* \* \*", lambda m: 60.0),
        (r"(?:\*|\d+)/(\d+) \* \* \* \*", lambda m: 60.0 * int(m[1])),
        (r"(?:\d+-59)/(\d+) \* \* \* \*", lambda m: 60.0 * int(m[1])),
        (r"\d+ \* \* \* \*", lambda m: 3600.0),
        (r"\d+ \*/(\d+) \* \* \*", lambda m: 3600.0 * int(m[1])),
        (r"\d+ \d+ \* \* \*", lambda m: 86400.0),
    )
    for pattern, seconds in patterns:
        match = re.fullmatch(pattern, " ".join(cron.split()))
        if match:
            return seconds(match) or None
    return None


def _topology(searcher: Searcher) -> Topology:
    """Read the topology with the searcher's rights; without it, only equal entities group."""
    search = spl.Search(commands=[spl.command("inputlookup", spl.quote("incident_topology"))])
    try:
        rows = searcher.run(str(search), "0", "now", limit=10000).rows
    except SearchFailed:
        return Topology()
    return Topology.from_rows({k: str(v) for k, v in row.items()} for row in rows)


def _suppressions(searcher: Searcher) -> Tuple[Suppression, ...]:
    """The app's suppressions as they stood; none where the searcher may see none.

    One holds nothing back that came before it was made, even if it was to begin earlier: nobody
    knew of it then. Those that were ended early are deleted, and unknown here.
    """
    name = spl.quote("incident_suppressions")
    search = spl.Search(commands=[spl.command("inputlookup", name)])
    try:
        rows = searcher.run(str(search), "0", "now", limit=10000).rows
    except SearchFailed:
        return ()
    return tuple(_suppression(row) for row in rows)


def _suppression(row: Mapping[str, Any]) -> Suppression:
    given = {name: value for name, value in row.items() if value not in (None, "")}
    days = given.get("days") or ()
    times = {name: float(given.get(name) or 0.0) for name in ("starts_at", "ends_at", "created_at")}
    times["starts_at"] = max(times["starts_at"], times["created_at"])
    # One day is a text, several are a list.
    named = [days] if isinstance(days, str) else list(days)
    return Suppression.from_document({**given, **times, "days": named})
