"""Whom a monitor's finding is about, whatever the fields of by hold."""

from __future__ import annotations

import pytest

from tests.unit.detection.watching import START, Watched, mixed, ratio


@pytest.mark.parametrize(
    ("by", "values", "entity"),
    [
        ("service", {"service": "pay"}, "pay"),
        ("host, service", {"host": "web-1", "service": "pay"}, "pay"),
        ("host, service.name", {"host": "web-1", "service.name": "cart"}, "cart"),
        ("service, host", {"service": "", "host": "web-1"}, "web-1"),
        ("service, host", {"service": " ", "host": "web-1 "}, "web-1"),
        ("region, user", {"region": "eu", "user": "ann"}, "eu, ann"),
        ("user", {"user": " "}, "orders"),
        ("user", {}, "orders"),
        ("url", {"url": "/" + "x" * 10_000}, "/" + "x" * 999),
    ],
)
def test_it_is_the_service_else_the_host_else_all_that_the_series_is_known_by(by, values, entity):
    """One without a name was lost but for a line in the log."""
    watched = ratio(by=by)
    watched.run()
    mixed(watched, START + 1, 50, 50, **values)
    watched.pass_time(600)

    assert watched.raised() == [(entity, 0)]
    assert watched.stores.incidents.all()[0]["entities"] == [entity]


def test_two_long_names_that_begin_alike_are_two_problems():
    watched = ratio(by="url")
    watched.run()
    for end in "ab":
        mixed(watched, START + 1, 50, 50, url="/" + "x" * 2000 + end)
    watched.pass_time(600)

    assert len({one["dedup_key"] for one in watched.signals}) == 2


def test_an_event_of_several_values_is_of_the_series_of_each():
    """As stats has it, which the other detectors read: there is no host named "a, b"."""
    watched = Watched(detector="new_template", by="host", threshold="2")
    watched.add(START - 1000, _raw="order 1 came in", host="a")
    watched.run()
    lines = [
        ("panic in the pool", ["a", "b"]),
        ("panic in the pool", "b"),
        ("one alone", ["a", "b"]),
    ]
    for text, hosts in lines:
        watched.events.append((START + 1, {"_raw": text, "host": hosts}))  # type: ignore[dict-item]
    watched.pass_time(600)

    assert sorted(watched.raised()) == [("a", 0), ("b", 0)]
    assert sorted(one["count"] for one in watched.signals) == [1, 2]
