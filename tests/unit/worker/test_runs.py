"""splunkd's responses about a saved search's runs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from incident_management.incidents.upkeep.run_coverage import Coverage, Plan, Run
from incident_management.ports import SearchFailed
from incident_management.splunk.searching.detections import quiet_after
from incident_management.splunk.session import SplunkError
from incident_management.worker.search_runs import SplunkRuns

SEARCH = ("High / Error Rate", "shop", "ann")
SID = "scheduler__ann__shop__RMD50c_at_{}_17"


def runs_of(session: Any) -> SplunkRuns:
    no_searcher: Any = None
    return SplunkRuns(session, no_searcher)


def splunkd(answer):
    asked = []

    def get(path, **query):
        asked.append((path, query))
        if isinstance(answer, Exception):
            raise answer
        return {"entry": [{"content": content} for content in answer]}

    return SimpleNamespace(get=get, asked=asked)


def test_settings_say_whether_it_runs_and_how():
    session = splunkd([{"is_scheduled": True, "disabled": False, "alert.suppress": "1",
                        "action.open_incident.param.quiet_after": "90m"}])  # fmt: skip

    assert runs_of(session).plan(SEARCH) == Plan(True, True, 5400.0)
    path = "/servicesNS/ann/shop/saved/searches/High%20%2F%20Error%20Rate"
    assert session.asked == [(path, {})]


@pytest.mark.parametrize("field", ["host", "source", "sourcetype"])
def test_what_must_be_seen_again_is_a_field_that_every_event_has_in_the_index(field):
    settings = {"is_scheduled": True, "action.open_incident.param.alive_field": f" {field} "}
    assert runs_of(splunkd([settings])).plan(SEARCH).alive_field == field


def test_another_field_is_refused():
    settings = {"is_scheduled": True, "action.open_incident.param.alive_field": "service"}
    with pytest.raises(SearchFailed, match="must be host, source, sourcetype or empty"):
        runs_of(splunkd([settings])).plan(SEARCH)


@pytest.mark.parametrize(
    "content", [{"is_scheduled": False}, {"is_scheduled": "1", "disabled": "1"}]
)
def test_one_that_is_switched_off_is_not_enabled(content):
    assert not runs_of(splunkd([content])).plan(SEARCH).enabled


def test_one_that_was_deleted_is_not_enabled():
    assert not runs_of(splunkd(SplunkError(404, "no"))).plan(SEARCH).enabled


@pytest.mark.parametrize(
    ("macro", "said"),
    [
        ("index=main error", ""),
        ("index=main | addinfo", "compares parts of its window with 'addinfo'"),
    ],
)
def test_a_search_that_looks_for_a_change_says_so_also_in_its_macro(macro, said):
    contents = {"savedsearch": {"search": "`events` | stats count"}, "macro": {"definition": macro}}

    session: Any = splunkd([])

    def get(path, **query):
        return {
            "entry": [{"content": contents["macro" if "conf-macros" in path else "savedsearch"]}]
        }

    session.get = get
    found = runs_of(session).blindness(SEARCH)
    assert found.startswith(said)
    assert bool(found) == bool(said)


def test_trouble_is_not_an_answer():
    runs = runs_of(splunkd(SplunkError(503, "starting")))
    for ask in (
        runs.plan,
        runs.recent,
        runs.blindness,
        lambda search: runs.scheduled(search, 0, 1),
    ):
        with pytest.raises(SearchFailed, match="'High / Error Rate' can't be read: starting"):
            ask(SEARCH)


def test_runs_by_the_schedule_count_and_others_do_not():
    jobs = [
        {"sid": SID.format(300), "isDone": True, "isFailed": False, "resultCount": 2},
        {"sid": SID.format(600), "isDone": "1", "isFailed": "1"},
        {"sid": SID.format(900), "isDone": False},
        {"sid": SID.format(1200), "isDone": True, "isZombie": True},
        {"sid": "ann__ann__shop_at_300_1", "isDone": True},
        {"sid": "1700000000.12", "isDone": True},
    ]

    assert runs_of(splunkd(jobs)).recent(SEARCH) == [
        Run(300.0, "succeeded", 2),
        Run(600.0, "failed"),
        Run(900.0, "running"),
        Run(1200.0, "failed"),
    ]


def test_only_times_within_the_span_are_due():
    session = splunkd([{"scheduled_times": [300, 900, 600, 1200]}])

    assert runs_of(session).scheduled(SEARCH, 300, 900) == [600.0, 900.0]


def test_a_malformed_time_of_its_own_proves_nothing():
    with pytest.raises(SearchFailed, match=r"is 'soon'; write a number and .*, or never"):
        quiet_after("soon", "x")
    assert (quiet_after("never", "x"), quiet_after("", "x")) == (0.0, None)


def test_coverage_waits_for_a_run_that_goes_on():
    runs = [Run(300, "succeeded"), Run(600, "running"), Run(900, "succeeded")]

    assert Coverage().extended(runs, [300, 600, 900], 1000) == Coverage(300, 300)


def test_coverage_begins_anew_after_a_gap():
    runs = [Run(300, "succeeded"), Run(900, "succeeded"), Run(1200, "succeeded")]

    assert Coverage().extended(runs, [300, 600, 900, 1200], 5000) == Coverage(900, 1200)
