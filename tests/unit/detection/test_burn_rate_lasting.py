"""Burn-rate monitors over months: series come and go, settings change, numbers are odd."""

from __future__ import annotations

import json
from typing import Any, Dict

import pytest

from incident_management.detection.monitors import burn_rate
from incident_management.detection.monitors.burn_rate import BurnRateDetector
from incident_management.detection.monitors.detector import FORGET_AFTER_SPANS
from incident_management.detection.monitors.monitor import Monitor
from incident_management.rerun.raising import MonitorRaising
from tests.unit.detection.slo import SLO, SPAN, Service, Span, rows_of
from tests.unit.detection.watching import STANZA, START, Watched

PLACES = 3
LONG_AGO = FORGET_AFTER_SPANS + 1


class Pods:
    """A detector of which the test says what each span has; it is restarted before each."""

    def __init__(self, **settings: str) -> None:
        self.monitor = Monitor.read(STANZA, {**SLO, **settings})
        self.state: Dict[str, Any] = {}
        self.at = START
        self.last = BurnRateDetector(self.monitor)

    def judge(self, after: int = 1, **rows: Span) -> BurnRateDetector:
        """Judge the span that begins so many later."""
        self.at += after * SPAN
        self.last = BurnRateDetector(self.monitor)
        self.last.restore(self.state)
        found = self.last.judge(self.at, rows_of(self.at, rows))
        self.last.note_raised(self.at, found)
        self.state = json.loads(json.dumps(self.last.to_state()))
        return self.last


@pytest.fixture
def few_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(burn_rate, "MAX_CELLS", PLACES * 864)


@pytest.mark.usefixtures("few_places")
def test_pods_that_are_gone_leave_their_places_to_new_ones():
    pods = Pods()
    pods.judge(a=(0, 30), b=(0, 30), c=(0, 30))
    assert "more than 3 series" in pods.judge(a=(0, 30), d=(9, 30)).problems[0]
    late = pods.judge(LONG_AGO, a=(0, 30), d=(9, 30), e=(9, 30))

    assert (late.problems, late.unwell) == ([], {("d",), ("e",)})


@pytest.mark.usefixtures("few_places")
def test_a_pod_that_burned_and_is_gone_is_not_well_but_takes_no_place():
    pods = Pods()
    pods.judge(a=(9, 30), b=(9, 30), c=(9, 30))
    late = pods.judge(LONG_AGO, d=(0, 30), e=(0, 30), f=(0, 30))
    assert (late.problems, late.unwell) == ([], {("a",), ("b",), ("c",)})

    # It is back after another day, and is well.
    assert pods.judge(LONG_AGO, a=(0, 30)).unwell == {("b",), ("c",)}


@pytest.mark.usefixtures("few_places")
def test_however_many_pods_burn_and_are_gone_the_state_stays_small():
    pods = Pods()
    for day in range(5):
        found = pods.judge(LONG_AGO, **{f"{name}{day}": (9, 30) for name in "abc"})
        assert not found.problems
    assert len(pods.state["series"]) == 2 * PLACES
    assert {key for ((key,), *_rest) in pods.state["series"] if key.endswith("4")}


def test_what_is_left_is_reported_as_far_as_it_is_known_when_the_windows_grow():
    """Of the week before, nothing but the day that the budget was for is kept."""
    service = Service(days=6, backfill="6d", window="1d", burn_rates="2x 1h/5m high")
    service.change(window="30d", burn_rates="2x 6h/5m high")
    service.live((400, 1000), times=2)

    (first,) = service.signals
    assert "in the last 70 minutes" in first["description"]
    assert first["description"].endswith(", as far as the last 24 hours tell.")


def test_a_longer_window_has_longer_cells_and_all_events_are_counted_once():
    pods = Pods(window="1d", burn_rates="2x 1h/5m")
    for _ in range(8):
        pods.judge(a=(1, 100))
    pods.monitor = Monitor.read(STANZA, {**SLO, "window": "30d", "burn_rates": "2x 1h/5m"})
    pods.judge(a=(1, 100))
    (_key, _spans, (starts, bad, total), *_rest) = pods.state["series"][0]

    assert min(starts) >= 0
    assert (sum(bad), sum(total)) == (9, 900)


def test_sums_of_metrics_that_are_no_whole_numbers_are_rounded_alike():
    pods = Pods(total="all")
    judged = pods.judge(a=(29.6, 29.6))  # type: ignore[arg-type]

    assert (judged.problems, judged.unwell) == ([], {("a",)})


def test_a_span_whose_bad_events_are_no_number_is_not_taken_for_good():
    pods = Pods(burn_rates="14.4x 1h/5m")
    judged = pods.judge(a=("many", 5000))  # type: ignore[arg-type]
    assert "not a usable number" in judged.problems[0]
    assert pods.judge(a=(30, 1000)).unwell == {("a",)}


def test_no_bad_event_counts_for_two_troubles():
    service = Service()
    service.live((900, 1000))
    service.live((0, 1000), times=120)
    assert [severity for severity, _end in service.told_of] == ["critical"]
    service.live((3, 1000), times=30)

    assert [severity for severity, _end in service.told_of] == ["critical", "medium"]
    assert sum(one["count"] for one in service.signals) <= 900 + 30 * 3


def test_an_objective_of_many_nines_is_not_told_as_100():
    service = Service(objective="99.99999")
    service.live((500, 1000), times=2)
    assert "and 99.99999 should be" in service.signals[0]["description"]


def test_what_a_repeated_run_finds_further_is_remembered_too(monkeypatch: pytest.MonkeyPatch):
    """The KV store fails when something is raised; when it is back, another service burns, too."""
    watched = Watched(**SLO, burn_rates="14.4x 1h/5m, 2x 3h/30m low")
    watched.add(START - 600, 600, service="pay", bad="0")
    watched.add(START - 600, 600, service="cart", bad="0")
    watched.run()
    watched.add(START + 1, 200, service="pay", bad="1")
    watched.clock.advance(SPAN + watched.monitor.lag)
    with monkeypatch.context() as broken, pytest.raises(ConnectionError):
        broken.setattr(watched.stores, "signals", _Down())
        watched.run()
    watched.add(START + SPAN + 1, 4, service="cart", bad="1")
    watched.pass_time(SPAN)

    (mild,) = [one for one in watched.signals if one["severity"] == "low"]
    monitors = MonitorRaising(watched.stores, watched.searcher, lambda: {"orders": watched.values})
    watched.add(START + 2 * SPAN + 1, 3, service="cart", bad="1")
    watched.add(START + 2 * SPAN + 1, 900, service="cart", bad="0")
    window = float(START + 2 * SPAN), float(START + 3 * SPAN)
    assert monitors.run(mild["search"], *window).rows


class _Down:
    def __getattr__(self, name: str) -> Any:
        raise ConnectionError("The KV store is down.")
