from __future__ import annotations

import random

import pytest

from incident_management.analysis.onset import onset_of, seconds_of

HOURS = [(-10_800.0, -300.0), (-300.0, 301.0)]


def _burst(begin=0.0, step=2.0, end=300.0):
    return [begin + step * i for i in range(int((end - begin) / step))]


def _every(gap, begin=-10_700.0, end=-1.0):
    return [begin + gap * i for i in range(int((end - begin) / gap))]


def began(errors, spans):
    found = onset_of(errors, spans)
    assert found is not None
    return found.time


def test_without_errors_there_is_no_onset():
    assert onset_of([], HOURS) is None


def test_errors_that_were_not_there_before_began_with_the_first():
    assert onset_of(_burst(), HOURS) == (0.0, [])


@pytest.mark.parametrize("gap", [60, 240, 290, 600, 3600])
def test_errors_that_come_on_any_day_do_not_move_the_onset(gap):
    assert onset_of(sorted([*_every(gap), *_burst()]), HOURS) == (0.0, [])


def test_the_onset_may_be_anywhere_in_what_was_read():
    assert began(sorted([*_every(290), *_burst(-3000)]), HOURS) == -3000


def test_errors_that_came_at_random_seldom_move_the_onset_by_a_minute():
    chance = random.Random(7)
    moved = 0
    for _ in range(100):
        usual = [chance.uniform(-10_800, 300) for _ in range(60)]
        burst = [0.0, *(chance.uniform(0, 300) for _ in range(50))]
        moved += abs(began(sorted([*usual, *burst]), HOURS)) > 60
    assert moved <= 10


def test_a_burst_that_begins_slowly_began_with_its_first_errors():
    slow = _burst(-240, 30, 0)
    assert began([*slow, *_burst(step=0.5)], HOURS) == -240
    old = [-9000.0, -4000.0]
    assert began([*old, *slow, *_burst(step=0.5)], HOURS) == -240


def test_a_few_early_errors_are_growing_where_they_are_more_than_usual():
    assert onset_of([-1700.0, -800.0, *_burst()], HOURS) == (0.0, [-1700.0, -800.0])


def test_another_burst_two_hours_ago_is_another_matter():
    old = [-7200 + 0.8 * i for i in range(250)]
    assert onset_of([*old, *_burst()], HOURS) == (0.0, [])


def test_time_that_was_not_read_is_not_time_without_errors():
    """Of the calm only the last 500 seconds were read, with as many errors as on any day."""
    read = [(-800.0, -300.0), (-300.0, 301.0)]
    usual = _every(20, -800.0)
    assert began(sorted([*usual, *_burst(step=1.0)]), read) == 0.0
    assert seconds_of(read, -500.0) == 300.0
