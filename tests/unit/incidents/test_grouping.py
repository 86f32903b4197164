"""Grouping a stream of alerts: what joins, what stays separate, and what must not change."""

from __future__ import annotations

from typing import List, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incident_management.incidents.grouping import Limits, Placement, Segmenter
from incident_management.incidents.grouping.gatherings import LONGEST_GATHERING
from incident_management.incidents.grouping.habits import SLOT, Crowd, Habit
from incident_management.incidents.grouping.mix import KINDS, SAMPLE, Mix
from incident_management.incidents.grouping.tempo import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    PATIENCE,
    SHORTEST_PAUSE,
    Tempo,
)

DAY = 86400.0
Alert = Tuple[float, str, str]

any_alerts = st.lists(
    st.tuples(st.integers(0, 30_000).map(float), st.sampled_from("abcde"), st.sampled_from("xyz")),
    max_size=120,
)
alerts_in_order = any_alerts.map(lambda alerts: sorted(alerts, key=lambda alert: alert[0]))


def place(segmenter: Segmenter, alerts: List[Alert]) -> List[Placement]:
    return [segmenter.place(*alert) for alert in alerts]


def groups(placements: List[Placement]) -> List[int]:
    return [placement.group for placement in placements]


def after_quiet_days(segmenter: Segmenter) -> float:
    """Pass two days in which one host reports its update each hour; return the time then."""
    place(segmenter, [(hour * SLOT, "update", "mail") for hour in range(48)])
    return 2 * DAY


def busy_hours(count: int) -> List[Alert]:
    """Send two usual kinds on two hosts, one alert a minute each, from time 0 on."""
    return [
        (hour * SLOT + 60 * minute + second, kind, host)
        for hour in range(count)
        for minute in range(60)
        for second, kind, host in ((0, "login", "mail"), (30, "handshake", "gate"))
    ]


def test_a_burst_of_unusual_alerts_on_several_hosts_is_one_group():
    segmenter = Segmenter()
    start = after_quiet_days(segmenter)
    found = place(segmenter, [(start + n, "scan", f"host-{n % 3}") for n in range(30)])
    assert len(set(groups(found))) == 1
    assert [placement.opened for placement in found] == [True] + [False] * 29


def test_a_dense_burst_is_over_after_a_pause_that_a_slow_one_survives():
    segmenter = Segmenter()
    start = after_quiet_days(segmenter)
    dense = place(segmenter, [(start + n, "scan", "web") for n in range(90)])
    (later,) = place(segmenter, [(start + 89 + 15, "scan", "web")])
    assert later.group != dense[-1].group
    slow = place(segmenter, [(start + DAY + 15 * n, "crack", "vault") for n in range(10)])
    assert len(set(groups(slow))) == 1


def test_a_burst_waits_longer_for_what_it_knows_than_for_something_else():
    gap = 20.0

    def joins(kind: str) -> bool:
        segmenter = Segmenter()
        start = after_quiet_days(segmenter)
        (first, later) = place(
            segmenter, [(start, "sudo-opened", "web"), (start + gap, kind, "web")]
        )
        return first.group == later.group

    assert joins("sudo-opened")
    assert joins("sudo-failed")
    assert not joins("request-strange")


def test_another_mix_of_kinds_after_a_short_pause_is_another_burst():
    segmenter = Segmenter()
    start = after_quiet_days(segmenter)
    scan = place(segmenter, [(start + n, "scan", "web") for n in range(SAMPLE)])
    next_start = start + SAMPLE - 1 + SHORTEST_PAUSE
    mixed = [(next_start + n / 10, "plugin-scan", "web") for n in range(3 * SAMPLE)]
    other = place(segmenter, mixed)
    assert other[0].group == scan[-1].group
    assert len(set(groups(other[SAMPLE - 1 :]))) == 1
    assert other[SAMPLE - 1].opened
    assert "mix of kinds" in other[SAMPLE - 1].reason


def test_the_same_mix_after_a_short_pause_is_the_same_burst():
    segmenter = Segmenter()
    start = after_quiet_days(segmenter)
    twice = [start + n for n in range(60)] + [start + 59 + SHORTEST_PAUSE + n for n in range(60)]
    found = place(segmenter, [(time, f"scan-{int(time) % 2}", "web") for time in twice])
    assert len(set(groups(found))) == 1


def test_usual_alerts_do_not_join_a_burst_of_another_entity():
    segmenter = Segmenter()
    start = after_quiet_days(segmenter)
    (burst,) = place(segmenter, [(start, "scan", "web")])
    (update,) = place(segmenter, [(start + 1, "update", "mail")])
    assert update.usual
    assert update.group != burst.group


def test_usual_traffic_of_a_busy_host_does_not_keep_a_burst_going():
    segmenter = Segmenter()
    usual = [(5.0 * n, "login", "mail") for n in range(6 * 720)]
    place(segmenter, usual)
    start = 6 * SLOT
    (odd,) = place(segmenter, [(start, "odd", "mail")])
    found = place(segmenter, [(start + 2 + 5.0 * n, "login", "mail") for n in range(20)])
    assert groups(found[:1]) == [odd.group]
    assert odd.group not in groups(found[1:])


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
    assert len(set(groups(last_hour))) == len(last_hour)


def test_usual_alerts_are_gathered_by_time_whatever_they_are():
    segmenter = Segmenter()
    found = place(segmenter, busy_hours(8))[-240:]
    assert all(placement.usual for placement in found)
    assert len(set(groups(found))) in (4, 5)
    assert sum(placement.opened for placement in found) in (4, 5)


def test_usual_alerts_before_and_after_a_burst_began_are_apart():
    segmenter = Segmenter()
    place(segmenter, busy_hours(8))
    start = 8 * SLOT
    (before,) = place(segmenter, [(start, "login", "mail")])
    place(segmenter, [(start + 10, "scan", "web"), (start + 11, "scan", "web")])
    (after,) = place(segmenter, [(start + 60, "login", "mail")])
    assert before.usual
    assert after.usual
    assert after.opened


def test_a_single_oddity_does_not_cut_what_is_gathered():
    segmenter = Segmenter()
    place(segmenter, busy_hours(8))
    start = 8 * SLOT
    (before,) = place(segmenter, [(start, "login", "mail")])
    place(segmenter, [(start + 10, "odd", "web")])
    (after,) = place(segmenter, [(start + 60, "login", "mail")])
    assert after.group == before.group


def test_a_late_usual_alert_goes_to_the_gathering_of_its_time():
    segmenter = Segmenter()
    place(segmenter, busy_hours(8))
    start = 8 * SLOT
    (early,) = place(segmenter, [(start, "login", "mail")])
    (current,) = place(segmenter, [(start + LONGEST_GATHERING + 1, "login", "mail")])
    (late,) = place(segmenter, [(start + 5, "handshake", "gate")])
    assert current.group != early.group
    assert late.group == early.group


def test_a_late_unusual_alert_goes_to_the_burst_of_its_time():
    segmenter = Segmenter()
    start = after_quiet_days(segmenter)
    burst = place(segmenter, [(start + n, "scan", "web") for n in range(200)])
    (late,) = place(segmenter, [(start + 20.5, "scan", "web")])
    (much_too_late,) = place(segmenter, [(start - DAY, "scan", "mail")])
    (after,) = place(segmenter, [(start + 200, "scan", "web")])
    assert late.group == after.group == burst[-1].group
    assert much_too_late.group != burst[-1].group


def test_a_late_burst_does_not_cut_what_is_gathered_now():
    segmenter = Segmenter()
    place(segmenter, busy_hours(8))
    start = 8 * SLOT
    (before,) = place(segmenter, [(start + 600, "login", "mail")])
    place(segmenter, [(start - 300, "scan", "web"), (start - 299, "scan", "web")])
    (after,) = place(segmenter, [(start + 660, "login", "mail")])
    assert after.group == before.group


def test_one_alert_from_the_future_does_not_join_what_comes_after_it():
    segmenter = Segmenter()
    start = after_quiet_days(segmenter)
    (future,) = place(segmenter, [(start + 300 * DAY, "scan", "web")])
    found = place(segmenter, [(start + n * SLOT, f"odd-{n}", "web") for n in range(3)])
    assert len({future.group, *groups(found)}) == 4


@settings(max_examples=60, deadline=None)
@given(alerts_in_order, st.integers(0, 120))
def test_a_prefix_gives_the_same_decisions(alerts, length):
    assert place(Segmenter(), alerts[:length]) == place(Segmenter(), alerts)[:length]


@settings(max_examples=60, deadline=None)
@given(alerts_in_order, st.integers(1, 30_000))
def test_names_without_a_common_word_and_the_day_do_not_matter(alerts, days):
    renamed = [(t + days * DAY, f"kind{kind}", f"host {host}") for t, kind, host in alerts]
    assert groups(place(Segmenter(), renamed)) == groups(place(Segmenter(), alerts))


@settings(max_examples=60, deadline=None)
@given(any_alerts)
def test_an_alert_opens_a_group_just_when_it_is_the_first_in_it(alerts):
    seen = set()
    for placement in place(Segmenter(), alerts):
        assert placement.opened == (placement.group not in seen)
        seen.add(placement.group)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.text(max_size=3), st.text(max_size=3))))
def test_what_is_kept_stays_within_its_limits_whatever_comes(alerts):
    segmenter = Segmenter(limits=Limits(bursts=2, habits=3, entities=2))
    for alert in alerts:
        segmenter.place(*alert)
        sizes = segmenter.sizes()
        assert sizes["bursts"] <= 2
        assert sizes["gatherings"] <= 8
        assert sizes["habits"] <= 3


def test_a_habit_is_forgotten():
    habit = Habit(0.0)
    for hour in range(24):
        habit.observe(hour * SLOT)
    assert habit.observe(24 * SLOT)
    assert not habit.observe(24 * SLOT + 14 * DAY)


def tempo_of(gaps):
    tempo = Tempo()
    for gap in gaps:
        tempo.observe(gap)
    return tempo


@pytest.mark.parametrize(
    "gap, patience", [(0.0, PATIENCE * FIRST_PAUSE), (1.0, SHORTEST_PAUSE), (1e5, LONGEST_PAUSE)]
)
def test_patience_follows_the_gaps_within_its_bounds(gap, patience):
    assert tempo_of([gap] * 399).patience(1.0) == pytest.approx(patience)


def test_one_long_pause_is_remembered_beyond_some_short_ones():
    assert tempo_of([1.0] * 9 + [21.0] + [1.0] * 9).longest > 15.0


def test_what_is_strange_to_a_burst_gets_less_patience():
    tempo = Tempo()
    assert tempo.patience(1.0) > tempo.patience(0.5) > tempo.patience(0.0)


def test_familiarity_is_by_kind_and_else_by_the_words_of_its_name():
    mix = Mix()
    mix.observe("Login failed")
    assert mix.familiarity("Login failed") == 1.0
    assert mix.familiarity("login_opened") == 0.5
    assert mix.familiarity("Disk full") == 0.0


def test_a_mix_keeps_so_many_kinds_and_no_more():
    mix = Mix()
    for n in range(10 * KINDS):
        mix.observe(f"kind{n}")
        if n % 7 == 0:
            mix.pause()
    familiar = [n for n in range(10 * KINDS) if mix.familiarity(f"kind{n}") == 1.0]
    assert familiar == list(range(KINDS))


def test_a_quiet_time_makes_coincidences_unlikely():
    crowd = Crowd()
    for day in range(10):
        crowd.observe(day * DAY)
    assert crowd.seconds_apart() > SLOT
