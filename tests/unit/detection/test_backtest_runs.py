"""When a replayed detection would have run, and whether its search only reads."""

from __future__ import annotations

from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from incident_management.detection.backtest import setup
from incident_management.detection.backtest.replay import BacktestFailed, Detection
from incident_management.detection.backtest.runs import MAX_RUNS, runs_of
from incident_management.detection.read_only import NotReadOnly, check_read_only

NOON = datetime(2026, 3, 12, 12, tzinfo=timezone.utc).timestamp()
DAY = 86400.0
MACROS = {
    "errors": {"definition": "error OR failed"},
    "keep": {"definition": "stats count | `deeper`"},
    "deeper": {"definition": "outputlookup kept.csv"},
    "to(1)": {"definition": "$where$ index=summary", "args": "where"},
    "quoted(2)": {"definition": 'eval a="$one$" | $two$ x', "args": "one, two"},
    "loop": {"definition": "`loop`"},
    "made": {"definition": '"coll"."ect"', "iseval": "1"},
}


def test_runs_are_when_the_schedule_says_not_on_whole_steps():
    moments, step = runs_of("n", "30 6 * * *", None, NOON - 3 * DAY, NOON, timezone.utc)
    assert moments == [NOON - number * DAY - 5.5 * 3600 for number in (2, 1, 0)]
    assert step == DAY


def test_a_step_of_ones_own_is_on_whole_steps():
    assert runs_of("n", "30 6 * * *", 300.0, NOON - 601, NOON) == (
        [NOON - 600, NOON - 300, NOON],
        300.0,
    )


@pytest.mark.parametrize(
    ("schedule", "step", "span", "match"),
    [
        ("* * * * *", None, DAY * 2, f"More than {MAX_RUNS} runs .* larger step"),
        ("", 0.5, 10, "shorter than one second"),
        ("", None, DAY, "'n' has no schedule; give step="),
        ("@daily", None, DAY, "The schedule of 'n' can't be used: .* Give step="),
        ("30 6 1 1 *", None, DAY, "'n' has no run in that time"),
        ("* * * * *", None, -60, "earliest is after latest"),
        ("", 1.0, DAY * 30, "More than"),
    ],
)
def test_what_can_not_be_run_is_reported(schedule, step, span, match):
    with pytest.raises(BacktestFailed, match=match):
        runs_of("n", schedule, step, NOON - span, NOON, timezone.utc)


@pytest.mark.parametrize(
    "spl",
    [
        "search x | collect index=y",
        "| inputlookup a | outputlookup b",
        "|outputlookup b",
        "search [ search x | delete ]",
        "search x | sendemail to=a",
        "| remediate incident=x",
        "index=a | openincident sid=1 offset=0",
        "index=a | `keep`",
        "index=a | `to(collect)`",
        'index=a | `to("collect")`',
        "index=a | `to(where=collect)`",
        'index=a | `quoted("x, y", collect)`',
        'index=a | stats count ```keeps "nothing``` | outputlookup "b"',
        "index=a | risk x",
    ],
)
def test_a_search_that_writes_is_refused(spl):
    with pytest.raises(NotReadOnly, match="which writes or acts"):
        check_read_only(spl, MACROS.get, {"risk"})


@pytest.mark.parametrize(
    ("spl", "match"),
    [
        ("| savedsearch Writes", "'savedsearch', which runs another"),
        ("| from savedsearch:Writes", "'from' with what may be another"),
        ('index=a | append [ from savedsearch "Writes" ]', "'from' with what may be another"),
        ('| from "savedsearch:Writes"', "'from' with what may be another"),
        ('index=a | map search="search b | collect index=c"', "'map', which runs another"),
        ("index=a | anomalyscore value=count state=live", "saves what it learns"),
        ('index=a | anomalyscore state = "live" value=count | head 1', "saves what it learns"),
        ("index=a | `gone`", "'gone', which does not exist"),
        ("index=a | `to(a, b)`", "which does not exist"),
        ("index=a | `made` x", "is defined by an eval expression"),
        ("index=a | `loop`", "nests macros"),
        ("index=a | `a b`", "can't be parsed"),
    ],
)
def test_what_can_not_be_reported_is_refused(spl, match):
    with pytest.raises(NotReadOnly, match=match):
        check_read_only(spl, MACROS.get)


@pytest.mark.parametrize(
    "spl",
    [
        'search "a | delete b" | stats count',
        "index=a (`errors`) | stats count by state",
        "index=a | anomalyscore value=count | where state=1",
        'index=a ```| collect index=b``` | eval x="`keep`"',
        "| tstats count where index=a by host",
        "| from datamodel:Web.Web | stats count by src",
        "| from lookup hosts | eval from=1",
        'index=a | rex "(?<collect>x)" | where a>1',
    ],
)
def test_a_search_that_reads_is_not(spl):
    check_read_only(spl, MACROS.get, {"collect"})


def recovery(lifecycle, **settings):
    """After how long an incident is over, by the app's settings and the detection's own."""
    answer = {"entry": [{"name": "lifecycle", "content": lifecycle}]}
    session: Any = SimpleNamespace(get=lambda _path, **_query: answer)
    own = {f"action.open_incident.param.{name}": value for name, value in settings.items()}
    return setup._recovery(session, Detection("Errors", "app", "nobody", "", "", "", own))


def test_an_incident_is_over_when_the_detection_says_so_else_as_the_app_is_configured():
    assert recovery({}) == (86_400.0, ())
    assert recovery({"resolve_after": "2h", "resolve_not": "critical"}) == (7200.0, ("critical",))
    assert recovery({"resolve_after": "2h"}, quiet_after="30m") == (1800.0, ())
    assert recovery({"resolve_after": "2h"}, quiet_after="never") == (0.0, ())


@pytest.mark.parametrize(
    ("lifecycle", "own", "match"),
    [({"resolve_after": "soon"}, "", "resolve_after is 'soon'"), ({}, "soon", "is 'soon'")],
)
def test_a_malformed_time_is_reported_and_not_guessed(lifecycle, own, match):
    with pytest.raises(BacktestFailed, match=match):
        recovery(lifecycle, quiet_after=own)


def test_a_week_of_a_search_of_every_five_minutes_fits():
    """The first thing that anybody asks for."""
    moments, step = runs_of("Errors", "*/5 * * * *", None, 0.0, 7 * DAY)
    assert (len(moments), step) == (2017, 300.0)
