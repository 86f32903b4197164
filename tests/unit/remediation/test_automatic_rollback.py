"""A fix that did not help is undone by itself, once, or people are told why not."""

from __future__ import annotations

import pytest

from incident_management.incidents import lifecycle, timeline
from incident_management.incidents.act import Act
from incident_management.remediation import approval, execution, rollback
from incident_management.remediation.context import Refused
from incident_management.remediation.executors.executor import Outcome
from incident_management.remediation.runs import rollback_run
from tests.unit.remediation.bench import INCIDENT, Bench, Crash
from tests.unit.remediation.plans import occupied
from tests.unit.remediation.rollback_bench import (
    DOWN,
    carried_out,
    not_helping,
    roll_back,
    rounds,
    state_of,
)


@pytest.fixture
def bench():
    return carried_out()


def test_a_deploy_api_that_is_down_for_a_moment_only_delays_the_undoing(bench):
    not_helping(bench)
    bench.api.down = True
    assert set(rounds(bench, 5)) == {DOWN}
    assert state_of(bench).status == "not_recovered"
    assert bench.kinds()[-1] == "verification not_recovered", "nothing is said while it is tried"
    bench.api.down = False
    rounds(bench, 1)
    assert bench.kinds()[-2:] == ["rollback started", "rollback done"]
    assert bench.stores.plans.get(bench.plan)["status"] == "rolled_back"


def test_one_that_stays_down_ends_the_undoing_in_a_sentence_for_people(bench):
    not_helping(bench)
    bench.api.down = True
    rounds(bench, 30)
    assert bench.kinds()[-2:] == ["verification not_recovered", "rollback failed"]
    assert state_of(bench).detail == f"It was not rolled back within 30 min. {DOWN}"
    assert bench.stores.plans.get(bench.plan)["status"] == "rollback_failed"
    assert not occupied(bench)
    bench.api.down = False
    rounds(bench, 5)
    assert bench.api.executed == [bench.plan], "what people were told stays so"


def test_an_undoing_that_somebody_has_just_begun_is_not_given_up(bench):
    not_helping(bench)
    bench.api.down = True
    rounds(bench, 1)
    plan, _entries, state = bench.context.load(bench.plan)
    assert state.status == "not_recovered"
    assert bench.context.claim(rollback_run(plan, state).claim, {"actor": "zoe"})
    bench.clock.advance(rollback.AUTOMATIC_ROLLBACK_SECONDS + 1)
    rollback.roll_back_automatically(bench.context, bench.plan)
    assert "rollback failed" not in bench.kinds(), "whoever has begun it says how it ended"


PASSING = Outcome("failed", "The deploy API could not be reached: it is down.", transient=True)


def test_a_request_that_fails_in_passing_is_sent_again_and_people_are_informed_that_it_is(bench):
    not_helping(bench)
    bench.api.script = [PASSING, PASSING]
    rounds(bench, 1)
    assert state_of(bench).status == "rolling_back" and bench.kinds()[-1] == "note"
    (note,) = [one for one in timeline.read(bench.stores, INCIDENT) if one.kind == "note"]
    assert note.data["text"] == (
        f"{bench.plan} is not rolled back yet. The worker tries again: {PASSING.detail}"
    )
    rounds(bench, 2)
    assert bench.kinds()[-3:] == ["rollback started", "note", "rollback done"]
    assert bench.api.services["checkout"]["version"] == "r8"
    assert bench.api.executed == [bench.plan, f"{bench.plan}-undo"]


def test_one_that_never_gets_through_ends_for_people_who_may_undo_it_then(bench):
    not_helping(bench)
    bench.api.script = [PASSING] * 30
    rounds(bench, 8)
    assert bench.kinds()[-1] == "rollback failed" and bench.kinds().count("rollback failed") == 1
    assert "The request was not sent again: It started 11 min 40 s ago." in state_of(bench).detail
    bench.api.script = []
    assert roll_back(bench).status == "rolled_back"


def test_a_refusal_of_one_that_is_sent_again_is_the_end_where_nothing_else_is_under_way(bench):
    """It was waited for all the same for a quarter of an hour, and nobody could undo it."""
    not_helping(bench)
    bench.api.script = [PASSING, PASSING, Outcome("failed", "The deploy API refused with 409.")]
    rounds(bench, 3)
    assert state_of(bench).status == "rollback_failed"
    assert state_of(bench).detail == "The deploy API refused with 409."
    assert roll_back(bench).status == "rolled_back"


def test_a_request_whose_answer_was_lost_meanwhile_is_waited_for(bench):
    not_helping(bench)
    refused = Outcome("failed", "The deploy API refused with 409.")
    bench.api.script = [PASSING, Outcome("unknown", "The connection broke."), refused]
    rounds(bench, 3)
    assert state_of(bench).status == "rolling_back"


def test_what_was_released_before_it_is_sent_again_is_not_replaced(bench):
    not_helping(bench)
    bench.api.script = [PASSING]
    rounds(bench, 1)
    bench.api.deploy("r9")
    rounds(bench, 12)
    assert bench.api.services["checkout"]["version"] == "r9"
    assert state_of(bench).status == "rollback_failed"


def test_a_person_is_informed_at_once_that_a_request_failed(bench):
    bench.api.script = [PASSING]
    assert roll_back(bench).status == "done", "it is still judged"
    assert bench.kinds()[-2:] == ["rollback started", "rollback failed"]


@pytest.mark.parametrize("moment", range(30))
def test_a_kill_around_a_request_that_fails_in_passing_undoes_it_once(moment):
    bench = not_helping(carried_out())
    bench.api.script = [PASSING]
    bench.stores.fail_after(moment, Crash)
    try:
        bench.clock.advance(100)
        bench.verifier().run()
    except Crash:
        pass
    bench.stores.heal()
    rounds(bench, 6)
    assert state_of(bench).status == "rolled_back"
    assert bench.api.executed == [bench.plan, f"{bench.plan}-undo"]


def test_what_was_given_up_may_be_undone_by_hand(bench):
    not_helping(bench)
    bench.api.down = True
    rounds(bench, 30)
    bench.api.down = False
    assert roll_back(bench).status == "rolled_back"
    assert bench.kinds()[-3:] == ["rollback failed", "rollback started", "rollback done"]
    assert bench.stores.plans.get(bench.plan)["status"] == "rolled_back"
    assert bench.api.services["checkout"]["version"] == "r8"


def test_a_worker_that_was_gone_for_long_does_not_act_on_an_old_verdict(bench):
    not_helping(bench)
    bench.api.down = True
    rounds(bench, 1)
    bench.api.down = False
    rounds(bench, 1, seconds=86400)
    assert bench.api.executed == [bench.plan]
    assert state_of(bench).detail == (
        "It was not rolled back within 30 min. Roll it back by hand if needed."
    )


def test_an_inverse_that_was_changed_since_the_approval_does_not_run_by_itself(bench):
    bench.stanzas["reapply_change"]["preconditions"] = ""
    rounds(not_helping(bench), 1)
    state = state_of(bench)
    assert state.status == "rollback_failed"
    assert state.detail.startswith(
        f"The inverse of {bench.plan} was changed in the catalogue since"
    )
    assert bench.api.executed == [bench.plan]
    assert roll_back(bench).status == "rolled_back", "a person may, having looked at it"


def test_a_fix_without_a_way_back_ends_as_one_that_did_not_help():
    made = Bench()
    made.stanzas["rollback_change"]["inverse"] = ""
    made.plan = approval.propose(made.context, INCIDENT, "", "mia")["_key"]
    approval.approve(made.context, made.plan, "omar")
    execution.execute(made.context, made.plan, "mia")
    made.raising.fixed_at = made.clock.now() + 1
    rounds(not_helping(made), 2)
    assert state_of(made).status == "did_not_help" and state_of(made).finished
    assert made.kinds()[-1] == "verification not_recovered", "no rollback is said to have failed"
    with pytest.raises(Refused, match="has no inverse: roll it back by hand"):
        roll_back(made)


def test_what_people_have_closed_is_not_undone_by_itself(bench):
    not_helping(bench)
    lifecycle.resolve(Act(bench.stores, bench.clock, "zoe"), INCIDENT)
    rounds(bench, 2)
    assert bench.kinds()[-2:] == ["verification not_recovered", "rollback failed"]
    assert bench.api.executed == [bench.plan]
    assert state_of(bench).detail == (
        f"{INCIDENT} is resolved, so the fix is not rolled back automatically: roll it "
        "back by hand if needed."
    )


def test_an_incident_closed_while_the_deploy_api_is_asked_is_not_undone_by_itself(bench):
    ask = bench.api.facts

    def facts(arguments):
        bench.api.facts = ask
        lifecycle.resolve(Act(bench.stores, bench.clock, "zoe"), INCIDENT)
        return ask(arguments)

    not_helping(bench)
    bench.api.facts = facts
    rounds(bench, 2)
    assert bench.api.executed == [bench.plan]
    assert bench.kinds()[-2:] == ["rollback started", "rollback failed"]
    assert state_of(bench).status == "rollback_failed"


@pytest.mark.parametrize("moment", range(45))
def test_a_worker_killed_while_it_gives_up_ends_it_once(moment):
    bench = not_helping(carried_out())
    bench.api.down = True
    rounds(bench, 19)
    bench.clock.advance(100)
    bench.stores.fail_after(moment, Crash)
    try:
        bench.verifier().run()
    except Crash:
        bench.stores.heal()
    bench.stores.heal()
    rounds(bench, 12)
    kinds = bench.kinds()
    assert kinds.count("rollback failed") == 1 and kinds[-1] == "rollback failed"
    assert bench.stores.plans.get(bench.plan)["status"] == "rollback_failed"
    assert bench.api.executed == [bench.plan]
