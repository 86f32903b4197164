"""Merges and splits work on after the incidents of the newest move were deleted by age."""

from __future__ import annotations

import pytest

from incident_management.incidents import lifecycle, timeline
from incident_management.incidents.act import Act
from incident_management.incidents.errors import NotFound
from incident_management.incidents.joining import execution, merging
from incident_management.incidents.upkeep.retention import Retention
from tests.fakes import FakeStores, ManualClock
from tests.unit.incidents.builders import START, signal
from tests.unit.incidents.movers import check, merge, opened, split

DAY = 86_400.0


@pytest.fixture
def clock():
    return ManualClock(START + 100)


@pytest.fixture
def stores():
    return FakeStores()


def _leave(stores, clock, *ids):
    """Close these incidents, and let retention delete them."""
    for one in ids:
        if timeline.current(stores, one).is_open:
            lifecycle.resolve(Act(stores, clock, "ann"), one)
            lifecycle.close(Act(stores, clock, "ann"), one)

    def indexed(wanted):
        return {one: {entry.key for entry in timeline.read(stores, one)} for one in wanted}

    def trouble(_name, sentence):
        pytest.fail(sentence)

    clock.advance(90 * DAY)
    for _round in range(2):
        clock.advance(400)
        Retention(stores, clock, indexed, lambda _entries: None, trouble).run(DAY, 30 * DAY)
    for one in ids:
        with pytest.raises(NotFound):
            timeline.current(stores, one)


def _merged(stores, clock):
    pair = [opened(stores, clock, signal(name)) for name in ("checkout", "cart")]
    merge(stores, clock, *pair)
    return pair


def _split(stores, clock):
    found = [signal("db"), signal("db", run=2)]
    source = opened(stores, clock, *found)
    return [source, split(stores, clock, source, found[0]).id]


def _undone(stores, clock):
    source, into = _merged(stores, clock)
    execution.finish_recent(stores, clock)
    merging.undo_merge(Act(stores, clock, "ann"), into, source)
    return [into, source]


@pytest.mark.parametrize(
    ("made", "left"),
    [
        (_merged, (1,)),  # The other one leaves with it.
        (_split, (0,)),
        (_split, (1,)),
        (_split, (0, 1)),
        (_undone, (0,)),
        (_undone, (1,)),
        (_undone, (0, 1)),
    ],
)
def test_the_next_move_is_decided_and_brings_nothing_back(stores, clock, made, left):
    pair = made(stores, clock)
    execution.finish_recent(stores, clock)
    _leave(stores, clock, *(pair[number] for number in left))

    source, into = _merged(stores, clock)
    execution.finish_recent(stores, clock)
    found = [signal("tax"), signal("tax", run=2)]
    split(stores, clock, opened(stores, clock, *found), found[0])

    check(stores)
    assert timeline.current(stores, source).merged_into == into
