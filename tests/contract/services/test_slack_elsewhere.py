"""What the channel of a team does not take is told in the app's own, and looked for there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from .messages import message, notification
from .test_slack import POSTED, REFUSED, sender, stored


@pytest.mark.parametrize("error", ["channel_not_found", "is_archived", "not_in_channel"])
def test_what_a_teams_channel_does_not_take_is_announced_in_the_apps_own(receiver, error):
    receiver.answers = [(200, {}, {"ok": False, "error": error}), POSTED]
    delivery = sender(receiver).send(notification(message(), target="#gone"))
    assert [one.json["channel"] for one in receiver.requests] == ["#gone", "#incidents"]
    assert delivery.outcome == "sent" and delivery.receipt["note"] == "in #incidents instead"
    assert f"Slack rejected the message for #gone: {error}" in delivery.receipt["instead"]


def test_where_neither_takes_it_the_teams_own_is_named(receiver):
    receiver.answers = [REFUSED, REFUSED]
    delivery = sender(receiver).send(notification(message(), target="#gone"))
    assert delivery.outcome == "dead" and "for #gone: is_archived" in delivery.detail


def test_messages_to_stakeholders_go_nowhere_else(receiver):
    receiver.answers = [REFUSED, POSTED]
    told = notification(replace(message(), stakeholders="board"), target="#board")
    assert sender(receiver).send(told).outcome == "dead"
    assert len(receiver.requests) == 1


def test_a_lost_message_is_searched_for_where_it_may_have_been_told_instead(receiver):
    history = {"ok": True, "messages": [stored("2.2", "n" * 40)]}
    listed = {"ok": True, "channels": [{"id": "C0000000009", "name": "incidents"}]}
    receiver.answers = [(200, {}, listed), (200, {}, listed), (200, {}, history)]
    inquiry = sender(receiver).ask(notification(message(), target="#gone"))
    assert inquiry.receipt == {"channel": "C0000000009", "ts": "2.2"}
    # Whether a channel that is not listed has it nobody can say.
    receiver.answers = [
        (200, {}, listed),
        (200, {}, listed),
        (200, {}, {**history, "messages": []}),
    ]
    assert sender(receiver).ask(notification(message(), target="#gone")).answer == "impossible"
    receiver.answers = [(503, {}, b"")]
    assert sender(receiver).ask(notification(message(), target="#gone")).answer == "later"
    # A team's own that has been read says enough where the other can't be looked for.
    no_scope = {"ok": False, "error": "missing_scope"}
    receiver.answers = [(200, {}, {"ok": True, "messages": []}), (200, {}, no_scope)]
    assert sender(receiver).ask(notification(message(), target="C0000000001")).answer == "missing"
