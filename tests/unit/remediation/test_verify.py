"""The search that raised the incident decides whether the fix helped."""

from __future__ import annotations

import math

import pytest

from incident_management.incidents import lifecycle, timeline
from incident_management.incidents.act import Act
from incident_management.ports import SearchFailed
from incident_management.remediation import approval, execution, interrupted_runs, rollback
from incident_management.remediation.context import Refused
from incident_management.remediation.raising_search import Grid
from tests.unit.remediation.bench import INCIDENT, Bench, Crash


@pytest.fixture
def bench():
    made = Bench()
    made.plan = approval.propose(made.context, INCIDENT, "", "mia")["_key"]
    approval.approve(made.context, made.plan, "omar")
    execution.execute(made.context, made.plan, "mia")
    made.raising.fixed_at = made.clock.now() + 1
    return made


def verification(bench):
    entries = timeline.read(bench.stores, INCIDENT)
    (entry,) = [entry for entry in entries if entry.kind == "verification"]
    return entry.data


def test_recovery_is_proved_over_matched_windows_and_resolves_the_incident(bench):
    done = bench.clock.now()
    bench.clock.advance(79)
    assert bench.verifier().run() == 0, "the window and the events' way into it take 80 s"
    bench.clock.advance(2)
    assert bench.verifier().run() == 1
    data = verification(bench)
    assert data["outcome"] == "recovered"
    (asked,) = data["searches"]
    assert asked["windows"] == {"before": [done - 60, done], "after": [done + 15, done + 75]}
    assert data["before"] == ["checkout"] and data["after"] == []
    assert data["samples"] == [{"entity": "checkout", "events": 100}]
    assert asked["name"] == "High Error Rate" and "stats count by entity" in asked["spl"]
    assert bench.kinds()[-2:] == ["verification recovered", "status resolved"]
    incident = timeline.fold(timeline.read(bench.stores, INCIDENT))
    assert incident.status == "resolved" and "Roll back the change" in incident.resolution
    assert bench.stores.plans.get(bench.plan)["status"] == "recovered"


def test_samples_are_counted_by_a_search_of_escaped_parts(bench):
    bench.clock.advance(85)
    bench.verifier().run()
    (asked,) = {spl for spl, _earliest, _latest in bench.searcher.asked}
    assert asked == (
        'search `incident_indexes` (service IN ("checkout") OR service.name IN ("checkout")'
        ' OR host IN ("checkout"))'
        " | eval entity=mvdedup(mvappend('service', 'service.name', 'host'))"
        " | stats count by entity"
    )


def test_silence_is_not_health(bench):
    """The search finds nothing, but neither did the service do anything."""
    bench.samples = 3
    bench.clock.advance(85)
    assert bench.verifier().run() == 0
    bench.clock.advance(600)
    bench.verifier().run()
    data = verification(bench)
    assert data["outcome"] == "insufficient_data"
    assert data["detail"] == ("Too few events after the fix to judge, fewer than 10: checkout (3).")
    assert bench.status() == "new"
    assert bench.kinds()[-1] == "verification insufficient_data"
    bench.samples = 1000
    bench.clock.advance(600)
    bench.verifier().run()
    assert bench.status() == "new", "insufficient data stays so"


def test_traffic_that_comes_back_later_still_proves_recovery(bench):
    bench.samples = 0
    bench.clock.advance(85)
    bench.verifier().run()
    bench.samples = 50
    bench.clock.advance(120)
    assert bench.verifier().run() == 1
    assert verification(bench)["outcome"] == "recovered"
    assert bench.status() == "resolved"


def test_a_problem_that_was_gone_before_proves_nothing(bench):
    bench.raising.broken = []
    bench.clock.advance(700)
    bench.verifier().run()
    data = verification(bench)
    assert data["outcome"] == "insufficient_data" and "before the fix" in data["detail"]


def test_what_can_not_be_asked_again_proves_nothing_and_undoes_nothing(bench):
    bench.raising.unable = "No search head has the monitor 'orders'."
    bench.clock.advance(85)
    assert bench.verifier().run() == 0, "it may be switched on again"
    bench.clock.advance(600)
    bench.verifier().run()
    data = verification(bench)
    assert (data["outcome"], data["detail"]) == ("insufficient_data", bench.raising.unable)
    assert bench.kinds()[-1] == "verification insufficient_data"


def test_a_monitors_windows_are_whole_spans_on_both_sides(bench):
    bench.raising.asked_in = Grid(300, 90.0)
    done = bench.clock.now()
    begin = math.floor(done / 300) * 300
    after = math.ceil((done + 15) / 300) * 300
    bench.clock.set(after + 300 + 89)
    assert bench.verifier().run() == 0
    bench.clock.advance(2)
    assert bench.verifier().run() == 1
    pair = verification(bench)["searches"][0]["windows"]
    assert pair == {"before": [begin - 300, begin], "after": [after, after + 300]}
    assert begin <= done < done + 15 <= after


def test_a_search_is_asked_about_windows_as_long_as_its_own(bench):
    """Its limits are meant for so much time: over 60 s it finds too little, over an hour too much.

    Its events are waited for as long as it waits itself, and so is its first window, whatever the
    limit is.
    """
    bench.raising.asked_in = Grid(lag=90.0, length=900.0)
    done = bench.clock.now()
    verifier = bench.verifier()
    bench.clock.set(done + 15 + 900 + 89)
    assert verifier.run() == 0 and bench.raising.windows == []
    bench.clock.advance(2)
    assert verifier.run() == 1
    data = verification(bench)
    assert data["outcome"] == "recovered"
    assert bench.raising.windows == [(done - 900, done), (done + 15, done + 915)]


def test_a_short_search_is_asked_at_the_end_of_the_time_to_watch(bench):
    bench.raising.asked_in = Grid(length=20.0)
    done = bench.clock.now()
    bench.clock.set(done + 15 + 60 + 5)
    bench.verifier().run()
    assert bench.raising.windows == [(done - 20, done), (done + 55, done + 75)]


def test_a_problem_that_was_not_found_before_is_no_reason_to_undo(bench):
    bench.raising.broken, bench.raising.after = [], ["checkout"]
    bench.clock.advance(700)
    bench.verifier().run()
    data = verification(bench)
    assert data["outcome"] == "insufficient_data" and "another problem" in data["detail"]
    assert bench.api.executed == [bench.plan]


def test_events_that_the_judge_saw_itself_are_samples(bench):
    bench.raising.events = {"checkout": 12}
    bench.samples = 0
    bench.clock.advance(85)
    bench.verifier().run()
    assert verification(bench)["samples"] == [{"entity": "checkout", "events": 12}]
    assert bench.searcher.asked == []


def test_fewer_are_searched_for_among_all_that_the_entity_logs(bench):
    bench.raising.events = {"checkout": 3}
    bench.samples = 40
    bench.clock.advance(85)
    bench.verifier().run()
    assert verification(bench)["samples"] == [{"entity": "checkout", "events": 40}]


def test_a_fix_that_does_not_help_is_undone(bench):
    bench.raising.after = ["checkout"]
    bench.clock.advance(85)
    bench.verifier().run()
    assert bench.kinds()[-3:] == [
        "verification not_recovered",
        "rollback started",
        "rollback done",
    ]
    assert bench.api.services["checkout"]["version"] == "r8"
    assert bench.status() == "new"
    assert bench.stores.plans.get(bench.plan)["status"] == "rolled_back"
    bench.clock.advance(600)
    bench.verifier().run()
    assert bench.api.executed == [bench.plan, f"{bench.plan}-undo"]


def test_another_entitys_errors_say_nothing(bench):
    bench.raising.after = ["inventory"]
    bench.clock.advance(85)
    bench.verifier().run()
    assert verification(bench)["outcome"] == "recovered"


def test_what_somebody_released_meanwhile_is_not_rolled_back(bench):
    bench.raising.after = ["checkout"]
    bench.api.deploy("r10")
    bench.clock.advance(85)
    bench.verifier().run()
    assert bench.kinds()[-2:] == ["verification not_recovered", "rollback failed"]
    assert bench.api.services["checkout"]["version"] == "r10"
    assert bench.stores.plans.get(bench.plan)["status"] == "rollback_failed"


def test_a_search_that_fails_is_run_again_and_stops_nothing(bench):
    bench.raising.error = "splunkd refused the search."
    bench.clock.advance(85)
    troubles = []
    assert bench.verifier().run(failed=lambda plan, why: troubles.append((plan, why))) == 0
    assert troubles == [(bench.plan, "splunkd refused the search.")]
    bench.raising.error = ""
    assert bench.verifier().run() == 1
    with pytest.raises(SearchFailed):
        bench.raising.error = "again"
        bench.raising.run({}, 0, 1)


def test_a_pinned_incident_stays_open_after_a_proved_fix(bench):
    lifecycle.pin(Act(bench.stores, bench.clock, "ann"), INCIDENT, True)
    bench.clock.advance(85)
    assert bench.verifier().run() == 1
    assert bench.kinds()[-1] == "verification recovered" and bench.status() == "new"
    assert bench.stores.plans.get(bench.plan)["status"] == "recovered"


def test_a_person_may_have_resolved_it_first(bench):
    lifecycle.resolve(Act(bench.stores, bench.clock, "mia"), INCIDENT)
    bench.clock.advance(85)
    bench.verifier().run()
    assert bench.kinds()[-2:] == ["status resolved", "verification recovered"]
    assert bench.stores.plans.get(bench.plan)["status"] == "recovered"


@pytest.mark.parametrize("after", [[], ["checkout"]], ids=["recovered", "not recovered"])
@pytest.mark.parametrize("moment", range(40))
def test_a_worker_killed_at_any_store_call_comes_to_the_same_end(bench, moment, after):
    bench.raising.after = after
    bench.clock.advance(85)
    bench.stores.fail_after(moment, Crash)
    try:
        bench.verifier().run()
    except Crash:
        bench.stores.heal()
    bench.stores.heal()
    for _ in range(3):
        bench.clock.advance(120)
        interrupted_runs.settle_all(bench.context)
        approval.expire_plans(bench.context)
        bench.verifier().run()
    kinds = bench.kinds()
    if after:
        assert kinds[-3:] == ["verification not_recovered", "rollback started", "rollback done"]
        assert bench.api.executed == [bench.plan, f"{bench.plan}-undo"]
    else:
        assert kinds[-2:] == ["verification recovered", "status resolved"]
        assert bench.api.executed == [bench.plan]


def test_a_person_undoes_a_fix(bench):
    state = rollback.roll_back(bench.context, bench.plan, "mia", "wrong guess")
    assert state.status == "rolled_back"
    assert rollback.roll_back(bench.context, bench.plan, "mia", "again").status == "rolled_back"
    assert bench.api.executed == [bench.plan, f"{bench.plan}-undo"]


def test_what_was_not_executed_can_not_be_undone():
    bench = Bench()
    plan = approval.propose(bench.context, INCIDENT, "", "mia")["_key"]
    with pytest.raises(Refused, match="was not executed: there is nothing to roll back"):
        rollback.roll_back(bench.context, plan, "mia", "why not")


def test_a_fix_whose_proposal_was_cut_off_is_judged_all_the_same():
    bench = Bench()
    bench.stores.timeline.before = crash_at_the_first_insert = Killer()
    with pytest.raises(Crash):
        approval.propose(bench.context, INCIDENT, "", "mia")
    assert crash_at_the_first_insert.done
    (known,) = bench.stores.plans.find()
    approval.approve(bench.context, known["_key"], "omar")
    execution.execute(bench.context, known["_key"], "mia")
    bench.raising.fixed_at = bench.clock.now() + 1
    bench.clock.advance(81)
    assert bench.verifier().run() == 1
    assert verification(bench)["outcome"] == "recovered"


class Killer:
    """Kills the process at the first insert."""

    def __init__(self) -> None:
        self.done = False

    def __call__(self, verb, _name):
        if verb == "insert" and not self.done:
            self.done = True
            raise Crash


def test_an_entity_that_no_search_can_name_proves_nothing_and_stops_nothing(bench):
    bench.write("edited", entities=["check\nout"])
    bench.raising.broken = ["check\nout"]
    bench.clock.advance(700)
    assert bench.verifier().run() == 1
    assert verification(bench)["outcome"] == "insufficient_data"
    assert verification(bench)["samples"] == [{"entity": "check\nout", "events": 0}]
