"""Resolves and reopenings of a flapping incident at the moment when it becomes calm."""

from __future__ import annotations

from dataclasses import replace

from incident_management.incidents import lifecycle, timeline
from incident_management.incidents.act import Act
from incident_management.incidents.model import Entry
from incident_management.incidents.upkeep import flapping
from tests.fakes import FakeStores, ManualClock
from tests.fakes.turns import orders
from tests.unit.incidents.builders import ROUTING, START, ingest, signal
from tests.unit.incidents.quietness import HOUR, World

ROUTED = replace(ROUTING, flap_count=1, flap_window=7200.0, flap_calm=1800.0)


class Scene:
    """A flapping incident."""

    def __init__(self) -> None:
        self.stores, self.clock = FakeStores(), ManualClock(START)
        self.incident_id = self.finds(0)
        lifecycle.resolve(Act(self.stores, self.clock, "tool"), self.incident_id, by_itself=True)
        self.finds(1)
        assert self.incident["flapping"]

    def finds(self, run: int) -> str:
        self.clock.advance(100)
        (outcome,) = ingest(self.stores, self.clock, ROUTED).ingest([signal(run=run)])
        return str(outcome.incident_id)

    def is_over(self, once: str = "over:1") -> None:
        lifecycle.resolve(
            Act(self.stores, self.clock, "tool", once), self.incident_id, by_itself=True
        )

    def calms_down(self) -> None:
        flapping.release_calm(self.stores, self.clock, ROUTED)

    @property
    def incident(self):
        return self.stores.incidents.get(self.incident_id)


def test_one_that_is_over_in_the_moment_in_which_it_is_calm_is_resolved():
    """Its tool reports the end once; the incident used to stay open forever."""

    def begun():
        scene = Scene()
        scene.clock.advance(2000)
        scenes.append(scene)
        return scene.stores, [scene.calms_down, scene.is_over]

    scenes: list[Scene] = []
    for _stores, order in orders(begun, 2, ("timeline",)):
        scene = scenes[-1]
        scene.clock.advance(2000)
        scene.calms_down()
        told = "".join(map(str, order))
        assert (scene.incident["status"], scene.incident["flapping"]) == ("resolved", False), told
        entries = timeline.effective(timeline.read(scene.stores, scene.incident_id))
        assert [e.data["to"] for e in entries if e.kind == "status"].count("resolved") == 2, told
    assert len(scenes) > 10


def test_a_manually_reopened_incident_stays_open_when_it_is_calm():
    scene = Scene()
    scene.is_over()
    lifecycle.resolve(Act(scene.stores, scene.clock, "ann"), scene.incident_id)
    scene.clock.advance(60)
    lifecycle.reopen(Act(scene.stores, scene.clock, "bob"), scene.incident_id, "It is not over.")
    scene.clock.advance(2000)
    scene.calms_down()
    assert (scene.incident["status"], scene.incident["flapping"]) == ("new", False)


def test_an_incident_left_open_when_calm_is_resolved_by_a_later_silence(stores, clock):
    """It was pinned then. Its earlier recorded resolve used to keep it open forever."""
    world = World(stores, clock)
    incident_id = world.raise_signal()
    timeline.append(Act(stores, clock, "test"), incident_id, "flapping", {"state": "began"})
    timeline.refresh(stores, incident_id)
    world.minutes(3 * HOUR / 60)
    assert world.status(incident_id) == "new", "held"
    lifecycle.pin(Act(stores, clock, "ann"), incident_id, True)
    flapping.release_calm(stores, clock, ROUTED)
    lifecycle.pin(Act(stores, clock, "ann"), incident_id, False)
    world.minutes(5)
    assert world.status(incident_id) == "resolved"


def test_a_finding_of_the_moment_in_which_it_was_over_keeps_it_open():
    """The writer of the resolve had not seen the finding, though its clock is ahead."""
    scene = Scene()
    before = timeline.read(scene.stores, scene.incident_id)
    scene.is_over()
    data = {"signals": {"x": 1}, "severity": "high", "rule": "High Error Rate"}
    head = timeline.head_of(before)
    time = scene.clock.now() - 5
    made = Entry.create(scene.incident_id, "signal", data, "tool", time, head, "")
    timeline.write(scene.stores, [made])
    scene.clock.advance(2000)
    scene.calms_down()
    assert scene.incident["status"] == "new"
