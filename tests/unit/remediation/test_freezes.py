"""In a change freeze nothing is carried out but what may be, and what somebody has overridden."""

from __future__ import annotations

import pytest

from incident_management.incidents.act import Act
from incident_management.incidents.clocks import windows
from incident_management.incidents.errors import Invalid, NotFound
from incident_management.remediation import (
    approval,
    execution,
    freeze,
    interrupted_runs,
    rollback,
    view,
)
from tests.fakes import ManualClock
from tests.unit.remediation.bench import INCIDENT, Bench
from tests.unit.remediation.plans import approved, execute, propose, refusal

DAY = ManualClock().now() + 86_400


@pytest.fixture
def bench():
    return Bench()


def frozen(bench, seconds=3600.0, **wanted):
    ends = {} if "days" in wanted else {"ends_at": bench.clock.now() + seconds}
    given = {"reason": "Black Friday.", **ends, **wanted}
    return freeze.add(Act(bench.stores, bench.clock, "ada"), given).id


def did_not_help(bench, plan):
    bench.raising.fixed_at, bench.raising.after = bench.clock.now(), ["checkout"]
    bench.clock.advance(90)
    bench.verifier().run()
    return bench.context.load(plan)[2]


def override(bench, plan, actor="omar", why="checkout is down"):
    return approval.approve(bench.context, plan, actor, override=why)


# --- what it stops ----------------------------------------------------------------------------


def test_a_fix_is_proposed_and_says_what_stops_it(bench):
    name = frozen(bench)
    plan = propose(bench)
    shown = view.describe(bench.context, plan)
    said = shown["freeze"]
    assert shown["next"].startswith("Wait until the change freeze ends")
    assert shown["next_search"].endswith(f'plan={plan} do=approve override="(why)"')
    assert said.startswith(f"checkout must not be changed during the change freeze {name} (Black")
    (entry,) = [e for e in bench.context.incident(INCIDENT)[1] if e.kind == "plan"]
    assert entry.data["freeze"] == said


def test_it_is_approved_only_with_a_reason(bench):
    name = frozen(bench)
    plan = propose(bench)
    assert name in refusal(lambda: approval.approve(bench.context, plan, "omar"))
    assert override(bench, plan).status == "approved"
    (entry,) = [e for e in bench.context.incident(INCIDENT)[1] if e.kind == "approval"]
    assert entry.actor == "omar"
    assert entry.data["override"] == {"freezes": [name], "reason": "checkout is down"}
    assert execute(bench, plan).status == "done"


def test_what_was_approved_before_waits(bench):
    plan = approved(bench)
    name = frozen(bench, 600.0)
    assert name in refusal(lambda: execute(bench, plan))
    assert bench.context.load(plan)[2].status == "approved" and bench.api.executed == []
    bench.clock.advance(601)
    assert execute(bench, plan).status == "done"


def test_what_was_approved_before_may_be_overridden_also_by_the_same_person(bench):
    plan = approved(bench)
    frozen(bench)
    assert override(bench, plan).approvers == ["omar"]
    assert execute(bench, plan).status == "done"


def test_a_freeze_that_begins_while_it_is_executed_stops_it(bench):
    plan = approved(bench)
    bench.stores.claims.before = lambda verb, _name: (
        frozen(bench) if verb == "insert" and not bench.stores.freezes.find() else None
    )
    state = execute(bench, plan)
    assert state.status == "failed" and state.detail.startswith(
        "Nothing was changed. checkout must not be"
    )
    assert bench.api.executed == []


def test_an_override_is_of_the_freezes_of_its_time(bench):
    frozen(bench)
    plan = propose(bench)
    override(bench, plan)
    later = frozen(bench, reason="Audit")
    assert later in refusal(lambda: execute(bench, plan))


def test_the_freeze_of_a_later_time_is_overridden_besides(bench):
    frozen(bench)
    plan = propose(bench)
    override(bench, plan)
    frozen(bench, reason="Audit")
    said = refusal(lambda: execute(bench, plan))
    assert "Audit" in said and "Black Friday" not in said
    override(bench, plan)
    assert execute(bench, plan).status == "done"


def test_an_override_ends_with_the_right_to_it(bench):
    frozen(bench)
    plan = propose(bench)
    override(bench, plan)
    bench.taken_away.add(("omar", "incident_override"))
    assert "Black Friday" in refusal(lambda: execute(bench, plan))


def test_an_action_that_may_be_in_a_freeze_is_executed(bench):
    bench.stanzas["rollback_change"]["allowed_in_freeze"] = "1"
    frozen(bench)
    assert execute(bench, approved(bench)).status == "done"


@pytest.mark.parametrize(
    ("about", "stops"),
    [
        ({"service": "check*"}, True),
        ({"service": "payments"}, False),
        ({"team": "shop"}, True),
        ({"team": "web"}, False),
        ({"tag": "prod"}, True),
        ({"tag": "test"}, False),
        ({"tag": "prod", "service": "payments"}, False),
        ({"days": ["wed"], "time_zone": "UTC"}, False),
    ],
)
def test_it_is_about_a_team_a_service_a_tag_or_a_day(bench, about, stops):
    bench.write("routed", team="shop")
    bench.write("signal", rule="High Error Rate", entity="checkout", tags=["prod"])
    frozen(bench, **about)
    plan = propose(bench)
    assert bool(view.describe(bench.context, plan)["freeze"]) is stops


# --- undoing ----------------------------------------------------------------------------------


def test_a_fix_that_does_not_help_is_undone_by_itself_in_a_freeze_and_says_so(bench):
    plan = approved(bench)
    execute(bench, plan)
    name = frozen(bench)
    assert did_not_help(bench, plan).status == "rolled_back"
    assert bench.api.executed == [plan, f"{plan}-undo"]
    began = next(e for e in bench.context.incident(INCIDENT)[1] if e.kind == "rollback")
    assert began.data["detail"].startswith(
        "The fix did not help. The approval also covers the rollback"
    )
    assert name in began.data["detail"]


def test_an_undoing_that_was_cut_off_goes_on_in_a_freeze(bench):
    plan = approved(bench)
    execute(bench, plan)
    frozen(bench)
    bench.api.script = [execution.Outcome("unknown", "The connection broke.")]
    assert did_not_help(bench, plan).status == "rolling_back"
    bench.clock.advance(100)
    interrupted_runs.settle(bench.context, plan)
    assert bench.context.load(plan)[2].status == "rolled_back"


def test_an_undoing_by_hand_that_was_cut_off_is_not_sent_again_in_a_freeze(bench):
    plan = approved(bench)
    execute(bench, plan)
    bench.api.script = [execution.Outcome("unknown", "The connection broke.")]
    rollback.roll_back(bench.context, plan, "mia", "Undo it.")
    frozen(bench)
    bench.clock.advance(100)
    interrupted_runs.settle(bench.context, plan)
    assert bench.api.executed == [plan]


def test_undoing_by_hand_takes_an_override_too(bench):
    plan = approved(bench)
    execute(bench, plan)
    name = frozen(bench)
    said = refusal(lambda: rollback.roll_back(bench.context, plan, "mia", "Undo it."))
    assert name in said and bench.context.load(plan)[2].status == "done"
    undone = rollback.roll_back(bench.context, plan, "mia", "It is worse.", "It is worse.")
    assert undone.status == "rolled_back" and undone.undo_overrides == [name]


def test_an_override_is_also_for_what_undoes_the_fix(bench):
    frozen(bench)
    plan = propose(bench)
    override(bench, plan)
    execute(bench, plan)
    assert did_not_help(bench, plan).status == "rolled_back"


def test_a_run_that_was_cut_off_is_not_sent_again_in_a_freeze(bench):
    plan = approved(bench)
    bench.api.script = [execution.Outcome("unknown", "The connection broke.")]
    assert execute(bench, plan).status == "running"
    frozen(bench)
    bench.clock.advance(100)
    interrupted_runs.settle(bench.context, plan)
    assert bench.api.executed == []


# --- naming one -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ({"reason": " ", "ends_at": 9e9}, "needs a reason"),
        ({"reason": "x"}, "needs ends_at, or days"),
        ({"reason": "x", "ends_at": 1.0}, "must end after its start"),
        ({"reason": "x", "days": ["someday"]}, "is not a day"),
        ({"reason": "x", "days": ["mon"], "time_zone": "Mars"}, "is not a time zone"),
        # It is a Tuesday, 22:13 UTC.
        ({"reason": "x", "days": ["sat", "sun"], "ends_at": DAY}, "before its first sat or sun"),
        ({"reason": "x", "days": ["tue"], "to_time": "22:00", "ends_at": DAY}, "its first tue"),
    ],
)
def test_one_that_makes_no_sense_is_refused(bench, wanted, why):
    with pytest.raises(Invalid, match=why):
        freeze.add(Act(bench.stores, bench.clock, "ada"), wanted)


@pytest.mark.parametrize(
    "wanted", [{"days": ["wed"]}, {"days": ["tue"]}, {"days": ["tue"], "from_time": "23:00"}]
)
def test_a_weekly_one_whose_day_comes_before_its_end_is_named(bench, wanted):
    assert freeze.add(
        Act(bench.stores, bench.clock, "ada"), {"reason": "x", "ends_at": DAY, **wanted}
    )


def test_one_that_is_ended_stays_and_says_by_whom(bench):
    name = frozen(bench)
    freeze.end(Act(bench.stores, bench.clock, "eve"), name)
    (one,) = freeze.listing(bench.stores, bench.clock)
    assert (one.ended_by, one.in_force(bench.clock.now())) == ("eve", False)
    assert execute(bench, approved(bench)).status == "done"
    with pytest.raises(NotFound):
        freeze.end(Act(bench.stores, bench.clock, "eve"), "FRZ-none")


def test_one_that_is_over_stays_as_it_ended(bench):
    name = frozen(bench, seconds=60)
    bench.clock.advance(61)
    over = freeze.end(Act(bench.stores, bench.clock, "eve"), name)
    assert (over.ends_at, over.ended_by) == (bench.clock.now() - 1, "")
    assert bench.stores.freezes.get(name) == over.to_document()


def test_one_that_was_over_long_ago_is_forgotten(bench):
    frozen(bench, 60.0)
    kept = frozen(bench, days=["mon"])
    bench.clock.advance(7200)
    windows.delete_ended(bench.stores.freezes, bench.clock.now() - 3600)
    assert [one.id for one in freeze.listing(bench.stores, bench.clock)] == [kept]
