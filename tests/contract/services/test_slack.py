"""Our Slack messages against slack_sdk's own models, and our use of its Web API."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import pytest
from slack_sdk.models.blocks import Block

from incident_management.notify.services.slack import SlackSender
from incident_management.notify.services.slack_buttons import decided
from incident_management.notify.services.slack_layout import blocks, escape, fallback
from incident_management.outside.network import NotConfigured
from incident_management.outside.transport import Network
from tools.demo.receivers import blocks as block_kit

from .messages import ALL, CLOCK, hostile, message, notification

POSTED: Any = (200, {}, {"ok": True, "channel": "C0000000001", "ts": "1770000000.000100"})


def sender(receiver, channel="#incidents", **network):
    return SlackSender("xoxb-secret-token", channel, receiver.url, Network(**network), CLOCK)


@pytest.mark.parametrize("name", ALL)
def test_every_message_is_valid_block_kit(name):
    laid = blocks(ALL[name])
    assert len(laid) <= 50
    for block in laid:
        parsed = Block.parse(block)
        assert parsed is not None, f"unknown block {block}"
        parsed.validate_json()
        for text in _mrkdwn(block):
            assert len(text) <= 3000
    for section in (b for b in laid if b["type"] == "section"):
        assert len(section.get("fields", [])) <= 10
        assert all(len(f["text"]) <= 2000 for f in section.get("fields", []))
    assert len(laid[0]["text"]["text"]) <= 150


@pytest.mark.parametrize("name", ALL)
def test_every_message_with_buttons_is_valid_block_kit_before_and_after_a_press(name):
    laid = blocks(ALL[name], answers=True)
    assert block_kit.problems(laid) == []
    for status in ("new", "in_progress", "resolved", ""):
        assert block_kit.problems(decided(laid, status, "Acknowledged by mia")) == []


def test_buttons_are_there_when_somebody_listens_and_fit_the_state():
    def labels(content, answers=True):
        actions = [b for b in blocks(content, answers) if b["type"] == "actions"]
        return [e["text"]["text"] for b in actions for e in b["elements"]]

    link = "Open the incident"
    assert labels(message(), answers=False) == [link]
    assert labels(message()) == ["Acknowledge", "Assign to me", "Resolve…", link]
    plan = {"plan_id": "PLAN-0123456789", "plan_hash": "f" * 64, "summary": "Roll back."}
    assert labels(message("plan", **plan)) == ["Approve", "Reject", link]
    assert labels(message("note", text="Looking.")) == [link]
    late = message("sla", event="breached")
    assert labels(replace(late, status="in_progress")) == ["Assign to me", "Resolve…", link]
    assert labels(replace(late, status="resolved")) == [link]


def test_a_message_says_what_where_since_when_how_many_and_whose():
    text = json.dumps(blocks(message("opened")), ensure_ascii=False)
    for part in ("HIGH", "High Error Rate: checkout", "checkout", "1,234", "payments · mia"):
        assert part in text
    assert "<!date^1769999700^{date_short_pretty} {time_secs}|2026-02-02 02:35:00 UTC>" in text
    assert "https://splunk.example:8000/app/incident_management/workbench" in text


def test_the_owner_is_mentioned_where_it_is_news_for_them():
    text = json.dumps(blocks(replace(message(), mention="U0MIA")), ensure_ascii=False)
    assert "payments · mia <@U0MIA>" in text
    assert "<@" not in json.dumps(blocks(message()))


def test_an_analysed_incidents_message_names_the_cause_and_quotes_its_proof():
    laid = blocks(message("analysis", analysed=True))
    quoted = [b for b in laid if b["type"] == "rich_text"]
    assert "QueuePool limit of size 1" in json.dumps(quoted)
    assert "CHG-1042 set pool_size to 1" in json.dumps(laid)
    assert "invented" not in json.dumps(laid)


def test_hostile_log_text_can_neither_mention_nor_link_nor_leak():
    content = hostile()
    for text in [*_mrkdwn(blocks(content)), fallback(content)]:
        bare = text.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
        assert "&" not in bare
        assert "<!channel" not in text and "<https" not in text
    everything = json.dumps(blocks(content)) + fallback(content)
    assert "hunter2hunter2" not in everything and "xoxb-123456789012" not in everything
    assert "\\u0000" not in everything and "\\u001b" not in everything


@pytest.mark.parametrize("name", ALL)
def test_slack_makes_no_links_and_no_mentions_of_plain_words(name):
    """Without ``verbatim`` Slack parses plain text itself: an "@here", an address of a log line."""
    texts = list(_mrkdwn_objects(blocks(ALL[name], answers=True)))
    assert texts and all(text["verbatim"] is True for text in texts)


def test_escaping_cuts_between_characters_not_within_an_entity():
    text = escape("<" * 4000, 3000)
    assert len(text) <= 3000 and text.replace("&lt;", "") == "…"
    assert escape("a & b <c>") == "a &amp; b &lt;c&gt;"


def test_posting_sends_token_blocks_metadata_and_thread(receiver):
    receiver.default = POSTED
    thread = {"channel": "C0000000001", "ts": "1769999999.000100"}
    delivery = sender(receiver).send(notification(message(), thread=thread))
    assert delivery.outcome == "sent"
    assert delivery.receipt == {
        "channel": "C0000000001",
        "ts": "1770000000.000100",
        "thread_ts": "1769999999.000100",
    }
    (request,) = receiver.requests
    assert request.path == "/chat.postMessage"
    assert request.headers["authorization"] == "Bearer xoxb-secret-token"
    body = request.json
    assert body["channel"] == "C0000000001" and body["thread_ts"] == thread["ts"]
    metadata = body["metadata"]
    metadata = json.loads(metadata) if isinstance(metadata, str) else metadata
    assert metadata == {
        "event_type": "incident_management_notification",
        "event_payload": {"notification_id": "n" * 40},
    }


@pytest.mark.parametrize(
    ("answer", "outcome", "says"),
    [
        ((429, {"Retry-After": "7"}, {"ok": False, "error": "ratelimited"}), "retry", "429"),
        ((200, {}, {"ok": False, "error": "ratelimited"}), "retry", "slow down"),
        ((503, {}, b"upstream"), "unknown", "503"),
        ((200, {}, {"ok": False, "error": "internal_error"}), "unknown", "internal_error"),
        (
            (200, {}, {"ok": False, "error": "channel_not_found"}),
            "dead",
            "for #incidents: channel_not",
        ),
        ((200, {}, {"ok": False, "error": "invalid_auth"}), "dead", "not valid: set it again"),
        ((302, {"Location": "https://evil.example/"}, b""), "dead", "redirect"),
        ("drop", "unknown", "broke before it answered"),
        ((200, {}, b"7"), "unknown", "no answer of its API"),
        ((200, {}, b'{"ok": true, "ts": ' + b"9" * 9000 + b"}"), "unknown", "no answer of its API"),
        ((200, {}, b"[" * 90_000 + b"]" * 90_000), "unknown", "no answer of its API"),
    ],
)
def test_what_an_answer_means(receiver, answer, outcome, says):
    receiver.answers = [answer]
    delivery = sender(receiver).send(notification(message()))
    assert delivery.outcome == outcome
    assert says in delivery.detail
    assert "xoxb-secret-token" not in delivery.detail
    assert len(receiver.requests) == 1, "the SDK must not retry by itself"
    assert delivery.retry_after == (7.0 if answer[0] == 429 else None)


def test_a_refused_connection_proves_that_nothing_was_sent(receiver):
    speaker = sender(receiver)
    receiver.stop()
    assert speaker.send(notification(message())).outcome == "retry"


def test_a_lost_message_is_found_in_the_history_by_its_id(receiver):
    receiver.answers = [
        (200, {}, {"ok": True, "channels": [{"id": "C0000000009", "name": "incidents"}]}),
        (
            200,
            {},
            {
                "ok": True,
                "messages": [{"ts": "1.1", "metadata": {}}],
                "response_metadata": {"next_cursor": "more"},
            },
        ),
        (200, {}, {"ok": True, "messages": [stored("2.2", "n" * 40)]}),
    ]
    inquiry = sender(receiver).ask(notification(message()))
    assert inquiry.answer == "arrived"
    assert inquiry.receipt == {"channel": "C0000000009", "ts": "2.2"}
    paths = [request.path for request in receiver.requests]
    assert paths == ["/conversations.list", "/conversations.history", "/conversations.history"]
    asked = parse_qs(receiver.requests[1].body.decode())
    assert asked["oldest"] == ["1769999850.000000"] and asked["include_all_metadata"] == ["1"]


THREAD = {"channel": "C0000000001", "ts": "1.0"}
REFUSED: Any = (200, {}, {"ok": False, "error": "is_archived"})


def test_a_lost_reply_is_searched_for_in_its_thread_and_then_in_the_channel(receiver):
    receiver.answers = [(200, {}, {"ok": True, "messages": [stored("2.2", "other")]})]
    inquiry = sender(receiver, "C0000000001").ask(notification(message(), thread=THREAD))
    assert inquiry.answer == "missing"
    paths = [request.path for request in receiver.requests]
    assert paths == ["/conversations.replies", "/conversations.history"]
    reply = {**stored("2.2", "n" * 40), "thread_ts": "1.0"}
    receiver.answers = [(200, {}, {"ok": True, "messages": [reply]})]
    inquiry = sender(receiver, "C0000000001").ask(notification(message(), thread=THREAD))
    assert inquiry.receipt == {"channel": "C0000000001", "ts": "2.2", "thread_ts": "1.0"}


def test_a_lost_reply_whose_thread_is_gone_is_found_in_the_channel(receiver):
    receiver.answers = [
        (200, {}, {"ok": False, "error": "thread_not_found"}),
        (200, {}, {"ok": True, "messages": [stored("2.2", "n" * 40)]}),
    ]
    inquiry = sender(receiver).ask(notification(message(), thread=THREAD))
    assert inquiry.receipt == {"channel": "C0000000001", "ts": "2.2"}


def test_a_reply_of_which_slack_makes_a_message_of_the_channel_begins_a_thread(receiver):
    """The first message was deleted: Slack says so only by what the answer does not hold."""
    posted = {"ok": True, "channel": "C0000000001", "ts": "2.2"}
    receiver.answers = [(200, {}, {**posted, "message": {"text": "x", "ts": "2.2"}})]
    delivery = sender(receiver).send(notification(ALL["note"], thread=THREAD))
    assert delivery.receipt == {"channel": "C0000000001", "ts": "2.2"}
    within = {"text": "x", "ts": "2.2", "thread_ts": "1.0"}
    receiver.answers = [(200, {}, {**posted, "message": within})]
    delivery = sender(receiver).send(notification(ALL["note"], thread=THREAD))
    assert delivery.receipt["thread_ts"] == "1.0"


@pytest.mark.parametrize(
    ("error", "goes_to"),
    [("is_archived", "#incidents"), ("cannot_reply_to_message", "C0000000001")],
)
def test_where_a_thread_can_not_be_gone_on_with_another_begins(receiver, error, goes_to):
    """An archived channel, say: an open incident would never be heard of again."""
    receiver.answers = [(200, {}, {"ok": False, "error": error}), POSTED]
    delivery = sender(receiver).send(notification(ALL["resolved"], thread=THREAD))
    assert (delivery.outcome, "thread_ts" in delivery.receipt) == ("sent", False)
    body = receiver.requests[1].json
    assert body["channel"] == goes_to
    assert "thread_ts" not in body and "reply_broadcast" not in body


def test_a_channel_that_is_archived_still_is_reported(receiver):
    receiver.answers = [REFUSED, REFUSED]
    delivery = sender(receiver).send(notification(ALL["note"], thread=THREAD))
    assert (delivery.outcome, len(receiver.requests)) == ("dead", 2)
    assert "is archived: set another one" in delivery.detail


@pytest.mark.parametrize("name", ["reopened", "resolved", "note", "analysis"])
def test_what_asks_somebody_and_the_end_are_shown_in_the_channel_too(receiver, name):
    receiver.default = POSTED
    sender(receiver).send(notification(ALL[name], thread=THREAD))
    sender(receiver).send(notification(ALL[name]))
    within, first = (request.json for request in receiver.requests)
    assert within.get("reply_broadcast", False) is (name in ("reopened", "resolved"))
    assert "reply_broadcast" not in first


def test_a_telephone_shows_first_how_bad_it_is_then_what_and_where():
    assert fallback(message()) == "🟠 HIGH · High Error Rate: checkout · INC-20260202-0A1B2C"
    elsewhere = replace(message(), where=["db-07"])
    assert fallback(elsewhere).startswith("🟠 HIGH · High Error Rate: checkout · db-07 · INC-")
    again = "🟠 HIGH · Incident reopened · High Error Rate: checkout · INC-20260202-0A1B2C"
    assert fallback(ALL["reopened"]) == again


@pytest.mark.parametrize(
    ("answer", "expected", "says"),
    [
        (
            (200, {}, {"ok": False, "error": "missing_scope", "needed": "channels:history"}),
            "impossible",
            "channels:history",
        ),
        ((503, {}, b""), "later", "503"),
        ("drop", "later", "broke"),
    ],
)
def test_when_slack_does_not_tell(receiver, answer, expected, says):
    receiver.answers = [answer]
    inquiry = sender(receiver, "C0000000001").ask(notification(message()))
    assert inquiry.answer == expected and says in inquiry.detail


def test_missing_settings_are_one_sentence():
    with pytest.raises(NotConfigured, match=r"^No Slack token is set: "):
        SlackSender("", "#x", "https://slack.com/api/", Network(), CLOCK)
    with pytest.raises(NotConfigured, match="must start with https://"):
        SlackSender("xoxb-x", "#x", "http://slack.example/api/", Network(), CLOCK)


def stored(ts, key):
    return {"ts": ts, "metadata": {"event_payload": {"notification_id": key}}}


def _mrkdwn(value):
    """Every mrkdwn text within blocks."""
    return [text["text"] for text in _mrkdwn_objects(value)]


def _mrkdwn_objects(value):
    if isinstance(value, dict):
        if value.get("type") == "mrkdwn":
            yield value
        for inner in value.values():
            yield from _mrkdwn_objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _mrkdwn_objects(inner)


def test_a_lost_message_is_searched_for_since_its_own_attempt(receiver):
    """Those before it certainly did not arrive; in hours of them others wrote much there."""
    receiver.answers = [
        (200, {}, {"ok": True, "channels": [{"id": "C0000000009", "name": "incidents"}]}),
        (200, {}, {"ok": True, "messages": []}),
    ]
    told = notification(message(), begun=CLOCK.now() - 15)
    told = replace(told, first_sent=CLOCK.now() - 9 * 3600)
    assert sender(receiver).ask(told).answer == "missing"
    asked = parse_qs(receiver.requests[1].body.decode())
    assert asked["oldest"] == [f"{CLOCK.now() - 135:.6f}"]


STANDING = replace(ALL["resolved"], event="standing", status="resolved", time=1_770_000_600.0)


def test_a_first_message_is_brought_up_to_date_by_the_bot_that_posted_it(receiver):
    receiver.default = (200, {}, {"ok": True, "channel": "C0000000001", "ts": "1.0", "text": "x"})
    delivery = sender(receiver).update("C0000000001", "1.0", STANDING, "n" * 40)
    assert delivery.outcome == "sent"
    (request,) = receiver.requests
    assert request.path == "/chat.update"
    body = request.json
    assert set(body) == {"channel", "ts", "text", "blocks", "metadata"}
    assert body["metadata"]["event_payload"] == {"notification_id": "n" * 40}


def test_a_first_message_says_how_bad_whose_and_since_when_and_has_the_buttons_that_are_of_use():
    laid = blocks(replace(STANDING, status="in_progress", owner="dana"), answers=True)
    assert block_kit.problems(laid) == []
    assert laid[0]["text"]["text"] == "🟠 HIGH · High Error Rate: checkout"
    text = json.dumps(laid, ensure_ascii=False)
    assert "*Status*\\nin progress" in text and "payments · dana" in text
    (actions,) = [block for block in laid if block["type"] == "actions"]
    labels = [element["text"]["text"] for element in actions["elements"]]
    assert labels == ["Assign to me", "Resolve…", "Open the incident"]
    over = blocks(STANDING, answers=True)
    assert over[0]["text"]["text"] == "✅ HIGH · High Error Rate: checkout"
    assert "(for 15 min)" in json.dumps(over) and "<!date^1770000600^" in json.dumps(over[-1])
    (actions,) = [block for block in over if block["type"] == "actions"]
    assert [element["text"]["text"] for element in actions["elements"]] == ["Open the incident"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((200, {}, {"ok": False, "error": "edit_window_closed"}), "dead"),
        ((200, {}, {"ok": False, "error": "message_not_found"}), "dead"),
        ((200, {}, {"ok": False, "error": "cant_update_message"}), "dead"),
        ((200, {}, {"ok": False, "error": "token_revoked"}), "retry"),
        ((429, {"Retry-After": "30"}, {"ok": False, "error": "ratelimited"}), "retry"),
        ((503, {}, b""), "retry"),
        ("drop", "retry"),
    ],
)
def test_what_an_answer_to_an_update_means(receiver, answer, expected):
    receiver.answers = [answer]
    delivery = sender(receiver).update("C0000000001", "1.0", STANDING, "n" * 40)
    assert delivery.outcome == expected
    assert delivery.retry_after == (30.0 if answer[0] == 429 else None)
