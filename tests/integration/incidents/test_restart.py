"""An alert action is ended whose alert splunkd has forgotten, or never lists: nothing is lost."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from incident_management.incidents.intake.ingest import Ingest
from incident_management.incidents.routing import Routing
from incident_management.splunk.kv.store import KvStores
from incident_management.splunk.session import Session
from incident_management.worker.reconciling.alerts import SplunkAlerts
from incident_management.worker.reconciling.before_restart import RunsBeforeRestart
from incident_management.worker.reconciling.reconciler import Reconciler
from incident_management.worker.reconciling.run_history import PastRuns
from incident_management.worker.reconciling.untracked import UntrackedRuns
from tests.integration.incidents.conftest import PERIOD, App
from tests.standin import start_standin
from tools.splunkd_lite import alerting
from tools.splunkd_lite.clock import ManualClock


class Worker:
    """The duty of a worker that begins now, over the stand-in's own clock."""

    def __init__(self, app: App) -> None:
        splunk = app.standin.splunk
        session = Session(splunk.mgmt_uri, splunk.access.token_for("splunk-system-user"))
        self.clock, self.told = app.clock, list[str]()
        stores, alerts = KvStores(session), SplunkAlerts(session)
        ingest = Ingest(stores, self.clock, Routing()).ingest
        past = PastRuns(stores, self.clock, alerts, "sh1", self._tell)
        unlisted = (RunsBeforeRestart(past), UntrackedRuns(past))
        self.reconciler = Reconciler(stores, self.clock, alerts, *unlisted, ingest, self._tell)

    def _tell(self, _name: str, sentence: str) -> None:
        self.told.append(sentence)

    def work(self) -> int:
        """Look through everything; returns how many signals had been lost."""
        self.clock.advance(160)
        return sum(self.reconciler.run()["signals_recovered"] for _round in range(5))


def test_a_run_whose_action_the_restart_ended_opens_its_incident_once(
    app_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ManualClock(time.time() // PERIOD * PERIOD - 4 * PERIOD + 10)
    with start_standin(tmp_path, apps=[app_folder], clock=clock) as standin:
        app = App(standin, clock)
        assert Worker(app).work() == 0
        app.log_errors("web-1", 20)
        with monkeypatch.context() as ended:
            ended.setattr(alerting.alert_action, "run", lambda *_arguments: None)
            app.run_detections()
        assert len(standin.splunk.alerts.all("High Error Rate")) == 1
        assert app.incidents() == []

    with start_standin(tmp_path, clock=clock) as standin:
        app = App(standin, clock)
        assert standin.splunk.alerts.all() == []
        worker = Worker(app)
        assert worker.work() == 1
        assert app.only_incident()["entities"] == ["web-1"]
        assert (worker.work(), Worker(app).work(), worker.told) == (0, 0, [])
        assert app.only_incident()["signals"] == 1


def test_a_run_of_an_alert_that_is_not_tracked_opens_its_incident_once(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Splunk Web tracks an alert only with *Add to Triggered Alerts* among its actions."""
    splunk = app.standin.splunk
    splunk.conf.write(
        "savedsearches", "High Error Rate", {"alert.track": "0"}, "incident_management", False
    )
    worker = Worker(app)
    assert worker.work() == 0
    app.log_errors("web-1", 20)
    with monkeypatch.context() as ended:
        ended.setattr(alerting.alert_action, "run", lambda *_arguments: None)
        app.run_detections()
    assert splunk.alerts.all() == [] and app.incidents() == []

    assert (worker.work(), worker.work()) == (0, 1)
    assert app.only_incident()["entities"] == ["web-1"]
    assert (worker.work(), worker.work(), Worker(app).work(), worker.told) == (0, 0, 0, [])
    assert app.only_incident()["signals"] == 1
