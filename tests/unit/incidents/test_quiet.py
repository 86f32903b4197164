"""An incident is resolved when its searches ran all the time without a new finding."""

from __future__ import annotations

import pytest

from incident_management.incidents import lifecycle, timeline
from incident_management.incidents.act import Act
from incident_management.incidents.joining import merging
from incident_management.incidents.upkeep import quiet_resolve
from incident_management.incidents.upkeep.run_coverage import Plan
from tests.unit.incidents.builders import START, signal
from tests.unit.incidents.quietness import HOUR, RULE, SEARCH, World


@pytest.fixture
def world(stores, clock):
    return World(stores, clock)


def test_an_incident_whose_search_finds_nothing_more_is_resolved(world):
    incident = world.raise_signal()
    world.minutes(118)
    assert world.status(incident) == "assigned" or world.status(incident) == "new"
    world.minutes(12)

    assert world.status(incident) == "resolved"


def test_the_entry_says_on_what_evidence(world):
    incident = world.raise_signal()
    world.minutes(130)
    entry = timeline.read(world.stores, incident)[-1]

    assert entry.actor == "incident_management"
    assert entry.data["category"] == "quiet"
    (evidence,) = entry.data["evidence"]
    assert evidence["rule"] == "High Error Rate"
    assert evidence["runs"] == 24
    assert evidence["source"] == "saved/searches history: every scheduled run succeeded"
    assert "'High Error Rate' found nothing in 24 runs for 2" in entry.data["reason"]
    assert entry.data["resolution"] == "It ended by itself."


def test_a_search_that_only_finds_beginnings_proves_no_end(world):
    """Service Went Silent: after hours, it no longer finds a host that is still dead."""
    world.scheduler.blind = (
        "compares parts of its window with 'addinfo', so it no longer finds a problem that lasts"
    )
    incident = world.raise_signal()
    world.minutes(130)
    entry = timeline.read(world.stores, incident)[-1]

    assert entry.data["to"] == "resolved"
    resolution = "Nothing more was found. Whether the problem is over is unknown."
    assert entry.data["resolution"] == resolution
    assert "it compares parts of its window" in entry.data["reason"]


def test_a_new_finding_restarts_the_time(world):
    incident = world.raise_signal()
    world.minutes(90)
    world.raise_signal(run=18)
    world.minutes(90)
    assert world.status(incident) != "resolved"
    world.minutes(40)

    assert world.status(incident) == "resolved"


@pytest.mark.parametrize("trouble", ["skipped", "failed"])
def test_a_search_that_does_not_run_is_not_quiet(world, trouble):
    incident = world.raise_signal()
    bad = world.times(START, START + 100 * HOUR)
    setattr(world.scheduler, trouble, bad)
    world.minutes(300)

    assert world.status(incident) != "resolved"


@pytest.mark.parametrize("trouble", ["skipped", "failed"])
def test_a_missing_run_restarts_the_time(world, trouble):
    incident = world.raise_signal()
    setattr(world.scheduler, trouble, {max(world.times(START, START + HOUR))})
    world.minutes(130)
    assert world.status(incident) != "resolved"
    world.minutes(70)

    assert world.status(incident) == "resolved"


def test_a_search_that_is_switched_off_is_not_quiet(world):
    incident = world.raise_signal()
    world.scheduler.plans[RULE] = Plan(False)
    world.minutes(300)

    assert world.status(incident) != "resolved"


def test_time_before_it_was_switched_off_does_not_count_afterwards(world):
    incident = world.raise_signal()
    world.minutes(110)
    world.scheduler.plans[RULE] = Plan(False)
    world.minutes(60)
    world.scheduler.plans[RULE] = Plan(True)
    world.minutes(60)
    assert world.status(incident) != "resolved"
    world.minutes(80)

    assert world.status(incident) == "resolved"


def test_unobserved_runs_do_not_count(world):
    incident = world.raise_signal()
    world.minutes(10)
    world.minutes(120, watched=False)  # the worker was down, splunkd has forgotten the runs
    world.minutes(10)
    assert world.status(incident) != "resolved"


def test_a_run_that_comes_late_is_waited_for(world):
    incident = world.raise_signal()
    world.scheduler.delay = 240.0
    world.minutes(135)

    assert world.status(incident) == "resolved"


def test_all_detections_of_an_incident_must_be_quiet(world):
    incident = world.raise_signal()
    other = ("Latency Shift", "shop", "ann")
    document = world.stores.incidents.get(incident)
    more = signal(
        "checkout", 1, rule="Latency Shift", app="shop", owner="ann", received_at=world.clock.now(),
        search={"name": other[0], "app": other[1], "owner": other[2]},
    )  # fmt: skip
    data = {"signals": {more.key: 1}, "rule": "Latency Shift", "entities": ["checkout"]}
    timeline.append(Act(world.stores, world.clock, "x"), incident, "signal", data)
    world.stores.signals.save([{**more.to_document(), "incident_id": incident}])
    timeline.refresh(world.stores, incident)
    assert document["rules"] == ["High Error Rate"]
    world.scheduler.plans[other] = Plan(False)
    world.minutes(200)
    assert world.status(incident) != "resolved"
    world.scheduler.plans[other] = Plan(True)
    world.minutes(150)

    assert world.status(incident) == "resolved"
    assert len(timeline.read(world.stores, incident)[-1].data["evidence"]) == 2


def test_a_detection_may_have_its_own_time(world):
    incident = world.raise_signal()
    world.scheduler.plans[RULE] = Plan(True, quiet_after=HOUR)
    world.after = 0.0  # switched off for all others
    world.minutes(70)

    assert world.status(incident) == "resolved"


def test_a_detection_may_be_left_to_people(world):
    incident = world.raise_signal()
    world.scheduler.plans[RULE] = Plan(True, quiet_after=0.0)
    world.minutes(300)

    assert world.status(incident) != "resolved"


def test_an_administrator_may_leave_a_severity_to_people(world):
    incident = world.raise_signal()
    world.resolve_not = ("high",)
    world.minutes(300)

    assert world.status(incident) != "resolved"


def test_a_pinned_incident_stays_open_until_it_is_unpinned(world):
    incident = world.raise_signal()
    lifecycle.pin(Act(world.stores, world.clock, "ann"), incident, True, "we are not sure")
    world.minutes(200)
    assert world.status(incident) != "resolved"
    lifecycle.pin(Act(world.stores, world.clock, "ann"), incident, False)
    world.minutes(150)

    assert world.status(incident) == "resolved"


def test_a_pin_in_the_same_moment_holds(world):
    incident = world.raise_signal()
    world.minutes(118)

    def pin(_verb, _name):
        world.stores.timeline.before = None
        lifecycle.pin(Act(world.stores, world.clock, "ann"), incident, True)

    world.stores.timeline.before = pin
    world.minutes(12)
    assert world.status(incident) != "resolved"


def test_a_flapping_incident_is_resolved_when_calm_not_when_quiet(world):
    incident = world.raise_signal()
    timeline.append(
        Act(world.stores, world.clock, "test"), incident, "flapping", {"state": "began"}
    )
    timeline.refresh(world.stores, incident)
    world.minutes(200)
    assert world.status(incident) != "resolved"
    held = [e.data for e in timeline.read(world.stores, incident) if e.data.get("state") == "held"]
    assert [one["category"] for one in held] == ["quiet"]


@pytest.mark.parametrize("status", ["approved", "running", "done", "rolling_back"])
def test_a_fix_in_progress_decides_alone(world, status):
    incident = world.raise_signal()
    plan = {"_key": "PLAN-1", "incident_id": incident, "status": status}
    world.stores.plans.save([plan])
    world.minutes(200)
    assert world.status(incident) != "resolved"
    world.stores.plans.save([{**plan, "status": "rolled_back"}])
    world.minutes(10)

    assert world.status(incident) == "resolved"


def test_so_does_one_of_an_incident_that_was_merged_into_it(world):
    """Its verification judges, and resolves, the surviving incident."""
    incident, other = world.raise_signal("checkout"), world.raise_signal("cart")
    plan = {"_key": "PLAN-1", "incident_id": other, "status": "done"}
    world.stores.plans.save([plan])
    merging.merge(Act(world.stores, world.clock, "ann"), other, incident)
    world.minutes(200)
    assert world.status(incident) != "resolved"
    world.stores.plans.save([{**plan, "status": "recovered"}])
    world.minutes(10)

    assert world.status(incident) == "resolved"


def test_where_findings_are_throttled_only_runs_without_results_are_quiet(world):
    incident = world.raise_signal()
    world.scheduler.plans[RULE] = Plan(True, throttled=True)
    world.scheduler.found = world.times(START, START + 2 * HOUR)
    world.minutes(150)
    assert world.status(incident) != "resolved"
    world.minutes(120)

    assert world.status(incident) == "resolved"


def test_incidents_without_a_search_are_left_to_people(world):
    incident = world.raise_signal(search={})
    world.minutes(300)

    assert world.status(incident) != "resolved"


def test_a_suppressed_finding_is_no_silence(world):
    incident = world.raise_signal()
    world.mute()
    world.finds(240, "checkout")
    held_at = world.clock.now()
    assert world.status(incident) != "resolved"
    world.minutes(100)
    assert world.status(incident) != "resolved"
    world.minutes(40)

    assert world.status(incident) == "resolved"
    (evidence,) = timeline.read(world.stores, incident)[-1].data["evidence"]
    assert evidence["quiet_since"] == held_at


def test_suppressed_findings_of_another_problem_keep_no_incident_open(world):
    incident = world.raise_signal()
    world.mute("orders")
    world.finds(130, "orders")

    assert world.status(incident) == "resolved"


def test_each_problem_of_an_incident_counts_where_one_is_suppressed(world):
    incident = world.raise_signal("orders")
    (found,) = world.stores.signals.all()
    moved = signal(
        "checkout", 1, app=RULE[1], owner=RULE[2], search=SEARCH, received_at=world.clock.now()
    )
    data = {"signals": {moved.key: 1}, "rule": RULE[0], "entities": ["checkout"]}
    timeline.append(Act(world.stores, world.clock, "x"), incident, "signal", data)
    later = {**found, "received_at": found["received_at"] + 1}
    world.stores.signals.save([later, {**moved.to_document(), "incident_id": incident}])
    timeline.refresh(world.stores, incident)
    world.mute("checkout")
    world.finds(180, "checkout")
    assert world.status(incident) != "resolved"
    world.minutes(140)

    assert world.status(incident) == "resolved"


def test_many_incidents_under_one_suppression_are_asked_about_together(world):
    entities = [f"service-{number}" for number in range(12)]
    for entity in entities:
        world.raise_signal(entity)
    world.mute("service-*")
    world.finds(150, *entities)
    world.stores.signals.calls = 0
    world.minutes(1)

    # The newest signal of each, and once what was held back.
    assert world.stores.signals.calls <= 13
    assert {one["status"] for one in world.stores.incidents.all()} == {"new"}


def test_two_members_resolve_it_once(world):
    incident = world.raise_signal()
    world.minutes(122)
    world.clock.advance(600)
    for _member in range(2):
        world.duty().run(world.after)

    resolves = [e for e in timeline.read(world.stores, incident) if e.data.get("to") == "resolved"]
    assert len(resolves) == 1


def test_an_error_of_splunkd_is_reported_and_proves_nothing(world):
    incident = world.raise_signal()
    world.scheduler.broken = True
    world.minutes(200)

    assert world.status(incident) != "resolved"
    assert "Whether 'High Error Rate' runs is unknown: splunkd is busy." in world.told


def test_incidents_that_are_young_cost_few_calls(world):
    for number in range(40):
        world.raise_signal(f"service-{number}")
    world.stores.signals.calls = world.stores.timeline.calls = world.stores.claims.calls = 0
    world.minutes(5)

    assert world.stores.signals.calls == world.stores.timeline.calls == 0
    assert world.stores.claims.calls <= 10


def test_old_incidents_that_nobody_ends_keep_no_newer_one_open(world, monkeypatch):
    """Some are of a tool that never reported an end, others were forgotten by people."""
    monkeypatch.setattr(quiet_resolve, "INCIDENTS_A_ROUND", 3)
    for number in range(7):
        world.raise_signal(f"old-{number}", -100, search={}, app="tool", rule=f"Alert {number}")
    incident = world.raise_signal()
    world.minutes(140)
    assert world.status(incident) == "resolved"
