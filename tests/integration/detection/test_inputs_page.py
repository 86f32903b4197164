"""Monitors as the Inputs page makes them: through UCC's REST handler, with the page's fields."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Iterator

import pytest
from splunklib.binding import HTTPError

from tests.integration.detection.conftest import APP_NAME, ROOT
from tests.package import APP_PYTHON
from tests.standin import StandIn, start_standin

PAGE = f"{APP_NAME}_incident_monitor"
FIELDS = {
    "interval": "60",
    "cycle_seconds": "6",
    "run_seconds": "120",
    "monitor_search": "index=main sourcetype=shop | eval failed=if(status>=500, 1, 0)",
    "detector": "ratio",
    "value": "failed",
    "by": "service",
    "span": "10m",
    "every": "20m",
    "lag": "2m",
    "backfill": "2d",
    "timeout": "30s",
    "threshold": "7",
    "min_events": "30",
    "raise_after": "2 of 3",
    "severity": "high",
    "title": "{monitor} at {entity}",
    "runbook": "https://wiki.example.com/shop",
    "actions": "rollback_change",
    "tags": "shop, web",
    "group": "0",
}
OF_BASELINE = {
    **{name: value for name, value in FIELDS.items() if name not in ("threshold", "min_events")},
    "detector": "baseline",
    "value": "avg(failed)",
    "sensitivity": "high",
    "season": "daily",
    "time_zone": "Europe/Berlin",
    "direction": "up",
}
OF_SLO = {
    **{name: value for name, value in FIELDS.items() if name not in ("threshold", "raise_after")},
    "monitor_search": "index=main sourcetype=shop | eval bad=if(status>=500, 1, 0), n=1",
    "detector": "burn_rate",
    "value": "bad",
    "total": "n",
    "objective": "99.5",
    "window": "28d",
    "burn_rates": "14.4x 1h/10m critical, 6x 6h/30m",
}


OF_SILENCE = {
    "interval": "60",
    "monitor_search": "| tstats count where index=main by host, _time span=5m",
    "detector": "silence",
    "by": "host",
    "time_zone": "Europe/Berlin",
    "hours": "mon-fri 08:00-12:00, mon-fri 13:00-18:00",
    "holidays": "12-25, 2027-03-26, 2026-12-24..2026-12-31",
}


@pytest.fixture(scope="module")
def page(app_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    folder = tmp_path_factory.mktemp("page")
    with start_standin(folder, apps=[app_folder], python=APP_PYTHON) as standin:
        yield standin


def post(page: StandIn, path: str, **fields: str) -> None:
    page.service(app=APP_NAME, owner="nobody").post(path, output_mode="json", **fields)


def shown(page: StandIn, name: str, path: str = PAGE) -> dict[str, Any]:
    """What the page lists of an entry, or another endpoint does."""
    service = page.service(app=APP_NAME, owner="nobody")
    answer = json.loads(service.get(path, output_mode="json", count=0).body.read())
    (content,) = [one["content"] for one in answer["entry"] if one["name"] == name]
    return dict(content)


@pytest.mark.parametrize(
    "fields", [FIELDS, OF_BASELINE, OF_SLO, OF_SILENCE], ids=lambda one: one["detector"]
)
def test_every_field_of_the_page_is_saved_and_shown_again(
    page: StandIn, fields: dict[str, str]
) -> None:
    kinds = json.loads((ROOT / "globalConfig.json").read_text())["pages"]["inputs"]["services"]
    (monitor,) = [kind for kind in kinds if kind["name"] == "incident_monitor"]
    fields_of_all = {"name", *FIELDS, *OF_BASELINE, *OF_SLO, *OF_SILENCE}
    assert {one["field"] for one in monitor["entity"]} == fields_of_all
    name = f"refusals_{fields['detector']}"
    post(page, PAGE, name=name, **fields)

    listed = shown(page, name)
    assert {field: listed.get(field) for field in fields} == fields
    kept = shown(page, f"incident_monitor://{name}", "configs/conf-inputs")
    assert {field: kept.get(field) for field in fields} == fields


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"detector": "baseline", "threshold": "5"}, "A baseline has no threshold; leave it out"),
        ({"detector": "silence", "season": "daily"}, "season is for baseline; leave it out"),
        ({"detector": "silence", "hours": "mon-fri 08:00-18:00"}, "holidays need time_zone"),
        ({"detector": "burn_rate", "value": "bad", "objective": "100"}, "objective is 100; it is"),
        ({"detector": "burn_rate", "value": "bad", "burn_rates": "9x 1h/7m"}, "not a multiple of"),
    ],
)
def test_settings_that_do_nothing_or_make_no_sense_are_refused(
    page: StandIn, settings: dict[str, str], said: str
) -> None:
    with pytest.raises(HTTPError, match=said):
        post(page, PAGE, name="odd", interval="60", monitor_search="index=main", **settings)
    assert "incident_monitor://odd" not in page.splunk.conf.stanzas("inputs")


def test_a_monitor_is_changed_on_the_page(page: StandIn) -> None:
    post(
        page, PAGE, name="traffic", interval="60", monitor_search="index=main", detector="baseline"
    )
    post(page, f"{PAGE}/traffic", interval="60", monitor_search="index=main host=web-1", span="1m")

    listed = shown(page, "traffic")
    assert (listed["monitor_search"], listed["span"]) == ("index=main host=web-1", "1m")


def test_a_monitor_without_a_search_is_refused_in_words(page: StandIn) -> None:
    with pytest.raises(HTTPError, match="by the input: monitor_search is empty; write"):
        post(page, PAGE, name="nothing", interval="60", detector="baseline")


@pytest.mark.parametrize(
    ("search", "said"),
    [
        ("index=main | satts count", "splunkd rejects monitor_search: .*satts"),
        ('index=main "unclosed', "has a quotation mark that is never closed; a monitor runs only"),
        ("index=main | outputlookup hosts.csv", "outputlookup.*, which writes or acts; a monitor"),
        ("index=main | `wipe`", "delete.*, which writes or acts; a monitor runs only searches"),
        ("`no_such_macro` error", "no_such_macro.*, which does not exist"),
        ("| from savedsearch:mine", "may be another saved search"),
    ],
)
def test_a_search_that_is_wrong_or_writes_is_refused_when_it_is_saved(
    page: StandIn, search: str, said: str
) -> None:
    macros = page.splunk.home / "etc/apps" / APP_NAME / "local/macros.conf"
    macros.parent.mkdir(exist_ok=True)
    macros.write_text("[wipe]\ndefinition = delete\n")
    page.splunk.conf.reload()
    with pytest.raises(HTTPError, match=said):
        post(page, PAGE, name="wrong", interval="60", monitor_search=search, detector="baseline")
    assert "incident_monitor://wrong" not in page.splunk.conf.stanzas("inputs")
