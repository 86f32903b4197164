"""Set up a replay from what splunkd knows: the saved search, its schedule, routing, topology."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ...incidents.grouping import Topology
from ...incidents.routing import Routing
from ...incidents.suppression import Suppression
from ...ports import Searcher, SearchFailed
from ...splunk import conf, knowledge, spl
from ...splunk import settings as settings_room
from ...splunk.detections import QUIET_AFTER, quiet_after
from ...splunk.search import SplunkSearcher
from ...splunk.session import Session, SplunkError
from ..options import Duration, Kind, Number, parse_options
from ..thresholds import final_limit
from ..timemodifiers import resolve
from .judging import COLUMNS, Recorded, judged, loosened, proposed
from .reading import NotReading, check
from .replay import BacktestFailed, Detection, Replay, Setting, Simulated, Window, simulate
from .runs import runs_of

__all__ = ["SPANS", "Asked", "compared", "parse_compare", "replay"]

SPANS = ("quiet", "group_window", "reopen_window")

MAX_RECORDED = 10_000
"""Incidents that a replay is compared with."""


@dataclass(frozen=True)
class Asked:
    """What a replay is asked for; spans in seconds. None: as it is configured.

    ``user``: who asks, and runs the searches.
    ``compare`` holds settings (threshold, quiet, group_window, reopen_window) of a second run
    beside the first; ``target_pages_per_day`` asks for a threshold.
    """

    earliest: str
    latest: str
    user: str = "nobody"
    step: Optional[float] = None
    threshold: Optional[float] = None
    quiet: Optional[float] = None
    group_window: Optional[float] = None
    reopen_window: Optional[float] = None
    compare: Mapping[str, float] = field(default_factory=dict)
    target_pages_per_day: Optional[float] = None


def replay(
    session: Session,
    now: float,
    name: str,
    apps: Sequence[str],
    owner: str,
    asked: Asked,
    tell: Callable[[str], Any],
) -> Iterator[Dict[str, Any]]:
    """Replay a saved search: a row an incident, then a summary row, of each setting.

    It is looked for in ``apps``, in their order, and its searches run in the app in which it is,
    with that app's macros and lookups. They are run once, whatever is compared. ``tell`` takes a
    sentence about what the rows do not show. Raises BacktestFailed with one sentence.
    """
    try:
        detection = _found(session, name, apps, owner)
        routing = Routing.from_stanzas(conf.load(session, "incident_routing"))
        start, end = resolve(asked.earliest, now), resolve(asked.latest, now)
    except (SearchFailed, SplunkError, ValueError) as error:
        raise BacktestFailed(str(error)) from error
    _check_reading(session, detection, asked.user)
    schedule = detection.settings.get("cron_schedule", "")
    moments, step = runs_of(name, schedule, asked.step, start, end)
    quiet, quiet_not = _recovery(session, detection)
    searcher = SplunkSearcher(session.within(detection.app, asked.user))
    run = Replay(
        detection,
        searcher,
        moments,
        step,
        quiet,
        routing,
        _topology(searcher),
        _suppressions(searcher),
        quiet_not,
        limit=_own_limit(session, detection, asked.user),
    )
    if asked.step and run.unseen:
        tell(run.unseen)
    for row in compared(run, asked, _recorded(searcher, start, end)):
        yield {column: row.get(column, "") for column in COLUMNS}


def _found(session: Session, name: str, apps: Sequence[str], owner: str) -> Detection:
    """Return a saved search from the first of some apps that has it. Raises SearchFailed."""
    failed = SearchFailed(f"There is no saved search '{name}'.")
    for app in dict.fromkeys(apps):
        try:
            saved = SplunkSearcher(session).saved_search(name, app, owner)
        except SearchFailed as error:
            failed = error
            continue
        return Detection(name, app, owner, saved.spl, saved.earliest, saved.latest, saved.settings)
    raise failed


def _recovery(session: Session, detection: Detection) -> Tuple[float, Tuple[str, ...]]:
    """After how many seconds without a finding an incident is resolved (0: never), and which not.

    Raises BacktestFailed.
    """
    try:
        stanza = conf.load(session, "incident_management_settings").get("lifecycle", {})
        lifecycle = settings_room.parse({"lifecycle": stanza}).need("lifecycle").lifecycle
        own = quiet_after(detection.settings.get(QUIET_AFTER, ""), detection.name)
    except (SearchFailed, SplunkError, settings_room.SettingsError) as error:
        raise BacktestFailed(f"When incidents are over can't be read: {error}") from error
    return lifecycle.resolve_after if own is None else own, lifecycle.resolve_not


def _check_reading(session: Session, detection: Detection, user: str) -> None:
    """Check that a detection's search only reads. Raises BacktestFailed."""
    app = detection.app
    try:
        check(
            detection.spl,
            lambda name: knowledge.macro(session, name, app, user),
            knowledge.risky_commands(session, app, user),
        )
    except NotReading as error:
        raise BacktestFailed(
            f"'{detection.name}' {error}; a replay runs only searches that read."
        ) from error
    except SplunkError as error:
        raise BacktestFailed(
            f"What '{detection.name}' does can't be read: {error.message}"
        ) from error


def _own_limit(session: Session, detection: Detection, user: str) -> Optional[float]:
    """The limit that a detection's search ends in, None where it can't be told."""
    limit = final_limit(detection.spl)
    try:
        if limit.startswith("`"):
            return knowledge.macro_number(session, limit.strip("`"), detection.app, user)
        return float(limit)
    except (SplunkError, ValueError):
        return None


def compared(run: Replay, asked: Asked, recorded: Sequence[Recorded]) -> Iterator[Dict[str, Any]]:
    """Yield the rows of each setting that is asked for, from one round of searches."""
    plain = _changed(run.setting, asked, {})
    settings = [("as asked", plain)]
    if asked.compare:
        settings.append(("compared", _changed(plain, None, asked.compare)))
    wants_threshold = asked.target_pages_per_day is not None or any(
        one.threshold is not None for _label, one in settings
    )
    plain_windows: Optional[List[Window]] = None
    loose: List[Window] = []
    if wants_threshold:
        loosened_spl, metric = loosened(run.detection.spl)
        loose = run.windows(loosened_spl)
        settings = [(label, dataclasses.replace(one, metric=metric)) for label, one in settings]
        if run.limit is not None and not run.truncated_runs:
            settings = [(label, _with_limit(one, run.limit)) for label, one in settings]
    for label, setting in settings:
        if setting.threshold is None and plain_windows is None:
            plain_windows = run.windows()
        chosen = loose if setting.threshold is not None else plain_windows or []
        found = simulate(chosen, setting, run.topology)
        limit = run.limit if setting.threshold is None else setting.threshold
        yield from _told(run, chosen, found, recorded, label, limit, setting.quiet)
    if asked.target_pages_per_day is not None:
        setting = settings[0][1]
        threshold, found = proposed(
            loose, setting, run.topology, run.days, asked.target_pages_per_day
        )
        yield from _told(run, loose, found, recorded, "proposed", threshold, setting.quiet)


def _with_limit(setting: Setting, limit: float) -> Setting:
    """Return a setting with the search's own limit, where it has no other."""
    return (
        setting if setting.threshold is not None else dataclasses.replace(setting, threshold=limit)
    )


def _told(
    run: Replay,
    windows: Sequence[Window],
    found: Simulated,
    recorded: Sequence[Recorded],
    label: str,
    threshold: Optional[float],
    quiet: float,
) -> Iterator[Dict[str, Any]]:
    rows, summary = judged(found, len(windows), run.days, recorded, run.step, label)
    yield from rows
    yield {
        **summary,
        "rule": run.detection.name,
        "threshold": "" if threshold is None else f"{threshold:g}",
        "quiet": f"{quiet:g}" if quiet else "never",
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
    """The incidents of that time which the searcher may see, the newest; none where none."""
    times = f"last_time>={spl.number(start)} AND first_time<={spl.number(end)}"
    search = spl.Search(
        commands=[
            spl.Fragment(f"{spl.lookup('incidents')} where {times}"),
            spl.sort(["-first_time"], MAX_RECORDED),
        ]
    )
    try:
        rows = searcher.run(str(search), "0", "now", limit=MAX_RECORDED).rows
    except SearchFailed:
        return []
    return [Recorded.of(row) for row in rows]


def _topology(searcher: Searcher) -> Topology:
    """Read the topology with the searcher's rights; without it, only equal entities group."""
    search = spl.Search(commands=[spl.lookup("incident_topology")])
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
    search = spl.Search(commands=[spl.lookup("incident_suppressions")])
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
