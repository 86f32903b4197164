"""No signal is lost: kept requests are executed, interrupted alert actions recovered."""

from __future__ import annotations

import contextlib

import pytest

from incident_management.splunk.scripts.alert_action import RESULT_ROWS
from tests.fakes import Unavailable
from tests.unit.worker.lossy_desk import ROWS, SID, LossyDesk


@pytest.fixture
def desk():
    return LossyDesk()


def test_a_run_whose_action_was_killed_is_recovered(desk):
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


def test_a_lost_signal_has_the_severity_that_its_result_gives_it(desk, monkeypatch):
    """Its severity used to be medium despite ``$result.severity$``, and it paged nobody."""
    given = {"severity": "$result.level$", "title": "$name$ on {entity}"}
    monkeypatch.setattr(desk, "params", lambda name, app, owner: given)
    desk.results[SID] = [{**ROWS[0], "level": "critical"}]
    desk.fire()
    assert desk.reconciler().run() == {"signals_recovered": 1}
    (incident,) = desk.stores.incidents.all()
    assert (incident["severity"], incident["title"]) == ("critical", "High Error Rate on checkout")


def test_an_unusable_run_is_reported_and_does_not_block_others(desk):
    desk.fire("scheduler__nobody__app__RMD5bad_at_1699999000_1", ago=900.0)
    desk.fired[0].name = " "
    desk.results["scheduler__nobody__app__RMD5bad_at_1699999000_1"] = ROWS
    desk.fire()
    reconciler = desk.reconciler()
    assert reconciler.run() == {"signals_recovered": 2}
    assert reconciler.run() == desk.reconciler().run() == {"signals_recovered": 0}
    (said,) = desk.troubles
    assert "RMD5bad" in said and "A signal needs a rule" in said


def test_one_row_with_an_impossible_time_costs_a_run_nothing(desk):
    desk.results[SID] = [*ROWS, {"entity": "cart", "count": "3", "first_time": "-300"}]
    desk.fire()
    assert desk.reconciler().run() == {"signals_recovered": 3}


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
    assert desk.troubles == [f"{SID} has more than 50000 results; the rest is not ingested."]


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


def test_a_run_is_checked_once(desk):
    desk.fire()
    reconciler = desk.reconciler()
    reconciler.run()
    reconciler.run()
    desk.reconciler().run()
    assert desk.reads == 1


def test_expired_results_are_reported_once_and_given_up(desk):
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


def test_kept_requests_are_executed_and_their_files_removed(desk, tmp_path):
    finding = {"rule": "r", "entity": "checkout", "severity": "high", "run": "1"}
    body = {"channel": "slack", "message": "hello"}
    desk.spool(tmp_path, path="/x/signals", body={"signals": [finding]}, actor="mia")
    desk.spool(tmp_path, path="/x/notifications", body=body, actor="omar")
    assert desk.deliver(tmp_path) == {"spooled_requests": 2}
    assert len(desk.stores.signals.all()) == 1 and desk.told == [(body, "omar")]
    assert list(tmp_path.iterdir()) == []


def test_an_impossible_request_is_set_aside_and_reported(desk, tmp_path):
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
    assert "stranger does not have the capability incident_signal" in desk.troubles[0]


def test_what_the_kv_store_can_not_take_now_stays_for_the_next_round(desk, tmp_path):
    finding = {"rule": "r", "entity": "checkout", "severity": "high", "run": "1"}
    file = desk.spool(tmp_path, path="/x/signals", body={"signals": [finding]}, actor="mia")
    desk.stores.fail_after(0)
    with pytest.raises(Unavailable):
        desk.deliver(tmp_path)
    assert file.exists()
    desk.stores.heal()
    assert desk.deliver(tmp_path) == {"spooled_requests": 1}
