"""What a replay says of a detection, beside what was really opened, and of another setting."""

from __future__ import annotations

from dataclasses import replace

import pytest

from incident_management.detection.backtest import replay
from incident_management.detection.backtest.outcome import (
    Recorded,
    compare_settings,
    search_without_threshold,
)
from incident_management.detection.backtest.replay import BacktestFailed, Detection, Replay
from incident_management.detection.backtest.request import BacktestRequest, parse_compare
from incident_management.detection.thresholds import final_limit
from incident_management.incidents.routing import Routing
from incident_management.incidents.suppression import Suppression
from incident_management.ports import SearchResult

START = 1_699_999_200.0
DAY = 86400
SPL = "index=app error | stats count by entity | where count > `some_threshold`"
SETTINGS = {"counttype": "number of events", "relation": "greater than", "quantity": "0"}


class Errors:
    """Answers with the error counts of its world above the limit that the search asks for."""

    def __init__(self, limit, *faults):
        self.limit = limit
        self.faults = faults
        self.asked = 0

    def run(self, spl, earliest, latest, limit=1000, timeout=60.0):
        self.asked += 1
        at = float(latest) - START
        least = self.limit if "some_threshold" in spl else 0
        rows = [
            {"entity": entity, "count": str(count), "first_time": earliest, "last_time": latest}
            for entity, begin, end, count in self.faults
            if begin < at <= end and count > least
        ]
        return SearchResult(rows[:limit], truncated=len(rows) > limit)


def replayed(
    searcher, recorded=(), settings=None, spl=SPL, suppressions=(), limit=None, replay=None, **asked
):
    detection = Detection(
        "Errors", "app", "nobody", spl, "-5m@m", "@m", {**SETTINGS, **(settings or {})}
    )
    run = Replay(
        detection,
        searcher,
        [START + 300.0 * number for number in range(1, DAY // 300 + 1)],
        300.0,
        **{
            "quiet": 900.0,
            "routing": Routing(reopen_window=600.0),
            "suppressions": suppressions,
            "limit": limit,
            **(replay or {}),
        },
    )
    rows = list(compare_settings(run, BacktestRequest("", "", **asked), recorded))
    summaries = {row["setting"]: row for row in rows if row["kind"] == "summary"}
    return [row for row in rows if row["kind"] == "incident"], summaries


def test_the_summary_counts_pages_a_day_and_the_searches():
    searcher = Errors(
        5, ("orders", 600, 1500, 50), ("orders", 2700, 3300, 50), ("pay", 40000, 41000, 9)
    )
    incidents, summaries = replayed(searcher)
    summary = summaries["as asked"]

    assert len(incidents) == summary["incidents"] == 2
    assert summary["pages"] == 3  # one was opened again
    assert summary["pages_per_day"] == 3.0
    assert summary["searches"] == searcher.asked == 288
    assert summary["search_seconds"] >= 0


def often(entity, times):
    """A fault of one run every 20 minutes."""
    return [(entity, 1200 * number, 1200 * number + 300, 50) for number in range(1, times + 1)]


def test_what_flaps_is_held_open_and_pages_no_more():
    routing = Routing(reopen_window=3600.0, flap_count=4, flap_window=7200.0, flap_calm=1800.0)
    searcher = Errors(5, *often("orders", 6))
    _, summaries = replayed(searcher, replay={"routing": routing, "quiet": 600.0})
    assert summaries["as asked"]["pages"] == 5


@pytest.mark.parametrize(
    ("replay", "pages", "quiet"),
    [({"quiet": 0.0}, 1, "never"), ({"quiet_not": ("high",)}, 1, "600"), ({}, 6, "600")],
)
def test_what_nothing_resolves_pages_once(replay, pages, quiet):
    settings = {"action.open_incident.param.severity": "high"}
    searcher = Errors(5, *often("orders", 6))
    routing = Routing(reopen_window=3600.0, flap_count=0)
    replay = {"routing": routing, "quiet": 600.0, **replay}
    _, summaries = replayed(searcher, settings=settings, replay=replay)
    assert (summaries["as asked"]["pages"], summaries["as asked"]["quiet"]) == (pages, quiet)


def test_lead_and_overlap_with_what_was_recorded():
    recorded = [
        Recorded("INC-1", START + 2400, START + 2000, START + 3000, ("orders",)),
        Recorded("INC-2", START + 2400, START + 2000, START + 3000, ("mail",)),
    ]
    incidents, summaries = replayed(
        Errors(5, ("orders", 600, 3000, 50), ("pay", 40000, 41000, 50)), recorded
    )
    by_entity = {row["entities"][0]: row for row in incidents}
    assert by_entity["orders"]["known"] == ["INC-1"]
    assert by_entity["orders"]["lead_seconds"] == 1500
    assert by_entity["pay"]["known"] == [] and by_entity["pay"]["lead_seconds"] == ""
    summary = summaries["as asked"]
    assert (summary["known_incidents"], summary["known_found"]) == (2, 1)
    assert (summary["known_missed"], summary["unknown"]) == (["INC-2"], 1)
    assert summary["lead_seconds"] == 1500


def test_what_was_recorded_is_left_empty_where_nobody_knows():
    """Nothing known is not the same as none known."""
    (row,), summaries = replayed(Errors(5, ("orders", 600, 3000, 50)), recorded=None)
    summary = summaries["as asked"]
    compared_with = ("known_incidents", "known_found", "known_missed", "unknown")
    assert [summary.get(name, "") for name in compared_with] == ["", "", "", ""]
    assert (row["known"], row["lead_seconds"], summary["pages"]) == ([], "", 1)


def test_the_lead_is_before_the_earliest_of_the_incidents_that_it_overlaps():
    recorded = [
        Recorded("INC-1", START + 600, START + 600, START + 1000, ("orders",)),
        Recorded("INC-2", START + 7800, START + 7800, START + 8000, ("orders",)),
    ]
    incidents, _ = replayed(Errors(5, ("orders", 600, 9000, 50)), recorded)
    (row,) = incidents
    assert row["known"] == ["INC-1", "INC-2"]
    assert row["lead_seconds"] == START + 600 - row["opened_at"] < 0


NOISE = [(f"s{n}", 3600 * n, 3600 * n + 900, 10 * n) for n in range(1, 21)]


def test_two_settings_side_by_side_from_one_round_of_searches():
    searcher = Errors(5, *NOISE)
    _, summaries = replayed(searcher, threshold=5.0, compare={"threshold": 100.0})

    assert summaries["as asked"]["pages"] == 20
    assert summaries["compared"]["pages"] == 10
    assert searcher.asked == 288


@pytest.mark.parametrize(
    ("limit", "spl", "searches"),
    [(5.0, SPL, 288), (None, SPL, 576)],
)
def test_the_own_limit_is_put_on_the_rows_of_the_other_where_it_is_known(limit, spl, searches):
    searcher = Errors(5, *NOISE)
    _, summaries = replayed(searcher, limit=limit, spl=spl, compare={"threshold": 100.0})

    assert summaries["as asked"]["pages"] == 20
    assert summaries["compared"]["pages"] == 10
    assert searcher.asked == searches


@pytest.mark.parametrize(
    ("spl", "limit"),
    [
        ("a | where count > 5", "5"),
        ("a | where count > `t`", "`t`"),
        ("a | where count > 5 | eval count=0", ""),
        ("a | stats count", ""),
    ],
)
def test_the_own_limit_is_known_where_nothing_follows_it(spl, limit):
    assert final_limit(spl) == limit


def test_a_quiet_time_is_compared_as_well():
    again = [("orders", 7200 * n, 7200 * n + 600, 50) for n in range(1, 6)]
    _, summaries = replayed(Errors(5, *again), compare={"quiet": 4 * 3600.0})

    assert summaries["as asked"]["pages"] == 5
    assert summaries["compared"]["pages"] == 1


@pytest.mark.parametrize("values", [[7], [1, 2, 3, 4, 5, 6, 7] * 2, [1] * 11 + [7]])
def test_no_threshold_is_proposed_at_which_it_finds_something_all_the_time(values):
    """Incidents that never end make few pages: the lowest such threshold was 0."""
    usual = [
        ("orders", begin, begin + 300, values[begin // 300 % len(values)])
        for begin in range(0, DAY, 300)
    ]
    faults = [("orders", begin, begin + 900, 40) for begin in (20_100, 60_000)]
    _, summaries = replayed(
        Errors(5, *usual, *faults), replay={"quiet": 86400.0}, target_pages_per_day=2
    )
    assert summaries["as asked"]["pages"] == 1  # and it finds something every hour
    assert float(summaries["proposed"]["threshold"]) == 7
    assert summaries["proposed"]["runs_fired"] == 6


def test_a_threshold_is_proposed_for_a_wanted_rate():
    _, summaries = replayed(Errors(5, *NOISE), target_pages_per_day=3)
    proposed = summaries["proposed"]

    assert proposed["threshold"] == "170"
    assert proposed["pages"] == 3


def test_a_rule_that_matches_nothing_today_is_given_a_threshold_too():
    incidents, summaries = replayed(Errors(1e9, *NOISE), target_pages_per_day=5)

    assert summaries["as asked"]["pages"] == 0
    assert summaries["proposed"]["pages"] == 5
    assert {row["setting"] for row in incidents} == {"proposed"}


def test_nothing_at_all_is_reported_with_a_summary():
    incidents, summaries = replayed(Errors(5), target_pages_per_day=1)

    assert incidents == []
    assert summaries["as asked"]["pages_per_day"] == 0
    assert summaries["proposed"]["threshold"] == ""


@pytest.mark.parametrize(
    ("settings", "signals", "held"),
    [
        ({}, 12, 0),
        ({"period": "30m"}, 2, 10),
        ({"period": "10m", "fields": "entity", "each": "0"}, 6, 6),
    ],
)
def test_the_searchs_own_suppression_holds(settings, signals, held):
    incidents, summaries = replayed(
        Errors(5, ("orders", 600, 4200, 50)), settings=throttle(**settings)
    )

    assert sum(row["signals"] for row in incidents) == signals
    assert summaries["as asked"]["throttled"] == held


def throttle(each="1", **settings):
    found = {f"alert.suppress.{key}": value for key, value in settings.items()}
    return {**found, "alert.suppress": "1" if settings else "0", "alert.digest_mode": each}


@pytest.mark.parametrize(("each", "opened"), [("1", ["orders"]), ("0", ["orders", "payments"])])
def test_suppression_of_a_digest_holds_other_entities_too(each, opened):
    """alert.suppress.fields: "when suppressing per-result alerts" (savedsearches.conf.spec)."""
    errors = Errors(5, ("orders", 600, 1200, 50), ("payments", 1800, 2400, 50))
    incidents, _summaries = replayed(errors, settings=throttle(each, period="2h", fields="entity"))

    assert [row["entities"] for row in incidents] == [[name] for name in opened]


@pytest.mark.parametrize(
    ("spl", "expected", "metric"),
    [
        ("a | where count > 5", "a | where count > 0", "count"),
        ("a | where used > `t` | eval x=1", "a | where used > 0 | eval x=1", "used"),
        (
            "a | where samples >= 2 AND depth > `t` AND depth >= was",
            "a | where samples >= 2 AND depth > 0 AND depth >= was",
            "depth",
        ),
        ("a | where n > 1.5 AND n > 3 * was", "a | where n > 0 AND n > 3 * was", "n"),
    ],
)
def test_a_search_is_loosened_at_its_last_where(spl, expected, metric):
    assert search_without_threshold(spl) == (expected, metric)


@pytest.mark.parametrize(
    "spl",
    [
        "a | stats count",
        "a | where count > 5 AND x > 2",
        "a | where count > 5 OR x = 2",
        "a | where NOT count > 5",
        "a | where (count > 5 AND x = 2)",
        'a | where count > 5 AND x = "| b"',
        "a | where 5 < b",
    ],
)
def test_a_search_without_a_plain_threshold_is_reported(spl):
    with pytest.raises(BacktestFailed, match=r"where count > 5"):
        search_without_threshold(spl)


def test_runs_with_more_rows_than_are_read_are_counted(monkeypatch):
    monkeypatch.setattr(replay, "ROWS_PER_WINDOW", 1)
    _incidents, summaries = replayed(Errors(5, ("orders", 600, 1200, 50), ("stock", 600, 1200, 50)))

    assert summaries["as asked"]["truncated_runs"] == 2


def test_runs_of_which_splunkd_warned_are_counted_with_them():
    class Partial(Errors):
        def run(self, *args, **more):
            return replace(super().run(*args, **more), warnings=["Peer idx2 is down."])

    _incidents, summaries = replayed(Partial(5, ("orders", 600, 1200, 50)))

    assert summaries["as asked"]["truncated_runs"] == summaries["as asked"]["runs"] > 0


def test_what_is_compared_is_checked():
    assert parse_compare("threshold=9, quiet=1h") == {"threshold": 9.0, "quiet": 3600.0}
    with pytest.raises(ValueError, match="'colour' can't be compared; use quiet, group_window"):
        parse_compare("colour=red")
    with pytest.raises(ValueError, match="The option quiet is wrong"):
        parse_compare("quiet=long")


def test_a_maintenance_window_suppresses_what_it_suppressed_then():
    window = Suppression(
        "SUP-1",
        "upgrade",
        kind="maintenance",
        entity="orders",
        starts_at=START,
        ends_at=START + 2000,
    )
    faults = (("orders", 600, 1500, 50), ("pay", 600, 1500, 50), ("orders", 40000, 41000, 9))
    plain, _ = replayed(Errors(5, *faults))
    incidents, summaries = replayed(Errors(5, *faults), suppressions=(window,))

    assert sorted(row["entities"][0] for row in plain) == ["orders", "orders", "pay"]
    assert sorted(row["entities"][0] for row in incidents) == ["orders", "pay"]
    assert summaries["as asked"]["suppressed"] == 3  # of runs within the window
    assert summaries["as asked"]["pages"] == 2
