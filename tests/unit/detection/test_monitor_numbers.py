"""Monitors: what is not a usable number is no value of its series, and is told of."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest

from tests.unit.detection.watching import START, Watched, judged

UNUSABLE = ["nan", "inf", "-Infinity", "1e999", "1e151", "N/A", ["7", "8"]]


def learned(value: str, **settings: str) -> Watched:
    """Two hosts that are usual."""
    watched = Watched(value=value, by="host", season="none", **settings)
    watched.rows = [row(host, span) for span in range(-12, 0) for host in ("a", "b")]
    watched.run()
    return watched


def row(host: str, span: int, number: Any = "10", events: str = "50") -> Dict[str, Any]:
    time = str(START + span * 300)
    return {"_time": time, "host": host, "events": events, "value": number, "part": number}


def watch(watched: Watched, *spans: List[Dict[str, Any]]) -> None:
    for rows in spans:
        watched.rows = rows
        watched.clock.advance(300)
        watched.run()


@pytest.mark.parametrize("value", ["max(ms)", "avg(ms)", "sum(ms)"])
@pytest.mark.parametrize("number", UNUSABLE)
def test_one_series_without_a_number_does_not_keep_the_others_from_being_judged(value, number):
    watched = learned(value)
    watch(watched, [], [row("a", 0, "9000"), row("b", 0, number)])

    assert watched.raised() == [("a", 0)]
    assert judged(watched)[-1] == 300
    told = watched.troubles()["orders"]
    assert f"Monitor 'orders': {value} of b is '{number}', which is not a usable number" in told
    assert watched.stores.claims.get("monitor:orders:turn") is None
    watch(watched, [row("a", 1), row("b", 1, "9000")])

    assert watched.troubles() == {}
    assert watched.raised() == [("a", 0), ("b", 300)]


@pytest.mark.parametrize("number", UNUSABLE)
def test_a_ratio_without_a_number_is_reported(number):
    watched = learned("failed", detector="ratio", threshold="30")
    watch(watched, [], [row("a", 0, "40"), row("b", 0, number)])

    assert watched.raised() == [("a", 0)]
    assert "failed of b is" in watched.troubles()["orders"]


def test_a_count_that_is_none_is_reported():
    watched = learned("count")
    watch(watched, [], [row("a", 0, events="9000"), row("b", 0, events="inf")])

    assert watched.raised() == [("a", 0)]
    assert "count of b is 'inf'" in watched.troubles()["orders"]


def test_the_greatest_numbers_can_be_learned_from():
    watched = learned("max(ms)")
    watch(watched, *([row("a", span, f"{(-1) ** span}e150"), row("b", span)] for span in range(20)))

    assert judged(watched)[-1] == 19 * 300
    assert watched.troubles() == {}


def test_a_number_whose_square_is_not_finite_is_none():
    watched = learned("max(ms)")
    numbers = [*["10"] * 40, "1e200", *["10"] * 4]
    watch(watched, [], *([row("a", span, number)] for span, number in enumerate(numbers)))

    assert judged(watched)[-1] == 45 * 300
    (told,) = watched.told
    assert "max(ms) of a is '1e200', which is not a usable number" in told


def test_a_trouble_names_a_few_series_and_not_hundreds():
    watched = learned("max(ms)")
    watch(watched, [], [row(f"h{number}", 0, "N/A") for number in range(400)])

    assert watched.troubles()["orders"].count("not a usable number") == 3
