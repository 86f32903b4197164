"""The monitor that raised an incident decides, asked again, whether it has recovered."""

from __future__ import annotations

from typing import Any, Dict

import pytest

from incident_management.remediation.raising_search import CannotJudge
from incident_management.rerun.raising import MonitorRaising, Raising, SavedSearchRaising
from tests.unit.detection.watching import START, Watched

SPAN = 300
HOUR = 3600
NOBODY: Any = None


def raising(watched: Watched, **changes: Any) -> Raising:
    settings: Dict[str, Any] = {**watched.values, **changes}
    monitors = MonitorRaising(watched.stores, watched.searcher, lambda: {"orders": settings})
    return Raising(SavedSearchRaising(NOBODY), monitors)


def asked(watched: Watched, start: int, spans: int = 1, **changes: Any) -> Any:
    """Ask about a window for the search of the first incident: found entities, events."""
    (incident, *_) = watched.stores.incidents.all()
    end = start + spans * SPAN
    rerun = raising(watched, **changes).run(incident["search"], float(start), float(end))
    return sorted(rerun.entities()), rerun.events


def learned(**settings: str) -> Watched:
    """Return a monitor that has learned two hours of 50 orders per span."""
    watched = Watched(season="none", backfill="2h", by="service", **settings)
    for span in range(-24, 0):
        watched.add(START + span * SPAN + 1, 50 + span % 3, service="orders")
    watched.run()
    return watched


def now(watched: Watched) -> int:
    return int(watched.clock.now())


def test_a_baseline_finds_a_flood_again_for_as_long_as_it_lasts():
    """The monitor raises the flood once: its later silence about it is not recovery."""
    watched = learned()
    begin = now(watched)
    watched.pass_time(6 * SPAN, 900, service="orders")
    assert len(watched.signals) == 1
    end = now(watched)
    watched.pass_time(3 * SPAN, 50, service="orders")

    for window in range(begin, end, SPAN):
        assert asked(watched, window) == (["orders"], {"orders": 900})
    assert asked(watched, end) == ([], {"orders": 50})
    assert asked(watched, end, spans=3) == ([], {"orders": 150})
    assert asked(watched, end - SPAN, spans=2)[0] == ["orders"]


@pytest.mark.one_python
def test_what_a_fault_has_taught_since_does_not_count():
    """By today's checkpoint, the flood would be usual."""
    watched = learned()
    begin = now(watched)
    watched.pass_time(40 * HOUR, 300, service="orders")

    assert asked(watched, begin + 39 * HOUR)[0] == ["orders"]


def test_a_direction_is_heeded():
    watched = learned(direction="up")
    watched.pass_time(SPAN, 900, service="orders")
    low = now(watched)
    watched.pass_time(SPAN, 1, service="orders")

    assert asked(watched, low) == ([], {"orders": 1})


def test_a_counter_is_judged_by_its_growth_after_a_pause():
    watched = Watched(value="max(total)", season="none", backfill="5h", by="service")
    total = 0

    def grow(by: int) -> None:
        nonlocal total
        total += by
        watched.add(watched.clock.now() + 1, service="orders", total=str(total))

    watched.clock.advance(-5 * HOUR)
    for span in range(60):
        grow(100 + span % 5)
        watched.clock.advance(SPAN)
    watched.run()
    for by in (5000, 5000, 5000):
        grow(by)
        watched.pass_time(SPAN)
    bad = now(watched) - SPAN
    grow(100)
    watched.pass_time(SPAN)

    assert asked(watched, bad)[0] == ["orders"]
    assert asked(watched, bad + SPAN)[0] == []


def test_silence_lasts_until_there_are_events_again():
    watched = learned(detector="silence", threshold="3")
    begin = now(watched)
    watched.pass_time(6 * SPAN)
    assert watched.signals
    end = now(watched)
    watched.pass_time(SPAN, 20, service="orders")

    assert asked(watched, end - SPAN) == (["orders"], {"orders": 0})
    assert asked(watched, end) == ([], {"orders": 20})
    assert begin < end


def test_a_ratio_needs_no_memory():
    watched = Watched(detector="ratio", value="failed", threshold="5", by="service")
    watched.run()
    for bad in (50, 50, 0):
        watched.add(watched.clock.now() + 1, 50, service="orders", failed="0")
        watched.add(watched.clock.now() + 1, bad, service="orders", failed="1")
        watched.pass_time(SPAN)

    assert asked(watched, START + SPAN) == (["orders"], {"orders": 100})
    assert asked(watched, START + 2 * SPAN) == ([], {"orders": 50})
    assert not [one for one in watched.stores.claims.all() if "memory" in one["purpose"]]


def test_a_new_template_is_the_same_although_its_values_differ():
    watched = Watched(detector="new_template", backfill="1h", by="service")
    for span in range(-12, 0):
        watched.add(START + span * SPAN, _raw=f"order {span * 7} took {span} ms", service="orders")
    watched.run()
    fault = "no connection left in pool 7 after {} ms"
    for number in range(3):
        watched.add(watched.clock.now() + 1, _raw=fault.format(number), service="orders")
        watched.add(watched.clock.now() + 2, _raw="order 9 took 3 ms", service="orders")
        watched.pass_time(SPAN)
    end = now(watched)
    # After the fix: a line of the restart, which is new but no part of the problem.
    watched.add(end + 1, _raw="listening on port 8080", service="orders")
    watched.add(end + 2, 12, _raw="order 12 took 4 ms", service="orders")
    watched.pass_time(SPAN)

    assert asked(watched, end - SPAN) == (["orders"], {"orders": 2})
    assert asked(watched, end) == ([], {"orders": 13})


def test_another_series_is_another_problem():
    watched = Watched(detector="ratio", value="failed", threshold="5", by="service")
    watched.run()
    watched.add(START + 1, 50, service="orders", failed="1")
    watched.pass_time(SPAN)
    watched.add(START + SPAN + 1, 50, service="stock", failed="1")
    watched.add(START + SPAN + 1, 30, service="orders", failed="0")
    watched.pass_time(SPAN)

    assert asked(watched, START + SPAN) == ([], {"orders": 30})


def test_windows_are_whole_spans_and_wait_for_late_events():
    watched = learned(lag="2m")
    watched.pass_time(2 * SPAN, 900, service="orders")
    grid = raising(watched).grid(watched.stores.incidents.all()[0]["search"], START)

    assert (grid.span, grid.lag) == (SPAN, 120.0)


def forget(watched: Watched) -> None:
    for one in watched.stores.claims.all():
        if one["purpose"].startswith("monitor memory"):
            watched.stores.claims.delete(one["_key"])


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"by": ""}, "watches other series"),
        ({"span": "often"}, "The option span is wrong"),
    ],
)
def test_a_monitor_that_was_changed_can_not_be_asked(changes: Dict[str, Any], why: str):
    watched = learned()
    watched.pass_time(2 * SPAN, 900, service="orders")
    with pytest.raises(CannotJudge, match=why):
        asked(watched, START, **changes)


def test_neither_can_one_that_is_gone_nor_one_whose_memory_is_gone():
    watched = learned()
    watched.pass_time(2 * SPAN, 900, service="orders")
    search = watched.stores.incidents.all()[0]["search"]
    gone = MonitorRaising(watched.stores, watched.searcher, dict)
    with pytest.raises(CannotJudge, match="No search head has the monitor 'orders'"):
        gone.grid(search, START)
    forget(watched)
    with pytest.raises(CannotJudge, match="was deleted"):
        asked(watched, START)


@pytest.mark.parametrize(
    "search",
    [
        {"monitor": "orders", "series": 7},
        {"monitor": ["orders"], "series": ["orders"]},
        {"monitor": "orders", "series": ["orders"], "memory": "monitor:orders:turn"},
        {"monitor": "orders", "series": ["orders"], "memory": {"a": 1}},
        {"monitor": "orders", "series": ["a" * 9, "b"]},
    ],
)
def test_what_a_client_made_up_can_not_be_asked(search: Dict[str, Any]):
    watched = learned()
    turn = {"_key": "monitor:orders:turn", "purpose": "monitor turn", "value": {"end": 3}}
    watched.stores.claims.insert(turn)
    with pytest.raises(CannotJudge):
        raising(watched).run(search, float(START), float(START + SPAN))


def test_a_series_of_any_text_is_only_text():
    watched = learned()
    search = {"monitor": "orders", "series": ['x" OR 1=1 | delete\n'], "entity": 7}
    rerun = raising(watched).run(search, float(START), float(START + SPAN))

    assert rerun.entities() == set()
    assert "delete" not in rerun.spl


def test_an_incident_that_nothing_raised_can_not_be_asked_about():
    with pytest.raises(CannotJudge, match="No search that could be run again"):
        raising(learned()).run({}, 0.0, 1.0)


def test_memories_are_kept_for_open_incidents_and_otherwise_the_newest():
    watched = Watched(season="none", backfill="2h", by="service")
    for span in range(-24, 0):
        for service in range(30):
            watched.add(START + span * SPAN + 1, 50 + span % 3, service=f"s{service}")
    watched.run()
    for number in range(30):
        for service in range(30):
            count = 900 if service == number else 50
            watched.add(watched.clock.now() + 1, count, service=f"s{service}")
        watched.pass_time(SPAN)
        for incident in watched.stores.incidents.all()[1:]:
            watched.stores.incidents.save([{**incident, "status": "closed"}])
    watched.clock.advance(100)
    watched.run()
    kept = [one for one in watched.stores.claims.all() if "memory" in one["purpose"]]

    assert len(watched.signals) == 30
    assert len(kept) == 21
    first = watched.stores.incidents.all()[0]
    assert first["search"]["memory"] in {one["_key"] for one in kept}


@pytest.mark.parametrize("number", ["inf", "N/A", ""])
def test_a_window_without_a_usable_number_can_not_prove_recovery(number):
    watched = Watched(value="max(ms)", season="none", backfill="2h", by="service")
    for span in range(-24, 0):
        watched.add(START + span * SPAN + 1, service="orders", ms=str(50 + span % 3))
    watched.run()
    bad = now(watched)
    watched.add(bad + 1, service="orders", ms="900")
    watched.pass_time(2 * SPAN)
    assert asked(watched, bad)[0] == ["orders"]
    after = {"_time": str(bad + SPAN), "service": "orders", "events": "40", "value": number}
    watched.rows = [after]

    with pytest.raises(CannotJudge):
        asked(watched, bad + SPAN)
