from __future__ import annotations

import pytest

from incident_management.analysis.finders import first_failure, new_errors, topology
from tests.unit.analysis.finders.finding import T, burst, log, scope_of


def test_a_message_that_was_not_there_before_is_new():
    scope = scope_of(burst("orders", "ERROR pool of size 3 is empty"))
    found = new_errors.find(scope)
    assert found.found == ["orders: ERROR pool of size <*> is empty (20, new)"]
    assert (scope.patterns[0].count, scope.patterns[0].before) == (20, 0)


def test_a_message_at_its_usual_rate_is_left_out():
    usual = [log(-10_000 + i * 30, "orders", "WARN cache miss") for i in range(343)]
    scope = scope_of(usual + burst("orders", "ERROR disk gone"))
    new_errors.find(scope)
    assert [p.template for p in scope.patterns] == ["ERROR disk gone"]


def test_the_onset_is_where_the_burst_began_not_an_old_error_like_it():
    stray = [log(-7000, "orders", "ERROR boom")]
    scope = scope_of(stray + burst("orders", "ERROR boom", begin=-120, count=60))
    new_errors.find(scope)
    assert scope.onset == T - 120


def test_nothing_new_is_said_to_be_nothing():
    found = new_errors.find(scope_of())
    assert found.found == []
    assert found.not_found == ["No error message is new or more frequent than before."]


def test_that_not_all_events_were_read_is_reported():
    scope = scope_of(burst("orders", "ERROR boom", count=50), events=30)
    assert (
        "Only the newest 30 of the incident's errors were read." in new_errors.find(scope).not_found
    )


def test_the_beginning_is_read_even_when_there_are_too_many_events():
    scope = scope_of(burst("orders", "ERROR boom", count=200, step=1.0), events=100)
    new_errors.find(scope)
    assert scope.onset == T


def test_errors_of_any_day_are_kept_apart_from_those_of_the_incident():
    """One stray error each 290 seconds: the onset, the quote and the early errors are the burst."""
    usual = [
        log(-10_000 + i * 290, "orders", f"ERROR pool of size {i} is empty") for i in range(34)
    ]
    scope = scope_of(usual + burst("orders", "ERROR pool of size 3 is empty", count=60))
    found = new_errors.find(scope)
    assert scope.onset == T
    assert found.citations[0].time == T
    assert scope.patterns[0].events[0].time == scope.patterns[0].first_time == T
    assert scope.early_errors[0] == T and len(scope.early_errors) == 60


def test_more_old_errors_than_are_kept_do_not_take_the_place_of_the_burst():
    old = burst("orders", "ERROR boom", count=250, begin=-7200, step=0.8)
    scope = scope_of(old + burst("orders", "ERROR boom", count=150, step=2.0))
    new_errors.find(scope)
    assert (scope.patterns[0].count, scope.patterns[0].before) == (150, 250)
    assert all(event.time >= T for event in scope.patterns[0].events)


def test_noise_of_a_constant_rate_has_not_risen_though_not_all_of_the_calm_is_read():
    noise = [log(-11_000 + i * 2, "orders", f"WARN lag of {i}") for i in range(5650)]
    scope = scope_of(noise + burst("orders", "ERROR disk gone"), events=500)
    new_errors.find(scope)
    assert [p.template for p in scope.patterns] == ["ERROR disk gone"]


def test_an_entity_with_errors_on_any_day_did_not_fail_before_the_burst():
    usual = [log(-10_000 + i * 200, "frontend", "WARN slow upstream timeout") for i in range(50)]
    more = burst("frontend", "WARN slow upstream timeout", begin=2.0, count=50)
    scope = scope_of(usual + more + burst("orders", "ERROR boom"), entities=["orders", "frontend"])
    scope.failing = {"frontend": T - 200, "orders": T}
    new_errors.find(scope)
    assert scope.failing == {"frontend": T + 2, "orders": T}


@pytest.mark.parametrize(
    "line",
    [
        'level=error msg="fetch failed" err="Get \\"https://cdn.shop/1\\": no such host"',
        '{"level": "error", "msg": "fetch failed", "error": "dial tcp: no such host"}',
    ],
)
def test_the_reason_that_stands_in_a_field_of_its_own_is_reported(line):
    (told,) = new_errors.find(scope_of(burst("orders", line))).found
    assert told.startswith("orders: ") and "fetch failed: " in told and "no such host" in told


def test_of_very_many_entities_those_that_failed_first_are_read_and_it_is_reported():
    names = [f"svc-{place:03}" for place in range(200)]
    quiet = [log(-5000, name, "INFO ready") for name in names]
    late = [burst(name, "ERROR boom", begin=100) for name in names[:150]]
    early = [burst(name, "ERROR first", begin=5) for name in names[150:155]]
    logs = [*quiet, *(event for part in (*late, *early) for event in part)]
    scope = scope_of(logs, entities=names)
    failures = first_failure.find(scope)
    assert failures.not_found == [
        "No error events of svc-155, svc-156, svc-157, svc-158, svc-159 and 40 more in the span."
    ]
    found = new_errors.find(scope)
    assert [said.split(":")[0] for said in found.found[:5]] == names[150:155]
    assert found.incomplete == [
        "Only 10 of the incident's 200 entities were searched, the first to fail."
    ]
    (unknown,) = topology.find(scope).not_found
    assert unknown.endswith("svc-004 and 195 more.")


def test_all_events_are_read_for_exceptions_only_where_the_words_alone_find_nothing():
    scope = scope_of(burst("orders", "ERROR boom") + burst("orders", "shop.OwnException: boom"))
    found = new_errors.find(scope)
    assert found.found == ["orders: ERROR boom (20, new)"]
    assert not [search for search in found.searches if "*exception" in search]

    found = new_errors.find(scope_of(burst("orders", "shop.OwnException: boom")))
    assert found.found == ["orders: shop.OwnException: boom (20, new)"]


@pytest.mark.parametrize("warns", ["WARN retry 3 of 5 failed", 'level=warn msg="slow"'])
def test_warnings_that_rise_hide_no_exception_without_a_level(warns):
    logs = burst("orders", warns) + burst("orders", "shop.OwnException: boom")
    found = new_errors.find(scope_of(logs)).found
    assert "orders: shop.OwnException: boom (20, new)" in found


def test_where_reading_all_events_fails_what_was_found_without_stays():
    scope = scope_of([log(5, "cart", "WARN slow")])
    scope.depends_on["orders"] = ["cart"]
    scope.searcher.failing = ["*exception"]
    found = new_errors.find(scope)
    assert found.found == ["cart: WARN slow (1, new)"]
    assert found.incomplete[-1].startswith("Exceptions of other names were not searched for: ")
