"""Notifications that somebody asks for."""

from __future__ import annotations

from typing import Any

import pytest

from incident_management.incidents.act import Act
from incident_management.incidents.errors import Invalid, NotFound
from incident_management.notify.delivery.outbox import Outbox
from incident_management.notify.requested import enqueue
from tests.fakes import FakeStores, ManualClock


@pytest.fixture
def ask():
    stores: Any = FakeStores()
    clock = ManualClock()
    outbox = Outbox(stores, clock, "rest", lambda document: None)

    class Asking:
        def __call__(self, actor="mia", **request):
            return enqueue(Act(stores, clock, actor), outbox, request, "https://s.example")

    asking: Any = Asking()
    asking.stores, asking.clock = stores, clock
    return asking


def test_the_same_id_is_one_notification(ask):
    first = ask(channel="slack", message="hello", id="x")
    second = ask(channel="slack", message="hello again", id="x")
    assert first["new"] and not second["new"] and first["id"] == second["id"]
    assert ask(channel="teams", message="hello", id="x")["new"]


def test_nobody_takes_another_users_id(ask):
    """Anybody may ask: who guesses the id of an alert's message can't keep it from being sent."""
    assert ask(actor="mallory", channel="pagerduty", message="x", id="sid-1:pagerduty")["new"]
    assert ask(actor="mia", channel="pagerduty", message="Disk full", id="sid-1:pagerduty")["new"]


def test_an_alert_without_an_owner_that_the_worker_repeats_is_sent_once(ask):
    """The API gets it as the user that splunkd runs it as; what is kept in a file has its owner."""
    request = {"channel": "pagerduty", "message": "Disk full", "id": "sid-1:pagerduty"}
    assert ask(actor="splunk-system-user", **request)["new"]
    assert not ask(actor="nobody", **request)["new"]


def test_without_an_id_the_same_request_within_a_minute_is_one(ask):
    assert ask(channel="slack", message="hello")["new"]
    assert not ask(channel="slack", message="hello")["new"]
    assert ask(channel="slack", message="other")["new"]
    ask.clock.advance(61)
    assert ask(channel="slack", message="hello")["new"]


def test_a_request_about_an_incident_links_to_it(ask):
    ask.stores.incidents.save([{"_key": "INC-1", "id": "INC-1", "status": "new"}])
    ask(channel="slack", message="look", incident_id="INC-1")
    (document,) = ask.stores.outbox.all()
    assert document["incident_id"] == "INC-1"
    assert document["message"]["url"].endswith("/workbench?incident=INC-1")


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({"message": "x"}, "'' is not a channel; the channels are slack, teams, pagerduty."),
        ({"channel": "fax", "message": "x"}, "'fax' is not a channel"),
        ({"channel": "slack"}, "'message' is missing"),
        ({"channel": "slack", "message": "x", "severity": "awful"}, "'awful' is not a severity"),
        ({"channel": "slack", "message": "x", "target": "a b"}, "name or the id of a Slack"),
        ({"channel": "email", "message": "x", "target": "me"}, "name or the id of a Slack"),
        ({"channel": "slack", "message": "x", "colour": "red"}, "Unknown field 'colour'"),
        ({"channel": "slack", "message": 5}, "'message' must be a string"),
    ],
)
def test_a_malformed_request_is_one_sentence(ask, request_, says):
    with pytest.raises(Invalid, match=says):
        ask(**request_)
    assert ask.stores.outbox.all() == []


def test_an_unknown_incident_is_not_found(ask):
    with pytest.raises(NotFound, match="No incident INC-9"):
        ask(channel="slack", message="x", incident_id="INC-9")


def test_secrets_in_what_is_announced_are_masked(ask):
    ask(channel="slack", title="Login failed", message="password=hunter2hunter2 for mia")
    (document,) = ask.stores.outbox.all()
    assert "hunter2" not in document["message"]["text"]
