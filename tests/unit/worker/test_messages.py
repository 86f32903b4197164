"""What the worker reads to send messages."""

from __future__ import annotations

from typing import Any

import pytest

from incident_management.notify.services import http_call, webhook
from incident_management.outside.transport import Reply
from incident_management.splunk import conf, secrets
from incident_management.splunk.session import SplunkError
from incident_management.splunk.settings import parse
from incident_management.worker.configuration import Configuration
from incident_management.worker.messages import Messages
from tests.fakes import FakeStores, ManualClock

SUBSCRIPTION = {"_key": "SUB-1", "url": "https://93.184.216.34/x", "events": ["*"]}


class SettingsOfNobody:
    """Has no settings, and the secrets of subscriptions."""

    def get(self, path, **_query):
        if "/storage/passwords/" in path:
            return {"entry": [{"content": {"clear_password": "s3cret"}}]}
        if "/conf-" in path or path.endswith("/storage/passwords"):
            return {"entry": []}
        raise SplunkError(404, path)


def messages(stores):
    clock = ManualClock()
    splunkd: Any = SettingsOfNobody()
    configuration = Configuration(splunkd)
    configuration.refresh()
    return Messages(splunkd, stores, clock, configuration, lambda _name, _sentence: None)


def test_a_message_for_a_webhook_that_another_member_has_just_made_is_sent(monkeypatch):
    """Its message is on the outbox when the round reads that, and it was not a moment before."""
    monkeypatch.setattr(webhook, "send_json", lambda *_given, **_named: Reply(204, {}, ""))
    stores = FakeStores()
    mine, others = messages(stores), messages(stores)

    def subscribe(_verb, _name):
        stores.outbox.before = None
        stores.subscriptions.insert(SUBSCRIPTION)
        others.outbox.enqueue("e1", "webhook:SUB-1", "opened", {"title": "Slow"})

    stores.outbox.before = subscribe
    assert mine.deliver() == {"notifications_sent": 1}


def test_a_message_for_an_own_channel_that_another_member_knows_already_is_sent(monkeypatch):
    stores = FakeStores()
    mine = messages(stores)
    shaped = {"url": "https://desk.example/x", "body": '{"key": "{dedup}"}', "read_by": "software"}
    file = {"channel:desk": shaped}
    told = {"event": "opened", "headline": "Incident opened", "title": "Slow"}
    monkeypatch.setattr(
        conf, "load", lambda _session, name: file if name == "incident_routing" else {}
    )
    monkeypatch.setattr(http_call, "send_json", lambda *_given, **_named: Reply(204, {}, ""))
    mine._config._read_at -= 5.0
    mine.outbox.enqueue("e1", "desk", "opened", told)
    assert mine.deliver() == {"notifications_sent": 1}
    # One that is malformed waits, and one that is gone takes nothing.
    file["channel:desk"] = {**shaped, "body": "{"}
    mine._config._read()
    mine.outbox.enqueue("e2", "desk", "opened", told)
    assert mine.deliver() == {}
    file.clear()
    mine._config._read()
    assert mine.deliver() == {"notifications_dead": 1}
    (gone,) = stores.outbox.find({"state": "dead"})
    assert gone["last_error"] == "There is no channel 'desk', or none any more."


def test_a_webhook_whose_secret_cannot_be_read_keeps_no_other_channel_waiting(monkeypatch):
    """splunkd masks secrets for an address that is not on Splunk Cloud's list, until it is."""
    monkeypatch.setattr(webhook, "send_json", lambda *_given, **_named: Reply(204, {}, ""))
    stores = FakeStores()
    mine = messages(stores)
    for key in ("SUB-1", "SUB-2"):
        stores.subscriptions.insert({**SUBSCRIPTION, "_key": key})
        mine.outbox.enqueue(key, f"webhook:{key}", "opened", {"title": "Slow"})
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
    assert mine.bring_up_to_date() == {}
    config = mine._config
    slack = parse({"slack": {"bot_token": "xoxb-1", "api_url": "http://slack.example"}})
    monkeypatch.setattr(config, "settings", slack)
    assert "slack" in slack.problems and mine.bring_up_to_date() == {}
    other = parse({"slack": {"bot_token": "xoxb-1"}, "jira": {"site_url": "nowhere"}})
    monkeypatch.setattr(config, "settings", other)
    assert "jira" in other.problems
    assert mine.bring_up_to_date() == {"slack_messages_brought_up_to_date": 0}


def test_a_cycle_without_webhook_messages_reads_the_subscriptions_once():
    stores = FakeStores()
    mine = messages(stores)
    mine.announce()
    mine.deliver()

    assert stores.subscriptions.log == ["find subscriptions"]
