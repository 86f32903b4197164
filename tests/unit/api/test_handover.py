"""``GET /handover``: who may, of which team and span, as JSON and as Markdown."""

from __future__ import annotations

import pytest

from incident_management.incidents.routing import Routing
from tests.fakes.api import ALL_CAPABILITIES, FakeApi

READING = frozenset({"incident_read"})
WEB = "https://splunk.example.com"


@pytest.fixture
def api():
    found = FakeApi()
    stanzas = {
        "team:shop": {"members": "ann, bob", "rota": "first"},
        "team:web": {"members": "cy"},
        "rota:first": {"members": "ann, bob", "handover": "daily 09:00", "start": "2026-11-30"},
    }
    found.routing_value = Routing.from_stanzas(stanzas)
    network = {"name": "network", "acl": {"app": "incident_management"}}
    entry = {**network, "content": {"web_url": WEB}}
    found.answers = {"conf-incident_management_settings": {"entry": [entry]}}
    return found


def handover(api, status=200, **query):
    found, answer = api.call("GET", "/handover", query=query, capabilities=READING)
    assert found == status, answer
    return answer


def opened(api, title, team="shop"):
    incident = api.call("POST", "/incidents", {"title": title, "severity": "high"})[1]["id"]
    body = {"team": team, "owner": "ann"}
    assert api.call("POST", f"/incidents/{incident}/assign", body)[0] == 200
    return incident


def test_of_ones_own_team_it_tells_what_is_open_what_is_over_and_who_is_next(api):
    standing, over = opened(api, "Checkout is slow"), opened(api, "Disk full")
    opened(api, "Another team's", "web")
    api.clock.advance(600)
    body = {"resolution": "Cleaned up.", "feedback": "true_positive"}
    assert api.call("POST", f"/incidents/{over}/resolve", body)[0] == 200
    answer = handover(api)
    assert (answer["team"], answer["rota"], answer["until"]) == ("shop", "first", api.clock.now())
    assert {answer["person"], answer["next_person"]} == {"ann", "bob"}
    assert answer["counts"] == {"open": 1, "nobody_has": 0, "opened": 2, "solved": 1, "noise": 0}
    told = {one["name"]: one["lines"] for one in answer["sections"]}
    assert [line["incident_id"] for line in told["open"]] == [standing]
    assert [line["incident_id"] for line in told["solved"]] == [over]
    assert {"text": "Cleaned up."} in told["solved"][0]["says"]
    assert handover(api, since=str(api.clock.now() - 1))["counts"]["opened"] == 0


def test_the_markdown_is_the_same_report_with_links_and_without_secrets(api):
    key = opened(api, "Checkout <b>is</b> slow, password=hunter2hunter2")
    text = handover(api, format="markdown")
    assert api.headers["Content-Type"].startswith("text/markdown")
    assert text.startswith("# Handover: shop\n")
    assert f"[{key}](<{WEB}/app/incident_management/workbench?incident={key}>)" in text
    assert r"Checkout \<b\>is\</b\> slow" in text and "hunter2" not in text
    assert "hunter2" not in str(handover(api))


def test_a_cover_counts_from_when_it_begins(api):
    body = {"rota": "first", "person": "cy", "ends_at": api.clock.now() + 3600}
    assert api.call("POST", "/on-call/covers", body)[0] == 201
    answer = handover(api, team="shop")
    assert (answer["person"], answer["began"]) == ("cy", api.clock.now())
    assert answer["next_at"] == api.clock.now() + 3600
    assert answer["since"] < api.clock.now()


def test_what_there_is_not_is_reported(api):
    assert "There is no team 'x'" in handover(api, 400, team="x")["detail"]
    status, answer = api.call("GET", "/handover", user="max", capabilities=READING)
    assert (status, answer["detail"]) == (400, "Choose a team: one of shop, web.")
    assert "at most 31 days ago" in handover(api, 400, since=str(api.clock.now() + 1))["detail"]
    handover(api, 400, since="soon")
    handover(api, 400, format="pdf")


def test_it_takes_the_right_to_read_incidents(api):
    status, _ = api.call("GET", "/handover", capabilities=ALL_CAPABILITIES - {"incident_read"})
    assert status == 403
