"""A finished move is checked again when something has changed, and otherwise rarely."""

from __future__ import annotations

import pytest

from incident_management.incidents import timeline
from incident_management.incidents.act import Act
from incident_management.incidents.joining import execution, rechecks
from tests.fakes import FakeStores, ManualClock, Unavailable
from tests.unit.incidents.builders import START, ingest, signal
from tests.unit.incidents.movers import check, merge, opened, split


@pytest.fixture
def clock():
    return ManualClock(START + 100)


@pytest.fixture
def stores():
    return FakeStores()


@pytest.fixture
def two(stores, clock):
    return tuple(opened(stores, clock, signal(name)) for name in ("checkout", "cart"))


def _minutes(stores, clock, minutes):
    """Run the worker's rounds; return in which of these minutes it read a timeline."""
    read = []
    for minute in range(minutes):
        clock.advance(60)
        before = stores.timeline.calls
        execution.finish_recent(stores, clock)
        if stores.timeline.calls > before:
            read.append(minute + 1)
    return read


def test_a_finished_move_is_checked_more_and_more_rarely(stores, clock, two):
    merge(stores, clock, *two)
    assert _minutes(stores, clock, 60) == [1, 2, 3, 4, 6, 9, 13, 19, 28, 38, 48, 58]
    check(stores)


def test_a_finished_move_is_not_saved_again(stores, clock, two):
    merge(stores, clock, *two)
    _minutes(stores, clock, 4)
    stores.incidents.log.clear()
    assert _minutes(stores, clock, 1) == []
    assert stores.incidents.log == ["find incidents"]


def test_an_entry_that_comes_late_to_a_merged_incident_is_handed_on_in_the_next_round(
    stores, clock, two
):
    """Its writer was killed before it read what happened meanwhile."""
    a, b = two
    merge(stores, clock, a, b)
    _minutes(stores, clock, 14)
    late = signal("checkout", 1)
    data = {
        "signals": {late.key: 1},
        "severity": "high",
        "rule": late.rule,
        "entities": [],
        "first_time": late.first_time,
        "last_time": late.last_time,
    }
    timeline.append(Act(stores, clock, "late"), a, "signal", data)
    timeline.refresh(stores, a)
    stores.signals.save([{**late.to_document(), "incident_id": a}])
    assert _minutes(stores, clock, 1) == [1]
    check(stores)
    assert stores.incidents.get(b)["signals"] == 3


@pytest.mark.parametrize("minutes", [14, 43])
def test_a_document_that_is_saved_late_is_corrected_within_ten_minutes(stores, clock, two, minutes):
    """It names the incident that held its signal before: no other change reveals it."""
    a, b = two
    merge(stores, clock, a, b)
    _minutes(stores, clock, minutes)
    (one,) = [one for one in stores.signals.all() if one["entity"] == "checkout"]
    stores.signals.save([{**one, "incident_id": a}])
    _minutes(stores, clock, 10)
    check(stores)
    assert all(one["incident_id"] == b for one in stores.signals.all())


def test_what_a_killed_delivery_counted_before_a_split_is_counted_once_when_it_comes_again(
    stores, clock
):
    """Its document was missing, so the split did not know of it, and left it behind."""
    late = signal("cart", 1)
    one = opened(stores, clock, signal("cart"), signal("checkout"))

    def killed(verb, _name):
        if verb == "save":
            raise Unavailable

    stores.signals.before = killed
    with pytest.raises(Unavailable):
        ingest(stores, clock).ingest([late])
    stores.signals.before = None
    split(stores, clock, one, signal("cart"))
    _minutes(stores, clock, 14)
    ingest(stores, clock).ingest([late])
    _minutes(stores, clock, 1)
    check(stores)


def test_a_lost_note_only_causes_another_check(stores, clock, two):
    merge(stores, clock, *two)
    _minutes(stores, clock, 14)
    stores.claims.delete(rechecks.NOTE)
    assert _minutes(stores, clock, 1) == [1]
    check(stores)


def test_a_new_move_has_those_checked_that_share_an_incident_with_it(
    stores, clock, two, monkeypatch
):
    a, b = two
    apart = [opened(stores, clock, signal(name)) for name in ("mail", "search")]
    merge(stores, clock, a, b)
    merge(stores, clock, *apart)
    _minutes(stores, clock, 14)
    split(stores, clock, b, signal("checkout"))
    looked_at: list[int] = []
    finish = execution.finish

    def finished_and_noted(stores, clock, move, most=None):
        looked_at.append(move.number)
        return finish(stores, clock, move, most)

    monkeypatch.setattr(execution, "finish", finished_and_noted)
    _minutes(stores, clock, 1)
    assert looked_at == [1, 3]
    check(stores)


def test_a_first_look_by_a_clock_that_is_far_behind_puts_off_no_other(stores, clock, two):
    merge(stores, clock, *two)
    behind = ManualClock(clock.now() - 3600)
    execution.finish_recent(stores, behind)
    _minutes(stores, clock, 1)
    assert len(_minutes(stores, clock, 20)) >= 2


def test_a_clock_that_is_put_back_stops_nothing(stores, clock, two):
    merge(stores, clock, *two)
    _minutes(stores, clock, 14)
    clock.advance(-1000)
    ingest(stores, clock).ingest([signal("checkout", 1)])
    assert _minutes(stores, clock, 1) == [1]
    check(stores)
