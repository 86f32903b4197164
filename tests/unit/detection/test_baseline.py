from __future__ import annotations

import json
import math
import random

import pytest

from incident_management.detection.baselines.baseline import SEASONS, SENSITIVITIES, Baseline

STEP = 300.0
DAY = 288


def _season(days, noise=5.0, seed=1):
    rng = random.Random(seed)
    return [
        100 + 60 * math.sin(2 * math.pi * i / DAY) + rng.gauss(0, noise) for i in range(DAY * days)
    ]


def _anomalies(values, start=0.0, **settings):
    baseline = Baseline(**settings)
    scores = [baseline.add(value, start + i * STEP) for i, value in enumerate(values)]
    return [i for i, score in enumerate(scores) if score.is_anomaly]


@pytest.mark.parametrize("season", ["daily", "auto", "none"])
def test_a_daily_season_is_no_anomaly(season):
    assert _anomalies(_season(7), season=season) == []


@pytest.mark.parametrize("season", ["daily", "auto"])
def test_a_value_wrong_for_its_hour_is_found(season):
    values = _season(7)
    night = DAY * 6 + 216
    values[night] = 160.0
    assert _anomalies(values, season=season) == [night]


@pytest.mark.parametrize(("season", "is_within"), [("none", True), ("daily", False)])
def test_without_the_season_the_same_value_is_within_its_bounds(season, is_within):
    baseline, night = Baseline(season=season), DAY * 6 + 216
    for i, value in enumerate(_season(7)[:night]):
        baseline.add(value, i * STEP)
    score = baseline.add(160.0, night * STEP)
    assert (score.lower <= 160.0 <= score.upper) == is_within


@pytest.mark.parametrize("sensitivity", SENSITIVITIES)
def test_a_rise_in_small_steps_is_found_before_it_is_usual(sensitivity):
    rng = random.Random(1)
    values = [50.5 + 4.0 * rng.random() for _ in range(1000)]
    # Each value is only 3 % further from the level than the one before.
    values += [52.5 + 2.0 * 1.03**i for i in range(60)]
    found = _anomalies(values, season="none", threshold=SENSITIVITIES[sensitivity])
    assert len(found) == 1 and found[0] >= 1000


def test_a_lasting_shift_is_reported_and_then_is_the_new_normal():
    values = [value + (80 if i >= 1500 else 0) for i, value in enumerate(_season(7))]
    found = _anomalies(values, season="daily")
    assert found and found[0] <= 1502
    assert not [i for i in found if i > 1500 + DAY + 24]


@pytest.mark.parametrize("factor", [1.6, 2.0, 3.0, 0.5])
@pytest.mark.parametrize("seed", [11, 12, 13])
def test_a_series_that_is_scaled_for_good_is_reported_once(factor, seed):
    begin = 21 * DAY + 61 * seed % DAY
    values = [v * (factor if i >= begin else 1) for i, v in enumerate(_season(25, seed=seed))]
    found = [i for i in _anomalies(values) if i >= begin]
    assert len(found) == 1 and found[0] <= begin + 12


def test_a_scaled_series_is_judged_by_its_own_height_the_next_day():
    begin = 21 * DAY
    values = [v * (3 if i >= begin else 1) for i, v in enumerate(_season(24))]
    outage = begin + 2 * DAY + 100
    values[outage : outage + 6] = [0.0] * 6
    assert [i for i in _anomalies(values) if i >= begin] == [begin, outage]


def test_an_anomaly_is_reported_once_where_it_begins():
    values = [50.0 + (i % 5) for i in range(400)]
    for i in range(300, 306):
        values[i] = 500.0
    assert _anomalies(values) == [300]


def test_a_fault_does_not_hide_the_next_one_of_its_kind():
    values = [50.0 + (i % 5) for i in range(1200)]
    for start in (600, 800, 1000):
        for i in range(start, start + 6):
            values[i] = 500.0
    assert _anomalies(values) == [600, 800, 1000]


@pytest.mark.parametrize("hours", [1, 2, 3, 5])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_outage_is_reported_again_hours_after_the_last_one(hours, seed):
    values = [200 + value for value in _season(24, seed=seed)]
    first = 23 * DAY + 30
    second = first + 6 + 12 * hours
    for start in (first, second):
        values[start : start + 6] = [0.0] * 6
    found = _anomalies(values[: second + 6])
    assert first in found and any(i >= second for i in found)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_dip_that_becomes_an_outage_is_reported_again(seed):
    values = [200 + value for value in _season(24, seed=seed)]
    first = 23 * DAY + 30
    values[first : first + 6] = [value * 0.6 for value in values[first : first + 6]]
    values[first + 6 : first + 42] = [0.0] * 36
    found = [i for i in _anomalies(values[: first + 42]) if i >= first]
    assert len(found) == 2 and found[1] in (first + 6, first + 7)


@pytest.mark.parametrize("seed", [1, 3, 4])
def test_a_day_with_a_deploy_and_three_faults(seed):
    values = [max(0.0, value) for value in _season(15, seed=seed)]
    day = 14 * DAY
    for i in range(day + 30, len(values)):
        values[i] += 60.0
    faults = [day + 130, day + 190, day + 250]
    for start in faults:
        for i in range(start, start + 6):
            values[i] *= 3.0
    found = [i for i in _anomalies(values) if i >= day]
    assert found[-3:] == faults
    assert found[:-3] == [day + 30]


def test_a_slow_trend_is_no_anomaly():
    rng = random.Random(7)
    assert _anomalies([100 + i * 0.05 + rng.gauss(0, 5) for i in range(3000)]) == []


def test_a_counter_is_judged_by_its_growth_and_survives_a_restart():
    values, total = [], 0.0
    rng = random.Random(3)
    for i in range(600):
        total = 0.0 if i == 300 else total + 100 + rng.randrange(20)
        values.append(total)
    assert _anomalies(values) == []
    jump = [value + (5000 if i >= 500 else 0) for i, value in enumerate(values)]
    assert _anomalies(jump) == [500]
    baseline = Baseline()
    for i, value in enumerate(values[:290]):
        score = baseline.add(value, i * STEP)
    assert score.lower <= values[289] <= score.upper


def test_what_was_no_counter_can_become_one_but_a_smooth_season_does_not():
    baseline, total = Baseline(), 0.0
    for i in range(8000):
        total = i % 2 if i < 100 else total + 5.0
        baseline.add(total, i * STEP)
    assert baseline.to_state()["counter"]["is_counter"]
    smooth, taken_for_one = Baseline(), []
    for i in range(8000):
        smooth.add(1000 + 600 * math.sin(2 * math.pi * i / DAY), i * STEP)
        if i >= DAY and i % 50 == 0 and smooth.to_state()["counter"]["is_counter"]:
            taken_for_one.append(i)
    assert taken_for_one == []


def test_a_constant_series_has_no_anomaly_until_it_moves():
    assert _anomalies([7.5] * 100) == []
    assert _anomalies([7.5] * 100 + [9.0] + [7.5] * 10) == [100]


def test_small_counts_have_the_spread_of_a_poisson_distribution():
    rng = random.Random(2)
    counts = [sum(rng.random() < 0.02 for _ in range(50)) for _ in range(2000)]
    # About 1 a point: 5 and 6 happen by chance within 2,000 points.
    assert len(_anomalies(counts)) <= 1
    assert _anomalies(counts, threshold=SENSITIVITIES["low"]) == []
    counts[1000] = 15
    assert 1000 in _anomalies(counts)
    assert _anomalies([0] * 100 + [1, 0, 2, 0, 1]) == []


def test_a_whole_percentage_is_no_count():
    rng = random.Random(4)
    usual = [100 if rng.random() > 0.02 else 100 - rng.randrange(1, 4) for _ in range(2000)]
    assert _anomalies(usual) == []
    assert 2000 in _anomalies([*usual, *[90] * 36])
    assert _anomalies([*[100] * 288, *[85] * 100])[:1] == [288]
    assert _anomalies([*[3] * 300, 2, 3, 4, *[3] * 100]) == []


def test_only_the_asked_direction_counts():
    values = [50.0 + (i % 5) for i in range(200)]
    values[100], values[150] = 200.0, -100.0
    assert _anomalies(values, direction="up") == [100]
    assert _anomalies(values, direction="down") == [150]
    assert _anomalies(values) == [100, 150]


def test_no_verdict_before_the_history_is_there():
    assert _anomalies([1.0, 1.0, 1.0, 900.0, 1.0], min_history=10) == []


def test_what_comes_after_a_gap_is_not_judged_at_once():
    baseline = Baseline()
    for i in range(100):
        baseline.add(10.0 + i % 2, i * STEP)
    assert not baseline.add(90.0, 99 * STEP + 86400).is_anomaly


def _after_a_pause(first, then):
    """A steady series, a pause of fifty steps, one point, and then other points."""
    points = [(i * STEP, 100.0 + i * 7919 % 13) for i in range(2000)]
    begin = points[-1][0] + 50 * STEP
    return [*points, *((begin + i * STEP, value) for i, value in enumerate([first, *then]))], begin


def _told(points):
    baseline = Baseline()
    return [time for time, value in points if baseline.add(value, time).is_anomaly]


@pytest.mark.parametrize("first", [900.0, 3000.0])
def test_a_burst_after_a_gap_is_not_told_hours_later_and_hides_no_outage(first):
    usual = [100.0 + i * 7919 % 13 for i in range(300)]
    points, begin = _after_a_pause(first, [*usual, *[0.0] * 12])
    assert _told(points) == [begin + 301 * STEP]


@pytest.mark.parametrize("longer", [15, 60])
def test_a_series_that_comes_in_longer_steps_is_judged_again(longer):
    points = [(i * 60.0, 100.0 + i * 7919 % 13) for i in range(2000)]
    begin = points[-1][0]
    values = [*(100.0 + i * 7919 % 13 for i in range(100)), *[5000.0] * 5]
    points += [(begin + (i + 1) * 60.0 * longer, value) for i, value in enumerate(values)]
    assert _told(points) == [begin + 101 * 60.0 * longer]


def test_higher_sensitivity_finds_no_less():
    values = _season(3, seed=5)
    values[500] += 30
    values[600] += 45
    found = [set(_anomalies(values, season="none", threshold=t)) for t in (1.6, 1.25, 1.05)]
    assert found[0] <= found[1] <= found[2]


def test_the_bounds_hold_the_expected_value_and_the_score_is_half_on_the_bound():
    # Upwards only: how much the series spreads, which the edge changes too, is not judged then.
    baseline, rng = Baseline(direction="up"), random.Random(1)
    for i in range(50):
        score = baseline.add(10.5 + rng.random(), i * STEP)
        assert score.lower <= score.expected <= score.upper
        assert 0.0 <= score.score < 1.0
    upper = score.upper
    edge = baseline.add(upper, 50 * STEP)
    assert edge.score == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("season", SEASONS)
def test_what_was_learned_can_be_saved_at_any_point(season):
    values = _season(9, seed=3)
    values[DAY * 8 + 40] += 500
    whole, restored = Baseline(season=season), []
    for i, value in enumerate(values):
        if i in (0, 1, 100, DAY * 7 + 5, DAY * 8 + 42):
            state = json.loads(json.dumps(whole.to_state()))
            restored.append(Baseline.from_state(state))
        theirs = whole.add(value, i * STEP)
        for one in restored:
            assert one.add(value, i * STEP) == pytest.approx(theirs, rel=1e-4, abs=1e-4), i
    assert len(restored) == 5


def test_the_state_stays_small():
    baseline = Baseline()
    for i, value in enumerate(_season(40)):
        baseline.add(value * 1.23456789e-5, i * STEP)
    assert len(json.dumps(baseline.to_state())) < 27_000


@pytest.mark.parametrize(
    "spoil",
    [
        lambda state: state.update(version=0),
        lambda state: state.pop("learner"),
        lambda state: state["learner"].update(seasons=[]),
        lambda state: state["learner"]["records"].update(marks=[1.0]),
        lambda state: state["learner"]["seasons"][0]["season"].update(values=[1.0]),
        lambda state: state["learner"].update(levels="none"),
    ],
)
def test_a_state_that_is_not_ours_is_refused_in_one_sentence(spoil):
    state = Baseline().to_state()
    spoil(state)
    with pytest.raises(ValueError, match=r"can't be read .* delete it to learn anew"):
        Baseline.from_state(state)
