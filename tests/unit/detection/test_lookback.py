"""Which time a saved search looks at, and which searches can be asked about any window."""

from __future__ import annotations

from configparser import RawConfigParser
from pathlib import Path

import pytest

from incident_management.detection.lookback import (
    lookback,
    own_time_modifier,
    reason_not_rerunnable,
)
from incident_management.detection.read_only import plain_text

AT = 1_700_000_042.0
DEFAULTS = Path(__file__).parents[3] / "package/default"


@pytest.mark.parametrize(
    ("earliest", "latest", "wanted"),
    [
        ("-60s", "now", (60.0, 0.0)),
        ("-6m@m", "-1m@m", (300.0, 60.0 + AT % 60)),
        ("-63s@s", "-3s@s", (60.0, 3.0)),
        ("-70m@m", "@m", (4200.0, AT % 60)),
    ],
)
def test_a_run_looks_at_so_much_time_and_leaves_so_much_out(earliest, latest, wanted):
    assert lookback(earliest, latest, AT) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("earliest", "latest", "why"),
    [
        ("", "now", "all time"),
        ("0", "now", "all time"),
        ("rt-5m", "rt", "not understood"),
        ("-5m", "lately", "not understood"),
        ("-5m", "-10m", "no time"),
    ],
)
def test_a_time_that_can_not_be_told_is_refused(earliest, latest, why):
    with pytest.raises(ValueError, match=why):
        lookback(earliest, latest, AT)


@pytest.mark.parametrize(
    ("spl", "why"),
    [
        ("index=a earliest=-5m error", "sets its own times by 'earliest='"),
        ("index=a _index_earliest = -5m", "'_index_earliest ='"),
        ("index=a minutesago=5", "'minutesago='"),
        ("| tstats count where index=a latest=now by host", "'latest='"),
        ("index=a | append [search index=b earliest=-1h]", "'earliest'"),
        ("index=a [search index=b | stats min(_time) as earliest | return earliest]", "'earliest'"),
        ("index=a `recent`", "'earliest='"),
        ("index=a | eval age=now()-_time | where age < 60", r"present time by now\(\)"),
        ("index=a | where _time > relative_time(now(), x)", r"now\(\)"),
        ("index=a | eval t = time( )", r"time\( \)"),
        ("| inputlookup broken.csv | where state=1", "begins with 'inputlookup'"),
        ("index=a | map search=x", "command 'map'"),
        ("index=a | addinfo | where _time > info_max_time - 600", "with 'addinfo'"),
        ("index=a | timechart count | delta count as d | where d > 5", "with 'delta'"),
    ],
)
def test_what_does_not_answer_for_its_window_alone_says_why(spl, why):
    macros = {"recent": {"definition": "earliest=-5m"}}
    with pytest.raises(AssertionError, match=why):
        raise AssertionError(reason_not_rerunnable(plain_text(spl, macros.get)))


@pytest.mark.parametrize(
    "spl",
    [
        "index=a | stats earliest(_time) as first_time, latest(_raw) as sample by host",
        "index=a | stats latest(_time) as latest by host | eval latest=round(latest, 0)",
        'index=a "earliest=-5m" | where latest == 5',
        "index=a | eval shown=strftime(_time, x) ```earliest=-5m```",
        "index=a [search index=b | stats latest(x) as x | fields x]",
        "| tstats count where index=a by host, _time span=5m",
    ],
)
def test_what_leaves_the_times_to_its_dispatch_can_be_asked(spl):
    assert reason_not_rerunnable(plain_text(spl, lambda name: None)) == ""


def conf(name):
    parser = RawConfigParser(delimiters=["="], comment_prefixes=["#"])
    parser.read(DEFAULTS / name, encoding="utf-8")
    return parser


def test_the_shipped_detections_that_can_prove_recovery_are_those_of_the_manual():
    macros, searches = dict(conf("macros.conf")), conf("savedsearches.conf")
    able = {
        name
        for name, settings in searches.items()
        if "action.open_incident" in settings
        and not reason_not_rerunnable(plain_text(settings["search"], macros.get))
    }
    assert able == {
        "High Error Rate",
        "AWS CloudTrail Errors",
        "Resource Pressure",
        "Authentication Failures",
        "HTTP 5xx Ratio",
        "Restart Loop",
        "Certificate or Credential Expiry",
        "Queue Backlog",
    }


@pytest.mark.parametrize(
    ("spl", "own"),
    [
        ("index=a earliest=-15m error", "earliest="),
        ("index=a error LATEST = -5m | stats count", "LATEST ="),
        ("| tstats count where index=a earliest=-1h by host, _time span=5m", "earliest="),
        ("index=a _index_earliest=-10m", "_index_earliest="),
        ('index=a "earliest=-15m"', ""),
        ("index=a | stats earliest(_time) as earliest | where earliest=5", ""),
        ("index=a | eval latest=now()", ""),
        ("index=a NOT [search index=b earliest=-1h | fields host]", ""),
    ],
)
def test_the_times_that_a_search_sets_itself_are_seen(spl: str, own: str):
    assert own_time_modifier(plain_text(spl, lambda name: None)) == own
