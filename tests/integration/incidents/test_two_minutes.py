"""docs/DETECTIONS.md, "Add one in two minutes", followed to the letter: what it says works."""

from __future__ import annotations

import configparser
import re
import time
from pathlib import Path
from typing import Any

import pytest

from tests.integration.incidents.conftest import APP_NAME, PERIOD, ROOT, App
from tests.standin import start_standin

GUIDE = "".join((ROOT / f"docs/{name}.md").read_text() for name in ("DETECTIONS", "MONITORS"))
EDITABLE = (
    "action.open_incident", "alert.", "counttype", "cron_schedule", "dispatch.earliest_time",
    "dispatch.latest_time", "quantity", "relation",
)  # fmt: skip


def section(title: str) -> str:
    return GUIDE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def blocks(title: str) -> list[str]:
    """The fenced blocks of a section."""
    found = re.findall(r"^ *```\w*\n(.*?)^ *```", section(title), re.M | re.S)
    return [re.sub(r"^ +", "", block, flags=re.M) for block in found]


def stanza(text: str) -> tuple[str, dict[str, str]]:
    """The only stanza of a conf file."""
    parser = configparser.RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(text)
    (name,) = parser.sections()
    return name, dict(parser[name])


SEARCH, STANZA = blocks("Add one in two minutes")
SPL = " ".join(SEARCH.split("\n")).strip()
MONITOR = blocks("Make one")[0]


def reject_invoices(app: App, service: str = "billing", count: int = 6) -> None:
    end = (app.clock.now() // PERIOD + 1) * PERIOD
    raw = f'{{"message": "invoice rejected", "service": "{service}"}}'
    event = {"_raw": raw, "host": "web-1", "source": "billing", "sourcetype": "billing"}
    app.standin.index("main", [{**event, "_time": end - 200 + n} for n in range(count)])


def detail(app: App, title: str) -> dict[str, Any]:
    (found,) = [one for one in app.incidents() if one["title"] == title]
    shown = app.get(f"/incidents/{found['id']}")
    return dict(shown.get("incident") or shown)


def test_the_search_and_the_alert_of_the_guide_open_an_incident(app: App) -> None:
    """Saved as Splunk Web does it, by a power user, in the app of the search bar."""
    app.standin.add_user("pat", "power")
    service = app.standin.service("pat", app="search", owner="pat")
    service.saved_searches.create(
        "Invoices Rejected",
        SPL,
        is_scheduled=1,
        cron_schedule="*/5 * * * *",
        **{
            "dispatch.earliest_time": "-6m@m",
            "dispatch.latest_time": "-1m@m",
            "alert_type": "number of events",
            "alert_comparator": "greater than",
            "alert_threshold": "0",
            "actions": "open_incident",
            "action.open_incident.param.severity": "medium",
            "action.open_incident.param.title": "Invoices rejected: {entity}",
        },
    )
    reject_invoices(app)
    app.run_detections()

    incident = detail(app, "Invoices rejected: billing")
    assert (incident["severity"], incident["entities"]) == ("medium", ["billing"])
    assert (incident["signals"], incident["events"]) == (1, 6)
    reject_invoices(app)
    app.run_detections()
    assert detail(app, "Invoices rejected: billing")["signals"] == 2


def test_the_stanza_of_the_guide_has_all_its_settings(app: App) -> None:
    name, settings = stanza(STANZA)
    assert settings["search"] == "…"
    lines = [f"{key} = {value}" for key, value in {**settings, "search": SPL}.items()]
    local = app.standin.splunk.home / "etc/apps" / APP_NAME / "local"
    local.mkdir(exist_ok=True)
    (local / "savedsearches.conf").write_text("\n".join([f"[{name}]", *lines]) + "\n")
    app.standin.splunk.conf.reload()
    reject_invoices(app)
    app.run_detections()
    assert app.incidents() == [], "after_signals = 2"
    reject_invoices(app)
    app.run_detections()

    incident = detail(app, "Invoices rejected: billing")
    assert incident["severity"] == "high"
    assert incident["runbook"] == "https://wiki.example.com/invoices"
    assert (incident["actions"], incident["tags"]) == (["rollback_change"], ["finance"])
    assert incident["signals"] == 2


@pytest.mark.parametrize("group", ["1", "0"])
def test_a_copy_of_a_shipped_detection_needs_no_code(app: App, group: str) -> None:
    """Clone, another search and threshold, other fields: all of it through the REST API."""

    def fail() -> None:
        for code, count in (("51", 12), ("54", 11), ("05", 10)):
            app.log_errors("till-1", count, text=f"error payment refused code={code}")
        app.run_detections()

    # First by itself: two detections that fire at once each open one, until the worker joins them.
    fail()
    shipped = app.service.saved_searches["High Error Rate"].content
    copied = {key: value for key, value in shipped.items() if key.startswith(EDITABLE)}
    changed = {
        "action.open_incident.param.severity": "critical",
        "action.open_incident.param.dedup_fields": "entity, code",
        "action.open_incident.param.title": "Payment rejected the request with {code}: {entity}",
        "action.open_incident.param.group": group,
        "action.open_incident.param.runbook": "/pay",
    }
    spl = (
        '`incident_indexes` "error payment refused" | eval entity=coalesce(service, host) '
        "| stats count latest(_time) as last_time by entity, code | where count > 10"
    )
    app.service.saved_searches.create(
        "Payments Refused", spl, is_scheduled=1, actions="open_incident", **{**copied, **changed}
    )
    fail()
    titles = sorted(one["title"] for one in app.incidents())

    if group == "1":
        # All of it is one problem of one entity, with what High Error Rate found.
        assert len(titles) == 1
        incident = detail(app, titles[0])
        assert sorted(incident["rules"]) == ["High Error Rate", "Payments Refused"]
        assert (incident["signals"], incident["severity"]) == (4, "critical")
        return
    own = [f"Payment rejected the request with {code}: till-1" for code in ("51", "54")]
    assert titles == ["High error rate: till-1", *own]
    assert detail(app, own[0])["runbook"] == "/pay"
    assert detail(app, own[0])["actions"] == ["rollback_change"]


def test_the_monitor_of_the_guide_opens_an_incident(app_folder: Path, tmp_path: Path) -> None:
    """The stanza as it stands there, with spans of seconds in the place of minutes."""
    name, settings = stanza(MONITOR)
    quick = {**settings, "span": "2s", "lag": "1s", "backfill": "60s", "interval": "1"}
    more = {"season": "none", "severity": "high", "runbook": "/shop", "tags": "web"}
    lines = [f"{key} = {value}" for key, value in {**quick, **more}.items()]
    with start_standin(tmp_path, apps=[app_folder]) as standin:
        local = standin.splunk.home / "etc/apps" / APP_NAME / "local"
        local.mkdir(exist_ok=True)
        worker = "[incident_monitor://worker]\ndisabled = 1\n"
        (local / "inputs.conf").write_text("\n".join([worker, f"[{name}]", *lines]) + "\n")
        standin.splunk.conf.reload()

        def serve(moment: float, count: int) -> None:
            event = {"_raw": '{"service": "checkout"}', "host": "web-1", "source": "web"}
            found = [{**event, "_time": moment, "sourcetype": "access_combined"}] * count
            standin.index("main", found)

        begin = int(time.time()) // 2 * 2
        for span in range(40):
            serve(begin - 78 + 2 * span + 0.5, 20 + span % 3)
        inputs = standin.splunk.services.use_modular_inputs()
        inputs.start()
        service = standin.service(app=APP_NAME, owner="nobody")
        incidents, claims = (
            service.kvstore[n].data for n in ("incident_incidents", "incident_claims")
        )

        def serve_until(rows: Any, wanted: str, count: int) -> list[dict[str, Any]]:
            """Go on with so many requests a second until there is a row."""
            deadline = time.monotonic() + 90
            while time.monotonic() < deadline:
                serve(time.time(), count)
                time.sleep(1)
                found = [one for one in rows.query() if one.get("purpose", "") == wanted]
                if found:
                    return found
            raise AssertionError("nothing came to pass in time")

        serve_until(claims, "monitor:checkout_traffic", 10)
        (incident,) = serve_until(incidents, "", 400)
        ends = [
            one["value"]["end"]
            for one in claims.query()
            if one["purpose"] == "monitor:checkout_traffic"
        ]
        inputs.stop()

    assert max(ends) > begin
    assert incident["title"] == "checkout_traffic: checkout"
    assert (incident["severity"], incident["entities"]) == ("high", ["checkout"])
    assert (incident["runbook"], incident["tags"]) == ("/shop", ["web"])
    assert incident["search"]["monitor"] == "checkout_traffic"
