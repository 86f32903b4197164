"""Reopened incidents are not resolved again merely because they stay quiet."""

from __future__ import annotations

import pytest

from incident_management.incidents import lifecycle, timeline
from incident_management.incidents.act import Act
from tests.unit.incidents.quietness import World


@pytest.fixture
def world(stores, clock):
    return World(stores, clock)


def test_a_person_who_reopens_it_is_not_overruled(world):
    incident = world.raise_signal()
    world.minutes(130)
    lifecycle.reopen(Act(world.stores, world.clock, "ann"), incident, "reopen an incident")
    world.minutes(60)

    assert world.status(incident) != "resolved"


def test_reopening_a_manual_resolve_or_a_fix_is_not_overruled_either(world):
    """They know that it is silent; the next finding begins a new silence."""
    incident = world.raise_signal()
    world.minutes(60)
    lifecycle.resolve(Act(world.stores, world.clock, "bob"), incident, lifecycle.Ending("a fix"))
    lifecycle.reopen(Act(world.stores, world.clock, "ann"), incident, "customers still complain")
    world.minutes(400)
    assert world.status(incident) != "resolved"

    assert world.raise_signal(run=90) == incident
    world.minutes(135)
    assert world.status(incident) == "resolved"


def test_a_finding_within_the_window_reopens_it(world):
    incident = world.raise_signal()
    world.minutes(130)
    assert world.raise_signal(run=27) == incident
    assert world.status(incident) != "resolved"
    world.minutes(135)

    assert world.status(incident) == "resolved"


def test_a_finding_in_the_same_moment_counts_more(world):
    incident = world.raise_signal()
    world.minutes(118)
    timeline_store = world.stores.timeline
    done: list[bool] = []

    def another_writer(verb, _name):
        """Add a signal just before the resolve is written."""
        if verb == "insert" and not done:
            done.append(True)
            data = {"signals": {"f" * 40: 1}, "rule": "High Error Rate", "entities": []}
            timeline.append(Act(world.stores, world.clock, "x"), incident, "signal", data)

    timeline_store.before = another_writer
    while not done:
        world.minutes(1)

    assert world.status(incident) != "resolved"
