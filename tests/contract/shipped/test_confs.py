"""Every search in the app's confs and dashboards parses, uses only what SUPPORTED.md lists, and
runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.contract.shipped.collecting import Shipped, shipped_searches
from tests.contract.shipped.constructs import listed, used
from tests.standin import StandIn
from tools.splunkd_lite.job_context import JobContext
from tools.splunkd_lite.jobs import Job
from tools.splunkd_lite.spl import parse
from tools.splunkd_lite.spl.supported import TARGET

APP = "incident_management"
# These act on one incident by its id, which the help can only make up.
OF_AN_INCIDENT = ("| aianalyze ", "| remediate ")
OF_AN_EVENT = "| openincident "


@pytest.fixture(scope="session")
def searches(app_folder: Path) -> list[Shipped]:
    return shipped_searches(app_folder)


def run(standin: StandIn, spl: str) -> Job:
    return standin.splunk.jobs.dispatch(
        spl, "admin", app=APP, earliest="-24h", latest="now", scheduled=False
    )


def test_each_kind_of_place_was_checked(searches: list[Shipped], app_folder: Path) -> None:
    places = [one.place for one in searches]
    for kind in ("savedsearches.conf", "macros.conf", "searchbnf.conf"):
        assert any(place.startswith(kind) for place in places), kind
    for view in (app_folder / "default/data/ui/views").glob("*.xml"):
        holds_queries = '"query"' in view.read_text() or "<query>" in view.read_text()
        assert not holds_queries or any(place.startswith(view.name) for place in places), view


def test_all_that_they_use_is_listed_as_supported(
    standin: StandIn, searches: list[Shipped]
) -> None:
    job = run(standin, "| makeresults")
    job.app = APP
    context = JobContext(standin.splunk, job, standin.splunk.access.user("admin"))
    known = listed(TARGET)
    unlisted = [
        f"{one.place}: the {kind} '{name}'"
        for one in searches
        for kind, name in used(parse(one.spl, context))
        if name not in known[kind]
    ]
    assert unlisted == []


def test_all_of_them_run(standin: StandIn, searches: list[Shipped]) -> None:
    failed = []
    for one in searches:
        if one.spl.startswith((*OF_AN_INCIDENT, OF_AN_EVENT)):
            continue
        job = run(standin, one.spl)
        if job.state != "DONE" or any(level in ("ERROR", "FATAL") for level, _ in job.messages):
            failed.append(f"{one.place}: {one.spl}: {job.messages}")
    assert failed == []


def test_a_command_of_an_incident_refuses_one_that_is_made_up(
    standin: StandIn, searches: list[Shipped]
) -> None:
    mine = [one for one in searches if one.spl.startswith(OF_AN_INCIDENT)]
    assert mine
    for one in mine:
        texts = " ".join(text for _, text in run(standin, one.spl).messages)
        assert re.search("INC-2026(1123-A1B2C3|0101-0A1B2C)", texts), f"{one.place}: {texts}"


def test_a_command_of_an_event_refuses_a_search_that_is_made_up(
    standin: StandIn, searches: list[Shipped]
) -> None:
    mine = [one for one in searches if one.spl.startswith(OF_AN_EVENT)]
    assert len(mine) == 2  # the help's example and the workflow action
    for one in mine:
        texts = " ".join(text for _, text in run(standin, one.spl).messages)
        assert "The search 1700000000.12 can't be read" in texts, f"{one.place}: {texts}"


def test_the_shipped_detection_finds_the_failure(standin: StandIn, searches: list[Shipped]) -> None:
    (detection,) = [one for one in searches if "[High Error Rate]" in one.place]
    job = standin.splunk.jobs.dispatch(
        detection.spl, "admin", app=APP, earliest="-5m@m", latest="@m", scheduled=False
    )
    assert {row["entity"] for row in job.rows} == {"orders", "frontend"}
    assert all(int(row["count"]) > 5 for row in job.rows)


def test_what_is_not_supported_would_be_found(tmp_path: Path) -> None:
    pipeline = parse("search a=1 [search b=2 | eval x=if(len(c)>1, 1, 2) | top c] | stats dc(d)")
    assert used(pipeline) == {
        ("command", "search"), ("command", "eval"), ("command", "top"), ("command", "stats"),
        ("eval function", "if"), ("eval function", "len"), ("stats function", "dc"),
    }  # fmt: skip
    document = tmp_path / "SUPPORTED.md"
    document.write_text(
        "## Commands\n| `search` | none | <x> |\n| `stats` | `a` | <x> |\n"
        "## Eval functions\n| `if`, `len` | <x> |\n## Stats functions\n| `dc` | <x> |\n"
    )
    known = listed(document)
    assert {name for kind, name in used(pipeline) if name not in known[kind]} == {"eval", "top"}
