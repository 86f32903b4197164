from __future__ import annotations

import random
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incident_management.detection.baselines.counter import Counter
from incident_management.detection.baselines.level import Level
from incident_management.detection.baselines.records import (
    CALM_POINTS,
    DECAY,
    GROWTH,
    LAG,
    LASTING,
    LEARNING,
    Records,
)
from incident_management.detection.baselines.season import PERIODS, Season
from incident_management.detection.baselines.shift import Shift
from incident_management.detection.baselines.weeks import season_class
from incident_management.detection.baselines.window import (
    CHANGE_POINTS,
    FULL,
    SPREAD_POINTS,
    Means,
    Window,
)
from incident_management.detection.baselines.zone import UTC


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 700), st.integers(0, 99), st.sampled_from([0.0, 1e9]))
def test_a_window_says_what_statistics_says(count, seed, offset):
    rng = random.Random(seed)
    values = [offset + rng.gauss(0, 3) for _ in range(count)]
    window = Window()
    for value in values:
        window.add(value)
    assert window.seen == count
    assert window.recent(SPREAD_POINTS) == pytest.approx(values[-SPREAD_POINTS:])
    if window.seen >= FULL:
        change = statistics.fmean(values[-CHANGE_POINTS:]) - statistics.fmean(
            values[-2 * CHANGE_POINTS : -CHANGE_POINTS]
        )
        assert window.change == pytest.approx(change, abs=1e-6)
    if window.seen >= SPREAD_POINTS:
        assert window.deviation == pytest.approx(
            statistics.pstdev(values[-SPREAD_POINTS:]), abs=1e-6
        )


def test_a_level_is_the_median_whatever_the_outliers():
    rng = random.Random(1)
    level = Level()
    for i in range(5000):
        level.learn(1e6 if i % 20 == 19 else rng.gauss(50, 5))
    assert level.middle == pytest.approx(50.3, abs=1.5)


def test_means_are_of_the_last_values():
    means = Means(3)
    assert [means.add(value) for value in (3.0, 3.0, 3.0, 6.0, 6.0)] == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_a_season_expects_the_same_hour_and_not_the_fault_that_goes_on():
    season = Season(PERIODS["daily"], UTC)
    seen = []
    for i in range(3 * 288):
        time = i * 300.0
        usual = season.expected(time)
        value = float(time % 86400 // 1800)
        seen.append((usual, value))
        season.learn(900.0 if 700 <= i < 704 else value)
    assert seen[0][0] is None
    assert all(usual is not None and abs(usual - value) <= 1 for usual, value in seen[288:])


@pytest.mark.parametrize("name", PERIODS)
def test_a_season_keeps_a_bounded_number_of_values(name):
    season = season_class(name)(PERIODS[name], UTC)
    for i in range(20_000):
        season.expected(i * 60.0)
        season.learn(float(i))
    state = season.to_state()
    assert len(state["values"]) == PERIODS[name].slots * PERIODS[name].kept
    # Each slot's ring holds the latest values; a visit to an hour of the week waits for an hour.
    latest = 19_919.0 if name == "weekly" else 19_999.0
    assert latest in state["values"]


def _learned(mark=1.0):
    records = Records(1, (0,), 1.25)
    for _ in range(LEARNING + 400):
        records.weigh([mark], [0.0], True)
    return records


def test_what_an_anomaly_adds_to_a_record_is_bounded():
    records = _learned()
    assert records.weigh([5.0], [0.0], True).is_anomaly
    for _ in range(2 * LAG):
        records.weigh([5.0], [0.0], True)
    assert records._marks[0] == pytest.approx(GROWTH, rel=0.01)


def test_what_is_seen_raises_a_record_only_later():
    records = _learned()
    records.weigh([1.2], [0.0], True)
    marks = []
    for _ in range(2 * LAG):
        records.weigh([0.0], [0.0], True)
        marks.append(records._marks[0])
    assert all(mark < 1.0 for mark in marks[: LAG - 1])
    assert marks[-1] == pytest.approx(1.2, rel=0.01)


def test_an_anomaly_ends_after_calm_points_and_is_reported_again_only_then():
    records = _learned()
    told = [records.weigh([8.0], [0.0], True).is_anomaly for _ in range(10)]
    assert told == [True] + [False] * 9
    for _ in range(CALM_POINTS):
        records.weigh([0.1], [0.0], True)
    assert records.weigh([8.0], [0.0], True).is_anomaly


def test_an_anomaly_that_goes_on_is_lasting():
    records = _learned()
    found = [records.weigh([8.0], [0.0], True).lasting for _ in range(LASTING + 1)]
    assert found.index(True) == LASTING - 1


def test_records_fade():
    records = _learned(100.0)
    for _ in range(20_000):
        records.weigh([0.0], [0.0], True)
    assert records._marks[0] == pytest.approx(100.0 * DECAY**20_000, rel=0.01)


def test_noise_is_no_anomaly_however_small_the_record():
    records = _learned(0.001)
    assert not records.weigh([2.0], [3.0], True).is_anomaly


def test_a_series_that_falls_is_no_counter():
    counter = Counter()
    assert not any(counter.changes(v) or counter.growth(v) == -1 for v in (5.0, 4.0, 6.0) * 40)
    assert not counter.is_counter


def test_a_counter_that_falls_a_little_was_none():
    counter = Counter()
    changed = []
    for value in [*range(100), 90]:
        changed.append(counter.changes(float(value)))
        counter.growth(float(value))
    assert changed.count(True) == 2 and changed[-1]
    assert not counter.is_counter


@pytest.mark.parametrize("restarts", [(1,), (3,), (20,), (29, 31), (200, 201, 202), (200, 204)])
@pytest.mark.parametrize("rate", [0.3, 50.0])
def test_a_counter_is_one_however_early_or_often_it_restarts(restarts, rate):
    rng = random.Random(2)
    counter, total = Counter(), 1000.0 * rate
    for i in range(500):
        grown = float(sum(rng.random() < rate / 100 for _ in range(100)))
        total = grown * rng.random() // 1 if i in restarts else total + grown
        counter.changes(total)
        counter.growth(total)
    assert counter.is_counter


def _excusable():
    records = Records(2, (0, 1), 1.7)
    for i in range(300):
        records.weigh([1.0 + i % 2, 1.0 + i % 2], [0.0, 0.0], True)
    return records


@pytest.mark.parametrize(("season", "says_what_happened"), [(1.0, False), (30.0, True)])
def test_what_the_longest_season_expected_is_no_anomaly(season, says_what_happened):
    assert _excusable().weigh([30.0, season], [0.0, 0.0], True).is_anomaly == says_what_happened


def _followed(points):
    shift = Shift()
    for value, usual in points:
        shift.follow(value, usual, calm=5.0)
    return shift


def test_a_scaled_series_is_distinguished_from_a_moved_one():
    usual = [100.0 + 5.0 * i for i in range(40)]
    scaled = _followed([(3.0 * one, one) for one in usual])
    moved = _followed([(one + 80.0, one) for one in usual])
    assert scaled.holds and scaled.is_clear
    assert (scaled.factor, scaled.sum) == (pytest.approx(3.0), 0.0)
    assert moved.holds and moved.is_clear
    assert (moved.factor, moved.sum) == (1.0, pytest.approx(80.0))


def test_a_shift_that_is_over_holds_no_longer():
    shift = _followed([(300.0, 100.0)] * 20)
    assert shift.holds
    for _ in range(12):
        shift.follow(100.0, 100.0, calm=5.0)
    assert not shift.holds and shift.points == 0


def test_a_fault_that_changes_with_each_point_is_no_shift():
    assert not _followed([(0.0 if i % 2 else 900.0, 100.0) for i in range(60)]).holds


def test_only_what_a_season_saw_before_a_shift_is_scaled():
    season = Season(PERIODS["daily"], UTC)
    for i in range(300):
        season.expected(i * 300.0)
        season.learn(10.0)
    season.move(3.0, 0.0, lasted=13 * 300.0, step=300.0)
    now = 299 * 300.0
    assert season.expected(now, alone=True) == 10.0
    assert season.expected(now + 6 * 3600.0, alone=True) == 30.0
