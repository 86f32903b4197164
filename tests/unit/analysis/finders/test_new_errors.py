from __future__ import annotations

from incident_management.analysis.finders import new_errors
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


def test_that_not_all_events_were_read_is_told():
    scope = scope_of(burst("orders", "ERROR boom", count=50), events=30)
    assert "Only the newest 30 events were read." in new_errors.find(scope).not_found


def test_the_beginning_is_read_even_when_there_are_too_many_events():
    scope = scope_of(burst("orders", "ERROR boom", count=200, step=1.0), events=100)
    new_errors.find(scope)
    assert scope.onset == T
