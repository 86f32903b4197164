"""Who is told before, while and after the first channel is set up."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import Any
from urllib.parse import urlencode

import pytest
from splunklib.binding import HTTPError

from tests.contract.services.receiver import Receiver

from .conftest import ROOT, Office, wait_for

VIEWS = ROOT / "package/default/data/ui/views"
NOBODY = "No channel is set up, so nobody is notified of incidents. "
NOBODY_YET = "none: set up a channel"


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
    assert not any(info["channels"].values()) and "jira" in info["channels"]
    (notice,) = info["notices"]
    assert notice.startswith(NOBODY)
    wait_for(lambda: _told_on_the_overview(started) == NOBODY_YET)
    # Beside it is what waits afterwards, as the worker has counted it.
    noted = '| inputlookup strict=true incident_claims where purpose="afterwards"'
    wait_for(lambda: started.search(noted))
    (waits,) = started.search(noted)
    assert (waits["value.reviews_due"], waits["value.follow_ups_overdue"]) == ("0", "0")


def test_a_channel_that_is_set_up_later_receives_what_comes_then(started: Office):
    first = started.signal("printer")
    _wait_until_announced(started, first)
    started.set("teams", webhook_url=f"{started.teams.url}/workflows/x?sig=s")
    second = started.signal("checkout")
    wait_for(lambda: started.teams.requests)
    _wait_until_announced(started, second)
    told = {(n["channel"], n["incident_id"]) for n in started.outbox()}
    assert told == {("teams", second)}
    info = started.call("GET", "/system/info")
    assert [name for name, is_set_up in info["channels"].items() if is_set_up] == ["teams"]
    assert info["notices"] == []
    started.restart_worker()  # which notes at once whom the channels reach
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
        "teams": "No Teams webhook is set: set it under Configuration > Microsoft Teams.",
    }


def test_a_channel_that_is_set_up_by_half_is_a_dead_letter(started: Office):
    started.set("slack", channel="#incidents")
    incident = started.signal()
    dead = wait_for(lambda: [n for n in started.outbox() if n["state"] == "dead"])
    assert [(n["channel"], n["incident_id"]) for n in dead] == [("slack", incident)]
    assert dead[0]["last_error"].startswith("No Slack token is set: ")


@pytest.mark.parametrize("host", ["proxy.example.com", "10.0.0.8"])
def test_a_proxy_with_a_login_is_saved_and_used(fresh: Office, host: str):
    login = {"proxy_username": "mia", "proxy_password": "not-a-real-one"}
    fresh.set("proxy", proxy_enabled="1", proxy_url=host, proxy_port="3128", **login)
    saved = fresh.admin.get("incident_management_settings/proxy", output_mode="json")
    content = json.loads(saved.body.read())["entry"][0]["content"]
    assert (content["proxy_url"], content["proxy_port"]) == (host, "3128")
    local = fresh.home / "etc/apps/incident_management/local"
    assert not [path for path in local.iterdir() if "not-a-real-one" in path.read_text()]
    assert fresh.call("GET", "/system/info")["configuration_problems"] == []


@pytest.mark.parametrize(
    ("part", "values"),
    [
        ("lifecycle", {"keep": "1d", "resolve_after": "24h", "close_after": "7d"}),
        ("lifecycle", {"resolve_not": "urgent"}),
        ("network", {"web_url": "splunk.example.com"}),
        ("proxy", {"proxy_enabled": "1", "proxy_url": "http://proxy", "proxy_port": "3128"}),
    ],
)
def test_what_the_app_can_not_use_is_not_saved(fresh: Office, part: str, values: dict[str, str]):
    with pytest.raises(HTTPError, match=r"REST Error \[400\]: Bad Request -- "):
        fresh.set(part, **values)


def test_splunk_webs_address_may_be_http_as_it_is_by_default(fresh: Office):
    fresh.set("network", web_url="http://splunk.example.com:8000")
    assert fresh.call("GET", "/system/info")["configuration_problems"] == []


def test_a_channel_that_an_administrator_shapes_is_announced_as_any_other(fresh: Office):
    desk = Receiver(default=(201, {}, {"data": {"id": "T-1"}})).start()
    end = {"url": f"{desk.url}/t/{{id}}", "method": "PATCH", "body": {"state": "closed"}}
    shaped = {
        "url": f"{desk.url}/t",
        "headers": '{"Authorization": "Bearer {secret}"}',
        "body": '{"key": "{dedup}",\n "about": "{title}"}',
        "calls": json.dumps({"resolved": end}),
        "secret": "not-a-real-one",
        "id_field": "data.id",
        "read_by": "software",
    }
    form = [("Content-Type", "application/x-www-form-urlencoded")]
    page = "incident_management_channel"

    def save(user: Any, name: str, **more: str) -> None:
        user.post(page, headers=form, body=urlencode({"name": name, **shaped, **more}))

    # Nobody else may have an address called, and a name that is taken leaves its secret.
    with pytest.raises(HTTPError, match="403"):
        save(fresh.user("vera", "incident_viewer"), "other", test="1")
    assert desk.requests == []
    save(fresh.admin, "desk", test="1")
    assert [one.method for one in desk.requests] == ["POST", "PATCH"]
    desk.requests.clear()
    with pytest.raises(HTTPError, match="The channel 'desk' already exists"):
        save(fresh.admin, "desk", secret="another")
    announce = fresh.admin.confs["incident_routing"]["announce"]
    announce.update(opened="desk?", resolved="desk?")
    incident = fresh.signal()
    change = {"resolution": "Restarted."}
    assert fresh.call("POST", f"/incidents/{incident}/resolve", change)["status"] == "resolved"
    fresh.start_worker()
    wait_for(lambda: len(desk.requests) == 2)
    first, last = desk.requests
    desk.stop()
    assert first.headers["authorization"] == "Bearer not-a-real-one"
    assert first.json == {"key": incident, "about": "High Error Rate: checkout"}
    assert (last.method, last.path, last.json) == ("PATCH", "/t/T-1", {"state": "closed"})
    told = [e["data"] for e in fresh.timeline(incident) if e["kind"] == "notification"]
    assert [(one["channel"], one["detail"]) for one in told][:1] == [("desk", "T-1")]
    info = fresh.call("GET", "/system/info")
    assert info["channels"]["desk"] is True and info["notices"] == []
    assert "not-a-real-one" not in json.dumps([fresh.outbox(), fresh.worker_log()])


def _wait_until_announced(office: Office, incident: str) -> None:
    """Wait until the worker has read all entries that the incident has now."""
    newest = max(entry["time"] for entry in office.timeline(incident))
    checkpoint = '| inputlookup incident_claims where _key="worker:announce:checkpoint"'
    wait_for(lambda: any(float(row["time"]) > newest for row in office.search(checkpoint)))


def _told_on_the_overview(office: Office) -> str:
    """What the panel "Notified channels" shows."""
    view = ET.parse(VIEWS / "incident_overview.xml").findtext("definition") or ""
    (row,) = office.search(json.loads(view)["dataSources"]["ds_told"]["options"]["query"])
    return str(row["told"])
