"""Monitors whose searches may lack events: a peer is down, or a search was ended early."""

from __future__ import annotations

from incident_management.ports import SearchResult
from tests.unit.detection.watching import HOUR, START, Watched, judged, newest, ratio

DOWN = "Unable to distribute to peer named idx2: status=Down."
SPAN = 300


def hosts(**settings: str) -> Watched:
    """A monitor of silence that has learned two hosts; the events of db-1 are on one peer."""
    watched = Watched(detector="silence", by="host", threshold="2", **settings)
    for span in range(-12, 0):
        watched.add(START + span * SPAN + 1, host="db-1")
        watched.add(START + span * SPAN + 1, host="web-1")
    watched.run()
    return watched


def without_a_peer(watched: Watched, spans: int) -> None:
    """Let time pass while the peer that has the events of db-1 is down."""
    whole = watched.answer

    def partial(earliest: str, latest: str, limit: int) -> SearchResult:
        found = whole(earliest, latest, limit)
        return SearchResult([row for row in found.rows if row["host"] != "db-1"], warnings=[DOWN])

    watched.answer = partial  # type: ignore[method-assign]
    with_it(watched, spans)
    watched.answer = whole  # type: ignore[method-assign]


def with_it(watched: Watched, spans: int) -> None:
    for _span in range(spans):
        watched.add(watched.clock.now() + 1, host="db-1")
        watched.pass_time(SPAN, 1, host="web-1")


def test_a_peer_that_restarts_is_no_silence_and_costs_no_span():
    watched = hosts()
    with_it(watched, 2)
    since = newest(watched)["covered_from"]
    without_a_peer(watched, 3)
    assert judged(watched)[-1] == 300
    assert watched.told[-1] == (
        f"Monitor 'orders': Its search may be missing events: {DOWN} Its spans wait for them for "
        "15 minutes."
    )
    with_it(watched, 1)

    assert watched.signals == []
    assert judged(watched)[-1] == 5 * SPAN
    assert newest(watched)["covered_from"] == since


def test_a_peer_that_stays_down_delays_its_spans_once():
    """What it holds is not seen: what is not found then is no proof that a trouble is over."""
    watched = hosts()
    with_it(watched, 2)
    without_a_peer(watched, 4)
    assert judged(watched)[-1] == 5 * SPAN
    assert {entity for entity, _at in watched.raised()} == {"db-1"}
    assert f"so findings may be missing: {DOWN}" in watched.told[-1]
    without_a_peer(watched, 2)
    assert judged(watched)[-1] == 7 * SPAN
    assert newest(watched)["covered_from"] == newest(watched)["end"]

    # Back, and down again: that is another time.
    with_it(watched, 2)
    assert newest(watched)["covered_from"] == START + 7 * SPAN
    without_a_peer(watched, 1)
    assert judged(watched)[-1] == 9 * SPAN


def test_what_splunkd_always_warns_of_delays_a_monitor_once():
    watched = ratio()
    watched.warnings = ["Could not load lookup=LOOKUP-vendor."]
    watched.run()
    watched.pass_time(900)
    assert judged(watched)[-1] == 600
    watched.pass_time(HOUR)
    assert judged(watched)[-1] == 600 + HOUR


def test_a_search_that_was_ended_early_is_tried_over_less_time():
    """An administrator finalized it, or a limit of its role did: the rows are not all."""
    watched = ratio()
    watched.cut_short = True
    watched.add(START - 1000, failed="0")
    watched.run()

    assert judged(watched)[-1] == -300
    assert watched.windows[-1] == (START - 600, START - 300)
    assert "ended before it had read everything. The search is tried over half" in watched.told[0]


def test_a_search_with_too_many_rows_is_learned_from(monkeypatch):
    """14 days of 60 series were searched twice over: each 24 hours as a whole, then by halves."""
    monkeypatch.setattr("incident_management.worker.monitors.runner.MAX_EVENTS", 100)
    watched = Watched(by="service", backfill="1d", season="none")
    for span in range(-288, 0):
        for number in range(10):
            watched.add(START + span * SPAN + 1, service=f"s{number}")
    watched.run()

    # 288, 144, 72, 36 and 18 spans have too many rows; 9 have 90.
    assert len(watched.windows) == 5 + 32
    assert judged(watched)[-1] == -300
