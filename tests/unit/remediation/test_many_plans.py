"""One plan among many: neither their number nor a broken one keeps it waiting."""

from __future__ import annotations

import pytest

from incident_management.remediation import active_plans, approval, interrupted_runs, view
from tests.unit.remediation.bench import INCIDENT, Bench
from tests.unit.remediation.plans import approved, execute, propose


@pytest.fixture
def bench() -> Bench:
    return Bench()


def proposals(bench: Bench, count: int) -> None:
    for number in range(count):
        incident = f"INC-20260101-B{number:05d}"
        bench.open(incident)
        bench.analyse(incident, key=f"ANA-B{number}")
        propose(bench, incident=incident)


def test_proposals_that_nobody_decides_on_keep_no_fix_from_being_proved(bench, monkeypatch):
    """However few plans the worker looks after at a time."""
    for limit in ("MAX_LIVE", "MAX_UNDECIDED"):
        monkeypatch.setattr(active_plans, limit, 3)
    proposals(bench, 4)
    bench.clock.advance(10)
    plan = approved(bench)
    execute(bench, plan)
    bench.raising.fixed_at = bench.clock.now()
    bench.clock.advance(90)
    assert bench.verifier().run() == 1
    assert bench.context.load(plan)[2].status == "recovered"


def test_a_plan_that_can_not_be_read_keeps_no_other_back(bench):
    plan = approved(bench)
    bench.api.script = ["lose"]
    execute(bench, plan)
    broken = {**bench.stores.plans.get(plan), "_key": "PLAN-0000000000", "created_at": 0.0}
    del broken["plan_hash"]
    broken["status"] = "approved"
    bench.stores.plans.insert(broken)
    bench.write("approval", plan_id=broken["_key"], plan_hash="", decision="approved")
    said = []
    bench.clock.advance(91)
    assert interrupted_runs.settle_all(bench.context, failed=lambda *what: said.append(what)) == 1
    sentence = "PLAN-0000000000 was edited by hand and is malformed: propose it again."
    assert said == [("PLAN-0000000000", sentence)]


def test_a_fix_that_an_earlier_version_executed_is_proved(bench):
    """Its plan names no executor: there was one."""
    plan = approved(bench)
    execute(bench, plan)
    document = bench.stores.plans.get(plan)
    del document["executor"]
    bench.stores.plans.save([document])
    bench.raising.fixed_at = bench.clock.now()
    bench.clock.advance(90)
    assert bench.verifier().run() == 1
    assert bench.context.load(plan)[2].status == "recovered"


def test_the_plans_of_an_incident_take_as_many_reads_as_one(bench):
    def reads():
        made = []
        bench.stores.timeline.before = lambda verb, _name: made.append(verb)
        shown = view.of_incident(bench.context, INCIDENT)
        bench.stores.timeline.before = lambda _verb, _name: None
        return len(shown), len(made)

    approval.reject(bench.context, propose(bench), "omar")
    one = reads()
    for _time in range(5):
        approval.reject(bench.context, propose(bench), "omar")
    assert reads() == (6, one[1])


def test_a_plan_whose_incident_left_by_age_hides_no_other(bench):
    plan = propose(bench)
    gone = {**bench.stores.plans.get(plan), "_key": "PLAN-0000000000", "incident_id": "INC-GONE"}
    bench.stores.plans.insert(gone)
    bench.write("joined", **{"from": "INC-GONE"})
    assert [one["plan_id"] for one in view.of_incident(bench.context, INCIDENT)] == [plan]
