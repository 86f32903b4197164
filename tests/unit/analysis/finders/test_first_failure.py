from __future__ import annotations

from incident_management.analysis.finders import first_failure
from tests.unit.analysis.finders.finding import T, burst, log, scope_of


def test_the_entity_that_failed_first_comes_first():
    scope = scope_of(burst("orders", "ERROR a", begin=30) + burst("db", "ERROR b", begin=10))
    found = first_failure.find(scope)
    assert list(scope.failing) and min(scope.failing, key=scope.failing.get) == "db"
    assert found.found[0].startswith("db: 20 errors")


def test_errors_at_their_usual_rate_are_no_failure():
    usual = [log(-10_000 + i * 30, "mail", "ERROR always") for i in range(343)]
    scope = scope_of(usual + burst("orders", "ERROR new"))
    first_failure.find(scope)
    assert list(scope.failing) == ["orders"]


def test_change_events_are_not_taken_for_errors():
    change = {
        "time": T,
        "service": "orders",
        "raw": "fixes an error",
        "change_id": "c",
        "kind": "x",
    }
    scope = scope_of(changes=[change])
    assert first_failure.find(scope).not_found == ["No error events of orders in the span."]


def test_each_count_is_cited_so_that_it_can_be_counted_again():
    scope = scope_of(burst("orders", "ERROR a"))
    (citation,) = first_failure.find(scope).citations
    assert (citation.kind, citation.statistic, citation.value) == ("number", "errors_of_entity", 20)


def test_a_name_that_no_search_can_hold_is_left_out_and_told():
    scope = scope_of(burst("or\nders", "ERROR a") + burst("db", "ERROR b"), entities=["pay\nments"])
    found = first_failure.find(scope)
    assert list(scope.failing) == ["db"]
    assert found.not_found == [
        "'or\\nders' has a line break in its name, so it can't be searched.",
        "'pay\\nments' has a line break in its name, so it can't be searched.",
    ]


def test_who_calls_what_fails_is_reported_also_through_others():
    scope = scope_of(burst("db", "ERROR a") + burst("orders", "ERROR b"), entities=["db"])
    calls = {"web": ["orders", "cart"], "orders": ["db"], "cart": ["db"], "db": ["web"]}
    scope.depends_on = {**calls, "mailer": ["smtp"]}
    told = [
        said
        for said in first_failure.find(scope).found
        if said.startswith("Services that depend on db")
    ]
    assert told == ["Services that depend on db: cart, orders (also fails), web."]


def test_of_very_many_callers_some_are_reported_and_the_rest_counted():
    scope = scope_of(burst("db", "ERROR a"), entities=["db"])
    scope.depends_on = {f"s{place:02}": ["db"] for place in range(13)}
    (told,) = (said for said in first_failure.find(scope).found if said.startswith("Services"))
    assert told.endswith("s08, s09 and 3 more.")
