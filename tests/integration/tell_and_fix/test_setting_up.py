"""Who is told before, while and after the first channel is set up."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest

from .conftest import ROOT, Office, wait_for

VIEWS = ROOT / "package/default/data/ui/views"
NOBODY = "No channel is set up, so nobody is told of incidents: "
NOBODY_YET = "nobody yet: set up a channel under Configuration"


@pytest.fixture
def started(fresh: Office) -> Office:
    fresh.start_worker()
    wait_for(fresh.worker_pids)
    return fresh


def test_before_any_channel_is_set_up_nothing_fails_and_the_api_says_so(started: Office):
    incident = started.signal()
    _wait_until_announced(started, incident)
    assert started.outbox() == []
    assert [e for e in started.timeline(incident) if e["kind"] == "notification"] == []
    info = started.call("GET", "/system/info")
    assert info["channels"] == {"slack": False, "teams": False, "pagerduty": False}
    (notice,) = info["notices"]
    assert notice.startswith(NOBODY)
    wait_for(lambda: _told_on_the_overview(started) == NOBODY_YET)


def test_a_channel_that_is_set_up_later_hears_of_what_comes_then(started: Office):
    first = started.signal("printer")
    _wait_until_announced(started, first)
    started.set("teams", webhook_url=f"{started.teams.url}/workflows/x?sig=s")
    second = started.signal("checkout")
    wait_for(lambda: started.teams.requests)
    _wait_until_announced(started, second)
    told = {(n["channel"], n["incident_id"]) for n in started.outbox()}
    assert told == {("teams", second)}
    info = started.call("GET", "/system/info")
    assert info["channels"] == {"slack": False, "teams": True, "pagerduty": False}
    assert info["notices"] == []
    wait_for(lambda: _told_on_the_overview(started) == "teams")


def test_a_channel_that_somebody_names_is_a_dead_letter_until_it_is_set_up(fresh: Office):
    announce = fresh.admin.confs["incident_routing"]["announce"]
    announce.update(opened="pagerduty, slack?")
    fresh.start_worker()
    fresh.call("POST", "/notifications", {"channel": "teams", "message": "Disk almost full"})
    incident = fresh.signal()
    _wait_until_announced(fresh, incident)
    wait_for(lambda: [n["state"] for n in fresh.outbox()] == ["dead", "dead"])
    reasons = {n["channel"]: n["last_error"] for n in fresh.outbox()}
    assert reasons == {
        "pagerduty": "No PagerDuty integration key is set: set it under Configuration > PagerDuty.",
        "teams": "No Teams webhook is set: set it under Configuration > Teams.",
    }


def test_a_channel_that_is_set_up_by_half_is_a_dead_letter(started: Office):
    started.set("slack", channel="#incidents")
    incident = started.signal()
    dead = wait_for(lambda: [n for n in started.outbox() if n["state"] == "dead"])
    assert [(n["channel"], n["incident_id"]) for n in dead] == [("slack", incident)]
    assert dead[0]["last_error"].startswith("No Slack token is set: ")


def _wait_until_announced(office: Office, incident: str) -> None:
    """Wait until the worker has read all entries that the incident has now."""
    newest = max(entry["time"] for entry in office.timeline(incident))
    checkpoint = '| inputlookup incident_claims where _key="worker:announce:checkpoint"'
    wait_for(lambda: any(float(row["time"]) > newest for row in office.search(checkpoint)))


def _told_on_the_overview(office: Office) -> str:
    """What the panel "Who is told of incidents" shows."""
    view = ET.parse(VIEWS / "incident_overview.xml").findtext("definition") or ""
    query = json.loads(view)["dataSources"]["ds_told"]["options"]["query"]
    (row,) = office.search(query)
    return str(row["told"])
