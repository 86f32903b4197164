from __future__ import annotations

import json

import pytest

from incident_management.analysis.finders import recent_changes
from tests.unit.analysis.finders.finding import T, scope_of


def _change(second, change_id, **more):
    document = {"change_id": change_id, "service": "orders", "kind": "deploy", **more}
    return {**document, "time": T + second, "raw": json.dumps(document)}


def test_changes_of_the_last_day_are_found_and_the_nearest_told_first():
    changes = [_change(-60, "new"), _change(-80_000, "old"), _change(-90_000, "too-old")]
    scope = scope_of(changes=changes)
    found = recent_changes.find(scope)
    assert [c.change_id for c in scope.changes] == ["old", "new"]
    assert [said.rsplit(", ", 1)[1] for said in found.found] == [
        "60 seconds before",
        "22.2 hours before",
    ]


def test_a_version_that_was_replaced_is_taken_from_the_deploy_before():
    changes = [_change(-600, "a", version="1"), _change(-60, "b", version="2")]
    scope = scope_of(changes=changes)
    recent_changes.find(scope)
    assert [c.previous_version for c in scope.changes] == ["", "1"]
    assert scope.changes[1].replaced == scope.changes[0].event


def test_no_change_at_all_names_the_macro_to_check():
    found = recent_changes.find(scope_of())
    assert "incident_change_index" in found.not_found[0]


def test_more_changes_than_are_read_is_reported():
    scope = scope_of(changes=[_change(-60 - i, f"c{i}") for i in range(5)], changes_read=3)
    assert "Only the newest 3 changes were read." in recent_changes.find(scope).not_found


def test_what_ran_weeks_before_is_searched_for_only_where_the_day_does_not_tell():
    month = [_change(-20 * 86400, "old", version="1"), _change(-9 * 86400, "later", version="2")]
    scope = scope_of(changes=[*month, _change(-60, "b", version="3")])
    recent_changes.find(scope)
    assert [(c.change_id, c.previous_version) for c in scope.changes] == [("b", "2")]
    assert scope.changes[0].replaced is not None and len(scope.searcher.asked) == 2
    known = scope_of(changes=[*month, _change(-60, "b", version="3", previous_version="2")])
    recent_changes.find(known)
    assert len(known.searcher.asked) == 1


def test_another_aliass_or_services_deploy_is_not_what_ran_before():
    month = [
        _change(-9 * 86400, "a", version="1", alias="test"),
        _change(-9 * 86400, "c", version="1", service="carts"),
    ]
    scope = scope_of(changes=[*month, _change(-60, "b", version="3", alias="prod")])
    recent_changes.find(scope)
    assert [c.previous_version for c in scope.changes] == [""]


def test_where_the_look_further_back_fails_the_changes_of_the_day_are_known_all_the_same():
    scope = scope_of(changes=[_change(-60, "b", version="3")])
    scope.searcher.failing = ["UpdateAlias"]
    found = recent_changes.find(scope)
    assert [c.change_id for c in scope.changes] == ["b"]
    assert found.not_found[0].startswith("The version before the deploy of orders is unknown.")


@pytest.mark.parametrize("field", ["cluster", "namespace", "account", "region", "environment"])
def test_a_deploy_elsewhere_is_not_what_ran_before(field):
    """Production would be put back to what staging ran."""
    changes = [
        _change(-900, "a", version="1", **{field: "prod"}),
        _change(-600, "b", version="3", **{field: "staging"}),
        _change(-60, "c", version="3", **{field: "prod"}),
    ]
    scope = scope_of(changes=changes)
    recent_changes.find(scope)
    assert [c.previous_version for c in scope.changes] == ["", "", "1"]


def test_a_change_that_is_delivered_twice_is_one():
    """One that shows something else is not the same, as where two tools tell of a deploy."""
    twice = [_change(-60, "a", version="2")] * 2
    other = _change(-60, "a", version="2", diff="-pool=20\n+pool=2")
    scope = scope_of(changes=[*twice, other])
    recent_changes.find(scope)
    assert [len(c.added) for c in scope.changes] == [0, 1]
