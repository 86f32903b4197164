"""A monitor of silence that lasts for days, and monitors that have nothing to judge."""

from __future__ import annotations

import pytest

from tests.unit.detection.watching import HOUR, START, Watched, newest, ratio

DAY = 86400


def watched_hosts():
    watched = Watched(detector="silence", by="host")
    for number in range(1, 21):
        watched.add(START - number * 300 + 1, 1, host="db-1")
    watched.run()
    return watched


def out_of_order(watched):
    """Who was out of order in the span that was judged last."""
    value = newest(watched)
    return [entity for entity, end in value["unwell"] if end == value["end"]]


def test_a_host_that_is_silent_for_days_is_never_told_to_be_well():
    watched = watched_hosts()
    watched.pass_time(DAY + 4 * HOUR, 1, host="web-1")

    # After a day it is expected no more, so that one that is gone for good is found no more,
    assert 280 < len([one for one in watched.raised() if one[0] == "db-1"]) < 300
    # but an incident about it is not resolved for being quiet,
    assert out_of_order(watched) == ["db-1"]
    # before it has events again.
    watched.add(watched.clock.now() + 1, 1, host="db-1")
    watched.pass_time(600, 1, host="web-1")
    assert out_of_order(watched) == []


def _pattern(watched, *parts):
    """Let a host have events for so many spans, then none for so many, and so on."""
    for number, spans in enumerate(parts):
        for _span in range(spans):
            if number % 2 == 0:
                watched.add(watched.clock.now() + 1, 1, host="db-1")
            watched.pass_time(300, 1, host="web-1")


def test_a_second_outage_soon_after_the_first_is_found():
    watched = watched_hosts()
    _pattern(watched, 24, 12, 6, 6, 2)
    found = [time // 300 for _host, time in watched.raised()]
    assert [span for span in found if span < 36] == list(range(26, 36))
    assert [span for span in found if span >= 36] == [44, 45, 46, 47]


def test_pauses_that_come_again_are_learned():
    watched = watched_hosts()
    _pattern(watched, *(12, 6) * 6)
    found = {time // 300 // 18 for _host, time in watched.raised()}
    assert found <= {0, 1}, "the first two pauses, and no later one"


def test_hosts_that_are_gone_are_kept_in_bounded_number(monkeypatch):
    monkeypatch.setattr("incident_management.detection.monitors.silence.MAX_SERIES", 2)
    monkeypatch.setattr("incident_management.detection.monitors.silence.FORGET_AFTER_SPANS", 20)
    watched = Watched(detector="silence", by="host")
    for name in ("a", "b", "c", "d"):
        for number in range(1, 11):
            watched.add(START - number * 300 + 1 + ord(name), 1, host=name)
    watched.run()
    watched.pass_time(3 * HOUR, 1, host="web-1")
    assert len(watched.raised()) > 4 * 15, "each was found, as long as it was expected"
    assert len(out_of_order(watched)) == 2


@pytest.mark.parametrize(
    ("watched", "said"),
    [
        (ratio(by="servce"), "It has seen no event with servce yet"),
        (Watched(detector="new_template"), "It has seen no event yet"),
    ],
    ids=["ratio", "new_template"],
)
def test_a_monitor_that_sees_nothing_says_so(watched, said):
    watched.rows = []
    watched.run()
    watched.pass_time(1800)
    assert said in watched.told[-1]

    watched.rows = None
    watched.pass_time(600, 30, servce="pay", failed="0", _raw="a line")
    before = len(watched.told)
    watched.pass_time(600)
    assert len(watched.told) == before


def test_rows_without_a_text_are_no_new_template():
    watched = Watched(detector="new_template")
    watched.run()
    watched.pass_time(600, 5, service="pay")
    assert watched.raised() == []
    assert (
        "no event has _raw; the search of a new_template monitor must keep it." in watched.told[-1]
    )


def test_a_longer_lag_is_no_clock_that_jumped():
    """What was learned stays; the monitor waits until the next span is complete."""
    watched = Watched()
    watched.run()
    watched.pass_time(6 * 3600, 20)
    stood = newest(watched)["end"]
    watched.change(lag="30m")
    asked = len(watched.windows)
    watched.pass_time(3600, 20)

    assert not [one for one in watched.told if "clock" in one]
    assert watched.windows[asked:][0][0] == stood
    assert newest(watched)["end"] > stood
