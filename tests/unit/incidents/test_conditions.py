"""Conditions: an incident opens only after N signals or M rules in a time; no signal is lost."""

import contextlib
import itertools
import json
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incident_management.incidents import lifecycle, timeline
from incident_management.incidents.act import Act
from incident_management.incidents.errors import Invalid
from incident_management.incidents.intake import conditions
from incident_management.incidents.intake.alert import Alert
from incident_management.incidents.intake.findings import signal_from, signals_from
from incident_management.incidents.intake.results import findings
from incident_management.incidents.model import ACTOR
from incident_management.splunk.kv.store import LONGEST_URL_QUERY_BYTES
from incident_management.splunk.session import SplunkError
from tests.fakes import FakeStores, ManualClock
from tests.fakes.api import FakeApi
from tests.unit.incidents.builders import START, ingest, signal

THREE = {"signals": 3, "rules": 0, "seconds": 900.0}
TWO_RULES = {"signals": 0, "rules": 2, "seconds": 900.0}


def waiting(run=0, entity="checkout", **more):
    return signal(entity, run, after=more.pop("after", THREE), **more)


def whats(outcomes):
    return [outcome.what for outcome in outcomes]


def pending(stores):
    return {d["_key"] for d in stores.signals.all() if d.get("pending")}


def worker(stores, clock):
    """Do the work of the worker's duty."""
    found = conditions.pending_now(stores, clock)
    return ingest(stores, clock).ingest(found, ACTOR) if found else []


def test_of_what_waits_only_so_many_are_counted_as_one_answer_holds(stores, clock, monkeypatch):
    monkeypatch.setattr(conditions, "MAX_COUNTED", 2)
    ingest(stores, clock).ingest([waiting(0), waiting(1)])
    assert conditions.pending_count(stores) == 2
    stores.signals.save([{**stores.signals.all()[0], "_key": f"more-{n}"} for n in range(5)])
    assert conditions.pending_count(stores) == 2


def test_signals_wait_until_there_are_enough_and_then_all_are_on_the_incident(stores, clock):
    app = ingest(stores, clock)
    first = app.ingest([waiting(0)])
    assert whats(first) == ["pending"] and first[0].incident_id == ""
    assert whats(app.ingest([waiting(1)])) == ["pending"]
    assert stores.incidents.all() == [] and stores.timeline.all() == []
    assert conditions.pending_count(stores) == 2

    (last,) = app.ingest([waiting(2)])
    assert last.what == "opened"
    (incident,) = stores.incidents.all()
    assert (incident["signals"], incident["events"]) == (3, 15)
    assert conditions.pending_count(stores) == 0
    assert {d["incident_id"] for d in stores.signals.all()} == {incident["id"]}
    entry = timeline.read(stores, incident["id"])[0]
    assert entry.data["reason"] == "At least 3 signals within 900 seconds."


def test_signals_that_are_too_far_apart_do_not_meet_it(stores, clock):
    app = ingest(stores, clock)
    assert whats(app.ingest([waiting(run) for run in (0, 1, 20, 21, 40)])) == ["pending"] * 5
    assert whats(app.ingest([waiting(22)])) == ["opened"]
    assert stores.incidents.all()[0]["signals"] == 3
    assert pending(stores) == {waiting(run).key for run in (0, 1, 40)}


def test_a_long_trouble_that_comes_at_once_is_taken_in_as_a_whole(stores, clock):
    ingest(stores, clock).ingest([waiting(run) for run in range(6)])
    assert [d["signals"] for d in stores.incidents.all()] == [6]
    assert pending(stores) == set()


def test_with_a_signal_that_has_no_condition_a_problem_waits_for_nothing(stores, clock):
    outcomes = ingest(stores, clock).ingest([waiting(0), waiting(1, after={})])
    assert whats(outcomes) == ["opened"] * 2
    assert stores.incidents.all()[0]["signals"] == 2 and pending(stores) == set()


def test_another_problem_of_the_same_detection_counts_for_itself(stores, clock):
    app = ingest(stores, clock)
    app.ingest([waiting(0), waiting(1), waiting(0, "cart"), waiting(1, "cart")])
    app.ingest([waiting(2)])
    assert [d["entities"] for d in stores.incidents.all()] == [["checkout"]]
    assert pending(stores) == {waiting(0, "cart").key, waiting(1, "cart").key}


def test_an_open_incident_takes_more_without_a_condition(stores, clock):
    app = ingest(stores, clock)
    app.ingest([waiting(run) for run in range(3)])
    assert whats(app.ingest([waiting(5)])) == ["added"]


def test_what_was_long_before_the_incident_stays_pending(stores, clock):
    app = ingest(stores, clock)
    app.ingest([waiting(0)])
    app.ingest([waiting(run) for run in (20, 21, 22)])
    worker(stores, clock)
    assert pending(stores) == {waiting(0).key}
    assert whats(app.ingest([waiting(0)])) == ["pending"]


def test_after_the_end_of_the_incident_the_condition_holds_again(stores, clock):
    app = ingest(stores, clock)
    (opened, *_rest) = app.ingest([waiting(run) for run in range(3)])
    lifecycle.resolve(Act(stores, clock, "ann"), opened.incident_id)
    clock.advance(5 * 3600)
    assert whats(app.ingest([waiting(60), waiting(61)])) == ["pending", "pending"]
    (again,) = app.ingest([waiting(62)])
    assert again.incident_id != opened.incident_id
    assert stores.incidents.get(again.incident_id)["previous"] == opened.incident_id
    assert stores.incidents.get(again.incident_id)["signals"] == 3


def test_two_rules_about_one_entity_become_one_incident(stores, clock):
    app = ingest(stores, clock)
    app.ingest([waiting(0, after=TWO_RULES), waiting(1, after=TWO_RULES)])
    assert stores.incidents.all() == []
    (other,) = app.ingest([waiting(1, rule="Slow", after=TWO_RULES)])

    (incident,) = stores.incidents.all()
    assert (incident["signals"], incident["rules"]) == (3, ["High Error Rate", "Slow"])
    assert other.incident_id == incident["id"]
    reasons = [e.data.get("reason") for e in timeline.read(stores, incident["id"])]
    assert reasons.count("At least 2 rules within 900 seconds.") == 2
    assert pending(stores) == set()


def test_a_rule_without_a_condition_completes_anothers_when_the_worker_looks_again(stores, clock):
    app = ingest(stores, clock)
    app.ingest([waiting(0, after=TWO_RULES)])
    app.ingest([signal(run=0, rule="Slow")])
    assert pending(stores) == {waiting(0).key}
    assert whats(worker(stores, clock)) == ["opened"]
    assert pending(stores) == set()


def test_either_of_both_conditions_is_enough(stores, clock):
    both = {"signals": 5, "rules": 2, "seconds": 900.0}
    app = ingest(stores, clock)
    app.ingest([waiting(0, after=both), waiting(1, rule="Slow", after=both)])
    assert stores.incidents.all()[0]["signals"] == 2


def test_a_suppressed_signal_is_no_evidence(stores, clock):
    app = ingest(stores, clock)
    stores.signals.save([{**signal(rule="Slow").to_document(), "suppressed_by": "SUP-1"}])
    app.ingest([waiting(0, after=TWO_RULES)])
    assert stores.incidents.all() == []


@settings(deadline=None, max_examples=60)
@given(
    st.permutations(range(7)),
    st.lists(st.integers(0, 6), max_size=4),
    st.integers(1, 3),
)
def test_order_and_redelivery_change_nothing_before_and_at_the_opening(order, again, size):
    """Runs 0 to 2 meet the condition, 10, 11, 20 and 21 do not, in any order and repetition."""
    items = [waiting(run) for run in (0, 1, 2, 10, 11, 20, 21)]
    stores, clock = FakeStores(), ManualClock(START + 100)
    arriving = [items[n] for n in (*order, *again)]
    for start in range(0, len(arriving), size):
        ingest(stores, clock).ingest(arriving[start : start + size])
    worker(stores, clock)

    (incident,) = stores.incidents.all()
    held = timeline.signal_keys(timeline.read(stores, incident["id"]))
    assert {items[0].key, items[1].key, items[2].key} <= held
    assert held | pending(stores) == {item.key for item in items}
    assert held & pending(stores) == set()
    # What comes while the incident is open adds to it; nothing else ever opened one.
    assert incident["signals"] == len(held)


def test_writers_at_once_open_one_incident_with_all_signals(stores):
    items = [waiting(run) for run in range(3)]
    barrier, errors = threading.Barrier(3), []

    def deliver(number):
        barrier.wait()
        try:
            ingest(stores, ManualClock(START + number)).ingest([items[number]])
        except Exception as error:  # noqa: BLE001 - a thread must not fail in silence
            errors.append(error)

    threads = [threading.Thread(target=deliver, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    (incident,) = stores.incidents.all()
    assert incident["signals"] == 3
    worker(stores, ManualClock(START + 10))
    assert pending(stores) == set()


@pytest.mark.parametrize("stop", range(0, 30))
def test_ended_anywhere_and_repeated_ends_the_same(stop):
    stores, clock = FakeStores(), ManualClock(START + 100)
    ingest(stores, clock).ingest([waiting(0), waiting(1)])
    left = itertools.count(stop, -1)

    def before(_verb, _name):
        if next(left) <= 0:
            raise SplunkError(503, "ended here")

    for collection in stores.collections:
        collection.before = before
    with contextlib.suppress(SplunkError):
        ingest(stores, clock).ingest([waiting(2)])
    for collection in stores.collections:
        collection.before = None
    ingest(stores, clock).ingest([waiting(2)])
    worker(stores, clock)

    (incident,) = {d["incident_id"] for d in stores.signals.all()}
    assert timeline.refresh(stores, incident).signals == 3
    assert pending(stores) == set()


def test_a_counted_signal_that_comes_again_after_the_end_is_not_made_pending(stores, clock):
    app = ingest(stores, clock)
    (opened, *_rest) = app.ingest([waiting(run) for run in range(3)])
    stores.signals.delete(waiting(2).key)  # as if ended before the last write
    lifecycle.resolve(Act(stores, clock, "ann"), opened.incident_id)
    lifecycle.close(Act(stores, clock, "ann"), opened.incident_id)
    (again,) = app.ingest([waiting(2)])
    assert again.incident_id == opened.incident_id
    assert pending(stores) == set()


def test_the_alert_actions_settings_become_a_condition():
    params = {"after_signals": "3", "after_rules": "2", "after_window": "10m", "tags": "prod, {t}"}
    alert = Alert.from_params(params, "r", "a", "o", "sid")
    found = findings([{"entity": "e", "t": ["x", "y"]}], alert, START)
    (made,) = signals_from(found, START, alert.common())
    assert made.after == {"signals": 3, "rules": 2, "seconds": 600.0}
    assert made.tags == ["prod", "x", "y"]
    assert alert.problems == ()


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"after_signals": "many"}, "whole numbers, not 'many'"),
        ({"after_signals": "3", "after_window": "soon"}, "after_window is 'soon'"),
        ({"after_signals": "3", "after_window": "9d"}, "at most 7 days"),
        ({"after_rules": "99"}, "at most 1000 signals or 50 rules"),
    ],
)
def test_a_malformed_condition_opens_at_once_and_says_so(params, sentence):
    alert = Alert.from_params(params, "r", "a", "o", "sid")
    assert alert.after == {}
    (problem,) = alert.problems
    assert sentence in problem and problem.endswith("Its incidents open at once.")


@pytest.mark.parametrize("after", [{"signals": "3"}, {"signals": True}, {"signals": 2}, [3]])
def test_a_malformed_condition_of_a_finding_is_refused(after):
    finding = {"rule": "r", "entity": "e", "severity": "low", "after": after}
    with pytest.raises(Invalid):
        signal_from(finding, START)


def test_the_api_takes_conditions_and_counts_what_is_pending(clock):
    api = FakeApi(clock=clock)
    finding = {
        "rule": "r",
        "entity": "e",
        "severity": "low",
        "after": {"signals": 2, "seconds": 600},
    }
    body = {"signals": [{**finding, "run": "1"}]}
    _status, answer = api.call("POST", "/signals", body)
    assert answer["outcomes"][0]["what"] == "pending"
    assert api.call("GET", "/stats")[1]["signals"] == {"pending": 1, "suppressed": 0}
    assert "incident_management_waiting_signals" in api.call("GET", "/metrics")[1]
    body = {"signals": [{**finding, "run": "2"}]}
    assert api.call("POST", "/signals", body)[1]["outcomes"][0]["what"] == "opened"
    assert api.call("GET", "/stats")[1]["signals"] == {"pending": 0, "suppressed": 0}


def test_many_long_names_are_asked_for_within_what_the_kv_store_limits(stores, clock):
    """A query too long for a URL has no limit: it read 25 MB of signals, and ingest failed."""
    asked, find = [], stores.signals.find

    def noted(query=None, sort="", limit=0, skip=0, fields=()):
        if limit:
            asked.append(len(json.dumps(query)))
        return find(query, sort, limit, skip, fields)

    stores.signals.find = noted
    names = [f"host-{number:03}-{'x' * 60}" for number in range(200)]
    run = [waiting(0, name, after=TWO_RULES) for name in names]
    assert set(whats(ingest(stores, clock).ingest(run))) == {"pending"}
    other = [signal(name, 0, rule="Other") for name in names]
    ingest(stores, clock).ingest(other)
    assert set(whats(worker(stores, clock))) <= {"opened", "added"}
    assert max(asked) <= LONGEST_URL_QUERY_BYTES
