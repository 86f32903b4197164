"""A desk whose alert actions are killed or whose splunkd forgets, and what the worker recovers."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from incident_management.incidents.intake.alert import Alert
from incident_management.incidents.intake.findings import signals_from
from incident_management.incidents.intake.ingest import Ingest
from incident_management.incidents.intake.results import findings
from incident_management.incidents.intake.spooled import deliver_spool
from incident_management.incidents.routing import Routing
from incident_management.ports import SearchFailed, SearchResult
from incident_management.splunk.scripts.alert_action import RESULT_ROWS
from incident_management.worker.reconciling.before_restart import RunsBeforeRestart
from incident_management.worker.reconciling.reconciler import Reconciler
from incident_management.worker.reconciling.run_history import PastRuns
from incident_management.worker.reconciling.untracked import UntrackedRuns
from tests.fakes import FakeStores, ManualClock

__all__ = ["ROWS", "SID", "LossyDesk"]

ROWS = [
    {"entity": "checkout", "count": "7", "first_time": "100", "last_time": "160"},
    {"entity": "payments", "count": "9", "first_time": "110", "last_time": "150"},
]
SID = "scheduler__nobody__app__RMD5abc_at_1700000000_1"


class LossyDesk:
    """A worker's desk whose alert actions lose signals, and what splunkd still knows of them."""

    def __init__(self):
        self.stores = FakeStores()
        self.clock = ManualClock()
        self.troubles = []
        self.told = []
        self.fired = []
        self.results = {SID: ROWS}
        self.reads = 0
        self.history = {}
        self.settings = {
            "counttype": "number of events",
            "relation": "greater than",
            "quantity": "0",
        }
        self.listed = []
        self.splunkd: Any = self.clock.now()

    def ingest(self, signals, actor):
        return Ingest(self.stores, self.clock, Routing()).ingest(signals, actor)

    def trouble(self, name, sentence):
        self.troubles.append(sentence)

    # FiredAlerts
    def recent(self, since):
        self.asked_since = since
        return list(self.fired)

    def rows(self, sid):
        self.reads += 1
        if sid not in self.results:
            raise SearchFailed(f"The results of {sid} can't be read: unknown sid.")
        rows = self.results[sid]
        return SearchResult(rows[:RESULT_ROWS], sid, len(rows) > RESULT_ROWS)

    def params(self, name, app, owner):
        return {"severity": "high", "entity_field": "entity", "dedup_fields": "entity"}

    def fire(self, sid=SID, ago=200.0, actions=("open_incident",), for_each_result=False):
        self.fired.append(
            SimpleNamespace(
                name="High Error Rate",
                app="incident_management",
                owner="nobody",
                sid=sid,
                time=self.clock.now() - ago,
                actions=actions,
                for_each_result=for_each_result,
            )
        )

    # RunHistory
    def splunkd_started(self):
        if isinstance(self.splunkd, Exception):
            raise self.splunkd
        return self.splunkd

    def searches(self):
        if isinstance(self.history, Exception):
            raise self.history
        made = {"app": "incident_management", "owner": "nobody", "settings": self.settings}
        return [SimpleNamespace(name=name, **made) for name in self.history]

    def runs(self, search):
        self.listed.append(search.name)
        if isinstance(self.history[search.name], Exception):
            raise self.history[search.name]
        return self.history[search.name]

    def ran(self, name="High Error Rate", sid=SID, ago=0.0, **more):
        run = {"sid": sid, "due": self.clock.now() - ago, "failed": False, "done": True}
        self.history.setdefault(name, []).append(SimpleNamespace(**{**run, "results": 2, **more}))

    def reconciler(self):
        """Return the reconciler of a worker that begins now."""
        past = PastRuns(self.stores, self.clock, self, "sh1", self.trouble)
        forgotten, untracked = RunsBeforeRestart(past), UntrackedRuns(past)
        return Reconciler(
            self.stores, self.clock, self, forgotten, untracked, self.ingest, self.trouble
        )

    def restarted(self):
        """Work until now, restart with a run that fired just before, and work again."""
        before = self.reconciler()
        self.work(before)
        self.clock.advance(30)
        self.fired.clear()
        self.splunkd = self.clock.now()
        return self.reconciler()

    def work(self, reconciler, seconds=200.0):
        """Let the worker reconcile for a while; return how many signals had been lost."""
        self.clock.advance(seconds)
        return reconciler.run()["signals_recovered"]

    def signals(self, rows=ROWS, result=""):
        """Return the action's signals for these rows, or for the one result with that number."""
        params = self.params("", "", "")
        who = ("High Error Rate", "incident_management", "nobody")
        alert = Alert.from_params(params, *who, SID, result=result)
        now = self.clock.now()
        return signals_from(findings(rows, alert, now), now, alert.common())

    def spool(self, folder, **request):
        file = folder / f"{len(list(folder.iterdir())):03d}.json"
        file.write_text(json.dumps(request))
        return file

    def deliver(self, folder, allowed=lambda user: True):
        pending = ((file, json.loads(file.read_text())) for file in sorted(folder.glob("*.json")))

        def notify(body, actor):
            self.told.append((body, actor))

        return deliver_spool(pending, self.ingest, notify, allowed, self.clock, self.trouble)
