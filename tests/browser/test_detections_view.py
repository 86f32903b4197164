"""The view of the detections, over the built app: its rows come from a command of the app."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import expect

from tests.package import APP, unpacked
from tools.splunkd_lite.core import Options, Splunk

from .conftest import BROKEN, PACKAGE, PASSWORD, TOO_WIDE, fits

RULE = "High Error Rate"
NOW = time.time()


@pytest.fixture(scope="module")
def splunk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A stand-in with the built app, in which a detection raised what people did not want."""
    folder = tmp_path_factory.mktemp("detections")
    options = Options(
        mgmt_port=0, web_port=0, https=True, admin_password=PASSWORD, parts=frozenset({"web"})
    )
    core = Splunk(folder / "home", options)
    core.install([unpacked()])
    core.start()
    token = core.access.token_for("splunk-system-user", 3600)
    client = httpx.Client(
        base_url=core.mgmt_uri,
        headers={"Authorization": f"Splunk {token}"},
        verify=False,  # noqa: S501 - a self-signed certificate on loopback
    )
    sizes = [6, 7, 8, 6, 7, 8, 6, 7, 40]
    for collection, make in (("incident_incidents", incident), ("incident_signals", signal)):
        path = f"/servicesNS/nobody/{APP}/storage/collections/data/{collection}/batch_save"
        documents = [make(number, size) for number, size in enumerate(sizes)]
        client.post(path, json=documents).raise_for_status()
    yield SimpleNamespace(core=core, web=f"http://127.0.0.1:{core.web_port}", keeper=None)
    client.close()
    core.stop()


def incident(number: int, size: int) -> dict[str, Any]:
    return {
        "_key": f"INC-20261101-00000{number}",
        "id": f"INC-20261101-00000{number}",
        "title": "Errors",
        "status": "closed",
        "severity": "high",
        "rules": [RULE],
        "opened_at": NOW - 80_000 + number * 3600,
        "updated_at": NOW - 79_000 + number * 3600,
        "openings": 1,
        "feedback": "true_positive" if size == 40 else "false_positive",
    }


def signal(number: int, size: int) -> dict[str, Any]:
    return {
        "_key": f"{number}" * 40,
        "incident_id": f"INC-20261101-00000{number}",
        "rule": RULE,
        "app": APP,
        "entity": f"web-{number}",
        "dedup_key": f"{number}" * 40,
        "last_time": NOW - 80_000 + number * 3600,
        "received_at": NOW - 80_000 + number * 3600,
        "rows": [{"count": str(size)}],
    }


def test_the_view_lists_noisy_detections_and_their_remedy(
    page: Any, splunk: Any, studio_bundle: Any, shoot: Any
) -> None:
    page.goto(f"{splunk.web}/en-US/app/{APP}/detections")
    macro = "incident_high_error_rate_threshold from 5 to 8"
    page.get_by_text(macro).first.wait_for()
    page.get_by_text("dropped 8 of 8 false or duplicate ones").first.wait_for()
    page.get_by_text("Restart Loop").first.wait_for()
    page.wait_for_timeout(1500)
    assert page.locator("#problems .message").count() == 0
    shoot(page, "detections")
    page.set_viewport_size({"width": 1280, "height": 800})
    page.wait_for_timeout(1000)
    fits(page, TOO_WIDE)
    fits(page, BROKEN)


def test_failing_detections_come_first(splunk: Any) -> None:
    view = (PACKAGE / "default/data/ui/views/detections.xml").read_text(encoding="utf-8")
    definition = json.loads(view.partition("<![CDATA[")[2].partition("]]></definition>")[0])
    rows = (
        '| makeresults count=4 | streamstats count AS n | eval name="d".n, week_pages=3*n, '
        'month_pages=9*n, state=case(n=1, "skipped", n=2, "failing", true(), "ok") '
    )
    spl = rows + definition["dataSources"]["ds_table"]["options"]["query"]
    job = splunk.core.jobs.dispatch(spl, "admin", APP)
    assert [row["Detection"] for row in job.rows] == ["d2", "d1", "d4", "d3"]


def test_a_detection_links_to_its_incidents(page: Any, splunk: Any, studio_bundle: Any) -> None:
    page.goto(f"{splunk.web}/en-US/app/{APP}/detections")
    page.locator("#viz_table").get_by_text(RULE, exact=True).click()
    page.wait_for_url("**/workbench?status=all&text=High%20Error%20Rate")
    expect(page.locator(".wb-bulk")).to_contain_text("9 shown")


def test_a_limit_from_the_address_is_never_part_of_the_search_language(
    page: Any, splunk: Any, studio_bundle: Any
) -> None:
    more = quote('10 | eval name="INJECTED", noisy=1')
    page.goto(f"{splunk.web}/en-US/app/{APP}/detections?form.limit={more}")
    page.get_by_text("The option pages_per_day is wrong").first.wait_for()
    assert page.get_by_text("INJECTED", exact=True).count() == 0
