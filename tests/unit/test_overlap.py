"""A duty reads all of its overlap once a minute, and the last minute of it in each round."""

from __future__ import annotations

from incident_management.overlap import Overlap
from tests.fakes import ManualClock


def test_all_is_read_first_and_once_a_minute():
    clock = ManualClock()
    overlap = Overlap(clock)
    found = []
    for _round in range(13):
        seconds = overlap.seconds()
        overlap.was_read(seconds)
        found.append(seconds)
        clock.advance(5)
    assert found == [960.0] + [60.0] * 11 + [960.0]


def test_what_failed_is_read_again_as_far_back():
    overlap = Overlap(ManualClock())
    overlap.seconds()
    assert overlap.seconds() == 960.0


def test_a_clock_that_is_put_back_has_all_read():
    clock = ManualClock()
    overlap = Overlap(clock)
    overlap.was_read(overlap.seconds())
    clock.advance(-3600)
    assert overlap.seconds() == 960.0


def test_what_is_too_young_for_one_look_is_not_too_old_for_the_next():
    """An entry that arrives when it is just within the overlap, after a look, has one look left."""
    clock = ManualClock()
    overlap = Overlap(clock)
    overlap.was_read(overlap.seconds())
    arrived = clock.now() - 899.0
    clock.advance(60)
    assert clock.now() - overlap.seconds() <= arrived
