"""Monitors: what is raised, what is told of, and what is no monitor."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace

import pytest

from incident_management.detection.baselines.baseline import Baseline
from incident_management.detection.monitors.detectors import detector_for
from incident_management.detection.monitors.inputs import is_monitor
from incident_management.detection.monitors.monitor import Monitor
from incident_management.ports import SearchFailed, SearchTooSlow
from tests.unit.detection.watching import HOUR, STANZA, START, Watched, judged, mixed, newest, ratio


def test_a_value_that_leaves_its_baseline_is_raised_once_with_what_was_expected():
    watched = Watched(season="none", backfill="1h", by="service")
    for span in range(-12, 0):
        watched.add(START + span * 300, 50 + span % 3, service="orders")
    watched.run()
    watched.pass_time(2 * HOUR, 50, service="orders")
    assert watched.signals == []

    at = watched.clock.now() - START
    watched.pass_time(300, 900, service="orders")
    watched.pass_time(600, 50, service="orders")
    assert watched.raised()[0] == ("orders", at)
    assert "count is 900" in watched.signals[0]["description"]
    assert watched.signals[0]["rule"] == "orders"


def test_silence_of_a_regular_series_is_raised_and_of_a_rare_one_is_not():
    watched = Watched(detector="silence", by="host", threshold="3")
    for number in range(12):
        watched.add(watched.clock.now() + 1, 4, host="db-1")
        if number % 4 == 0:
            watched.add(watched.clock.now() + 1, 4, host="batch")
        watched.pass_time(300)
    last = watched.clock.now() - START - 300
    watched.pass_time(1200)

    assert watched.raised()[0] == ("db-1", last + 900)
    assert {entity for entity, _time in watched.raised()} == {"db-1"}


def test_a_ratio_needs_enough_events_and_more_than_the_threshold():
    watched = ratio(by="service")
    watched.run()
    mixed(watched, START + 1, 95, 5, service="exactly")
    mixed(watched, START + 1, 90, 6, service="over")
    mixed(watched, START + 1, 2, 8, service="few")
    watched.clock.advance(400)
    watched.run()

    assert watched.raised() == [("over", 0)]


def test_a_new_template_is_raised_and_a_known_one_is_not():
    watched = Watched(detector="new_template", backfill="1h")
    for span in range(-12, 0):
        watched.add(START + span * 300, _raw=f"order {span * 7} took {span} ms")
    watched.run()
    watched.add(START + 5, _raw="order 99 took 3 ms")
    watched.add(START + 6, _raw="pool of connections is exhausted")
    watched.clock.advance(400)
    watched.run()
    watched.add(START + 301, _raw="pool of connections is exhausted")
    watched.pass_time(600)

    assert watched.raised() == [("orders", 0)]
    assert "pool of connections is exhausted" in watched.signals[0]["description"]


def test_two_new_templates_of_one_service_in_one_span_are_two_problems():
    watched = Watched(detector="new_template", by="service", backfill="1h")
    for span in range(-12, 0):
        watched.add(START + span * 300, _raw=f"order {span * 7} took {span} ms", service="pay")
    watched.run()
    watched.add(START + 5, _raw="pool of connections is exhausted", service="pay")
    watched.add(START + 6, _raw="cache of prices was rebuilt", service="pay")
    watched.pass_time(600)

    assert watched.raised() == [("pay", 0)] * 2
    assert len({one["dedup_key"] for one in watched.signals}) == 2


def test_a_slow_search_is_reported_and_tried_over_less():
    watched = ratio()

    def slow(start, end):
        if end - start > 600:
            raise SearchTooSlow("The search did not finish within 60 seconds.")

    watched.before = slow
    watched.run()

    assert judged(watched)[-1] == -300
    assert "did not finish within 60 seconds" in watched.told[0]


def test_a_search_that_fails_is_reported_by_name_and_its_spans_stay_due():
    watched = ratio()

    def refuse(_start, _end):
        raise SearchFailed("splunkd refused the search: Unknown search command 'satts'.")

    watched.before = refuse
    watched.run()
    assert newest(watched)["end"] == START - 3900  # where its backfill begins
    assert "Monitor 'orders': splunkd refused the search: Unknown" in watched.told[0]

    watched.before = lambda _start, _end: None
    watched.run()
    assert judged(watched)[-1] == -300


def test_a_trouble_that_goes_on_is_raised_once_and_noted_for_as_long():
    watched = Watched(season="none", by="service")
    for span in range(-12, 0):
        watched.add(START + span * 300, 50 + span % 3, service="pay.eu")
    watched.run()
    watched.pass_time(2 * HOUR, 50, service="pay.eu")
    assert newest(watched)["unwell"] == []
    watched.pass_time(HOUR, 900, service="pay.eu")
    last = watched.clock.now()
    watched.pass_time(HOUR, 50, service="pay.eu")

    assert len(watched.signals) == 1
    assert newest(watched)["unwell"] == [["pay.eu", last]]


def test_a_new_template_is_trouble_until_it_stops_or_is_usual():
    watched = Watched(detector="new_template", by="service")
    for span in range(-12, 0):
        watched.add(START + span * 300, _raw=f"order {span * 7} took 3 ms", service="pay")
    watched.run()
    watched.pass_time(1800, 2, _raw="pool of connections is exhausted", service="pay")
    last = watched.clock.now()
    watched.pass_time(HOUR, 1, _raw="order 4 took 3 ms", service="pay")
    assert newest(watched)["unwell"] == [["pay", last]]

    watched.pass_time(15 * HOUR, 1, _raw="cache of prices was rebuilt", service="pay")
    (unwell,) = newest(watched)["unwell"]
    assert len(watched.signals) == 2
    assert watched.clock.now() - unwell[1] > 2 * HOUR


def test_what_the_backfill_shows_is_no_trouble():
    watched = Watched(detector="new_template", by="service")
    for span in range(-12, 12):
        watched.add(START + span * 300, 2, _raw="order 7 took 3 ms", service="pay")
    watched.run()
    watched.pass_time(HOUR)

    assert newest(watched)["unwell"] == [["pay", START - HOUR + 300]]


def test_a_finding_is_about_the_service_or_host_so_that_others_find_its_events():
    watched = ratio(by="region, host, service", runbook="/pay", actions="restart, scale", tags="a")
    watched.run()
    fields = {"region": "eu", "host": "web-1", "service": "pay"}
    mixed(watched, START + 1, 50, 50, **fields)
    mixed(watched, START + 1, 50, 50, **{**fields, "host": "web-2"})
    mixed(watched, START + 1, 50, 50, region="us", host="web-3", service="")
    watched.pass_time(600)

    assert [one["entity"] for one in watched.signals].count("pay") == 2
    assert len({one["dedup_key"] for one in watched.signals}) == 3
    assert {one["entity"] for one in watched.signals} == {"pay", "web-3"}
    incident = next(one for one in watched.stores.incidents.all() if "pay" in one["entities"])
    assert (incident["runbook"], incident["actions"], incident["tags"]) == (
        "/pay",
        ["restart", "scale"],
        ["a"],
    )


def test_more_series_than_are_watched_are_reported(monkeypatch):
    monkeypatch.setattr("incident_management.detection.monitors.detector.MAX_SERIES", 20)
    watched = Watched(by="user")
    for number in range(30):
        watched.add(START - 400, user=f"u{number}.example")
    watched.run()

    assert "more than 20 series by user" in watched.told[0]


def test_ten_thousand_series_are_reported_and_the_first_are_watched():
    watched = Watched(by="user")
    for number in range(10_000):
        watched.add(START - 400, user=f"u{number}")
    watched.run()
    for number in range(10_000):
        watched.add(START, user=f"u{number}")
    watched.pass_time(600)

    assert set(watched.told) == {
        "Monitor 'orders' has more than 500 series by user; the others are not watched. "
        "Split the monitor, or choose another field for by."
    }
    assert judged(watched)[-1] == 300


@pytest.mark.parametrize("value", ["count", "avg(ms)"])
def test_series_that_are_gone_leave_their_places_to_new_ones(value):
    monitor = Monitor.read("incident_monitor://pods", {"monitor_search": "a", "value": value})
    detector = detector_for(replace(monitor, by=("pod",)))

    def judge(span: int, names: str, count: int) -> None:
        pods = [f"{names}{i}" for i in range(count)]
        rows = [{"_time": "0", "pod": pod, "events": "9", "value": "9"} for pod in pods]
        detector.judge(START + span * monitor.span, rows)

    judge(0, "old", 450)
    judge(100, "new", 100)
    assert detector.problems, "all of the old may come again"
    detector.problems.clear()
    saved = json.loads(json.dumps(detector.to_state()))
    detector.restore(saved)
    judge(301, "new", 100)
    assert not detector.problems
    assert {tuple(key) for key, *_ in detector.to_state()["series"]} == {
        (f"new{i}",) for i in range(100)
    }


@pytest.mark.parametrize("values", [{"value": "avg(ms)"}, {"value": "failed", "detector": "ratio"}])
def test_a_value_that_no_event_has_or_that_is_text_is_reported(values):
    """splunkd's aggregates of text are empty."""
    watched = Watched(**values)
    watched.events = []
    watched.rows = [{"_time": str(START - 600), "events": "30", "value": "", "part": ""}]
    watched.run()

    assert f"no event has {values['value']}" in watched.told[0]


def test_a_field_of_by_that_no_event_has_is_reported():
    """splunkd's stats drops events without it."""
    watched = Watched(by="servcie")
    watched.rows = []
    watched.run()

    assert "It has seen no event with servcie yet" in watched.told[0]


def test_rows_in_any_order_are_judged_in_order_of_time():
    ordered, mixed_up = ratio(), ratio()
    for watched in (ordered, mixed_up):
        watched.run()
        watched.clock.advance(1900)
        watched.rows = [
            {"_time": str(START + span * 300), "events": "50", "part": str(10 * (span % 2))}
            for span in range(6)
        ]
    assert mixed_up.rows
    mixed_up.rows.reverse()
    ordered.run()
    mixed_up.run()

    assert mixed_up.raised() == ordered.raised() == [("orders", n * 300) for n in (1, 3, 5)]


def test_a_row_without_a_time_is_reported():
    watched = ratio()
    watched.rows = [{"events": "3"}]
    watched.run()

    assert "a row's _time is '', not a time; keep _time" in watched.told[0]
    assert newest(watched)["end"] == START - 3900  # where its backfill begins


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"monitor_search": ""}, "monitor_search is empty"),
        ({"detector": "magic"}, "'magic' is not known; use one of baseline"),
        ({"detector": "ratio"}, "a ratio needs value"),
        ({"value": "duration"}, "name how to aggregate it, such as avg(duration)"),
        ({"monitor_search": "| tstats count by host"}, "count the rows of tstats, one a span"),
        ({"monitor_search": " |MSTATS avg(x) as x"}, "count the rows of mstats, one a span"),
        (
            {"monitor_search": "| mstats avg(x) as x where index=m by host", "value": "avg(x)"},
            "the rows of mstats have no time; add span=1m",
        ),
        (
            {"monitor_search": "| tstats count where index=a by host", "value": "sum(count)"},
            "the rows of tstats have no time; add _time to its BY",
        ),
        ({"by": "my-field"}, "by can't name the field 'my-field'; rename it in the search"),
        ({"by": "_time"}, "leave out _time, which is cut into spans"),
        (
            {"detector": "ratio", "value": "failed", "threshold": "200"},
            "the threshold of a ratio is in percent; give one below 100",
        ),
        (
            {"monitor_search": "| tstats count", "detector": "new_template"},
            "new_template needs events, and tstats gives numbers",
        ),
        ({"value": "avg(a) | delete"}, "write avg(duration_ms)"),
        ({"span": "often"}, "The option span is wrong: it is 'often'"),
        ({"severity": "loud"}, "'loud' is not known"),
        ({"threshold": "x", "detector": "silence"}, "The option threshold is wrong"),
        ({"by": "a|b"}, "is not a field name"),
    ],
)
def test_a_malformed_stanza_is_one_sentence_that_names_it(values, sentence):
    with pytest.raises(ValueError) as caught:
        Monitor.read(STANZA, {"monitor_search": "index=app", **values})
    assert str(caught.value).startswith(f"inputs.conf [{STANZA}]: ")
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("detector", "span", "backfill"),
    [
        ("baseline", "5m", 7 * 86400),
        ("baseline", "1m", 2016 * 60),
        ("baseline", "1d", 30 * 86400),
        ("new_template", "5m", 86400),
        ("new_template", "5s", 288 * 5),
        ("silence", "5m", 14 * 86400),
    ],
)
def test_by_default_it_learns_as_long_as_its_detector_needs(detector, span, backfill):
    given = {"monitor_search": "index=app", "detector": detector, "span": span}
    assert Monitor.read(STANZA, given).backfill == backfill


@pytest.mark.parametrize("begin", [0, 9, 18])
def test_with_that_a_baseline_wakes_nobody_in_its_first_week(begin):
    """With 30 spans it took the first morning, weekend and Monday for troubles: 2 to 3 pages."""
    rng = random.Random(begin)
    first = 1_699_833_600 + 86400 + begin * 3600
    monitor = Monitor.read(STANZA, {"monitor_search": "index=app", "span": "5m"})
    baseline, pages = Baseline(), 0
    for at in range(first - int(monitor.backfill), first + 7 * 86400, 300):
        hour, weekday = at % 86400 / 3600, (at - 1_699_833_600) // 86400 % 7
        level = 400 + 300 * math.sin(2 * math.pi * (hour - 9) / 24)
        mean = level * (0.5 if weekday >= 5 else 1.0)
        found = baseline.add(max(0, round(rng.gauss(mean, 1.5 * math.sqrt(mean)))), at)
        pages += found.is_anomaly and at >= first
    assert pages == 0


def test_the_search_counts_each_span_and_series():
    monitor = Monitor.read(
        STANZA,
        {
            "monitor_search": "index=app | where x>1",
            "value": "avg(ms)",
            "by": "service, host",
            "span": "5m",
        },
    )
    assert monitor.spl() == (
        "index=app | where x>1 | bin _time span=300s aligntime=earliest "
        "| stats count as events avg(ms) as value by _time service host"
    )


@pytest.mark.parametrize(
    ("values", "search"),
    [
        ({"search": "index=old"}, "index=old"),
        ({"search": "index=old", "monitor_search": ""}, "index=old"),
        ({"search": "index=old", "monitor_search": " index=new "}, "index=new"),
    ],
)
def test_a_stanza_with_the_older_name_of_the_search_is_a_monitor_too(values, search):
    assert is_monitor(values)
    assert Monitor.read(STANZA, values).search == search
