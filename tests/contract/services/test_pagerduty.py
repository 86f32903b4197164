"""Our PagerDuty events against the Events API's schema, sent by the real pdpyras."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from incident_management.notify.message import Message
from incident_management.notify.services.pagerduty import PagerDutySender, action_of, event
from incident_management.outside.network import NotConfigured
from incident_management.outside.transport import Network

from .messages import ALL, CLOCK, hostile, message, notification
from .schemas import PAGERDUTY

KEY = "r" * 32
ACCEPTED: Any = (202, {}, {"status": "success", "message": "Event processed", "dedup_key": "x"})


def sender(receiver, **network):
    return PagerDutySender(KEY, receiver.url, Network(**network), CLOCK)


@pytest.mark.parametrize("name", [name for name in ALL if name != "severity"])
def test_every_event_is_valid(name, tls_receiver, ca_file):
    tls_receiver.default = ACCEPTED
    delivery = sender(tls_receiver, ca_file=ca_file).send(notification(ALL[name]))
    assert delivery.outcome == "sent", delivery.detail
    (request,) = tls_receiver.requests
    assert request.path == "/v2/enqueue"
    jsonschema.validate(request.json, PAGERDUTY)
    assert request.json["dedup_key"] == (ALL[name].incident_id or "n" * 40)
    assert delivery.receipt["dedup_key"] == request.json["dedup_key"]


def test_the_schema_can_tell_a_bad_event():
    bad = {"routing_key": KEY, "event_action": "trigger", **event(message())}
    bad["payload"]["severity"] = "high"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(bad, PAGERDUTY)


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("opened", "trigger"),
        ("reopened", "trigger"),
        ("analysis", "trigger"),
        ("acknowledged", "acknowledge"),
        ("resolved", "resolve"),
    ],
)
def test_which_action_an_event_is(name, action):
    assert action_of(ALL[name]) == action


def test_nothing_pages_anew_about_an_incident_that_is_over():
    late = Message(event="note", headline="Note", title="x", incident_id="i", status="resolved")
    assert action_of(late) == "resolve"


def test_nobody_is_paged_because_a_severity_was_lowered(tls_receiver, ca_file):
    """Somebody may have resolved it in PagerDuty: then a trigger would open another there."""
    tls_receiver.default = ACCEPTED
    lowered = sender(tls_receiver, ca_file=ca_file).send(notification(ALL["severity"]))
    assert lowered.receipt == {"note": "Nobody was paged: the severity was lowered."}
    assert tls_receiver.requests == []
    raised = message("severity", **{"from": "low", "to": "high", "reason": "worse"})
    assert sender(tls_receiver, ca_file=ca_file).send(notification(raised)).outcome == "sent"
    assert tls_receiver.requests[0].json["event_action"] == "trigger"


def test_an_alerts_own_message_is_what_wakes_somebody():
    said = Message(
        event="alert", headline="Alert by Disk", title="Disk", text="web-1: /var\nis full"
    )
    assert event(said)["payload"]["summary"] == "web-1: /var is full"
    assert event(ALL["bare"])["payload"]["summary"] == "Disk almost full"
    opened = Message(event="opened", headline="h", title="Disk is full", text="at 10:00")
    assert event(opened)["payload"]["summary"] == "Disk is full"


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("critical", "critical"), ("high", "error"), ("medium", "warning"), ("low", "info")],
)
def test_severities(ours, theirs):
    content = Message(event="opened", headline="h", title="t", severity=ours)
    assert event(content)["payload"]["severity"] == theirs


@pytest.mark.parametrize(
    ("answer", "outcome", "says"),
    [
        ((429, {"Retry-After": "11"}, {}), "retry", "429"),
        ((500, {}, b""), "retry", "500"),
        ((503, {}, b""), "retry", "503"),
        (
            (400, {}, {"message": "Event object is invalid", "errors": ["summary is missing"]}),
            "dead",
            "summary is missing",
        ),
        ((401, {}, {}), "dead", "401"),
        ((302, {"Location": "https://evil.example/"}, b""), "dead", "redirect"),
        ((200, {}, b"<html>"), "retry", "without a dedup_key"),
        ("drop", "unknown", "broke"),
    ],
)
def test_what_an_answer_means(tls_receiver, ca_file, answer, outcome, says):
    tls_receiver.answers = [answer]
    started = time.monotonic()
    delivery = sender(tls_receiver, ca_file=ca_file).send(notification(message()))
    assert delivery.outcome == outcome and says in delivery.detail
    assert KEY[-4:] not in delivery.detail
    assert len(tls_receiver.requests) == 1 and time.monotonic() - started < 5, "pdpyras retried"
    assert delivery.retry_after == (11.0 if answer[0] == 429 else None)


def test_hostile_text_is_masked_and_bounded():
    properties = event(hostile())
    assert "hunter2hunter2" not in str(properties)
    assert len(properties["payload"]["summary"]) <= 1024


def test_a_repeat_is_harmless(receiver):
    assert sender(receiver).ask(notification(message())).answer == "harmless"


def test_a_missing_key_is_one_sentence():
    with pytest.raises(NotConfigured, match=r"^No PagerDuty integration key is set: "):
        PagerDutySender("", "https://events.pagerduty.com", Network(), CLOCK)


def test_nobody_is_paged_for_what_ended_while_the_page_waited(tls_receiver, ca_file):
    tls_receiver.default = ACCEPTED
    over = replace(notification(ALL["opened"]), is_over=True, late=7200.0)
    delivery = sender(tls_receiver, ca_file=ca_file).send(over)
    assert delivery.outcome == "sent"
    assert delivery.receipt["note"] == "Nobody was paged: the incident was over by then."
    (request,) = tls_receiver.requests
    jsonschema.validate(request.json, PAGERDUTY)
    assert request.json["event_action"] == "resolve"


def test_a_page_that_is_late_says_so_where_it_wakes_somebody(tls_receiver, ca_file):
    tls_receiver.default = ACCEPTED
    late = replace(notification(ALL["opened"]), late=7200.0)
    assert sender(tls_receiver, ca_file=ca_file).send(late).outcome == "sent"
    (request,) = tls_receiver.requests
    jsonschema.validate(request.json, PAGERDUTY)
    assert request.json["event_action"] == "trigger"
    summary = request.json["payload"]["summary"]
    assert summary == "[2 h late] High Error Rate: checkout"
