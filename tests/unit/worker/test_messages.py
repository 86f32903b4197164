"""What the worker reads to send messages."""

from __future__ import annotations

from typing import Any

import pytest

from incident_management.incidents import incident_channel, timeline
from incident_management.incidents.act import Act
from incident_management.incidents.routing import Routing
from incident_management.notify.delivery.notification import NewNotification
from incident_management.notify.incident_channels.opening import IncidentChannels
from incident_management.notify.services import http_call, webhook
from incident_management.outside.transport import Reply
from incident_management.splunk.configuration import channel_secrets, secrets
from incident_management.splunk.configuration.settings import parse
from incident_management.splunk.session import SplunkError
from incident_management.worker.configuration import Configuration
from incident_management.worker.messages import Messages
from tests.fakes import FakeStores, ManualClock

TOLD = {"event": "opened", "headline": "Incident opened", "title": "Slow"}
SUBSCRIPTION = {"_key": "SUB-1", "url": "https://93.184.216.34/x", "events": ["*"]}


class SettingsOfNobody:
    """Has no settings but those of the routing, and the secrets of subscriptions."""

    def __init__(self):
        self.routing = {}

    def get(self, path, **_query):
        if "/storage/passwords/" in path:
            return {"entry": [{"content": {"clear_password": "s3cret"}}]}
        if path.endswith("/conf-incident_routing"):
            acl = {"app": "incident_management"}
            entries = self.routing.items()
            return {"entry": [{"name": name, "acl": acl, "content": v} for name, v in entries]}
        if "/conf-" in path or path.endswith("/storage/passwords"):
            return {"entry": []}
        raise SplunkError(404, path)


def messages(stores, clock=None):
    clock = clock or ManualClock()
    splunkd: Any = SettingsOfNobody()
    configuration = Configuration(splunkd)
    configuration.refresh()
    return Messages(splunkd, stores, clock, configuration, lambda _name, _sentence: None)


def test_a_message_for_a_webhook_that_another_member_has_just_made_is_sent(monkeypatch):
    """The message is queued when the round reads the outbox, and was not a moment before."""
    monkeypatch.setattr(webhook, "send_json", lambda *_given, **_named: Reply(204, {}, ""))
    stores = FakeStores()
    mine, others = messages(stores), messages(stores)

    def subscribe(_verb, _name):
        stores.outbox.before = None
        stores.subscriptions.insert(SUBSCRIPTION)
        others.outbox.enqueue(NewNotification("e1", "webhook:SUB-1", "opened", {"title": "Slow"}))

    stores.outbox.before = subscribe
    assert mine.deliver() == {"notifications_sent": 1}


def test_a_message_for_an_own_channel_that_another_member_knows_already_is_sent(monkeypatch):
    stores = FakeStores()
    mine = messages(stores)
    shaped = {"url": "https://desk.example/x", "body": '{"key": "{dedup}"}', "read_by": "software"}
    file = mine._session.routing
    file["channel:desk"] = shaped
    monkeypatch.setattr(http_call, "send_json", lambda *_given, **_named: Reply(204, {}, ""))
    mine._config._read_at -= 5.0
    mine.outbox.enqueue(NewNotification("e1", "desk", "opened", TOLD))
    assert mine.deliver() == {"notifications_sent": 1}
    # One that is malformed waits, and one that is gone takes nothing.
    file["channel:desk"] = {**shaped, "body": "{"}
    mine._config._read()
    mine.outbox.enqueue(NewNotification("e2", "desk", "opened", TOLD))
    assert mine.deliver() == {}
    file.clear()
    mine._config._read()
    assert mine.deliver() == {"notifications_dead": 1}
    (gone,) = stores.outbox.find({"state": "dead"})
    assert gone["last_error"] == "There is no channel 'desk'. It may have been removed."


def test_an_own_channel_that_is_off_silences_no_other():
    mine = messages(FakeStores())
    mine._session.routing.update(
        {
            "announce": {"opened": "slack?, desk?"},
            "channel:desk": {"url": "https://desk.example/", "body": "{}", "disabled": "1"},
        }
    )
    mine._config._read()
    routing = mine._config.routing
    assert routing.problems == () and routing.channels("opened", "", ["slack"]) == ("slack",)
    assert routing.own_set_up == frozenset()


def test_a_new_secret_waits_for_the_address_that_it_is_for(monkeypatch):
    """An administrator moves a channel to another service; earlier reads have neither."""
    sent = []

    def send_json(_network, url, headers, **_named):
        sent.append((url, headers["Authorization"]))
        return Reply(204, {}, "")

    monkeypatch.setattr(http_call, "send_json", send_json)
    mine = messages(FakeStores())
    kept: Any = {}

    def fields_of(_session, _realm):
        if not kept:
            raise SplunkError(503, "The password store is down.")
        return kept

    monkeypatch.setattr(channel_secrets, "fields_of", fields_of)

    def save(host, key):
        kept["desk"] = {"secret": key}
        mine._session.routing["channel:desk"] = {
            "url": f"https://{host}/",
            "headers": '{"Authorization": "Bearer {secret}"}',
            "body": '{"key": "{delivery}"}',
            "secret": "******",
        }

    def tell(source):
        mine.outbox.enqueue(NewNotification(source, "desk", "opened", TOLD))
        assert mine.deliver() == {"notifications_sent": 1}

    save("old.example", "old")
    mine._config._read()
    save("new.example", "new")
    tell("e1")
    # While the password store is down, what was read is as it was.
    kept.clear()
    with pytest.raises(SplunkError):
        mine._config._read()
    tell("e2")
    save("new.example", "new")
    mine._config._read()
    tell("e3")
    old, new = ("https://old.example/", "Bearer old"), ("https://new.example/", "Bearer new")
    assert sent == [old, old, new]


def test_a_webhook_whose_secret_cannot_be_read_keeps_no_other_channel_waiting(monkeypatch):
    """splunkd masks secrets for an address that is not on Splunk Cloud's list yet."""
    monkeypatch.setattr(webhook, "send_json", lambda *_given, **_named: Reply(204, {}, ""))
    stores = FakeStores()
    mine = messages(stores)
    for key in ("SUB-1", "SUB-2"):
        stores.subscriptions.insert({**SUBSCRIPTION, "_key": key})
        mine.outbox.enqueue(NewNotification(key, f"webhook:{key}", "opened", {"title": "Slow"}))
    splunkd: Any = mine._session
    get, masked = splunkd.get, ["SUB-1"]

    def get_or_masked(path, **query):
        found = get(path, **query)
        if any(key in path for key in masked):
            found["entry"][0]["content"]["clear_password"] = secrets.MASKED
        return found

    monkeypatch.setattr(splunkd, "get", get_or_masked)
    with pytest.raises(SplunkError, match="Network Allow List"):
        mine.deliver()
    states = {one["channel"]: one["state"] for one in stores.outbox.all()}
    assert states == {"webhook:SUB-1": "pending", "webhook:SUB-2": "sent"}
    masked.clear()
    assert mine.deliver() == {"notifications_sent": 1}


def test_first_messages_are_left_alone_without_a_token_and_while_slack_is_set_up_wrongly(
    monkeypatch,
):
    mine = messages(FakeStores())
    assert mine.update_first_messages() == {}
    config = mine._config
    slack = parse({"slack": {"bot_token": "xoxb-1", "api_url": "http://slack.example"}})
    monkeypatch.setattr(config, "settings", slack)
    assert "slack" in slack.problems and mine.update_first_messages() == {}
    other = parse({"slack": {"bot_token": "xoxb-1"}, "jira": {"site_url": "nowhere"}})
    monkeypatch.setattr(config, "settings", other)
    assert "jira" in other.problems
    assert mine.update_first_messages() == {"slack_messages_brought_up_to_date": 0}


def test_a_cycle_without_webhook_messages_reads_the_subscriptions_once():
    stores = FakeStores()
    mine = messages(stores)
    mine.announce()
    mine.deliver()

    assert stores.subscriptions.log == ["find subscriptions"]


def test_no_incident_channels_cost_no_call_and_a_requested_one_is_opened(monkeypatch):
    stores, clock = FakeStores(), ManualClock()
    mine = messages(stores, clock)
    settings = parse({"slack": {"bot_token": "xoxb-1"}})
    monkeypatch.setattr(mine._config, "settings", settings)
    opened = {"title": "Slow", "severity": "high", "signals": {"a": 1}, "rule": "r"}
    timeline.append(Act(stores, clock, "tester"), "INC-1", "opened", opened)
    timeline.refresh(stores, "INC-1")

    def look():
        """Return how many calls incident channels took."""
        mine.update_first_messages()
        before = stores.calls
        mine.run_incident_channels(Routing())
        return stores.calls - before

    # A new process does not know of any.
    assert [look() for _ in range(3)] == [1, 0, 0]
    incident_channel.request_channel(Act(stores, clock, "dana"), "INC-1")
    monkeypatch.setattr(IncidentChannels, "_open", lambda *_given: 1)
    assert look() > 1
    # Without a token nobody is asked for anything.
    monkeypatch.setattr(mine._config, "settings", parse({}))
    assert look() == 0
