"""What a week was like, hour by hour, and what follows for series that know weekdays."""

from __future__ import annotations

import copy
import json
import math
import random

import pytest

from incident_management.detection.baselines.baseline import Baseline
from incident_management.detection.baselines.season import PERIODS, Season
from incident_management.detection.baselines.weeks import Weeks
from incident_management.detection.baselines.zone import UTC

STEP, HOUR, DAY, WEEK = 300.0, 12, 288, 2016
"""Seconds of a step, and the steps of an hour, a day and a week."""
MONDAY = 4 * 86400.0


def _time(i):
    return MONDAY + i * STEP


def _learned(values, season=None):
    season = season or Weeks(PERIODS["weekly"], UTC)
    for i, value in enumerate(values):
        season.expected(_time(i))
        season.learn(value)
    return season


def _range(season, i):
    assert season.expected(_time(i)) is not None
    return season.low, season.high


def test_usual_is_between_the_medians_of_the_lowest_and_the_highest_of_three_weeks():
    weeks = [[40.0, 60.0], [42.0, 64.0], [44.0, 900.0]]
    season = _learned([pair[i % 2] for pair in weeks for i in range(WEEK)])
    middle_of_week = 3 * WEEK + 3 * DAY
    assert season.expected(_time(middle_of_week)) == 53.0
    assert _range(season, middle_of_week) == (42.0, 64.0)


def test_one_weeks_fault_is_not_usual_and_what_two_weeks_had_is():
    at = 3 * DAY
    values = [50.0] * (3 * WEEK)
    values[2 * WEEK + at : 2 * WEEK + at + HOUR] = [500.0] * HOUR
    assert _range(_learned(values), 3 * WEEK + at) == (50.0, 50.0)
    values[WEEK + at : WEEK + at + HOUR] = [500.0] * HOUR
    assert _range(_learned(values), 3 * WEEK + at)[1] == 500.0


def test_a_job_that_begins_within_an_hour_is_usual_and_half_an_hour_before_too():
    at = 3 * DAY
    values = [500.0 if at + 6 <= i % WEEK < at + 18 else 50.0 for i in range(3 * WEEK)]
    season = _learned(values)
    now = 3 * WEEK + at
    seen = [_range(season, i)[1] for i in range(now - 2 * HOUR, now + 4 * HOUR)]
    # The hour before knows the job in its second half, the hour after it in its first.
    assert seen == [50.0] * 18 + [500.0] * 36 + [50.0] * 18


def test_a_fault_that_goes_on_is_not_usual():
    values = [50.0] * (2 * WEEK) + [500.0] * (5 * HOUR)
    assert _range(_learned(values), 2 * WEEK + 5 * HOUR) == (50.0, 50.0)


def test_only_what_weeks_saw_before_a_shift_is_scaled():
    begin = 2 * WEEK - 5 * HOUR
    season = _learned([10.0] * begin + [30.0] * (2 * WEEK - begin))
    season.move(3.0, 0.0, lasted=5 * HOUR * STEP, step=STEP)
    # In the hours of the shift one visit is of before it, and one has it already.
    for i in (2 * WEEK + DAY, begin + WEEK - 2 * HOUR, begin + WEEK + 2 * HOUR):
        assert _range(season, i) == (30.0, 30.0)


@pytest.mark.parametrize("stop", [1, 7, 3 * HOUR, WEEK + 5, 2 * WEEK + 9])
def test_weeks_go_on_where_they_were_saved(stop):
    rng = random.Random(1)
    values = [rng.gauss(100, 10) for _ in range(4 * WEEK)]
    whole, first = _learned(values[:stop]), _learned(values[:stop])
    state = json.loads(json.dumps(first.to_state()))
    second = Weeks.from_state(PERIODS["weekly"], UTC, state)
    for i in range(stop, len(values)):
        mine, theirs = second.expected(_time(i)), whole.expected(_time(i))
        assert mine == (None if theirs is None else pytest.approx(theirs, rel=1e-5))
        assert (second.low, second.high) == pytest.approx((whole.low, whole.high), rel=1e-5)
        second.learn(values[i])
        whole.learn(values[i])


def _older(step, weeks):
    """A state of before there were ranges: the last four values of each hour."""
    season = Season(PERIODS["weekly"]._replace(kept=4), UTC)
    for i in range(round(weeks * 7 * 86400 / step)):
        time = MONDAY + i * step
        season.expected(time)
        season.learn(1000.0 * (i * step // (7 * 86400)) + time % 3600 / 60)
    return season.to_state()


@pytest.mark.parametrize(
    ("step", "usual"),
    [
        (300.0, (4040.0, 4055.0)),
        # Four values of two visits, and of four, of which the last three are kept.
        (1800.0, (3000.0, 4030.0)),
        (3600.0, (3000.0, 3000.0)),
    ],
)
def test_what_an_older_version_learned_is_read(step, usual):
    state = json.loads(json.dumps(_older(step, 5)))
    season = Weeks.from_state(PERIODS["weekly"], UTC, state, step)
    assert _range(season, 5 * WEEK + 3 * DAY) == usual


def test_an_older_state_of_another_shape_is_refused():
    state = _older(300.0, 1)
    state["values"].pop()
    with pytest.raises(ValueError, match="another number of slots"):
        Weeks.from_state(PERIODS["weekly"], UTC, state, 300.0)


def _level(i, weekend=0.4):
    share = weekend if i % WEEK >= 5 * DAY else 1.0
    return share * (100 + 60 * math.sin(2 * math.pi * i / DAY))


def _told(level, weeks, seed, noise=5.0):
    rng, baseline = random.Random(seed), Baseline()
    points = range(round(weeks * WEEK))
    return [i for i in points if baseline.judge(level(i) + rng.gauss(0, noise), _time(i))[4]]


@pytest.mark.one_python
@pytest.mark.parametrize("hours", [0.5, 1, 2, 3])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_job_of_once_a_week_is_reported_in_its_first_week_alone(hours, seed):
    rng = random.Random(seed)
    at = rng.randrange(WEEK - DAY)
    late = [rng.randrange(-1, 2) for _ in range(6)]

    def level(i):
        is_job = 0 <= i % WEEK - at - late[i // WEEK] < hours * HOUR
        return 100 + 60 * math.sin(2 * math.pi * i / DAY) + 150 * is_job

    found = _told(level, 6, seed)
    assert [i for i in found if at - 2 <= i <= at + 2]
    assert not [i for i in found if i >= 1.5 * WEEK]


@pytest.mark.one_python
@pytest.mark.parametrize("factor", [2.5, 0.1])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_fault_of_hours_is_not_told_again_when_all_is_well_a_week_later(factor, seed):
    begin = 6 * WEEK + 101 * seed
    found = _told(lambda i: _level(i) * (factor if begin <= i < begin + 48 else 1.0), 7.5, seed)
    assert [i for i in found if begin <= i < begin + HOUR]
    assert not [i for i in found if i >= begin + 60]


@pytest.mark.one_python
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_fault_that_comes_again_a_week_later_is_reported_again(seed):
    begin = 4 * WEEK + 101 * seed
    hours = {begin + week * WEEK + i for week in (0, 1) for i in range(HOUR)}
    found = _told(lambda i: _level(i) * (2.5 if i in hours else 1.0), 6, seed)
    assert {(i - begin) // WEEK for i in found if i in hours} == {0, 1}


@pytest.mark.one_python
@pytest.mark.parametrize("seed", [1, 2, 3, 5])
def test_a_series_of_weekdays_that_halves_for_good_is_reported_within_hours(seed):
    begin = 6 * WEEK + 5 * 61 * seed
    found = _told(lambda i: _level(i) * (0.5 if i >= begin else 1.0), 7, seed)
    assert [i for i in found if begin <= i < begin + 6 * HOUR]


@pytest.mark.one_python
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_pauses_at_weekends_are_reported_for_few_weeks(seed):
    found = _told(lambda i: _level(i, weekend=0.03), 8, seed)
    assert not [i for i in found if i >= 5 * WEEK]


@pytest.mark.parametrize("seed", [1, 2])
def test_a_value_beyond_a_bound_that_the_week_expects_is_reported(seed):
    rng, baseline, told = random.Random(seed), Baseline(season="weekly"), {}
    now = 4 * WEEK + DAY + 33
    for i in range(now):
        _expected, lower, upper, *_rest = baseline.judge(_level(i) + rng.gauss(0, 5.0), _time(i))
    for value in (lower - 1.0, lower + 1.0, upper - 1.0, upper + 1.0):
        told[value] = copy.deepcopy(baseline).judge(value, _time(now))[4]
    assert list(told.values()) == [True, False, False, True]
    assert lower < _level(now) - 15.0 < _level(now) + 15.0 < upper < lower + 100.0
