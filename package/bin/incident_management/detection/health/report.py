"""Build a detection's health from the KV store and from splunkd.

The report of a single detection also includes its runs.
"""

from __future__ import annotations

import statistics
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ...incidents.errors import NotFound
from ...incidents.intake.alert import Alert, params_of
from ...incidents.intake.trigger import triggers_for_each
from ...incidents.model import ENDED, readable_fields
from ...ports import Document, SearchFailed, Stores
from ...splunk.searching.detections import SavedDetection, detections, past_runs, scheduled
from ...splunk.searching.knowledge import macro_number
from ...splunk.session import APP, Session, SplunkError
from ..cron import Cron
from ..monitors.registry import registered_monitors, registrations, troubles
from ..thresholds import threshold_of
from ..throttle import Throttle
from .calming import Settings, calming_setting, findings_of, no_longer_above
from .enabled import enabled_since
from .measures import DAY, MONTH_DAYS, PAGES_A_DAY, WEEK_DAYS, Verdicts, firing, noise, quietness
from .recent_signals import Key, OpenedBy, RecentSignals, last_fired_before, opened_by

__all__ = ["HealthReport", "flat"]

MAX_INCIDENTS = 50_000
RUNS_A_DAY = 1440
MAX_SIGNALS = 5_000
"""The newest signals of a detection that are used to find its calming setting."""
RUN_FIGURES = (
    "known", "failed", "mean_seconds", "longest_seconds", "seconds_per_day", "mean_events_scanned",
)  # fmt: skip
# A run may still be in progress, or its job may not be listed yet.
LATE_SECONDS = 120.0


class HealthReport:
    """The health of all detections that a session may see, at one moment.

    ``limit``: pages a day above which a detection is noisy. Methods raise SearchFailed if splunkd
    does not answer, and the stores' own errors.
    """

    def __init__(
        self, session: Session, stores: Stores, now: float, limit: float = PAGES_A_DAY
    ) -> None:
        self._session = session
        self._stores = stores
        self._now = now
        self._limit = limit
        self._monitors = self._known_monitors()
        self._enabled_since = enabled_since(stores)
        self._opened = self._recent()
        self._reopened = self._reopenings()

    def all(self, runs: bool = False) -> List[Document]:
        """Return every detection's health, those that page most first.

        Besides saved searches it has the rules that opened incidents lately without being one, as
        monitors do. ``runs``: include the runs as :meth:`one` does, two requests for each search.
        """
        saved = detections(self._session)
        found = RecentSignals(self._stores, self._now)
        keys = [_key_of(one) for one in saved]
        names = {name for name, _app in keys}
        opened = found.by_detection(self._opened)
        named = {key for key in opened if key[0]}
        others = {*named, *((name, APP) for name in self._monitors)}.difference(keys)
        silent = [key for key in {*keys, *others} if found.last(key) is None]
        older = last_fired_before(self._stores, silent, self._now - MONTH_DAYS * DAY)
        health = [self._of(key, one, found, older, opened) for key, one in zip(keys, saved)]
        if runs:
            health = [{**one, **self._runs(of, one)} for one, of in zip(health, saved)]
        # A signal without an app already counts for the saved search of its name.
        health += [
            self._of(key, None, found, older, opened)
            for key in sorted(others)
            if key[1] or key[0] not in names
        ]
        return sorted(health, key=lambda one: (-one["week"]["pages"], one["name"], one["app"]))

    def one(self, name: str, app: str = "") -> Document:
        """Return one detection's health, including its runs. Raises NotFound.

        ``app`` is the detection's app; if it is empty, the first detection of that name is used.
        """
        found = RecentSignals(self._stores, self._now, name)
        saved = next(
            (one for one in detections(self._session) if one.name == name and app in ("", one.app)),
            None,
        )
        key = _key_of(saved) if saved else (name, app or self._app_of(name))
        older = last_fired_before(self._stores, [key], self._now - MONTH_DAYS * DAY)
        health = self._of(key, saved, found, older, found.by_detection(self._opened))
        if saved is None and health["last_fired"] is None and not self._is_monitor(key):
            raise NotFound(f"There is no detection '{name[:100]}', and no signal names one.")
        return {**health, **(self._runs(saved, health) if saved else {"runs": None})}

    def calming(self, names: Sequence[str]) -> Dict[str, str]:
        """Return what would calm those of these saved searches that are noisy now, by name."""
        opened = RecentSignals(self._stores, self._now).by_detection(self._opened)
        found: Dict[str, str] = {}
        for saved in detections(self._session):
            mine = opened_by(_key_of(saved), opened) if saved.name in names else []
            _noisy, calmed_by = self._noise(saved, mine)
            if calmed_by:
                found.setdefault(saved.name, str(calmed_by["sentence"]))
        return found

    def _app_of(self, name: str) -> str:
        """Return the app of a rule that is no saved search: ours for monitors, or its signal's."""
        if name in self._monitors:
            return APP
        newest = self._stores.signals.find({"rule": name}, "received_at:-1", 1, fields=("app",))
        return str(newest[0].get("app") or "") if newest else ""

    def _known_monitors(self) -> Dict[str, str]:
        """Return the monitors of all members, each with the reason why it can't judge, if any."""
        members = registrations(self._stores, self._now)
        names = {name for member in members for name in registered_monitors(member)}
        return {**dict.fromkeys(names, ""), **troubles(self._stores)}

    def _recent(self) -> List[Document]:
        since = self._now - MONTH_DAYS * DAY
        query = {"updated_at": {"$gte": since}}
        found = self._stores.incidents.find(
            query,
            "updated_at:-1",
            MAX_INCIDENTS,
            fields=("id", "rules", "opened_at", "feedback", "search"),
        )
        return [readable_fields(one) for one in found]

    def _reopenings(self) -> Dict[str, List[float]]:
        """Return the recent reopenings by incident id; entries with equal identity count once."""
        since = self._now - MONTH_DAYS * DAY
        ended = {"$or": [{"data.from": status} for status in ENDED]}
        # Nearly all resolved incidents are closed some days later; those changes are not needed.
        again = {"data.to": {"$ne": "closed"}}
        query = {"$and": [{"kind": "status"}, ended, again, {"time": {"$gte": since}}]}
        fields = ("incident_id", "once", "time")
        found: Dict[str, Dict[str, float]] = {}
        for entry in self._stores.timeline.find(query, "time:-1", MAX_INCIDENTS, fields=fields):
            times = found.setdefault(str(entry["incident_id"]), {})
            times[str(entry.get("once") or entry["_key"])] = float(entry["time"])
        return {incident: list(times.values()) for incident, times in found.items()}

    def _of(
        self,
        key: Key,
        saved: Optional[SavedDetection],
        found: RecentSignals,
        older: Mapping[Key, float],
        opened: OpenedBy,
    ) -> Document:
        name, app = key
        mine = opened_by(key, opened)
        week, month = (
            firing(mine, self._reopened, found.signals(key, days), days, self._now)
            for days in (WEEK_DAYS, MONTH_DAYS)
        )
        fired = found.last(key) or older.get(key)
        state, why = self._state(key, saved, fired)
        verdicts = Verdicts.of(mine)
        noisy, calmed_by = self._noise(saved, mine)
        return {
            "name": name,
            "app": app,
            "source": "saved_search" if saved else "other",
            "state": state,
            "why": why,
            "last_fired": fired,
            "week": week,
            "month": month,
            "feedback": verdicts.to_document(),
            "noisy": bool(noisy),
            "why_noisy": noisy,
            "calmed_by": calmed_by,
        }

    def _is_monitor(self, key: Key) -> bool:
        name, app = key
        return app == APP and name in self._monitors

    def _state(
        self, key: Key, saved: Optional[SavedDetection], fired: Optional[float]
    ) -> Tuple[str, str]:
        name = key[0]
        if saved is not None or not self._is_monitor(key):
            first = self._enabled_since(saved).first if saved else None
            return quietness(saved.enabled if saved else None, fired, self._now, first)
        if self._monitors[name]:
            return "failing", self._monitors[name]
        state, why = quietness(True, fired, self._now)
        if state == "never_fired":
            # Not every monitor has a threshold that could be lowered.
            why = f'The monitor never fired. Replay it with | incidentbacktest monitor="{name}".'
        return state, why

    def _noise(
        self, saved: Optional[SavedDetection], opened: Sequence[Mapping[str, Any]]
    ) -> Tuple[str, Optional[Document]]:
        """Return why a detection is noisy, and what would have calmed it if it is a search."""
        week = firing(opened, self._reopened, 0, WEEK_DAYS, self._now)
        noisy = noise(Verdicts.of(opened), week["pages_per_day"], self._limit)
        return self._as_set_now(saved, opened, noisy) if noisy and saved else (noisy, None)

    def _as_set_now(
        self, saved: SavedDetection, opened: Sequence[Mapping[str, Any]], noisy: str
    ) -> Tuple[str, Optional[Document]]:
        """Return why a saved search is noisy, and what would have calmed it.

        Both are empty if its threshold has since been raised above what made it noisy.
        """
        since = self._now - MONTH_DAYS * DAY
        of: List[Document] = [{"rule": saved.name}, {"received_at": {"$gte": since}}]
        of.append({"$or": [{"app": saved.app}, {"app": ""}]})
        signals = self._stores.signals.find({"$and": of}, "received_at:-1", MAX_SIGNALS)
        settings = self._settings(saved)
        found = findings_of(signals, settings.metric, self._reopened)
        gone = no_longer_above(found, settings)
        left = [one for one in opened if one["id"] not in gone]
        if gone:
            week = firing(left, self._reopened, 0, WEEK_DAYS, self._now)
            noisy = noise(Verdicts.of(left), week["pages_per_day"], self._limit)
        if not noisy:
            return "", None
        feedback = {str(one["id"]): str(one.get("feedback") or "") for one in left}
        days = max(1.0, (self._now - found[0].time) / DAY) if found else 1.0
        best = calming_setting(found, feedback, settings, days, self._limit)
        return noisy, best.to_document() if best else None

    def _settings(self, saved: SavedDetection) -> Settings:
        metric, limit = threshold_of(saved.spl)
        return Settings(
            metric,
            limit,
            self._limit_of(saved, limit),
            Throttle.of(saved.settings).period,
            ",".join(_problem_fields(saved)),
            triggers_for_each(saved.settings),
            self._step(saved),
        )

    def _step(self, saved: SavedDetection) -> float:
        """Return the usual seconds between two runs within a day; 0 without a schedule."""
        try:
            times = Cron(saved.settings.get("cron_schedule", "")).between(
                self._now - DAY, self._now, RUNS_A_DAY
            )
        except ValueError:
            return 0.0
        gaps = [later - one for one, later in zip(times, times[1:])]
        return statistics.median(gaps) if gaps else DAY

    def _limit_of(self, saved: SavedDetection, limit: str) -> Optional[float]:
        if not limit.startswith("`"):
            return float(limit) if limit else None
        name = limit.strip("`")
        try:
            return macro_number(self._session, name, saved.app, saved.owner)
        except SplunkError as error:
            raise SearchFailed(f"The macro {name} can't be read: {error.message}") from error

    def _runs(self, saved: SavedDetection, health: Mapping[str, Any]) -> Dict[str, Any]:
        """Return the figures of the runs that splunkd still knows, and the state they show."""
        runs = past_runs(self._session, saved)
        done = [run for run in runs if run.done or run.failed]
        times = [run.seconds for run in done]
        state, why = str(health["state"]), str(health["why"])
        missed = self._missed(saved, [run.due for run in runs]) if saved.enabled else []
        if saved.enabled and done and done[-1].failed:
            state = "failing"
            said = done[-1].message or "splunkd gave no reason; see the job's search.log."
            why = f"The latest run failed: {said}"
        elif len(missed) > 1:
            state = "skipped"
            why = (
                "The last two scheduled runs were skipped. The scheduler may be overloaded; "
                "index=_internal sourcetype=scheduler says why."
            )
        figures = {
            "known": len(runs),
            "failed": sum(1 for run in runs if run.failed),
            "mean_seconds": round(sum(times) / len(times), 3) if times else None,
            "longest_seconds": round(max(times), 3) if times else None,
            "seconds_per_day": self._seconds_per_day(saved, times) if saved.enabled else None,
            "mean_events_scanned": (
                round(sum(run.events_scanned for run in done) / len(done)) if done else None
            ),
        }
        return {"state": state, "why": why, "runs": figures}

    def _missed(self, saved: SavedDetection, ran: Sequence[float]) -> List[float]:
        """Return which of the last two scheduled times since it was enabled have no run.

        Older times prove nothing: a job that raised no alert is kept for two periods
        (``dispatch.ttl`` in savedsearches.conf).
        """
        since = self._enabled_since(saved).since
        if since is None:
            return []
        start = max(since, self._now - DAY)
        due = scheduled(self._session, saved, start, self._now - LATE_SECONDS)[-2:]
        return [time for time in due if time not in set(ran)]

    def _seconds_per_day(self, saved: SavedDetection, times: Sequence[float]) -> Optional[float]:
        if not times:
            return None
        runs = len(scheduled(self._session, saved, self._now - DAY, self._now))
        return round(runs * sum(times) / len(times), 1)


def _key_of(saved: SavedDetection) -> Key:
    return saved.name, saved.app


def _problem_fields(saved: SavedDetection) -> Sequence[str]:
    """Return the fields by which the alert action recognises two results as the same problem."""
    params = params_of(saved.settings)
    return Alert.from_params(params, saved.name, saved.app, saved.owner, "").dedup_fields


def flat(health: Mapping[str, Any]) -> Document:
    """Return a detection's health as one row; unknown values are empty texts."""
    row: Document = {name: health[name] for name in ("name", "app", "source", "state", "why")}
    row["last_fired"] = health["last_fired"]
    for span in ("week", "month"):
        for name in ("signals", "incidents", "pages", "pages_per_day"):
            row[f"{span}_{name}"] = health[span][name]
    row.update(health["feedback"])
    row["unjudged"] = row.pop("none")
    row["noisy"] = int(health["noisy"])
    row["why_noisy"] = health["why_noisy"]
    calmed_by = health["calmed_by"]
    row["calmed_by"] = calmed_by["sentence"] if calmed_by else ""
    runs = health.get("runs") or {}
    for name in RUN_FIGURES:
        row[f"runs_{name}"] = runs.get(name)
    return {name: "" if value is None else value for name, value in row.items()}
