"""Grouping a stream of alerts: what joins, what stays out, and what may never change."""

from __future__ import annotations

from typing import List, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incident_management.incidents.grouping import Limits, Placement, Segmenter
from incident_management.incidents.grouping.habits import SLOT, Crowd, Habit
from incident_management.incidents.grouping.tempo import LONGEST_PAUSE, SHORTEST_PAUSE, Tempo

DAY = 86400.0
Alert = Tuple[float, str, str]

alerts_in_order = st.lists(
    st.tuples(st.integers(0, 30_000).map(float), st.sampled_from("abcde"), st.sampled_from("xyz")),
    max_size=120,
).map(lambda alerts: sorted(alerts, key=lambda alert: alert[0]))


def place(segmenter: Segmenter, alerts: List[Alert]) -> List[Placement]:
    return [segmenter.place(*alert) for alert in alerts]


def after_quiet_days(segmenter: Segmenter) -> float:
    """Two days in which one host tells of its update each hour; returns the time then."""
    place(segmenter, [(hour * SLOT, "update", "mail") for hour in range(48)])
    return 2 * DAY


def test_a_burst_of_unusual_alerts_on_several_hosts_is_one_group():
    segmenter = Segmenter()
    start = after_quiet_days(segmenter)
    found = place(segmenter, [(start + n, "scan", f"host-{n % 3}") for n in range(30)])
    assert len({placement.group for placement in found}) == 1
    assert [placement.opened for placement in found] == [True] + [False] * 29


def test_a_dense_burst_is_over_after_a_pause_that_a_slow_one_survives():
    segmenter = Segmenter()
    start = after_quiet_days(segmenter)
    dense = place(segmenter, [(start + n, "scan", "web") for n in range(30)])
    (later,) = place(segmenter, [(start + 29 + 15, "probe", "web")])
    assert later.group != dense[-1].group
    slow = place(segmenter, [(start + DAY + 15 * n, "crack", "vault") for n in range(10)])
    assert len({placement.group for placement in slow}) == 1


def test_what_is_usual_stays_out_of_a_burst_elsewhere():
    segmenter = Segmenter()
    start = after_quiet_days(segmenter)
    (burst,) = place(segmenter, [(start, "scan", "web")])
    (update,) = place(segmenter, [(start + 1, "update", "mail")])
    assert update.usual
    assert update.group != burst.group


def test_far_more_than_ever_of_something_usual_is_a_burst():
    segmenter = Segmenter()
    start = after_quiet_days(segmenter)
    found = place(segmenter, [(start + n, "update", "mail") for n in range(20)])
    assert found[0].usual
    assert not found[-1].usual


def test_where_something_unusual_comes_all_the_time_hosts_are_not_joined_by_chance():
    segmenter = Segmenter()
    found = place(segmenter, [(float(n), "odd", f"host-{n}") for n in range(3 * 3600)])
    last_hour = found[-3600:]
    assert len({placement.group for placement in last_hour}) == len(last_hour)


def test_usual_kinds_that_come_together_are_gathered_together():
    segmenter = Segmenter()
    alerts = [
        (hour * SLOT + second, kind, "gate")
        for hour in range(10)
        for second in (0.0, 60.0, 120.0)
        for kind in ("sensor", "copy")
    ]
    last = place(segmenter, alerts)[-2:]
    assert all(placement.usual for placement in last)
    assert last[0].group == last[1].group


@settings(max_examples=60, deadline=None)
@given(alerts_in_order, st.integers(0, 120))
def test_a_prefix_gives_the_same_decisions(alerts, length):
    assert place(Segmenter(), alerts[:length]) == place(Segmenter(), alerts)[:length]


@settings(max_examples=60, deadline=None)
@given(alerts_in_order, st.integers(1, 30_000))
def test_the_names_and_the_day_do_not_matter(alerts, days):
    renamed = [(t + days * DAY, f"kind {kind}", f"host {host}") for t, kind, host in alerts]
    groups = [placement.group for placement in place(Segmenter(), alerts)]
    assert [placement.group for placement in place(Segmenter(), renamed)] == groups


@settings(max_examples=60, deadline=None)
@given(alerts_in_order)
def test_an_alert_opens_a_group_just_when_it_is_the_first_in_it(alerts):
    seen = set()
    for placement in place(Segmenter(), alerts):
        assert placement.opened == (placement.group not in seen)
        seen.add(placement.group)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1e6), st.text(max_size=3), st.text(max_size=3))))
def test_what_is_kept_stays_within_its_limits_whatever_comes(alerts):
    segmenter = Segmenter(limits=Limits(bursts=2, streams=2, habits=3, entities=2))
    for alert in alerts:
        segmenter.place(*alert)
        sizes = segmenter.sizes()
        assert sizes["bursts"] <= 2
        assert sizes["streams"] <= 2
        assert sizes["habits"] <= 3


def test_a_habit_is_forgotten():
    habit = Habit.of([hour * SLOT for hour in range(24)])
    assert habit.observe(24 * SLOT)
    assert not habit.observe(24 * SLOT + 14 * DAY)


@pytest.mark.parametrize(
    "gap, patience", [(0.0, 30.0), (1.0, SHORTEST_PAUSE), (1e5, LONGEST_PAUSE)]
)
def test_patience_follows_the_gaps_within_its_bounds(gap, patience):
    assert Tempo.of(gap * n for n in range(40)).patience() == patience


def test_a_quiet_time_makes_coincidences_unlikely():
    crowd = Crowd()
    for day in range(10):
        crowd.observe(day * DAY)
    assert crowd.seconds_apart() > SLOT
