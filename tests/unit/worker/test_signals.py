"""No signal is lost: kept requests are carried out, interrupted alert actions made good."""

from __future__ import annotations

import contextlib
import json
from types import SimpleNamespace
from typing import Any

import pytest

from incident_management.incidents.intake.findings import signals_from
from incident_management.incidents.intake.ingest import Ingest
from incident_management.incidents.intake.results import Alert, findings
from incident_management.incidents.routing import Routing
from incident_management.ports import SearchFailed, SearchResult
from incident_management.splunk.alert_action import RESULT_ROWS
from incident_management.worker.forgotten import ForgottenRuns, alerted
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
        """That of a worker that begins now."""
        forgotten = ForgottenRuns(self.stores, self.clock, self, "sh1", self.trouble)
        return Reconciler(self.stores, self.clock, self, forgotten, self.ingest, self.trouble)

    def restarted(self):
        """Work until now, be restarted with a run that fired just before, and work again."""
        before = self.reconciler()
        self.work(before)
        self.clock.advance(30)
        self.fired.clear()
        self.splunkd = self.clock.now()
        return self.reconciler()

    def work(self, reconciler, seconds=200.0):
        """Let the worker reconcile for a while; returns how many signals had been lost."""
        self.clock.advance(seconds)
        return reconciler.run()["signals_recovered"]

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


def test_a_run_of_many_results_that_arrived_is_asked_about_in_one_call(desk):
    desk.results[SID] = [{**ROWS[0], "entity": f"host-{n}"} for n in range(500)]
    desk.ingest(desk.signals(desk.results[SID]), "nobody")
    desk.fire()
    desk.stores.signals.calls = 0
    assert desk.reconciler().run() == {"signals_recovered": 0}
    assert desk.stores.signals.calls == 1


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


def test_a_run_from_before_the_clock_was_put_back_is_made_good_at_once(desk):
    desk.fire(ago=-86_400.0)
    assert desk.reconciler().run() == {"signals_recovered": 2}


def test_a_run_with_more_results_than_its_action_takes_is_made_good_as_far_as_that(desk):
    desk.results[SID] = [{"entity": f"host-{n}"} for n in range(RESULT_ROWS + 1)]
    batches = []
    desk.ingest = lambda signals, actor: batches.append(len(signals))
    desk.fire()
    assert desk.reconciler().run() == {"signals_recovered": RESULT_ROWS}
    assert sum(batches) == RESULT_ROWS and max(batches) <= 5000, "The limit of one request."
    assert desk.troubles == [f"{SID} has more than 50000 results; the rest is not taken."]


def test_the_list_of_alerts_is_read_back_to_what_is_not_reconciled_yet(desk):
    reconciler = desk.reconciler()
    reconciler.run()
    assert desk.clock.now() - desk.asked_since == 6 * 86_400
    desk.fire(ago=-1000.0)
    desk.results.clear()
    desk.work(reconciler, 1200)
    desk.work(reconciler, 1200)
    assert desk.asked_since < desk.fired[0].time, "Its results could not be read yet."
    desk.results[SID] = ROWS
    assert desk.work(reconciler, 1200) == 2
    desk.work(reconciler, 20)
    assert 900 < desk.clock.now() - desk.asked_since < 1200


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


def test_a_run_that_splunkd_forgot_at_its_restart_is_made_good_once(desk):
    after = desk.restarted()
    desk.ran(ago=20)
    assert desk.work(after, 100) == 0, "What was going on at the start may still end."
    assert desk.work(after, 100) == 2
    assert desk.work(after) == 0
    assert desk.listed == ["High Error Rate"], "Nothing is looked through a second time."
    assert desk.work(desk.restarted()) == 0
    assert desk.reads == 1 and len(desk.stores.signals.all()) == 2


def test_a_run_that_was_reconciled_before_the_restart_is_not_read_again(desk):
    desk.fire(ago=100)
    desk.ran(ago=100)
    after = desk.restarted()
    assert desk.reads == 1
    assert desk.work(after) == 0
    assert desk.reads == 1


def test_a_run_that_splunkd_forgot_is_made_good_though_the_clock_had_been_ahead(desk):
    desk.clock.advance(86_400)
    desk.work(desk.reconciler())
    desk.clock.advance(-86_400)
    desk.splunkd = desk.clock.now()
    after = desk.reconciler()
    desk.ran(ago=20)
    assert desk.work(after) == 2


@pytest.mark.parametrize(
    "run",
    [
        {"results": 0},
        {"failed": True},
        {"done": False},
        {"ago": 2 * 3600.0},  # from long before the moment up to which all was reconciled
        {"ago": -60.0},  # since the start, so that splunkd lists it
    ],
)
def test_a_run_that_raised_no_alert_or_is_listed_is_none_of_these(desk, run):
    after = desk.restarted()
    desk.ran(**{"ago": 20, **run})
    assert desk.work(after) == 0
    assert desk.reads == 0 and desk.troubles == []


def test_a_run_of_which_it_cannot_be_told_whether_it_alerted_is_told_of(desk):
    desk.settings["alert.suppress"] = "1"
    after = desk.restarted()
    desk.ran(ago=20)
    assert desk.work(after) == 0 and desk.reads == 0
    (sentence,) = desk.troubles
    assert sentence.startswith("Whether runs of 'High Error Rate' from before the restart alerted")


def test_a_worker_that_begins_anew_under_the_same_splunkd_looks_through_nothing(desk):
    desk.settings["alert.suppress"] = "1"
    desk.ran(ago=20)
    for _process in range(3):
        desk.work(desk.reconciler(), 200.0)
    assert desk.listed == [] and desk.troubles == []
    desk.work(desk.restarted())
    desk.work(desk.reconciler())
    assert desk.listed == ["High Error Rate"], "once after a restart"


@pytest.mark.parametrize("run", [{"results": 0}, {"sid": "done"}])
def test_a_run_without_results_or_that_is_reconciled_is_not_judged(desk, run):
    desk.settings["alert.suppress"] = "1"
    desk.stores.claims.insert({"_key": "reconciled:done", "purpose": "reconciled"})
    after = desk.restarted()
    desk.ran(**{"ago": 20, **run})
    desk.work(after)
    assert desk.listed == ["High Error Rate"] and desk.troubles == []


def test_a_start_of_splunkd_that_can_not_be_read_is_read_again(desk):
    after = desk.restarted()
    desk.ran(ago=20)
    began, desk.splunkd = desk.splunkd, SearchFailed("When splunkd started can't be read: busy.")
    assert desk.work(after) == 0
    desk.splunkd = began
    assert desk.work(after, 20) == 2


@pytest.mark.parametrize(
    ("changed", "results", "verdict"),
    [
        ({}, 1, True),
        ({}, 0, False),
        ({"relation": "less than", "quantity": "2"}, 1, True),
        ({"relation": "equal to", "quantity": "2"}, 1, False),
        ({"relation": "not equal to", "quantity": "2"}, 1, True),
        ({"counttype": "always"}, 0, True),
        ({"counttype": ""}, 0, True),
        ({"relation": "rises by"}, 9, None),
        ({"counttype": "number of hosts"}, 9, None),
        ({"counttype": "custom", "alert_condition": "search count > 5"}, 9, None),
        ({"alert.suppress": "1"}, 9, None),
        ({"alert.suppress": "0"}, 9, True),
        ({"quantity": "10%"}, 9, None),
    ],
)
def test_whether_a_run_alerted_follows_from_its_condition_or_is_not_known(
    desk, changed, results, verdict
):
    assert alerted({**desk.settings, **changed}, results) is verdict


def test_many_searches_are_looked_through_in_several_rounds(desk):
    after = desk.restarted()
    for number in range(25):
        desk.ran(f"Search {number}", sid=f"sid {number}", ago=20, results=0)
    counts: list[int] = []
    for _round in range(4):
        desk.work(after, 20 if counts else 200)
        counts.append(len(desk.listed))
    assert counts == [10, 20, 25, 25]


def test_a_second_restart_in_the_middle_loses_nothing(desk):
    after = desk.restarted()
    for number in range(15):
        desk.ran(f"Search {number}", sid=SID if number == 14 else f"{number}", ago=20, results=0)
    desk.history["Search 14"][0].results = 2
    desk.work(after)
    again = desk.reconciler()
    assert desk.work(again, 7200.0) + desk.work(again, 20) == 2


def test_a_history_that_cannot_be_read_is_tried_again_and_given_up_with_a_word(desk):
    desk.fire(ago=20)
    after = desk.restarted()
    desk.fire("other")
    desk.results["other"] = ROWS
    desk.history = SearchFailed("The saved searches can't be read: busy.")
    assert desk.work(after) == 2, "What is listed is reconciled all the same."
    desk.history = {"High Error Rate": SearchFailed("The runs can't be read: busy.")}
    desk.work(after, 20)
    desk.history["High Error Rate"] = []
    desk.ran(ago=300)
    desk.work(after, 20)
    assert SID not in desk.history and desk.stores.claims.get(f"reconciled:{SID}")

    later = desk.restarted()
    desk.history["High Error Rate"] = SearchFailed("The runs can't be read: gone.")
    desk.troubles.clear()
    desk.work(later)
    desk.work(later, 4000.0)
    desk.work(later)
    assert desk.troubles == ["The runs can't be read: gone. Some may not have arrived."]


def test_a_first_start_looks_through_nothing(desk):
    desk.ran(ago=20)
    assert desk.work(desk.reconciler()) == 0
    assert desk.listed == []


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
