"""Our Teams cards against their schema, and our use of a Workflows webhook."""

from __future__ import annotations

import json

import jsonschema  # type: ignore[import-untyped]
import pytest

from incident_management.notify.message import build
from incident_management.notify.services.teams import TeamsSender, card, envelope
from incident_management.outside.network import NotConfigured
from incident_management.outside.transport import Network

from .messages import ALL, CLOCK, INCIDENT, entry, hostile, message, notification
from .schemas import TEAMS

PATH = "/workflows/abc/triggers/manual/paths/invoke?sig=very-secret-signature"


def sender(receiver, **network):
    return TeamsSender(receiver.url + PATH, Network(**network), CLOCK)


@pytest.mark.parametrize("name", ALL)
def test_every_card_is_valid_and_fits(name):
    body = envelope(ALL[name])
    jsonschema.validate(body, TEAMS)
    assert len(json.dumps(body).encode()) < 28_000


@pytest.mark.parametrize("character", ["x", "错", "🔥"])
def test_a_long_message_fits_in_every_script(receiver, character):
    """A card of more than 28 KB is taken by the workflow, and then posted by nobody."""
    text, name = character * 6000, character * 80
    incident = {**INCIDENT, "title": text, "cause": text, "entities": [name] * 9, "team": name}
    incident.update(rules=[name] * 9, owner=name)
    citation = {"quote": text, "verified": True}
    analysis = {"hypotheses": [{"rank": 1, "blamed": True, "cause": text, "citations": [citation]}]}
    told = build(incident, entry("note", text=text), analysis, "https://s.example")
    assert sender(receiver).send(notification(told)).outcome == "sent"
    (request,) = receiver.requests
    assert len(request.body) < 28_000
    assert request.json["attachments"][0]["content"]["body"][1]["inlines"][0]["text"] == told.title


def test_the_schema_can_tell_a_bad_card():
    body = envelope(message())
    body["attachments"][0]["content"]["body"][0]["inlines"][0]["weight"] = "Heaviest"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(body, TEAMS)


def test_a_card_says_what_where_since_when_how_many_and_whose():
    texts = [run["text"] for block in card(message())["body"] for run in block["inlines"]]
    for part in ("HIGH · Incident opened", "High Error Rate: checkout", "1,234", "payments · mia"):
        assert part in texts
    assert "2026-02-02 02:35:00 UTC" in texts


def test_hostile_text_meets_no_markdown():
    laid = card(hostile())
    assert {block["type"] for block in laid["body"]} == {"RichTextBlock"}
    assert "hunter2hunter2" not in json.dumps(laid)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ((202, {}, b""), "sent"),
        ((429, {"Retry-After": "9"}, b""), "retry"),
        ((500, {}, b""), "retry"),
        ((503, {}, b""), "retry"),
        ((502, {}, b""), "unknown"),
        ((504, {}, b""), "unknown"),
        ((400, {}, {"error": {"message": "The workflow is disabled."}}), "dead"),
        ((401, {}, b""), "dead"),
        ((307, {"Location": "https://evil.example/"}, b""), "dead"),
        ("drop", "unknown"),
    ],
)
def test_what_an_answer_means(receiver, answer, outcome):
    receiver.answers = [answer]
    delivery = sender(receiver).send(notification(message()))
    assert delivery.outcome == outcome
    assert "very-secret-signature" not in delivery.detail
    assert len(receiver.requests) == 1
    assert delivery.retry_after == (9.0 if answer[0] == 429 else None)


def test_a_refusal_tells_the_services_reason(receiver):
    receiver.answers = [(400, {}, {"error": {"message": "The workflow is disabled."}})]
    delivery = sender(receiver).send(notification(message()))
    assert "The workflow is disabled." in delivery.detail


def test_the_webhook_never_shows_in_an_error(receiver):
    speaker = sender(receiver)
    receiver.stop()
    delivery = speaker.send(notification(message()))
    assert delivery.outcome == "retry" and "very-secret-signature" not in delivery.detail
    assert "127.0.0.1" in delivery.detail


def test_a_webhook_can_not_be_asked(receiver):
    assert sender(receiver).ask(notification(message())).answer == "impossible"


def test_a_missing_webhook_is_one_sentence():
    with pytest.raises(NotConfigured, match=r"^No Teams webhook is set: "):
        TeamsSender("", Network(), CLOCK)
