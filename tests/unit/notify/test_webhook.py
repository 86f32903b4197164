"""The sender of signed webhooks."""

import hashlib
import hmac
from typing import Any

import pytest

from incident_management.notify.channel import Notification
from incident_management.notify.services import webhook
from incident_management.notify.services.webhook import (
    WebhookSender,
    safe_url,
    signature,
    subscribed,
)
from incident_management.outside.network import NotConfigured
from incident_management.outside.transport import BadUrl, Network, NoAnswer, NotSent, Reply
from tests.fakes import ManualClock

SUBSCRIPTION = {"_key": "SUB-1", "url": "https://hooks.example.com/x", "events": ["*"]}
NOTIFICATION = Notification("n1", "INC-1", "webhook:SUB-1", "", "opened", {"title": "Slow"})


def public(_host):
    return ["93.184.216.34"]


def sender(**changes):
    subscription = {**SUBSCRIPTION, **changes}
    return WebhookSender(subscription, "s3cret", Network(), ManualClock(), public)


@pytest.fixture
def answers(monkeypatch):
    """What the subscriber does, in order; keeps the requests."""
    given: list[Any] = []
    asked: list[tuple[Any, ...]] = []

    def send_json(network, url, body=None, headers=None, method="POST", data=None, addresses=None):
        addresses("hooks.example.com")
        asked.append((url, headers, data))
        answer = given.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return Reply(answer, {}, "")

    monkeypatch.setattr(webhook, "send_json", send_json)
    return given, asked


def test_it_is_signed_over_time_and_body(answers):
    given, asked = answers
    given.append(204)
    assert sender().send(NOTIFICATION).outcome == "sent"
    ((_url, headers, data),) = asked
    expected = hmac.new(b"s3cret", b"1700000000." + data, hashlib.sha256).hexdigest()
    assert headers["X-Incident-Signature"] == f"v1={expected}"
    assert (headers["X-Incident-Timestamp"], headers["X-Incident-Delivery"]) == ("1700000000", "n1")
    assert signature("other", "1700000000", data) != headers["X-Incident-Signature"]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (200, "sent"),
        (429, "retry"),
        (503, "retry"),
        (500, "retry"),
        (302, "dead"),
        (404, "dead"),
        (NotSent("no"), "retry"),
        (NoAnswer("lost"), "unknown"),
    ],
)
def test_what_an_answer_means(answers, answer, outcome):
    answers[0].append(answer)
    assert sender().send(NOTIFICATION).outcome == outcome
    assert sender().ask(NOTIFICATION).answer == "marked"


@pytest.mark.parametrize(
    "address",
    [
        *("169.254.169.254", "127.0.0.1", "::1", "fd00:ec2::254", "::", "::ffff:169.254.169.254"),
        # The same by way of a gateway: NAT64 and 6to4.
        *("64:ff9b::a9fe:a9fe", "64:ff9b:1::a9fe:a9fe", "2002:a9fe:a9fe::1"),
        *("::a9fe:a9fe", "::ffff:0:a9fe:a9fe"),
    ],
)
def test_a_name_that_was_pointed_elsewhere_is_refused_at_delivery(address, answers):
    mine = WebhookSender(SUBSCRIPTION, "s", Network(), ManualClock(), lambda host: [address])
    delivery = mine.send(NOTIFICATION)
    assert delivery.outcome == "dead" and "where no webhook may go" in delivery.detail
    assert answers[1] == []
    behind = Network(proxy_url="http://127.0.0.1:9")
    with pytest.raises(NotConfigured, match="where no webhook may go"):
        WebhookSender(SUBSCRIPTION, "s", behind, ManualClock(), lambda host: [address])
    with pytest.raises(BadUrl):
        safe_url("https://hooks.example.com/", lambda host: ["93.184.216.34", address])


def test_a_subscription_that_is_gone_off_or_without_secret_sends_nothing():
    for subscription, secret in (
        (None, "s"),
        ({**SUBSCRIPTION, "enabled": False}, "s"),
        (SUBSCRIPTION, None),
    ):
        with pytest.raises(NotConfigured):
            WebhookSender(subscription, secret, Network(), ManualClock(), public)


def test_who_wants_to_receive_what():
    known: dict[str, dict[str, Any]] = {
        "A": {"events": ["*"]},
        "B": {"events": ["opened"], "severities": ["critical"]},
        "C": {"events": ["opened"], "teams": ["ops"]},
        "D": {"events": ["*"], "enabled": False},
    }
    assert subscribed(known, "opened", "critical", "dev") == ["webhook:A", "webhook:B"]
    assert subscribed(known, "opened", "low", "ops") == ["webhook:A", "webhook:C"]
    assert subscribed(known, "note", "critical", "ops") == ["webhook:A"]
