from __future__ import annotations

import pytest

from incident_management.analysis.finders import topology
from incident_management.ports import SearchFailed
from tests.unit.analysis.finders.finding import scope_of


def test_what_an_entity_depends_on_is_found():
    scope = scope_of(topology=[{"service": "orders", "depends_on": "db"},
                               {"service": "orders", "depends_on": "db"}])  # fmt: skip
    found = topology.find(scope)
    assert scope.depends_on == {"orders": ["db"]}
    assert found.found == ["orders depends on db."]


def test_an_entity_that_the_lookup_does_not_have_is_named():
    assert topology.find(scope_of()).not_found == ["The topology lists no dependencies of orders."]


def test_a_lookup_that_can_not_be_read_is_the_caller_s_to_tell():
    scope = scope_of()
    scope.searcher.failing = ["inputlookup"]
    with pytest.raises(SearchFailed):
        topology.find(scope)
