"""Incidents that two writers opened at once are merged, unless people decided otherwise."""

import contextlib
from dataclasses import replace
from typing import Any

import pytest

from incident_management.incidents import editing, lifecycle, timeline
from incident_management.incidents.act import Act
from incident_management.incidents.errors import IllegalMove
from incident_management.incidents.grouping import Topology
from incident_management.incidents.joining import merging
from incident_management.incidents.model import ACTOR
from incident_management.incidents.upkeep.opened_twice import Compared, merge_raced
from tests.fakes import FakeStores, ManualClock
from tests.fakes.turns import orders
from tests.unit.incidents.builders import ROUTING, START, ingest, signal

# A writer that sees no incident of the others.
BLIND = replace(ROUTING, group_by=())
NOTHING = {"raced_incidents_merged": 0}


def opened(stores, clock, **more):
    (outcome,) = ingest(stores, clock, BLIND).ingest([signal(**{"group": True, **more})])
    return outcome.incident_id


def look(stores, clock, topology=None):
    return merge_raced(stores, clock, ROUTING, topology or Topology())


def test_two_detections_that_fire_at_once_have_one_incident_in_the_end(stores, clock):
    first = opened(stores, clock)
    clock.advance(2)
    second = opened(stores, clock, rule="HTTP 5xx", severity="critical")

    assert look(stores, clock) == {"raced_incidents_merged": 1}
    assert look(stores, clock) == NOTHING
    incident = stores.incidents.get(first)
    assert (incident["signals"], incident["severity"]) == (2, "critical")
    assert incident["rules"] == ["High Error Rate", "HTTP 5xx"]
    assert stores.incidents.get(second)["merged_into"] == first
    reason = timeline.read(stores, second)[-1].data["reason"]
    assert reason.startswith("Joined because both are about 'checkout'")
    assert reason.endswith("Both were opened at once.")


def test_three_at_once_are_one(stores, clock):
    first = opened(stores, clock)
    for rule in ("HTTP 5xx", "Latency Shift"):
        clock.advance(1)
        opened(stores, clock, rule=rule)

    assert look(stores, clock) == {"raced_incidents_merged": 2}
    assert stores.incidents.get(first)["signals"] == 3


def test_of_many_at_once_the_signals_are_read_in_one_call(stores, clock):
    """In a storm, one call for each used to delay all notifications."""
    for number in range(20):
        opened(stores, clock, entity=f"service-{number}")
    stores.signals.log.clear()
    assert look(stores, clock) == NOTHING
    assert stores.signals.log == ["find signals"]


def test_of_what_a_search_finds_at_once_in_thousands_one_signal_an_incident_is_read(
    stores, clock, monkeypatch
):
    opened(stores, clock, entity="mailer")
    clock.advance(1)
    more: dict[str, Any] = {"first_time": START, "last_time": START + 60, "group": True}
    found = [signal(run=run, dedup={"user": run}, **more) for run in range(50)]
    ingest(stores, clock).ingest(found)
    find, read = stores.signals.find, []

    def counted(*given, **more):
        documents = find(*given, **more)
        read.extend(documents)
        return documents

    monkeypatch.setattr(stores.signals, "find", counted)
    assert look(stores, clock) == NOTHING
    assert len(read) == 1


def test_neighbours_count_as_they_do_for_ingest(stores, clock):
    opened(stores, clock)
    opened(stores, clock, entity="storefront")
    assert look(stores, clock) == NOTHING

    rows = [{"service": "storefront", "depends_on": "checkout"}]
    assert look(stores, clock, Topology.from_rows(rows)) == {"raced_incidents_merged": 1}


@pytest.mark.parametrize(
    ("seconds", "more"),
    [(20, {"rule": "HTTP 5xx"}), (1, {"entity": "mailer"}), (1, {"rule": "X", "group": False})],
    ids=["not at once", "another entity", "joins nothing"],
)
def test_what_stays_apart(stores, clock, seconds, more):
    opened(stores, clock)
    clock.advance(seconds)
    opened(stores, clock, **more)

    assert look(stores, clock) == NOTHING


def test_incidents_that_people_separated_stay_separate(stores, clock):
    first = opened(stores, clock)
    clock.advance(1)
    second = opened(stores, clock, rule="HTTP 5xx")
    look(stores, clock)
    merging.undo_merge(Act(stores, clock, "ann"), first, second)

    assert look(stores, clock) == NOTHING
    assert stores.incidents.get(second)["status"] == "new"


def test_one_that_was_resolved_meanwhile_is_left_alone(stores, clock):
    first = opened(stores, clock)
    opened(stores, clock, rule="HTTP 5xx")
    lifecycle.resolve(Act(stores, clock, "ann"), first)

    assert look(stores, clock) == NOTHING


def test_what_stays_apart_is_compared_once_and_again_when_one_is_about_something_else(
    stores, clock
):
    compared: Compared = {}
    first = opened(stores, clock)
    clock.advance(1)
    second = opened(stores, clock, entity="mailer")
    for _turn in range(3):
        assert merge_raced(stores, clock, ROUTING, Topology(), compared) == NOTHING
    assert stores.signals.log.count("find signals") == 2 + 1, "by two deliveries, and one look"

    editing.edit(Act(stores, clock, "ann"), first, {"entities": ["checkout", "mailer"]})
    wanted = {"raced_incidents_merged": 1}
    assert merge_raced(stores, clock, ROUTING, Topology(), compared) == wanted
    assert stores.incidents.get(second)["merged_into"] == first


def test_one_whose_signal_is_still_to_be_written_is_checked_again(stores, clock):
    compared: Compared = {}
    opened(stores, clock)
    clock.advance(1)
    opened(stores, clock, rule="HTTP 5xx")
    (late,) = [one for one in stores.signals.all() if one["rule"] == "HTTP 5xx"]
    stores.signals.delete(late["_key"])
    assert merge_raced(stores, clock, ROUTING, Topology(), compared) == NOTHING

    stores.signals.insert(late)
    wanted = {"raced_incidents_merged": 1}
    assert merge_raced(stores, clock, ROUTING, Topology(), compared) == wanted


@pytest.mark.parametrize("move", ["split", "undo_merge"])
def test_what_people_take_apart_in_that_moment_stays_so(move):
    """Another worker has just merged it, or a person splits it, after this worker's check."""

    def begun():
        stores, clock = FakeStores(), ManualClock(START + 100)
        (outcome, _more) = ingest(stores, clock, BLIND).ingest(
            [signal(group=True), signal(run=1, group=True)]
        )
        first = outcome.incident_id
        clock.advance(1)
        second = opened(stores, clock, rule="HTTP 5xx")

        def person():
            with contextlib.suppress(IllegalMove):
                if move == "split":
                    keys = [one["_key"] for one in stores.signals.find({"incident_id": first})]
                    merging.split(Act(stores, clock, "ann"), ROUTING, first, keys[:1])
                else:
                    merging.merge(Act(stores, clock, "ann"), second, first)
                    merging.undo_merge(Act(stores, clock, "ann"), first, second)

        return stores, [lambda: look(stores, clock), person]

    tried = 0
    for stores, order in orders(begun, 1, ("claims", "timeline")):
        for entry in stores.timeline.all():
            if entry["kind"] == "merged" and entry["actor"] == ACTOR:
                apart = [
                    one
                    for one in stores.timeline.all()
                    if one["kind"] in ("split", "unmerged")
                    and one["data"]["number"] < entry["data"]["number"]
                ]
                assert not apart, "".join(map(str, order))
        tried += 1
    assert tried > 10
