"""The first steps and the overview say whether detections see events: this app's own are none."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.standin import StandIn, start_standin

from .conftest import Client

APP = "incident_management"
OVERVIEW = f"etc/apps/{APP}/default/data/ui/views/incident_overview.xml"


@pytest.fixture
def fresh(app_folder: Path, tmp_path: Path) -> Iterator[StandIn]:
    with start_standin(tmp_path, apps=[app_folder], https=False) as running:
        yield running


def state(fresh: StandIn, name: str) -> str:
    steps = Client(fresh)("GET", "/system/first-steps").json()["steps"]
    return str(next(one["state"] for one in steps if one["name"] == name))


def shown(fresh: StandIn) -> str:
    """What the overview says of the events that detections look at."""
    text = (fresh.splunk.home / OVERVIEW).read_text(encoding="utf-8")
    definition = json.loads(text.partition("<![CDATA[")[2].partition("]]>")[0])
    options = definition["dataSources"]["ds_seen"]["options"]
    (row,) = fresh.search(options["query"], app=APP, earliest="-24h", latest="now")
    return str(row["seen"])


def test_what_this_app_has_written_is_no_event_that_detections_see(fresh: StandIn) -> None:
    audit = {"sourcetype": f"{APP}:audit", "source": APP, "_raw": '{"kind": "opened"}'}
    fresh.index("main", [{**audit, "_time": time.time() - 20}])
    assert state(fresh, "events") == "todo"
    assert shown(fresh).startswith("none in 24 h")

    fresh.index("main", [{"_time": time.time() - 10, "host": "web-1", "_raw": "GET / 200"}])
    assert state(fresh, "events") == "done"
    assert shown(fresh).startswith("latest:")
