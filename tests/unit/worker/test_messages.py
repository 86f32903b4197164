"""What the worker reads to send messages."""

from __future__ import annotations

from typing import Any

from incident_management.notify.services import webhook
from incident_management.outside.transport import Reply
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
