"""A Slack channel of an incident's own, asked for over the API."""

import pytest

from incident_management.notify.configured_channels import save_configured_channels
from tests.fakes import Unavailable
from tests.fakes.api import FakeApi


@pytest.fixture
def api():
    return FakeApi()


@pytest.fixture
def incident(api):
    return api.call("POST", "/incidents", {"title": "Payments fail", "severity": "high"})[1]["id"]


def ask(api, incident, **more):
    return api.call("POST", f"/incidents/{incident}/room", {}, user="dana", **more)


def entries(api, incident):
    found = api.call("GET", f"/incidents/{incident}/timeline")[1]["entries"]
    return [one for one in found if one["kind"] == "room"]


def test_it_is_wanted_once_by_whom_and_the_worker_knows(api, incident):
    status, shown = ask(api, incident)
    assert status == 200 and shown["room"] == {"state": "wanted", "number": 1}
    assert ask(api, incident)[0] == 200
    (entry,) = entries(api, incident)
    assert entry["actor"] == "dana" and entry["data"]["event"] == "wanted"
    (care,) = api.stores_value.claims.find({"purpose": "slack room"})
    assert care["holder"] == incident


def test_a_repeat_under_its_key_answers_although_the_version_has_changed(api, incident):
    api.call("GET", f"/incidents/{incident}")
    etag = api.headers["ETag"]
    headers = {"idempotency-key": "k1", "if-match": etag}
    api.stores_value.incidents.before = fail_at_the_document
    assert ask(api, incident, headers=headers)[0] == 503
    api.stores_value.incidents.before = None
    assert ask(api, incident, headers=headers)[0] == 200
    assert len(entries(api, incident)) == 1
    assert ask(api, incident, headers={"if-match": etag})[0] == 412


def fail_at_the_document(verb, _name):
    if verb == "save":
        raise Unavailable


def test_what_is_over_gets_none(api, incident):
    api.call("POST", f"/incidents/{incident}/resolve", {})
    status, problem = ask(api, incident)[:2]
    assert status == 409 and "can't be given a channel of its own" in problem["detail"]


def test_without_slack_nobody_waits_for_one(api, incident):
    save_configured_channels(api.stores_value, api.clock, ["teams"])
    status, problem = ask(api, incident)[:2]
    assert status == 409 and problem["detail"].startswith("Slack is not set up")
    assert entries(api, incident) == []
    save_configured_channels(api.stores_value, api.clock, ["slack", "teams"])
    assert ask(api, incident)[0] == 200


def test_what_is_wanted_while_the_worker_forgets_the_one_before_is_seen_to(api, incident):
    """The claim by which the worker knows of it goes in the very moment before the entry."""
    claims = api.stores_value.claims

    def forget(verb, _name):
        if verb == "insert":
            api.stores_value.timeline.before = None
            claims.delete_matching({"purpose": "slack room"})

    api.stores_value.timeline.before = forget
    assert ask(api, incident)[0] == 200
    assert [one["holder"] for one in claims.find({"purpose": "slack room"})] == [incident]
