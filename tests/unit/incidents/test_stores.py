"""Queries that the KV store accepts."""

import pytest

from incident_management.incidents.stores import any_of


def test_a_query_for_none_of_no_values_is_refused_here():
    """MongoDB answers "$and/$or/$nor must be a nonempty array"."""
    assert any_of("owner", ["ann"]) == {"owner": "ann"}
    with pytest.raises(ValueError, match="No value of owner"):
        any_of("owner", [])
