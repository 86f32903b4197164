from __future__ import annotations

import pytest

from incident_management.detection.backtest import memory
from incident_management.detection.backtest.replay import (
    BacktestFailed,
    Detection,
    Replay,
    simulate,
)
from incident_management.incidents.grouping import Topology
from incident_management.incidents.routing import Routing
from incident_management.ports import SearchFailed, SearchResult

START = 1_700_000_100.0 - 1_700_000_100.0 % 300
SETTINGS = {
    "alert_type": "number of events",
    "alert_comparator": "greater than",
    "alert_threshold": "0",
    "action.open_incident.param.severity": "high",
    "action.open_incident.param.title": "High error rate: {entity}",
}


class Faults:
    """Answers a window with a row for each entity that has a fault in it."""

    def __init__(self, faults):
        self.faults = faults
        self.windows = []

    def run(self, spl, earliest, latest, limit=1000, timeout=60.0):
        self.windows.append((float(earliest), float(latest)))
        rows = [
            {"entity": entity, "count": "7", "first_time": earliest, "last_time": latest}
            for entity, begin, end in self.faults
            if float(latest) > START + begin and float(earliest) < START + end
        ]
        return SearchResult(rows)


def _replay(faults, hours=3, spl="search error | stats count by entity", **more):
    detection = Detection(
        "High Error Rate", "incident_management", "nobody", spl, "-5m@m", "@m",
        {**SETTINGS, **more.pop("settings", {})},
    )  # fmt: skip
    searcher = more.pop("searcher", None) or Faults(faults)
    moments = [START + 300.0 * number for number in range(hours * 12 + 1)]
    replay = Replay(
        detection, searcher, moments, 300.0, 900.0, Routing(reopen_window=600.0), **more
    )
    found = simulate(replay.windows(), replay.setting, replay.topology)
    return found.incidents, searcher


def test_a_fault_of_twenty_minutes_is_one_incident():
    found, searcher = _replay([("orders", 3600, 4800)])
    assert len(found) == 1
    row = found[0]
    assert (row["rule"], row["severity"], row["entities"]) == (
        "High Error Rate",
        "high",
        ["orders"],
    )
    assert row["title"] == "High error rate: orders"
    assert row["signals"] == row["runs_fired"] == 4
    assert START + 3600 < row["opened_at"] <= START + 3900
    assert row["resolved_at"] > row["last_time"]
    assert row["runs"] == len(searcher.windows) == 37


@pytest.mark.parametrize(("mode", "signals"), [("1", 2), ("0", 4)])
def test_with_a_trigger_for_each_result_each_is_a_signal_of_its_own(mode, signals):
    faults = [("orders", 600, 1200), ("orders", 600, 1200)]
    (found,), _ = _replay(faults, settings={"alert.digest_mode": mode})
    assert (found["signals"], found["events"], found["runs_fired"]) == (signals, 28, 2)


def test_two_faults_far_apart_are_two_incidents_and_two_entities_are_two():
    found, _ = _replay([("orders", 600, 900), ("orders", 9000, 9300), ("mail", 600, 900)])
    assert sorted(row["entities"][0] for row in found) == ["mail", "orders", "orders"]


def test_a_fault_that_comes_back_soon_reopens():
    found, _ = _replay([("orders", 600, 900), ("orders", 2400, 2700)])
    assert len(found) == 1 and found[0]["reopened"] == 1


def test_a_dependency_groups_as_it_would_live():
    topology = Topology.from_rows([{"service": "frontend", "depends_on": "orders"}])
    found, _ = _replay([("orders", 600, 1500), ("frontend", 600, 1500)], topology=topology)
    assert len(found) == 1
    assert sorted(found[0]["entities"]) == ["frontend", "orders"]


def test_a_rule_that_matches_nothing_opens_nothing():
    assert _replay([])[0] == []


def test_the_condition_of_the_alert_is_kept():
    found, _ = _replay([("orders", 600, 900)], settings={"alert_threshold": "1"})
    assert found == []
    with pytest.raises(BacktestFailed, match="can't evaluate"):
        _replay([], settings={"alert_type": "custom"})


def test_an_spl_error_names_the_detection():
    class Broken:
        def run(self, *args, **kwargs):
            raise SearchFailed("Unknown search command 'stat'.")

    with pytest.raises(BacktestFailed, match=r"'High Error Rate' can't be replayed: Unknown"):
        _replay([], searcher=Broken())


@pytest.mark.parametrize("per_run", [1, 5])
def test_the_work_of_a_replay_grows_with_its_runs_and_not_with_their_square(monkeypatch, per_run):
    """A week of a detection that always finds one thing took 40 seconds, and of ten hours."""
    looked = [0]
    matches = memory._matches

    def counted(document, query):
        looked[0] += 1
        return matches(document, query)

    monkeypatch.setattr(memory, "_matches", counted)

    def work(hours):
        looked[0] = 0
        _replay([(f"host-{number}", 0, hours * 3600) for number in range(per_run)], hours=hours)
        return looked[0]

    assert work(24) < 2.5 * work(12)


def test_more_rows_than_there_is_memory_for_are_refused_in_words(monkeypatch):
    monkeypatch.setattr("incident_management.detection.backtest.replay.MAX_BYTES", 20_000)
    with pytest.raises(BacktestFailed, match="MB of rows, 2 in one run; choose a shorter range"):
        _replay([("orders", 0, 9000), ("pay", 0, 9000)])


def test_a_search_that_was_ended_early_is_counted_among_those_that_may_lack_rows():
    class Cut(Faults):
        def run(self, *arguments, **more):
            return SearchResult(super().run(*arguments, **more).rows, cut_short=True)

    detection = Detection("High Error Rate", "incident_management", "nobody", "x", "-5m", "now")
    run = Replay(detection, Cut([]), [START, START + 300.0], 300.0, 900.0)
    run.windows()
    assert run.truncated_runs == 2
