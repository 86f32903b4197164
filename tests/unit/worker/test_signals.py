"""No signal is lost: kept requests are carried out, interrupted alert actions made good."""

from __future__ import annotations

import contextlib
import json
from types import SimpleNamespace

import pytest

from incident_management.incidents.intake.findings import signals_from
from incident_management.incidents.intake.ingest import Ingest
from incident_management.incidents.intake.results import Alert, findings
from incident_management.incidents.routing import Routing
from incident_management.ports import SearchFailed
from incident_management.worker.signals import Reconciler, deliver_spool
from tests.fakes import FakeStores, ManualClock, Unavailable

ROWS = [
    {"entity": "checkout", "count": "7", "first_time": "100", "last_time": "160"},
    {"entity": "payments", "count": "9", "first_time": "110", "last_time": "150"},
]
SID = "scheduler__nobody__app__RMD5abc_at_1700000000_1"


class Desk:
    def __init__(self):
        self.stores = FakeStores()
        self.clock = ManualClock()
        self.troubles = []
        self.told = []
        self.fired = []
        self.results = {SID: ROWS}
        self.reads = 0

    def ingest(self, signals, actor):
        return Ingest(self.stores, self.clock, Routing()).ingest(signals, actor)

    def trouble(self, name, sentence):
        self.troubles.append(sentence)

    # FiredAlerts
    def recent(self):
        return list(self.fired)

    def rows(self, sid):
        self.reads += 1
        if sid not in self.results:
            raise SearchFailed(f"The results of {sid} can't be read: unknown sid.")
        return self.results[sid]

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

    def reconciler(self):
        return Reconciler(self.stores, self.clock, self, self.ingest, self.trouble)

    def signals(self, rows=ROWS, result=""):
        """What the action delivers for these rows, or for the one result of that number."""
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


@pytest.fixture
def desk():
    return Desk()


def test_a_run_whose_action_was_killed_is_made_good(desk):
    desk.fire()
    assert desk.reconciler().run() == {"signals_recovered": 2}
    assert len(desk.stores.signals.all()) == 2
    assert desk.reconciler().run() == {"signals_recovered": 0}


def test_a_run_that_arrived_changes_nothing(desk):
    desk.ingest(desk.signals(), "nobody")
    before = len(desk.stores.timeline.all())
    desk.fire()
    assert desk.reconciler().run() == {"signals_recovered": 0}
    assert len(desk.stores.timeline.all()) == before


def test_a_run_that_arrived_in_part_is_completed(desk):
    desk.ingest(desk.signals()[:1], "nobody")
    desk.fire()
    assert desk.reconciler().run() == {"signals_recovered": 1}


def test_of_a_run_that_triggers_for_each_result_the_results_that_are_missing_are_made_good(desk):
    """splunkd stops after some time or some hundred results; here it did one of three."""
    desk.results[SID] = [*ROWS, {**ROWS[0], "count": "5"}]
    desk.ingest(desk.signals(ROWS[1:], result="1"), "nobody")
    desk.fire(for_each_result=True)
    assert desk.reconciler().run() == {"signals_recovered": 2}
    assert len(desk.stores.signals.all()) == 3
    events = {i["entities"][0]: i["events"] for i in desk.stores.incidents.all()}
    assert events == {"checkout": 12, "payments": 9}


def test_an_action_gets_time_to_finish_first(desk):
    desk.fire(ago=30.0)
    assert desk.reconciler().run() == {"signals_recovered": 0}
    desk.clock.advance(130)
    assert desk.reconciler().run() == {"signals_recovered": 2}


def test_alerts_with_other_actions_are_none_of_our_business(desk):
    desk.fire(actions=("email",))
    assert desk.reconciler().run() == {"signals_recovered": 0}
    assert desk.reads == 0


def test_a_run_is_looked_at_once(desk):
    desk.fire()
    reconciler = desk.reconciler()
    reconciler.run()
    reconciler.run()
    desk.reconciler().run()
    assert desk.reads == 1


def test_results_that_are_gone_are_said_once_and_given_up(desk):
    desk.results.clear()
    desk.fire(ago=600.0)
    reconciler = desk.reconciler()
    reconciler.run()
    assert desk.troubles == []
    desk.clock.advance(3600)
    reconciler.run()
    reconciler.run()
    (sentence,) = desk.troubles
    assert sentence.startswith(f"Whether all signals of {SID} arrived is unknown: ")


@pytest.mark.parametrize("moment", range(25))
def test_a_reconciling_that_is_cut_off_is_done_again(desk, moment):
    desk.fire()
    desk.stores.fail_after(moment)
    with contextlib.suppress(Unavailable):
        desk.reconciler().run()
    desk.stores.heal()
    desk.reconciler().run()
    assert len(desk.stores.signals.all()) == 2
    assert len(desk.stores.incidents.all()) >= 1
    assert sum(i["signals"] for i in desk.stores.incidents.all()) == 2


def test_kept_requests_are_carried_out_and_their_files_removed(desk, tmp_path):
    finding = {"rule": "r", "entity": "checkout", "severity": "high", "run": "1"}
    body = {"channel": "slack", "message": "hello"}
    desk.spool(tmp_path, path="/x/signals", body={"signals": [finding]}, actor="mia")
    desk.spool(tmp_path, path="/x/notifications", body=body, actor="omar")
    assert desk.deliver(tmp_path) == {"spooled_requests": 2}
    assert len(desk.stores.signals.all()) == 1 and desk.told == [(body, "omar")]
    assert list(tmp_path.iterdir()) == []


def test_a_request_that_can_never_succeed_is_set_aside_and_said(desk, tmp_path):
    desk.spool(tmp_path, path="/x/signals", body={"signals": [{"entity": "e"}]}, actor="mia")
    desk.spool(tmp_path, path="/x/elsewhere", body={}, actor="mia")
    good, common = {"entity": "checkout", "run": "1"}, {"rule": "r", "severity": "high"}
    body = {"signals": [good], "common": common}
    desk.spool(tmp_path, path="/x/signals", body=body, actor="mia")
    assert desk.deliver(tmp_path) == {"spooled_requests": 1}
    assert sorted(file.suffix for file in tmp_path.iterdir()) == [".bad", ".bad"]
    assert len(desk.troubles) == 2


def test_a_kept_request_needs_the_capability_that_the_api_would_have_asked_for(desk, tmp_path):
    finding = {"rule": "r", "entity": "checkout", "severity": "high", "run": "1"}
    desk.spool(tmp_path, path="/x/signals", body={"signals": [finding]}, actor="stranger")
    desk.deliver(tmp_path, allowed=lambda user: user != "stranger")
    assert desk.stores.signals.all() == []
    assert "stranger has not the capability incident_signal" in desk.troubles[0]


def test_what_the_kv_store_can_not_take_now_stays_for_the_next_round(desk, tmp_path):
    finding = {"rule": "r", "entity": "checkout", "severity": "high", "run": "1"}
    file = desk.spool(tmp_path, path="/x/signals", body={"signals": [finding]}, actor="mia")
    desk.stores.fail_after(0)
    with pytest.raises(Unavailable):
        desk.deliver(tmp_path)
    assert file.exists()
    desk.stores.heal()
    assert desk.deliver(tmp_path) == {"spooled_requests": 1}
