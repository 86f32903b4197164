"""A verdict is of the fix that stands, and of the incident that people have made of it since."""

from __future__ import annotations

import pytest

from incident_management.incidents import timeline
from incident_management.incidents.act import Act
from incident_management.incidents.joining import merging
from incident_management.remediation import approval, view
from incident_management.remediation.context import Refused
from incident_management.remediation.raising_search import Rerun
from tests.unit.remediation.bench import INCIDENT, Bench
from tests.unit.remediation.plans import approved, execute

OTHER = "INC-20260101-ZZZZZZ"


@pytest.fixture
def bench() -> Bench:
    """A fix of checkout that was just carried out."""
    made = Bench()
    made.plan = approved(made)
    execute(made, made.plan)
    made.raising.fixed_at = made.clock.now()
    return made


def judged(bench: Bench, rounds: int = 1):
    verifier = bench.verifier()
    for _round in range(rounds):
        bench.clock.advance(90)
        verifier.run()
    return bench.context.load(bench.plan)[2]


# --- does it stand? ---------------------------------------------------------------------------


def test_what_another_release_has_cured_is_not_the_fixs_doing(bench):
    bench.api.deploy("r9")
    state = judged(bench)
    assert state.status == "insufficient_data"
    assert state.detail == (
        "The search no longer finds it, but that does not prove that the fix worked: "
        "checkout now runs r9."
    )
    assert bench.status() == "new"


def test_recovery_is_claimed_once_the_deploy_api_says_that_the_fix_stands(bench):
    bench.api.down = True
    assert judged(bench).status == "done"
    bench.api.down = False
    assert judged(bench).status == "recovered"


def test_without_its_answer_none_is_claimed(bench):
    bench.api.down = True
    state = judged(bench, 10)
    assert state.status == "insufficient_data"
    assert state.detail.endswith("The deploy API can't be reached: it is down.")


# --- merged meanwhile -------------------------------------------------------------------------


@pytest.fixture
def merged(bench):
    bench.open(OTHER)
    merging.merge(Act(bench.stores, bench.clock, "mia"), INCIDENT, OTHER, "the same")
    return bench


def other(bench: Bench):
    return timeline.fold(timeline.read(bench.stores, OTHER))


def test_recovery_resolves_the_incident_that_took_this_one_over(merged):
    assert judged(merged).status == "recovered"
    assert other(merged).status == "resolved"
    assert merged.stores.plans.get(merged.plan)["status"] == "recovered"


def test_a_fix_that_did_not_help_is_undone_while_that_one_is_open(merged):
    merged.raising.after = ["checkout"]
    assert judged(merged).status == "rolled_back"
    assert other(merged).status == "new"


def test_all_that_the_other_one_holds_must_work(merged):
    merged.write("signal", OTHER, rule="High Error Rate", entities=["pay"], signals={"z": 1})
    merged.silent = ["pay"]
    assert judged(merged, 10).status == "insufficient_data"


def test_its_plans_are_the_other_ones(merged):
    (plan,) = view.of_incident(merged.context, OTHER)
    assert (plan["plan_id"], plan["incident_id"]) == (merged.plan, INCIDENT)


def test_a_fix_for_a_merged_incident_is_proposed_for_the_other(merged):
    with pytest.raises(Refused, match=f"was merged into {OTHER}: propose it there"):
        approval.propose(merged.context, INCIDENT, "", "mia")


# --- joined meanwhile -------------------------------------------------------------------------


def test_a_search_that_joined_after_the_fix_does_not_have_it_undone(bench):
    """Anybody may raise a signal that names a search which always finds the service."""
    bench.write("signal", rule="Inventory", entities=["checkout"], signals={"z": 1})
    search = {"name": "Inventory", "app": "shop", "owner": "nobody"}
    signal = {"_key": "z", "incident_id": INCIDENT, "rule": "Inventory", "search": search}
    bench.stores.signals.insert({**signal, "received_at": bench.clock.now()})

    def run(search, earliest, latest):
        found = search["name"] == "Inventory" or latest <= bench.raising.fixed_at
        return Rerun("spl", "entity", [{"entity": "checkout"}] if found else [])

    bench.raising.run = run
    bench.clock.advance(1)
    state = judged(bench, 10)
    assert state.status == "insufficient_data"
    assert "so the fix helped in part: a person decides" in state.detail
    assert bench.api.services["checkout"]["version"] == "r7"


def test_what_joined_after_the_fix_neither_proves_nor_undoes_it(bench):
    bench.write("signal", rule="High Error Rate", entities=["pay"], signals={"z": 1})
    bench.raising.broken = ["checkout", "pay"]
    bench.raising.after = ["pay"]
    state = judged(bench, 10)
    assert state.status == "insufficient_data"
    assert state.detail == (
        "The search still finds pay after the fix. But a search that found checkout "
        "before no longer finds it, so the fix helped in part: a person decides whether "
        "it stays."
    )
    assert bench.api.services["checkout"]["version"] == "r7"
