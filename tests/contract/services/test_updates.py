"""An update as it looks in each service: the text first, safe, and when they hear next."""

from __future__ import annotations

import json
from typing import Any, Iterator

import pytest

from incident_management.notify.services.slack_layout import blocks, fallback
from incident_management.notify.services.teams import envelope

from .messages import hostile_update, notification, update
from .test_slack import sender as slack_sender

NEXT = 1_770_001_800.0


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (text for one in value.values() for text in texts(one))
    elif isinstance(value, list):
        yield from (text for one in value for text in texts(one))
    elif isinstance(value, str):
        yield value


def test_in_slack_the_text_comes_first_and_the_time_is_the_readers_own():
    laid = blocks(update(next_by=NEXT))
    assert [one["type"] for one in laid] == ["header", "section", "section", "section", "context"]
    assert laid[0]["text"]["text"] == "🟠 HIGH · Identified"
    assert laid[1]["text"]["text"] == "*Problem with checkout*"
    assert laid[2]["text"]["text"] == "Card payments fail for some."
    fields = [one["text"] for one in laid[3]["fields"]]
    assert fields[0] == "*Affected*\ncheckout, Card payments"
    assert fields[2].startswith("*Next update by*\n<!date^1770001800^")
    assert not [one for one in fields if one.startswith(("*Team", "*Found by", "*Status"))]


def test_on_a_telephone_it_is_read_without_opening_it():
    assert fallback(update()).startswith(
        "🟠 HIGH · Identified · Problem with checkout · Card payments fail for some."
    )


@pytest.mark.parametrize("ping", ["<!channel>", "<!here>", "<@U0123ABCD>", "<!subteam^S1>"])
def test_a_persons_text_calls_nobody_in_slack(ping):
    """Everybody in a channel is called by who may do so there, not by who may write an update."""
    for text in texts([blocks(update(f"{ping} it is down")), fallback(update(ping))]):
        assert ping not in text
    marked = [one for one in blocks(update(ping)) if one.get("text", {}).get("type") == "mrkdwn"]
    assert marked and all(one["text"]["verbatim"] for one in marked)


def test_in_slack_each_update_is_seen_in_the_channel_though_it_is_in_a_thread(receiver):
    thread = {"channel": "C0000000001", "ts": "1770000000.000100"}
    slack_sender(receiver).send(notification(update(), target="#support", thread=thread))
    posted = receiver.requests[-1]
    body = posted.body.decode()
    assert "reply_broadcast" in body and "thread_ts" in body


def test_in_teams_a_persons_text_is_neither_markdown_nor_a_mention():
    card = envelope(hostile_update())["attachments"][0]["content"]
    kinds = {one["type"] for one in card["body"]}
    assert kinds == {"RichTextBlock"} and "actions" not in card
    assert "entities" not in card["msteams"]


def test_what_looks_like_a_secret_in_it_is_masked():
    assert "hunter2hunter2" not in json.dumps(blocks(hostile_update()))
