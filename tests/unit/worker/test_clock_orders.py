"""Two workers at an incident's clocks while its severity rises, in every order of their calls."""

from __future__ import annotations

import pytest

from incident_management.incidents.act import Act
from incident_management.incidents.editing import edit
from incident_management.worker.clocks import Clocks
from tests.fakes.turns import orders
from tests.unit.worker.desk import Desk

pytestmark = pytest.mark.one_python


def test_a_critical_incident_is_escalated_in_time_whichever_worker_goes_on():
    """The worker that missed the change used to overwrite the other's earlier note."""
    made: list[tuple[Desk, Clocks]] = []

    def begun():
        desk = Desk()
        desk.open("high")
        other = Clocks(desk.stores, desk.clock)
        desk.clock.advance(60)
        other.run(desk.routing)
        edit(Act(desk.stores, desk.clock, "dana"), desk.id, {"severity": "medium"})
        made.append((desk, other))

        def person():
            edit(Act(desk.stores, desk.clock, "dana"), desk.id, {"severity": "critical"})

        looks = [lambda: desk.clocks.run(desk.routing), lambda: other.run(desk.routing)]
        return desk.stores, [*looks, person]

    for _stores, order in orders(begun, 1, ("claims", "timeline")):
        desk, goes_on = made.pop()
        desk.clocks = goes_on
        desk.wait(25, step=300)
        assert [step for step, _owner, _time in desk.happened("escalation")] == [1], order
