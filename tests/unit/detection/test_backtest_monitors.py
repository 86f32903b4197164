"""A replayed monitor finds what the monitor itself found, span by span."""

from __future__ import annotations

import random
from typing import Any, Dict, List, Tuple

import pytest

from incident_management.detection.backtest.monitor_replay import MonitorReplay
from incident_management.detection.backtest.replay import BacktestFailed, Detection, Setting
from incident_management.incidents.grouping import Topology
from incident_management.incidents.routing import Routing
from incident_management.ports import SearchFailed
from tests.unit.detection.watching import HOUR, START, Watched, mixed, ratio

SPAN = 300
DETECTORS: Dict[str, Dict[str, str]] = {
    "ratio": {"value": "failed", "threshold": "5"},
    "burn_rate": {"value": "failed", "burn_rates": "14.4x 1h/5m high, 2x 3h/30m low"},
    "silence": {"threshold": "3"},
    "baseline": {"season": "none"},
    "new_template": {"threshold": "2"},
}


def day(detector: str) -> Watched:
    """Two services over twelve hours, with quiet, loud, bad and silent times."""
    watched = Watched(detector=detector, by="service", backfill="3h", **DETECTORS[detector])
    dice = random.Random(3)
    for span in range(-36, 144):
        at = START + span * SPAN + 1
        for service in ("pay", "cart"):
            loud = service == "pay" and span > 0 and 40 <= span % 70 < 44
            silent = service == "cart" and 60 <= span < 75
            for number in range(0 if silent else 60 if loud else dice.randrange(9, 12)):
                bad = "1" if loud and number % 3 else "0"
                text = "panic in the pool" if loud and span > 100 else f"order {number} came in"
                watched.add(at, service=service, failed=bad, _raw=text)
    return watched


def replayed(watched: Watched, until: float, **setting: Any) -> Tuple[List[Any], MonitorReplay]:
    """Entities and spans of what a replay finds, from where the monitor itself began to raise."""
    run = MonitorReplay(watched.monitor, watched.searcher, START - 60, until)
    found = [
        (signal.entity, int(signal.first_time - START), signal.key)
        for span in run.spans()
        for signal in span.signals
    ]
    return sorted(found), run


@pytest.mark.parametrize("detector", DETECTORS)
def test_it_finds_what_the_monitor_found_when_it_ran(detector: str):
    watched = day(detector)
    watched.run()
    watched.pass_time(12 * HOUR)
    watched.clock.advance(60)
    watched.run()
    live = sorted((entity, at) for entity, at in watched.raised())
    keys = sorted(str(one["_key"]) for one in watched.signals)
    found, run = replayed(watched, watched.clock.now() - 60)

    assert live
    assert [(entity, at) for entity, at, _key in found] == live
    assert sorted(key for *_rest, key in found) == keys
    assert run.searches == 1


def simulated(watched: Watched, hours: int, quiet: float = 0.0) -> Any:
    name = watched.monitor.name
    detection = Detection(name, "incident_management", "nobody", "", "", "")
    setting = Setting(detection, Routing(reopen_window=600.0), quiet)
    run = MonitorReplay(watched.monitor, watched.searcher, START, START + hours * HOUR)
    return run.simulated(setting, Topology())[0]


def test_an_incident_is_opened_when_its_span_was_judged_and_over_when_it_was_quiet_for_long():
    watched = ratio(by="service")
    for span in range(24):
        mixed(watched, START + span * SPAN + 1, 50, 50 if 4 <= span < 7 else 0, service="pay")
    (found,) = simulated(watched, 2, quiet=1800.0).incidents

    assert found["opened_at"] == START + 5 * SPAN + 60
    assert (found["signals"], found["entities"]) == (3, ["pay"])
    assert found["resolved_at"] == START + 13 * SPAN + 60


def test_what_is_out_of_order_for_long_is_not_over_though_it_is_found_once():
    """A baseline finds a trouble where it begins."""
    watched = Watched(season="none", by="service", backfill="3h")
    for span in range(-36, 36):
        count = 500 if 4 <= span < 30 else 50 + span % 3
        watched.add(START + span * SPAN + 1, count, service="pay")
    (found,) = simulated(watched, 3, quiet=1800.0).incidents

    assert found["resolved_at"] == "" or found["resolved_at"] > START + 30 * SPAN + 1800


def test_what_can_not_be_replayed_is_reported_in_a_sentence():
    watched = ratio(by="service")
    with pytest.raises(BacktestFailed, match="the time range has more than 20000 spans"):
        list(MonitorReplay(watched.monitor, watched.searcher, START, START + 1e8).spans())

    def refuse(_start: int, _end: int) -> None:
        raise SearchFailed("splunkd refused the search: no index.")

    watched.before = refuse
    with pytest.raises(BacktestFailed, match="can't be replayed: splunkd refused the search"):
        list(MonitorReplay(watched.monitor, watched.searcher, START, START + HOUR).spans())
    empty = Watched(detector="silence", by="service")
    with pytest.raises(
        BacktestFailed, match="its search found no event with service that it could evaluate"
    ):
        list(MonitorReplay(empty.monitor, empty.searcher, START, START + HOUR).spans())


def test_searches_that_are_too_large_or_too_slow_are_made_smaller(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("incident_management.detection.backtest.monitor_replay.MAX_EVENTS", 20)
    watched = day("ratio")
    found, run = replayed(watched, START + 12 * HOUR)
    assert run.searches > 18 and run.truncated_runs == 0
    monkeypatch.undo()
    watched.cut_short = True
    assert replayed(watched, START + 12 * HOUR)[0] == found
