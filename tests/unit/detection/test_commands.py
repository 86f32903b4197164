"""The commands as splunkd runs them: a process that speaks the chunked protocol."""

from __future__ import annotations

import re
import zoneinfo
from datetime import datetime

import pytest

from tests.unit.detection.launching import launch

LOGS = [{"_time": str(i), "_raw": f"user=u{i} logged in from 10.0.0.{i}"} for i in range(40)]


def test_logtemplates_adds_three_fields_keeps_the_order_and_stays_on_the_search_head():
    info, rows, _ = launch("logtemplates", [], LOGS, chunks=3)
    assert info["type"] == "stateful"
    assert [row["_time"] for row in rows] == [row["_time"] for row in LOGS]
    assert {row["template"] for row in rows} == {"user=<*> logged in from <*>"}
    assert len({row["template_id"] for row in rows}) == 1
    assert rows[3]["variables"].split("\n") == ["u3", "10.0.0.3"]


def test_logtemplates_passes_events_without_the_field():
    _, rows, said = launch("logtemplates", ["field=message"], LOGS[:3], chunks=2)
    assert [row["template"] for row in rows] == ["", "", ""]
    assert said == ["No event has the field message, so no event got a template."]


def test_logtemplates_says_nothing_of_a_field_that_some_events_have():
    sparse = [{"_time": str(n), "message": "started" if n == 5 else ""} for n in range(6)]
    _, rows, said = launch("logtemplates", ["field=message"], sparse, chunks=3)
    assert [row["template"] for row in rows] == ["", "", "", "", "", "started"]
    assert said == []


def test_logtemplates_without_events_says_nothing():
    assert launch("logtemplates", ["field=message"])[2] == []


def test_bad_rows_cost_anomalyscore_only_themselves():
    """Text, nothing, infinity and 10,001 series in one search: each is named once."""
    rows = [
        {"_time": str(n * 300), "n": value, "user": f"u{n}"}
        for n, value in enumerate(["many", "", "inf", *["7"] * 10_001])
    ]
    _, scored, said = launch("anomalyscore", ["value=n", "by=user"], rows, chunks=3)
    assert len(scored) == len(rows)
    assert [row["anomaly_score"] for row in scored[:3]] == ["", "", ""]
    assert scored[3]["anomaly_score"] != "" and scored[-1]["anomaly_score"] == ""
    assert len(said) == 2
    assert any("10000" in text.replace(",", "") for text in said)
    assert any("n" in text and "many" in text for text in said), said


@pytest.mark.parametrize(
    ("command", "args", "says"),
    [
        ("logtemplates", ["field=two words"], "'two words' is not a field name"),
        ("logtemplates", ["colour=red"], "colour"),
        ("logtemplates", ["new=true"], "new=true needs baseline=<lookup>"),
        ("logtemplates", ["new=perhaps", "baseline=x"], "'perhaps' is not known"),
        ("logtemplates", ["baseline=known"], "The baseline known can't be used"),
        ("anomalyscore", [], "value"),
        ("anomalyscore", ["value=n", "season=monthly"], "use one of none, auto"),
        ("anomalyscore", ["value=n", "sensitivity=9"], "use one of low, medium, high"),
        ("anomalyscore", ["value=n", "time_zone=Mars/Base"], "'Mars/Base' is not a time zone"),
        ("anomalyscore", ["value=n", "min_history=1"], "whole number from 2"),
        ("incidentbacktest", [], "search"),
        ("incidentbacktest", ["search=x", "step=often"], "it is 'often'"),
        ("incidentbacktest", ["search=x", "threshold=lots"], "'lots' is not a number."),
        ("incidentbacktest", ["search=x", "target_pages_per_day=-1"], "from 0 to 1000000."),
        ("incidentbacktest", ["search=x", "compare=threshold"], "'threshold' has no value"),
        ("openincident", ["sid=1.1", "offset=-1"], "'-1' is not a whole number from 0"),
        ("openincident", ["sid=1.1", "offset=0", "severity=grave"], "use one of critical, high"),
        ("logtemplates", ["_raw"], "write options as name=value"),
    ],
)
def test_a_bad_option_is_named(command, args, says):
    generates = command in ("incidentbacktest", "openincident")
    _, rows, messages = launch(command, args, None if generates else LOGS[:2])
    assert rows == []
    assert says in " ".join(messages)


@pytest.mark.parametrize(
    ("command", "args"),
    [
        ("anomalyscore", ["value=n", "by=servce,host"]),
        ("alertgroups", ["kind=n", "entity=servce,host"]),
    ],
)
def test_a_field_that_no_row_has_is_named(command, args):
    rows = [{"_time": str(i * 60), "n": "1", "host": "a"} for i in range(9)]
    _, found, said = launch(command, args, rows, chunks=3)
    assert len(found) == 9
    assert said == ["No row has the field 'servce'; check its name."]


def test_anomalyscore_finds_the_spike_over_chunks():
    rows = [{"_time": str(i * 60), "n": str(10 + i % 3), "host": "a"} for i in range(100)]
    rows[80]["n"] = "400"
    info, found, messages = launch("anomalyscore", ["value=n", "by=host"], rows, chunks=4)
    assert info["type"] == "stateful"
    assert [row["_time"] for row in found if row["is_anomaly"] == "1"] == [str(80 * 60)]
    assert messages == []


def test_anomalyscore_cuts_days_by_the_time_zone_that_is_asked_for():
    """One hour of each day is busy; the clocks change two days before the end."""
    zone = zoneinfo.ZoneInfo("America/New_York")
    rows = []
    for hour in range(24 * 22):
        at = 1_771_225_200 + 3600 * hour
        busy = datetime.fromtimestamp(at, zone).hour == 9
        rows.append({"_time": str(at), "n": str((900 if busy else 100) + hour % 7)})
    found = {}
    for name in ("America/New_York", "UTC"):
        _, scored, said = launch("anomalyscore", ["value=n", f"time_zone={name}"], rows)
        found[name] = [row["expected"] for row in scored[-24 * 2 :] if float(row["n"]) > 800]
        assert said == []
    assert all(float(expected) > 800 for expected in found["America/New_York"])
    assert any(float(expected) < 800 for expected in found["UTC"])


def test_anomalyscore_says_that_the_rows_are_in_the_wrong_order():
    rows = [{"_time": str(9 - i), "n": "1"} for i in range(5)]
    _, _, messages = launch("anomalyscore", ["value=n"], rows)
    assert "sort 0 _time" in " ".join(messages)


def test_anomalyscore_names_a_field_that_is_not_there():
    _, rows, messages = launch("anomalyscore", ["value=nothing"], LOGS[:5])
    assert len(rows) == 5
    assert "No row so far has the field 'nothing'" in messages[0]


ALERTS = [
    {"_time": str(1_700_000_000 + i), "signature": f"scan-{i % 3}", "dest": f"web-{i % 2}"}
    for i in range(30)
]


def test_alertgroups_gives_a_burst_over_chunks_and_hosts_one_group():
    later = [{"_time": "1700009000", "signature": "login", "dest": "db"}]
    info, rows, messages = launch(
        "alertgroups", ["kind=signature", "entity=dest"], ALERTS + later, chunks=3
    )

    assert (info["type"], messages) == ("stateful", [])
    assert [row["signature"] for row in rows] == [row["signature"] for row in ALERTS + later]
    assert len({row["group_id"] for row in rows[:-1]}) == 1
    assert rows[-1]["group_id"] != rows[0]["group_id"]
    assert all(re.fullmatch("GRP-[0-9a-f]{12}", row["group_id"]) for row in rows)
    assert "unusual" in rows[0]["group_reason"]


def test_alertgroups_says_that_the_rows_are_in_the_wrong_order():
    rows = [{"_time": "1700009000", "signature": "a"}, {"_time": "1700000000", "signature": "a"}]
    _, _, messages = launch("alertgroups", ["kind=signature"], rows)
    assert "Put '| sort 0 _time' before alertgroups" in messages[0]


def test_alertgroups_names_a_field_that_is_not_there():
    _, _, messages = launch("alertgroups", ["kind=signature"], LOGS)
    assert messages == ["alertgroups needs the field signature, but the rows do not have it."]


def test_alertgroups_reports_rows_that_it_can_not_place():
    rows = [{"_time": time, "signature": "a", "host": "h"} for time in ("1700000000", "soon")]
    _, found, messages = launch("alertgroups", ["kind=signature"], rows)
    assert [bool(row["group_id"]) for row in found] == [True, False]
    assert messages == ["1 of 2 rows have no time or no kind, so they get no group."]


def test_incidentbacktest_without_splunkd_is_one_sentence():
    _, rows, messages = launch("incidentbacktest", ["search=High Error Rate"])
    assert rows == []
    assert messages and "refuses connections" in messages[0]


def test_anomalyscore_says_that_it_scores_rows_without_times():
    _, rows, said = launch("anomalyscore", ["value=n"], [{"n": "7"}] * 20, chunks=2)
    assert rows[-1]["expected"] == "7"
    assert len(said) == 1 and "The rows have no _time" in said[0]
    assert launch("anomalyscore", ["value=n"])[2] == []


def test_a_malformed_state_is_reported_as_a_states_name():
    _, _, said = launch("anomalyscore", ["value=n", 'state="a b"'], [{"_time": "1", "n": "7"}])
    assert "A state's name is 1 to 60 letters, digits" in str(said)
