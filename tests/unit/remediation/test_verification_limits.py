"""A proof is of the whole incident, comes in time, and ends when there can be none."""

from __future__ import annotations

import pytest

from incident_management.incidents import timeline
from incident_management.ports import SearchFailed, SearchResult, SearchTooSlow
from incident_management.remediation import approval, execution
from incident_management.remediation.raising_search import Grid, Rerun
from tests.unit.remediation.bench import INCIDENT, Bench
from tests.unit.remediation.plans import occupied

RATIO = {"name": "HTTP 5xx Ratio", "app": "shop", "owner": "nobody"}


def carried_out(*, entities=("checkout",), rules=(), **bench_values):
    """A fix of an incident with more entities, and more rules with their signals' searches."""
    made = Bench()
    for name, value in bench_values.items():
        setattr(made, name, value)
    made.raising.broken = list(entities)
    made.write("signal", rule="High Error Rate", entities=list(entities), signals={"b": 1})
    for number, (rule, search) in enumerate(rules):
        made.write("signal", rule=rule, entities=[entities[0]], signals={f"c{number}": 1})
        signal = {"_key": f"c{number}", "incident_id": INCIDENT, "rule": rule, "search": search}
        made.stores.signals.insert({**signal, "received_at": float(number)})
    made.plan = approval.propose(made.context, INCIDENT, "", "mia")["_key"]
    approval.approve(made.context, made.plan, "omar")
    execution.execute(made.context, made.plan, "mia")
    made.raising.fixed_at = made.clock.now() + 1
    return made


def verdict(bench, seconds=90):
    bench.clock.advance(seconds)
    bench.verifier().run()
    entries = timeline.read(bench.stores, INCIDENT)
    return next((e.data for e in entries if e.kind == "verification"), None)


def ask(bench, answer):
    """Have each search answered by ``answer(search, earliest, latest)``; returns what was asked."""
    asked = []

    def run(search, earliest, latest):
        asked.append(search)
        return Rerun("spl", "entity", [{"entity": one} for one in answer(search, latest)])

    bench.raising.run = run
    return asked


# --- the whole incident -----------------------------------------------------------------------


def test_every_rule_is_asked_and_one_that_still_finds_it_leaves_it_to_people():
    bench = carried_out(rules=[("HTTP 5xx Ratio", RATIO)])
    asked = ask(
        bench,
        lambda search, latest: (
            ["checkout"]
            if search["name"] == RATIO["name"] or latest <= bench.raising.fixed_at
            else []
        ),
    )
    data = verdict(bench, 600)
    assert [one["name"] for one in asked] == ["High Error Rate"] * 2 + ["HTTP 5xx Ratio"] * 2
    assert data["outcome"] == "insufficient_data"
    assert data["detail"] == (
        "The search still finds checkout after the fix. But a search that found checkout "
        "before no longer finds it, so the fix helped in part: a person decides whether "
        "it stays."
    )
    found = [(one["name"], one["before"], one["after"]) for one in data["searches"]]
    assert found == [
        ("High Error Rate", ["checkout"], []),
        ("HTTP 5xx Ratio", ["checkout"], ["checkout"]),
    ]


def test_recovery_takes_all_of_them_to_be_silent():
    bench = carried_out(rules=[("HTTP 5xx Ratio", RATIO)])
    assert verdict(bench)["outcome"] == "recovered"
    assert len(bench.raising.windows) == 4


def test_each_has_windows_of_its_own_and_the_longest_is_waited_for():
    bench = carried_out(rules=[("HTTP 5xx Ratio", RATIO)])
    grids = {"High Error Rate": Grid(length=60.0), "HTTP 5xx Ratio": Grid(length=300.0)}
    bench.raising.grid = lambda search, at: grids[search["name"]]
    done = bench.clock.now()
    assert verdict(bench, 319) is None
    ends = [one["windows"]["after"] for one in verdict(bench, 1)["searches"]]
    assert ends == [[done + 255, done + 315], [done + 15, done + 315]]


def test_a_rule_whose_findings_name_no_search_leaves_it_unproved():
    """What came by the API can't be reached again."""
    bench = carried_out(rules=[("Prometheus", {})])
    data = verdict(bench, 700)
    assert data["outcome"] == "insufficient_data"
    assert data["detail"] == "'Prometheus' is not a search that can be run again."


def test_of_a_monitor_every_series_is_asked():
    series = [{"monitor": "orders", "series": [name], "entity": name} for name in "abc"]
    rules = [("orders", one) for one in [*series, series[0]]]
    bench = carried_out(rules=rules)
    asked = ask(bench, lambda search, latest: ["checkout"] if latest < bench.clock.now() else [])
    verdict(bench)
    assert sorted(one["series"][0] for one in asked if "series" in one) == list("aabbcc")


SERIES = [{"monitor": "orders", "series": [name], "entity": name} for name in ("a", "b", "c")]


def monitored(before, after, others=()):
    """A fix of what three series of a monitor have raised; returns how it was judged.

    ``before`` and ``after``: which of them find something. The first has opened the incident.
    """
    made = Bench()
    made.stores.timeline.delete_matching({"incident_id": INCIDENT})
    made.write("opened", title="x", severity="low", entities=["checkout"], rule="orders",
               signals={"m0": 1}, search=SERIES[0])  # fmt: skip
    for number, search in enumerate([*SERIES, *others]):
        rule = search.get("name") or search["monitor"]
        made.write("signal", rule=rule, entities=["checkout"], signals={f"m{number}": 1})
        signal = {"_key": f"m{number}", "incident_id": INCIDENT, "rule": rule, "search": search}
        made.stores.signals.insert({**signal, "received_at": float(number)})
    made.analyse(key="ANA-2")
    made.plan = approval.propose(made.context, INCIDENT, "", "mia")["_key"]
    approval.approve(made.context, made.plan, "omar")
    execution.execute(made.context, made.plan, "mia")
    made.raising.fixed_at = made.clock.now() + 1

    def found(search, latest):
        finding = before if latest <= made.raising.fixed_at else after
        return ["checkout"] if search.get("series", ["?"])[0] in finding else []

    ask(made, found)
    for _round in range(9):
        verdict(made)
    return made.context.load(made.plan)[2]


def test_of_a_monitor_a_series_that_found_nothing_before_the_fix_keeps_none_from_being_undone():
    """They flap: that all find something in the same minutes hardly ever happens."""
    assert monitored("a", "a").status == "rolled_back"
    assert monitored("ab", "ab").status == "rolled_back"
    assert monitored("a", "ab").status == "rolled_back"


def test_a_series_that_is_cured_or_that_opened_it_still_has_its_say():
    cured = monitored("ab", "a")
    assert cured.status == "insufficient_data" and "helped in part" in cured.detail
    assert monitored("b", "b").status == "insufficient_data"


@pytest.mark.parametrize("other", [RATIO, {"monitor": "payments", "series": ["z"]}])
def test_another_search_or_monitor_that_found_nothing_keeps_it_from_being_undone(other):
    state = monitored("a", "a", [other])
    named = other.get("name") or other["monitor"]
    assert (
        state.status == "insufficient_data" and f"But '{named}', which also raised" in state.detail
    )


def test_more_findings_than_are_read_leave_it_unproved(monkeypatch):
    monkeypatch.setattr("incident_management.remediation.raising_search.FINDINGS_READ", 2)
    series = [{"monitor": "orders", "series": [name]} for name in "abc"]
    data = verdict(carried_out(rules=[("orders", one) for one in series]), 700)
    assert data["outcome"] == "insufficient_data" and "more than 2 findings" in data["detail"]


def test_an_entity_that_was_not_found_before_must_work_too():
    bench = carried_out(entities=["checkout", "payments"], silent=["payments"])
    bench.raising.broken = ["checkout"]
    data = verdict(bench, 700)
    assert data["outcome"] == "insufficient_data"
    assert data["detail"] == "Too few events after the fix to judge, fewer than 10: payments (0)."


def test_every_one_of_many_entities_must_work():
    names = ["checkout", *(f"host{number:02}" for number in range(40))]
    assert verdict(carried_out(entities=names))["outcome"] == "recovered"
    data = verdict(carried_out(entities=names, silent=["host39"]), 700)
    assert data["outcome"] == "insufficient_data" and "host39 (0)" in data["detail"]


def test_of_too_many_entities_no_recovery_is_claimed():
    names = ["checkout", *(f"host{number:03}" for number in range(200))]
    bench = carried_out(entities=names)
    data = verdict(bench, 700)
    assert data["outcome"] == "insufficient_data" and "201 entities" in data["detail"]
    assert bench.status() == "new"


@pytest.mark.parametrize(
    "result",
    [
        SearchResult([{"entity": "checkout", "count": "99"}], warnings=["idx2: status=down"]),
        SearchResult([{"entity": "checkout", "count": "99"}], cut_short=True),
        SearchResult([{"entity": "checkout", "count": "99"}], truncated=True),
    ],
    ids=["a peer is down", "cut short", "more rows"],
)
def test_samples_that_may_be_incomplete_do_not_count(result):
    bench = carried_out()
    bench.searcher.answers = {"stats count": result}
    assert verdict(bench) is None


# --- in time ----------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [["checkout"], []], ids=["found", "not found"])
def test_a_worker_that_comes_days_later_neither_undoes_nor_resolves(after):
    """What is found then may be another problem, and what is not may have another reason."""
    bench = carried_out()
    bench.raising.after = after
    data = verdict(bench, 3 * 86400)
    assert data["outcome"] == "insufficient_data"
    assert data["detail"] == "It was verified 3 d after the fix, which is too late."
    assert bench.api.executed == [bench.plan]
    assert bench.status() == "new"
    assert not occupied(bench)


def test_a_worker_that_was_restarted_is_in_time():
    bench = carried_out()
    bench.raising.after = ["checkout"]
    assert verdict(bench, 600 + 300)["outcome"] == "not_recovered"


# --- when there can be no proof ---------------------------------------------------------------


def rounds(bench, verifier, seconds, every=5.0):
    """What the worker does for some time; returns the troubles it was told of."""
    troubles = []
    end = bench.clock.now() + seconds
    while bench.clock.now() < end:
        bench.clock.advance(every)
        verifier.run(failed=lambda _plan, why: troubles.append(why))
    return troubles


def test_a_search_that_is_gone_ends_as_unproved_and_frees_the_service():
    bench = carried_out()
    bench.raising.error = "The saved search 'High Error Rate' can't be read: Not Found"
    troubles = rounds(bench, bench.verifier(), 900)
    assert set(troubles) == {bench.raising.error}
    assert len(troubles) < 10, "it is tried less and less often"
    state = bench.context.load(bench.plan)[2]
    assert (state.status, state.detail) == ("insufficient_data", bench.raising.error)
    assert not occupied(bench)
    assert bench.api.executed == [bench.plan]


def test_a_search_that_works_again_within_the_limit_is_proof():
    bench = carried_out()
    bench.raising.error = "splunkd is busy."
    verifier = bench.verifier()
    rounds(bench, verifier, 200)
    bench.raising.error = ""
    rounds(bench, verifier, 300)
    assert bench.status() == "resolved"


def test_one_failure_after_a_long_window_is_not_the_end():
    bench = carried_out()
    bench.raising.asked_in = Grid(length=3600.0)
    verifier = bench.verifier()
    rounds(bench, verifier, 3600)
    grid = bench.raising.grid

    def failing(_search, _at):
        bench.raising.grid = grid
        raise SearchFailed("splunkd is busy.")

    bench.raising.grid = failing
    assert rounds(bench, verifier, 120) == ["splunkd is busy."]
    assert bench.status() == "resolved"


def test_a_slow_search_does_not_take_the_workers_time():
    bench = carried_out()
    began = []

    def slow(_search, _earliest, _latest):
        began.append(bench.clock.now())
        bench.clock.advance(60)
        raise SearchTooSlow("The search did not finish within 60 seconds.")

    bench.raising.run = slow
    rounds(bench, bench.verifier(), 3600)
    assert 2 <= len(began) <= 6
    assert bench.context.load(bench.plan)[2].status == "insufficient_data"


def test_an_action_that_left_the_catalogue_frees_the_service():
    bench = carried_out()
    bench.stanzas = {}
    troubles = rounds(bench, bench.verifier(), 200)
    assert troubles and "no action 'rollback_change'" in troubles[0]
    state = bench.context.load(bench.plan)[2]
    assert state.status == "insufficient_data" and "no action 'rollback_change'" in state.detail
    assert not occupied(bench)


def test_a_result_says_what_it_lacks():
    assert SearchResult([{"a": "1"}]).whole().rows == [{"a": "1"}]
    with pytest.raises(SearchFailed, match="idx2 is down"):
        SearchResult([], warnings=["idx2 is down"]).whole()
    with pytest.raises(SearchFailed, match="before it had read everything"):
        SearchResult([], cut_short=True).whole()
    with pytest.raises(SearchFailed, match="more than 1 rows"):
        SearchResult([{"a": "1"}], truncated=True).whole()
