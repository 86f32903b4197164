"""Which incidents a new problem may join."""

from __future__ import annotations

import pytest

from incident_management.incidents.grouping.related import Candidates, Topology
from incident_management.incidents.model import Incident
from incident_management.incidents.signal import Signal


@pytest.mark.parametrize("status", ["new", "assigned", "in_progress", "resolved", "closed"])
def test_only_an_open_one_is_joined(status):
    signal = Signal.from_document(
        {"_key": "s", "rule": "Slow", "entity": "db", "first_time": 10.0, "last_time": 20.0}
    )
    incident = Incident(
        "INC-1", status=status, entities=["db"], first_time=10.0, last_time=20.0, wordings=[]
    )
    found = Candidates([incident]).choose(signal, Topology(), 60.0)
    assert [one.incident_id for one in found] == (
        [] if status in ("resolved", "closed") else ["INC-1"]
    )
