"""Replay a detection over past time: which incidents would it have opened?

Each scheduled run is repeated over its own window. Its rows go through the app's real ingest (keys,
dedup, grouping, reopening), and everything that the ingest writes stays in memory.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ...incidents import lifecycle, timeline
from ...incidents.act import Act
from ...incidents.grouping import Topology
from ...incidents.intake.alert import params_of
from ...incidents.intake.ingest import Ingest
from ...incidents.intake.results import signals_of_run
from ...incidents.intake.trigger import condition_of, triggers, triggers_for_each
from ...incidents.model import Incident
from ...incidents.routing import Routing
from ...incidents.signal import Signal
from ...incidents.stores import IS_OPEN
from ...incidents.story import StoryCache
from ...incidents.suppression import Suppression
from ...incidents.upkeep import flapping
from ...ports import Searcher, SearchFailed
from ..throttle import Throttle
from ..timemodifiers import resolve
from .memory import MemoryStores

__all__ = [
    "BacktestFailed",
    "Costs",
    "Detection",
    "Replay",
    "Setting",
    "Simulated",
    "Stage",
    "Window",
    "simulate",
]

ROWS_PER_WINDOW = 10_000
MAX_BYTES = 300_000_000
"""Of the rows of all runs, which are kept in memory for each setting that is compared."""
VALUE_CHARACTERS = 1000
ROW_BYTES = 500
"""What a row takes beside its values' text."""
DAY = 86400.0
ACTOR = "backtest"
NOBODY: Mapping[str, float] = {}
FIELDS = (
    "rule", "opened_at", "first_time", "last_time", "resolved_at", "entities", "severity",
    "signals", "events", "title", "reopened", "runs", "runs_fired",
)  # fmt: skip


class BacktestFailed(Exception):
    """A replay failed; the text is one sentence that says why and what to do."""


@dataclass(frozen=True)
class Detection:
    """A saved search as a replay needs it; ``settings`` are its settings in savedsearches.conf."""

    name: str
    app: str
    owner: str
    spl: str
    earliest: str
    latest: str
    settings: Mapping[str, str] = field(default_factory=dict)

    def signals(self, rows: List[Dict[str, Any]], moment: float) -> List[Signal]:
        """Return the signals of the alert action: one for all results, or one for each."""
        who, sid = (self.name, self.app, self.owner), f"backtest_at_{int(moment)}_0"
        for_each = triggers_for_each(self.settings)
        return signals_of_run(rows, params_of(self.settings), who, sid, moment, for_each=for_each)

    def fires(self, rows: int) -> bool:
        """Return whether this number of results triggers the alert.

        Raises BacktestFailed for a condition that a replay can't evaluate.
        """
        fires = triggers(self.settings, rows)
        if fires is None:
            raise BacktestFailed(
                f"'{self.name}' triggers on '{condition_of(self.settings)}', which a replay can't "
                "evaluate; trigger on a number of results instead."
            )
        return fires


@dataclass(frozen=True)
class Window:
    """One run: its time and its result rows."""

    moment: float
    rows: List[Dict[str, Any]]


@dataclass
class Costs:
    """The cost of a replay's searches so far.

    ``truncated_runs`` counts the runs that may lack rows: they had more rows than are read, or
    splunkd sent a warning.
    """

    searches: int = field(default=0, init=False)
    search_seconds: float = field(default=0.0, init=False)
    truncated_runs: int = field(default=0, init=False)

    def costs(self) -> Dict[str, float]:
        """Return the cost of the searches as columns of a summary row."""
        return {
            "searches": self.searches,
            "search_seconds": round(self.search_seconds, 3),
            "truncated_runs": self.truncated_runs,
        }


@dataclass
class Replay(Costs):
    """A replay of one detection over a time range; times are epoch seconds.

    It runs the detection's search as it is: callers check before that the search only reads
    (:mod:`..read_only`).

    Attributes:
        moments: the times at which the detection would have run, oldest first.
        step: the usual number of seconds between two runs.
        quiet: seconds without a finding after which an incident recovers; 0: never.
        quiet_not: severities that never recover this way.
        limit: the search's own threshold, if it is known and no command follows it.
    """

    detection: Detection
    searcher: Searcher
    moments: Sequence[float]
    step: float
    quiet: float
    routing: Routing = field(default_factory=Routing)
    topology: Topology = field(default_factory=Topology)
    suppressions: Tuple[Suppression, ...] = ()
    quiet_not: Tuple[str, ...] = ()
    timeout: float = 60.0
    limit: Optional[float] = None

    def windows(self, spl: str = "") -> List[Window]:
        """Run the search of each window once; ``spl`` replaces the detection's own search.

        Raises BacktestFailed if a search fails, or if the rows need more memory than allowed.
        """
        found, taken = [], 0
        for moment in self.moments:
            rows = [_short(row) for row in self._rows(moment, spl or self.detection.spl)]
            taken += sum(ROW_BYTES + sum(map(len, map(str, row.values()))) for row in rows)
            if taken > MAX_BYTES:
                raise BacktestFailed(
                    f"The runs of '{self.detection.name}' give more than {MAX_BYTES // 10**6} MB "
                    f"of rows, {len(rows)} in one run; choose a shorter range or a larger step."
                )
            found.append(Window(moment, rows))
        return found

    @property
    def setting(self) -> Setting:
        """The configured way in which findings become incidents."""
        return Setting(
            self.detection,
            self.routing,
            self.quiet,
            quiet_not=self.quiet_not,
            suppressions=self.suppressions,
        )

    @property
    def days(self) -> float:
        """The number of days that the runs cover."""
        return (self.moments[-1] - self.moments[0] + self.step) / DAY

    @property
    def unseen(self) -> str:
        """A sentence about the time that no run looks at; empty if the runs cover all of it.

        Raises BacktestFailed.
        """
        earliest, latest = self._window(self.moments[-1])
        if latest - earliest >= self.step:
            return ""
        return (
            f"Each run looks at {latest - earliest:g} of every "
            f"{self.step:g} seconds. Events of the "
            "other seconds are not in these rows, so pages_per_day may be too low; use a step of "
            f"{latest - earliest:g}s, or none."
        )

    def _window(self, moment: float) -> Tuple[float, float]:
        try:
            return (
                resolve(self.detection.earliest or "0", moment),
                resolve(self.detection.latest, moment),
            )
        except ValueError as error:
            raise BacktestFailed(f"'{self.detection.name}' can't be replayed: {error}") from error

    def _rows(self, moment: float, spl: str) -> List[Dict[str, Any]]:
        began = time.monotonic()
        earliest, latest = self._window(moment)
        try:
            result = self.searcher.run(
                spl, f"{earliest:.3f}", f"{latest:.3f}", limit=ROWS_PER_WINDOW, timeout=self.timeout
            )
        except SearchFailed as error:
            raise BacktestFailed(f"'{self.detection.name}' can't be replayed: {error}") from error
        self.searches += 1
        self.search_seconds += time.monotonic() - began
        self.truncated_runs += result.truncated or result.cut_short or bool(result.warnings)
        return result.rows


def _short(row: Dict[str, Any]) -> Dict[str, Any]:
    """Return a row with long texts cut, such as an event of many lines."""
    return {
        name: value[:VALUE_CHARACTERS] if isinstance(value, str) else value
        for name, value in row.items()
    }


@dataclass(frozen=True)
class Setting:
    """How findings become incidents: everything in which two settings may differ.

    ``threshold``: rows whose field ``metric`` is at or below it are dropped; None keeps all.
    ``suppressions``: maintenance windows, mutes and snoozes that suppress signals.
    """

    detection: Detection
    routing: Routing
    quiet: float
    metric: str = ""
    threshold: Optional[float] = None
    quiet_not: Tuple[str, ...] = ()
    suppressions: Tuple[Suppression, ...] = ()

    def changed(self, values: Mapping[str, Optional[float]]) -> Setting:
        """Return a copy with these values by name; a missing value or None changes nothing."""
        given = {name: value for name, value in values.items() if value is not None}
        routing = replace(
            self.routing,
            group_window=given.get("group_window", self.routing.group_window),
            reopen_window=given.get("reopen_window", self.routing.reopen_window),
        )
        quiet, threshold = given.get("quiet", self.quiet), given.get("threshold", self.threshold)
        return replace(self, routing=routing, quiet=quiet, threshold=threshold)


@dataclass(frozen=True)
class Simulated:
    """What one setting would have opened; ``pages`` counts incidents opened and reopened.

    ``throttled`` counts result rows that the search's own throttling drops, ``suppressed`` counts
    signals that the app's suppressions drop.
    """

    incidents: List[Dict[str, Any]]
    runs_fired: int
    throttled: int
    suppressed: int = 0

    @property
    def pages(self) -> int:
        return len(self.incidents) + sum(int(row["reopened"]) for row in self.incidents)


class Stage:
    """The real ingest, recovery and flapping on collections in memory, played moment by moment."""

    def __init__(self, setting: Setting, topology: Topology) -> None:
        self._setting = setting
        self._stores, self._clock = MemoryStores(), _ReplayClock(0.0)
        self._stores.suppressions.save([one.to_document() for one in setting.suppressions])
        # The cache must use the replay's clock. By the real clock all entries would look too
        # recent to be settled, and each run would read them again.
        remembered = StoryCache(monotonic=self._clock.now)
        self._ingest = Ingest(self._stores, self._clock, setting.routing, topology, remembered)

    def play(
        self, moment: float, signals: Sequence[Signal], unwell: Mapping[str, float] = NOBODY
    ) -> None:
        """Ingest the signals of a moment, and resolve the incidents that are over by then.

        ``unwell`` maps an entity to the last time at which it was abnormal, with or without a
        finding.
        """
        self._clock.moment = moment
        if signals:
            self._ingest.ingest(signals, ACTOR)
        if self._setting.quiet:
            _resolve_quiet(self._stores, self._clock, self._setting, unwell)
        flapping.release_calm(self._stores, self._clock, self._setting.routing)

    def result(self, runs: int, fired: int, throttled: int = 0) -> Simulated:
        """Return the incidents opened so far, with these counts of the runs."""
        incidents = self._stores.incidents.find(sort="first_time:1,_key:1")
        ordered = sorted(incidents, key=lambda i: (i["opened_at"], i["_key"]))
        rule = self._setting.detection.name
        shown = [_row(one, self._stores, rule, runs, fired) for one in ordered]
        held = len(self._stores.signals.keys({"suppressed_by": {"$gt": ""}}))
        return Simulated(shown, fired, throttled, held)


def simulate(windows: Sequence[Window], setting: Setting, topology: Topology) -> Simulated:
    """Ingest the rows of all windows in memory. Raises BacktestFailed."""
    stage, throttle = Stage(setting, topology), Throttle.of(setting.detection.settings)
    fired = 0
    for window in windows:
        rows = [row for row in window.rows if _passes(row, setting)]
        signals: List[Signal] = []
        if setting.detection.fires(len(rows)):
            rows = throttle.passed(rows, window.moment)
            if rows:
                fired += 1
                signals = setting.detection.signals(rows, window.moment)
        stage.play(window.moment, signals)
    return stage.result(len(windows), fired, throttle.held)


def _passes(row: Mapping[str, Any], setting: Setting) -> bool:
    if setting.threshold is None:
        return True
    try:
        return float(row.get(setting.metric) or "nan") > setting.threshold
    except (TypeError, ValueError):
        return False


def _resolve_quiet(
    stores: MemoryStores, clock: _ReplayClock, setting: Setting, unwell: Mapping[str, float]
) -> None:
    """Resolve incidents without a finding for ``quiet`` seconds, as recovery does in the app."""
    act, before = Act(stores, clock, ACTOR), clock.moment - setting.quiet
    still = {"$and": [IS_OPEN, {"last_time": {"$lt": before}}]}
    for document in stores.incidents.find(still):
        if document["severity"] in setting.quiet_not:
            continue
        if any(unwell.get(entity, 0.0) >= before for entity in document["entities"]):
            continue
        incident = Incident.from_document(document)
        ending = lifecycle.Ending("quiet", "No more findings.")
        once = f"quiet:{incident.signals}:{incident.last_time}"
        if flapping.hold(act.named(once), incident, ending.to_data()):
            timeline.refresh(stores, incident.id)
        else:
            lifecycle.resolve(act, incident.id, ending)


def _row(
    incident: Mapping[str, Any], stores: MemoryStores, rule: str, runs: int, fired: int
) -> Dict[str, Any]:
    entries = stores.timeline.find({"incident_id": incident["id"]})
    reopened = sum(
        1 for e in entries if e["kind"] == "status" and e["data"].get("from") == "resolved"
    )
    row: Dict[str, Any] = {
        name: incident.get(name) if incident.get(name) is not None else "" for name in FIELDS
    }
    row.update(rule=rule, reopened=reopened, runs=runs, runs_fired=fired)
    return row


@dataclass
class _ReplayClock:
    """A clock that shows the time of the run being replayed."""

    moment: float

    def now(self) -> float:
        return self.moment
