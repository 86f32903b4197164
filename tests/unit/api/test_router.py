"""What every route has in common: capabilities, limits, problems."""

import json

import pytest

from incident_management.api import ROUTES, incident_count
from incident_management.api.incident_count import IncidentCount
from incident_management.api.messages import parse_body
from incident_management.api.router import Problem, dispatch, routes_of
from incident_management.api.system import NO_CHANNEL
from incident_management.channels import CHANNELS
from incident_management.incidents.upkeep import retention
from incident_management.notify.announcing.announcer import CHECKPOINT
from incident_management.slack_socket.lease import Lease
from incident_management.splunk.configuration.settings import parse
from tests.fakes.api import ALL_CAPABILITIES, FakeApi

ROUTED = [route for segment in ROUTES for route in routes_of(segment)]


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


def opened(api, count):
    for _number in range(count):
        status, _incident = api.call("POST", "/incidents", {"title": "Slow"})
        assert status == 201


@pytest.mark.parametrize("route", ROUTED, ids=lambda route: f"{route.method} {route.path}")
def test_a_route_needs_exactly_its_capability(api, route):
    path = route.path.replace("{id}", "INC-20260101-000000")
    others = ALL_CAPABILITIES - {route.capability}
    refused, problem = api.call(route.method, path, capabilities=others)
    allowed, _ = api.call(route.method, path, capabilities={route.capability})

    assert refused == 403
    assert route.capability in problem["detail"]
    assert allowed != 403
    assert route.capability in ALL_CAPABILITIES


def test_nothing_is_touched_before_the_capability_is_checked(api):
    status, _ = api.call("POST", "/signals", {"signals": []}, capabilities=[])

    assert status == 403
    assert api.stores_value.calls == 0


def test_without_a_session_nothing_is_answered(api):
    reply = dispatch({"method": "GET", "path_info": "incidents", "session": {}}, api)

    assert reply["status"] == 401


def test_an_argument_that_is_given_twice_is_refused_not_halved(api):
    api.users["ann"] = ("ann", ALL_CAPABILITIES)
    query = [["status", "new"], ["status", "assigned"]]
    asked = {"method": "GET", "path_info": "incidents", "session": {"authtoken": "ann"}}
    raw = {**asked, "system_authtoken": "system", "query": query}
    reply = dispatch(raw, api)

    assert reply["status"] == 400
    assert "'status' is given twice" in json.loads(reply["payload"])["detail"]
    # Splunk Web may add its own to what the caller gave.
    splunks = [["output_mode", "json"], ["output_mode", "json"]]
    assert dispatch({**raw, "query": splunks}, api)["status"] == 200


def test_problems_are_problem_json(api):
    raw = {"method": "GET", "path_info": "nowhere", "session": {"authtoken": "x"}}
    reply = dispatch(raw, api)

    assert reply["headers"]["Content-Type"] == "application/problem+json"
    assert json.loads(reply["payload"]) == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "Unknown path /nowhere. GET /openapi.json lists the routes.",
    }


def test_another_method_names_those_that_are_taken(api):
    status, problem = api.call("DELETE", "/incidents")

    assert status == 405
    assert "GET, POST" in problem["detail"]


def test_the_path_is_found_without_path_info_too(api):
    api.users["ann"] = ("ann", ALL_CAPABILITIES)
    raw = {
        "method": "GET",
        "rest_path": "/incident_management/v1/incidents",
        "session": {"authtoken": "ann"},
        "system_authtoken": "system",
    }
    assert dispatch(raw, api)["status"] == 200


@pytest.mark.parametrize(
    ("payload", "status"),
    [
        ("not json", 400),
        ("[]", 400),
        ('{"signals": NaN}', 400),
        ('{"signals": "\ud800"}', 400),
        ('{"signals": ' + "[" * 30 + "]" * 30 + "}", 400),
        ("[" * 100_000, 400),
        ('{"signals": "' + "x" * 8_000_001 + '"}', 413),
    ],
    ids=["text", "list", "nan", "surrogate", "deep", "bomb", "large"],
)
def test_a_bad_body_is_one_clear_4xx(api, payload, status):
    answered, problem = api.call("POST", "/signals", payload=payload)

    assert answered == status
    assert problem["detail"].endswith(".")


def test_a_whole_number_that_is_no_float_is_refused(api):
    incident = api.call("POST", "/incidents", {"title": "Down"})[1]["id"]
    lists = '"evidence": [], "hypotheses": [], "citations": []'
    payload = '{"sid": "1", "onset": 1' + "0" * 400 + f", {lists}}}"
    assert api.call("POST", f"/incidents/{incident}/analysis", payload=payload)[0] == 400


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b'{"title": "\xff"}', "not UTF-8: byte 12"),
        (b'{"title": "x" "y"}', "line 1, column 15"),
        (b'\xef\xbb\xbf{"title": "x"}', "line 1, column 1"),
        (b'{"title": "\\ud800"}', "half a character"),
        (b'{"title": NaN}', "NaN"),
        (b'{"title": 1e999}', "1e999"),
        (b'{"title": -1' + b"0" * 400 + b"}", "out of range"),
        (b'{"title": ' + b"[" * 100_000, "deeper than 20"),
        (b'{"title": ' + b"[" * 30 + b"]" * 30 + b"}", "deeper than 20"),
        (b'{"a": "]}", "b": ' + b"[" * 20 + b"]" * 20 + b"}", "deeper than 20"),
        (b'{"a": ' + b'{"b": [' * 10 + b"]}" * 10 + b"}", "deeper than 20"),
    ],
)
def test_what_is_wrong_with_a_body_is_reported(payload, said):
    with pytest.raises(Problem) as caught:
        parse_body(payload)
    assert caught.value.status == 400
    assert said in caught.value.detail


@pytest.mark.parametrize("text", [b"", b"]]]", b"[[[{", b'\\"[[['])
def test_a_body_of_20_levels_is_taken_whatever_its_texts_hold(text):
    body = b'{"a": "' + text + b'", "b": ' + b'[{"c": ' * 9 + b"[]" + b"}]" * 9 + b"}"

    assert parse_body(body)["b"]


def test_a_bug_in_a_route_is_logged_and_tells_the_caller_nothing_secret(api, monkeypatch, tmp_path):
    monkeypatch.setenv("SPLUNK_HOME", str(tmp_path))
    api.stores_value = object()
    status, problem = api.call("GET", "/incidents")

    assert status == 500
    assert problem["detail"] == "GET /incidents failed. See incident_management_rest.log."


def test_health_answers_what_the_seed_promised(api):
    opened(api, 3)
    api.clock.advance(12)
    status, health = api.call("GET", "/health")

    assert status == 200
    assert health == {
        "status": "ok",
        "timestamp": "2023-11-14T22:13:32+00:00",
        "splunk_connected": True,
        "incidents_detected": 3,
        "uptime_seconds": 12.0,
    }


def test_health_is_degraded_when_incidents_cannot_be_counted(api):
    api.stores_value.incidents.fail_after(0)
    _, health = api.call("GET", "/health")

    assert (health["status"], health["incidents_detected"]) == ("degraded", None)


def test_health_counts_each_incident_once_whatever_its_age_and_those_that_left(api):
    opened(api, 3)
    for _hour in range(4):
        api.clock.advance(3500)
        opened(api, 2)
        api.call("GET", "/health")
    assert api.call("GET", "/health")[1]["incidents_detected"] == 11

    # Retention deletes an incident and says so, and a new process begins to count.
    (oldest, *_rest) = api.stores_value.incidents.find({}, "opened_at:1", 1)
    api.stores_value.incidents.delete(oldest["_key"])
    totals = {"_key": retention.TOTALS, "value": {"incidents": 1}}
    api.stores_value.claims.insert(totals)
    assert api.call("GET", "/health")[1]["incidents_detected"] == 11
    api.opened = IncidentCount(api.clock)
    assert api.call("GET", "/health")[1]["incidents_detected"] == 11


def test_health_counts_on_after_a_clock_that_was_ahead_is_set_right(api):
    opened(api, 3)
    api.clock.advance(86400)
    assert api.call("GET", "/health")[1]["incidents_detected"] == 3
    api.clock.advance(-86400)
    opened(api, 2)
    assert api.call("GET", "/health")[1]["incidents_detected"] == 5


def test_health_reads_old_incidents_once(api, monkeypatch):
    monkeypatch.setattr(incident_count, "PAGE", 2)
    opened(api, 3)
    api.clock.advance(86400)
    api.call("GET", "/health")
    asked = []
    api.stores_value.incidents.before = lambda verb, name: asked.append((verb, name))
    assert api.call("GET", "/health")[1]["incidents_detected"] == 3
    assert asked == [("find", "incidents")]
    assert not api.searcher_value.asked, "a search would read every document as a whole"


def test_a_missing_secret_degrades_health_and_is_reported(api):
    api.settings_value = parse({"slack": {"bot_token": "******"}})
    api.answers["conf-incident_management_settings"] = {"entry": []}

    assert api.call("GET", "/health")[1]["status"] == "degraded"
    (problem,) = api.call("GET", "/system/info")[1]["configuration_problems"]
    assert problem.endswith("enter it again under Configuration > Slack.")


def test_info_shows_versions_and_what_is_wrong(api):
    api.answers["conf-incident_management_settings"] = {"entry": []}
    status, info = api.call("GET", "/system/info")

    assert status == 200
    assert info["splunk_version"] == "9.4.0"
    assert info["configuration_problems"] == []


def test_info_shows_when_the_worker_last_ran(api):
    api.answers["conf-incident_management_settings"] = {"entry": []}
    assert api.call("GET", "/system/info")[1]["worker_seen"] is None

    api.stores_value.claims.insert({"_key": CHECKPOINT, "purpose": CHECKPOINT, "time": 1234.5})
    assert api.call("GET", "/system/info")[1]["worker_seen"] == 1234.5


def test_info_and_health_tell_what_keeps_tickets_from_being_read(api):
    api.answers["conf-incident_management_settings"] = {"entry": []}
    assert api.call("GET", "/system/info")[1]["troubles"] == []
    note = {"_key": "worker:tickets:jira", "value": {"trouble": "Jira refused it."}}
    api.stores_value.claims.insert(note)
    assert api.call("GET", "/system/info")[1]["troubles"] == ["Jira refused it."]
    assert api.call("GET", "/health")[1]["status"] == "degraded"


def test_info_and_health_report_a_channel_that_refuses_messages(api):
    api.answers["conf-incident_management_settings"] = {"entry": []}
    refused = {"channel": "teams", "state": "dead", "created_at": api.clock.now() - 60}
    document = {**refused, "_key": "a" * 40, "last_error": "Teams rejected the message with 401."}
    api.stores_value.outbox.insert(document)
    (said,) = api.call("GET", "/system/info")[1]["troubles"]
    assert said.startswith("Teams rejected the last message: Teams rejected")
    assert api.call("GET", "/health")[1]["status"] == "degraded"


def test_info_shows_how_slacks_buttons_are(api):
    entry = {"name": "slack", "content": {}}
    api.answers["conf-incident_management_settings"] = {"entry": [entry]}
    off = {"state": "off", "detail": "", "member": "", "seen": None}
    assert api.call("GET", "/system/info")[1]["slack_socket"] == off

    entry["content"] = {"app_token": "******"}
    assert api.call("GET", "/system/info")[1]["slack_socket"]["state"] == "not_running"

    Lease(api.stores_value, api.clock, "sh1#7", lambda _: False).take({"state": "connected"})
    known = api.call("GET", "/system/info")[1]["slack_socket"]
    assert (known["state"], known["member"]) == ("connected", "sh1")
    assert known["seen"] == api.clock.now()


SUBSCRIPTION = {"_key": "SUB-1", "url": "https://a.example/x", "events": ["*"]}


@pytest.mark.parametrize(
    ("stanza", "subscription", "notices"),
    [
        ({}, None, 1),
        ({"webhook_url": "********"}, None, 0),
        ({}, SUBSCRIPTION, 0),
        ({}, {**SUBSCRIPTION, "enabled": False}, 1),
        ({}, {"_key": "SUB-1"}, 1),
    ],
)
def test_info_shows_which_channels_are_set_up(api, stanza, subscription, notices):
    entry = {"name": "teams", "content": stanza}
    api.answers["conf-incident_management_settings"] = {"entry": [entry]}
    if subscription:
        api.stores_value.subscriptions.insert(subscription)
    _status, info = api.call("GET", "/system/info")

    assert info["channels"] == {**dict.fromkeys(CHANNELS, False), "teams": bool(stanza)}
    assert info["notices"] == [NO_CHANNEL] * notices
