"""A silent entity's incident ends when its events return, not when nothing more is found."""

from __future__ import annotations

import pytest

from incident_management.incidents import timeline
from incident_management.incidents.act import Act
from incident_management.incidents.upkeep.run_coverage import Plan
from tests.unit.incidents.builders import START, signal
from tests.unit.incidents.quietness import HOUR, RULE, SEARCH, World


@pytest.fixture
def silence(stores, clock):
    """Return the world of a detection that finds hosts only when they go silent."""
    world = World(stores, clock)
    world.scheduler.blind = "compares parts of its window"
    world.scheduler.plans[RULE] = Plan(True, quiet_after=HOUR, alive_field="host")
    return world


def test_an_incident_of_a_silent_entity_stays_open_until_events_return(silence):
    incident = silence.raise_signal("Web-1")
    silence.raise_signal("Web-1", run=1)
    silence.scheduler.events["web-1"] = START - HOUR
    silence.minutes(2 * 24 * 60)
    assert silence.status(incident) != "resolved"

    silence.scheduler.events["web-1"] = silence.clock.now()
    silence.minutes(2)

    entry = timeline.read(silence.stores, incident)[-1]
    assert entry.data["to"] == "resolved"
    assert entry.data["resolution"] == "It ended by itself."
    assert "events of Web-1 come again" in entry.data["reason"]
    assert entry.data["evidence"][0]["alive"] == ["Web-1"]


def test_all_that_went_silent_must_be_back(silence):
    incident = silence.raise_signal("web-1")
    more = signal("web-2", 0, app="shop", owner="ann", received_at=silence.clock.now(),
                  search=SEARCH)  # fmt: skip
    data = {"signals": {more.key: 1}, "rule": "High Error Rate", "entities": ["web-2"]}
    timeline.append(Act(silence.stores, silence.clock, "x"), incident, "signal", data)
    silence.stores.signals.save([{**more.to_document(), "incident_id": incident}])
    timeline.refresh(silence.stores, incident)
    silence.scheduler.events["web-1"] = START + 10 * HOUR
    silence.minutes(130)
    assert silence.status(incident) != "resolved"

    silence.scheduler.events["web-2"] = START + 10 * HOUR
    silence.minutes(2)
    assert silence.status(incident) == "resolved"


def test_events_that_come_again_do_not_end_what_is_still_found(silence):
    incident = silence.raise_signal("web-1")
    silence.scheduler.events["web-1"] = START + 10 * HOUR
    silence.finds(120, "web-1")

    assert silence.status(incident) != "resolved"
