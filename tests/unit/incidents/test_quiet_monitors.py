"""Incidents that a monitor raised are resolved on the evidence of its checkpoints."""

import pytest

from incident_management.incidents import timeline
from tests.unit.incidents.builders import START
from tests.unit.incidents.quietness import HOUR, World


@pytest.fixture
def world(stores, clock):
    return World(stores, clock)


def watched(world, hours, **value):
    """Return the newest checkpoint of the monitor "latency", ``hours`` after the start."""
    end = START + hours * HOUR
    known = {"end": end, "covered_from": START, "raising_from": START, "unwell": [], **value}
    known = {**known, "state": "", "learned_as": ""}
    claim = {"_key": f"monitor:latency:{end}", "purpose": "monitor:latency", "time": end}
    world.stores.claims.save([{**claim, "value": known}])


def of_monitor(world):
    search = {"monitor": "latency", "entity": "checkout"}
    return world.raise_signal(search=search, rule="latency")


def test_a_monitors_checkpoint_is_evidence(world):
    incident = of_monitor(world)
    for hour in (1, 3):
        watched(world, hour)
        world.minutes(60)
    assert world.status(incident) == "new", "the second one lies in the future as yet"
    world.minutes(60)

    assert world.status(incident) == "resolved"
    assert "every span was judged" in timeline.read(world.stores, incident)[-1].data["reason"]


def test_an_ongoing_trouble_that_a_monitor_raised_once_is_not_quiet(world):
    incident = of_monitor(world)
    for hour in range(1, 7):
        world.minutes(60)
        watched(world, hour, unwell=[["checkout", START + min(hour, 4) * HOUR]])
    world.minutes(2)
    assert world.status(incident) == "resolved"
    (evidence,) = timeline.read(world.stores, incident)[-1].data["evidence"]

    assert (evidence["quiet_since"], evidence["last_run"]) == (START + 4 * HOUR, START + 6 * HOUR)


@pytest.mark.parametrize(
    "value",
    [
        {"unwell": [["checkout", START + 4 * HOUR]]},
        {"covered_from": START + 4 * HOUR},
        {"end": START + HOUR},
        {"end": START + 20 * HOUR},
    ],
    ids=["out of order", "not judged whole", "stands still", "made by a wrong clock"],
)
def test_a_monitor_that_did_not_see_it_calm_is_not_evidence(world, value):
    incident = of_monitor(world)
    world.minutes(300)
    watched(world, 5, **value)
    world.minutes(10)

    assert world.status(incident) == "new"


def test_another_rule_of_a_monitors_name_is_not_the_monitor(world):
    incident = world.raise_signal(search={}, rule="latency")
    world.minutes(300)
    watched(world, 5)
    world.minutes(10)

    assert world.status(incident) == "new"
