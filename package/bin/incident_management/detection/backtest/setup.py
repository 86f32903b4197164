"""Set up a replay from splunkd's data: the saved search, its schedule, routing and topology."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Callable, Dict, Iterator, Optional, Sequence, Tuple

from ...incidents.routing import Routing
from ...ports import SearchFailed
from ...splunk.configuration import conf
from ...splunk.configuration import settings as app_settings
from ...splunk.searching import knowledge
from ...splunk.searching.detections import QUIET_AFTER, quiet_after
from ...splunk.searching.search import SplunkSearcher
from ...splunk.session import APP, Session, SplunkError
from ..lookback import own_time_modifier
from ..monitors.monitor import DEFAULT_THRESHOLDS, Monitor
from ..read_only import NotReadOnly, check_read_only
from ..thresholds import final_limit, threshold_of
from ..timemodifiers import resolve
from .monitor_replay import MonitorReplay
from .outcome import COLUMNS, compare_settings, setting_columns, summarize
from .progress import Progress
from .replay import DAY, BacktestFailed, Detection, Replay, Setting
from .request import BacktestRequest
from .runs import runs_of
from .stored import StoredData

__all__ = ["replay", "replay_monitor"]

NOBODY = "nobody"


def replay(
    session: Session,
    now: float,
    name: str,
    apps: Sequence[str],
    owner: str,
    request: BacktestRequest,
    warn: Callable[[str], Any],
    report_progress: Callable[[str], Any],
) -> Iterator[Dict[str, Any]]:
    """Replay a saved search: for each setting, yield a row for each incident, then a summary row.

    The saved search is looked up in ``apps``, in their order. Its searches run in the app that has
    it, with that app's macros and lookups, and only once, however many settings are compared.

    Args:
        warn: called with one sentence about what the rows do not show.
        report_progress: called with one sentence about the progress.

    Raises:
        BacktestFailed: with one sentence.
    """
    try:
        detection = _found(session, name, apps, owner)
        routing = _routing(session, warn)
        start, end = resolve(request.earliest, now), resolve(request.latest, now)
    except (SearchFailed, SplunkError, ValueError) as error:
        raise BacktestFailed(str(error)) from error
    _check_reading(session, detection, request.user)
    schedule = detection.settings.get("cron_schedule", "")
    moments, step = runs_of(name, schedule, request.step, start, end)
    quiet, quiet_not = _recovery(session, detection)
    searcher = SplunkSearcher(session.within(detection.app, request.user))
    known = StoredData(searcher, warn)
    run = Replay(
        detection=detection,
        searcher=Progress(searcher, moments[-1], report_progress),
        moments=moments,
        step=step,
        quiet=quiet,
        routing=routing,
        topology=known.topology(),
        suppressions=known.suppressions(),
        quiet_not=quiet_not,
        limit=_own_limit(session, detection, request.user),
    )
    if request.step and run.unseen:
        warn(run.unseen)
    found_any = False
    for row in compare_settings(run, request, known.recorded(start, end)):
        found_any = found_any or row.get("runs_fired") not in (None, 0)
        if row.get("setting") == "proposed" and row.get("kind") == "summary" and row["threshold"]:
            warn(how_to_set_threshold(detection.spl, row["threshold"]))
            warn_if_too_short(run.days, request.target_pages_per_day, warn)
        yield {column: row.get(column, "") for column in COLUMNS}
    if not found_any:
        warn(no_findings(detection.name, len(moments)))


def how_to_set_threshold(spl: str, threshold: str) -> str:
    """Return a sentence that says where to set a proposed threshold."""
    limit = threshold_of(spl)[1]
    if limit.startswith("`"):
        return f"To use the proposed threshold, set the macro {limit[1:-1]} to {threshold}."
    return (
        f"To use the proposed threshold, replace {limit} with {threshold} in the search's last "
        "where."
    )


def warn_if_too_short(days: float, wanted: Optional[float], warn: Callable[[str], Any]) -> None:
    """Warn if the target is less than one page in the whole replay: any finding is too many."""
    if wanted and wanted * days < 1:
        warn(
            f"{wanted:g} pages a day are less than one page in the replayed time, so the proposed "
            f"threshold lets nothing through. Replay at least {math.ceil(24 / wanted)} hours."
        )


def no_findings(name: str, runs: int) -> str:
    """Return a sentence for a replay without findings: it may have searched the wrong indexes."""
    return (
        f"None of the {runs} runs of '{name}' found anything. Check that there are events of "
        "that time where it searches, such as in the indexes of the macro incident_indexes."
    )


def replay_monitor(
    session: Session,
    now: float,
    name: str,
    request: BacktestRequest,
    warn: Callable[[str], Any],
    report_progress: Callable[[str], Any],
) -> Iterator[Dict[str, Any]]:
    """Replay a monitor, enabled or not: yield a row for each incident, then a summary row.

    Raises BacktestFailed with one sentence.
    """
    if request.step or request.compare or request.target_pages_per_day is not None:
        raise BacktestFailed(
            "The options step, compare and target_pages_per_day are for saved searches. Replay a "
            "monitor again with another threshold instead."
        )
    try:
        monitor = _monitor(session, name, request.threshold)
        routing = _routing(session, warn)
        start, end = resolve(request.earliest, now), resolve(request.latest, now)
    except SplunkError as error:
        raise BacktestFailed(f"The monitor can't be read: {error.message}") from error
    except ValueError as error:
        raise BacktestFailed(str(error)) from error
    if end - start < monitor.span:
        raise BacktestFailed(
            f"The time range is shorter than a span of '{name}'; choose a longer range."
        )
    detection = Detection(name, APP, NOBODY, monitor.spl(), "", "")
    _check_reading(session, detection, request.user)
    quiet, quiet_not = _recovery(session, detection)
    searcher = SplunkSearcher(session.within(APP, request.user))
    known = StoredData(searcher, warn)
    plain = Setting(
        detection, routing, quiet, quiet_not=quiet_not, suppressions=known.suppressions()
    )
    setting = replace(plain.changed(request.changes), threshold=None)
    until = min(end, now - monitor.lag)
    run = MonitorReplay(monitor, Progress(searcher, until, report_progress), start, until)
    found, spans = run.simulated(setting, known.topology())
    recorded = known.recorded(start, end)
    rows, summary = summarize(found, spans, (end - start) / DAY, recorded, monitor.span, "as asked")
    limit = monitor.threshold if monitor.detector in DEFAULT_THRESHOLDS else None
    last = {**summary, **setting_columns(name, limit, setting.quiet), **run.costs()}
    for row in [*rows, last]:
        yield {column: row.get(column, "") for column in COLUMNS}


def _routing(session: Session, warn: Callable[[str], Any]) -> Routing:
    """Read incident_routing.conf, which says how findings are grouped. Raises SplunkError."""
    stanzas = conf.load_with_disabled(session, "incident_routing")
    if not stanzas:
        warn(
            "You can't read incident_routing.conf, so findings are grouped by its default settings."
        )
    return Routing.from_stanzas(stanzas)


def _monitor(session: Session, name: str, threshold: Optional[float]) -> Monitor:
    """Read a monitor's settings. Raises SplunkError, and ValueError if it can't be replayed."""
    stanza = f"incident_monitor://{name}"
    values = conf.load(session, "inputs", disabled=True).get(stanza)
    if values is None:
        raise ValueError(f"This search head has no monitor '{name[:100]}'.")
    monitor = Monitor.read(stanza, values)
    if threshold is None:
        return monitor
    if monitor.detector == "baseline":
        raise ValueError(
            "A baseline monitor has no threshold; change its sensitivity and replay it."
        )
    if monitor.detector == "burn_rate":
        raise ValueError(
            "A burn_rate monitor has no threshold; change its objective "
            "or burn_rates and replay it."
        )
    return replace(monitor, threshold=threshold)


def _found(session: Session, name: str, apps: Sequence[str], owner: str) -> Detection:
    """Return a saved search from the first of these apps that has it. Raises SearchFailed."""
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
    """Return the quiet seconds after which incidents resolve (0: never), and excepted severities.

    Raises BacktestFailed.
    """
    try:
        stanza = conf.load(session, "incident_management_settings").get("lifecycle", {})
        lifecycle = app_settings.parse({"lifecycle": stanza}).need("lifecycle").lifecycle
        own = quiet_after(detection.settings.get(QUIET_AFTER, ""), detection.name)
    except (SearchFailed, SplunkError, app_settings.SettingsError) as error:
        raise BacktestFailed(
            f"The setting for when incidents are resolved can't be read: {error}"
        ) from error
    return lifecycle.resolve_after if own is None else own, lifecycle.resolve_not


def _check_reading(session: Session, detection: Detection, user: str) -> None:
    """Check that a detection's search only reads, and keeps to the time range it is given.

    Raises BacktestFailed.
    """
    app = detection.app
    try:
        plain = check_read_only(
            detection.spl,
            lambda name: knowledge.macro(session, name, app, user),
            knowledge.risky_commands(session, app, user),
        )
    except NotReadOnly as error:
        raise BacktestFailed(
            f"'{detection.name}' {error}; a replay runs only searches that only read."
        ) from error
    except SplunkError as error:
        raise BacktestFailed(
            f"The macros and commands of '{detection.name}' can't be read: {error.message}"
        ) from error
    own = own_time_modifier(plain)
    if own:
        raise BacktestFailed(
            f"'{detection.name}' sets its own time range with '{own}', so each of its past runs "
            "would look at the present. Remove it and set the search's time range instead, or "
            "compare a field of that name with | where."
        )


def _own_limit(session: Session, detection: Detection, user: str) -> Optional[float]:
    """Return the threshold at the end of a detection's search; None if it is unknown."""
    limit = final_limit(detection.spl)
    try:
        if limit.startswith("`"):
            return knowledge.macro_number(session, limit.strip("`"), detection.app, user)
        return float(limit)
    except (SplunkError, ValueError):
        return None
