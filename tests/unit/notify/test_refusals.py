"""That a channel refuses messages is said where administrators look, until it takes one."""

from __future__ import annotations

import pytest

from incident_management.incidents.routing.conf import Routing
from incident_management.notify.channel import dead, sent
from incident_management.notify.refusals import refusals
from incident_management.worker.refused_messages import RefusedMessages
from tests.unit.notify.services import FakeService, Office

REVOKED = "Slack rejected the message for #x: token_revoked."
SAID = f"Slack rejected the last message: {REVOKED} Resend it in the workbench under Not delivered."


@pytest.fixture
def slack():
    return FakeService()


@pytest.fixture
def office(slack):
    return Office(slack=slack, teams=FakeService())


def tell(office, name, channel="slack"):
    office.enqueue(name, channel)
    office.run()
    office.clock.advance(60)


def test_a_token_that_was_revoked_is_reported_until_a_message_arrives(office, slack):
    tell(office, "1")
    assert refusals(office.stores, office.clock, Routing()) == []
    slack.script = [dead(REVOKED), dead(REVOKED)]
    tell(office, "2")
    tell(office, "3")
    tell(office, "4", "teams")
    assert refusals(office.stores, office.clock, Routing()) == [SAID]
    tell(office, "5")
    assert refusals(office.stores, office.clock, Routing()) == []


def test_what_was_refused_a_day_ago_says_nothing_of_today(office, slack):
    slack.script = [dead(REVOKED)]
    tell(office, "1")
    office.clock.advance(86400)
    assert refusals(office.stores, office.clock, Routing()) == []


def test_administrators_see_it_once_and_it_goes_by_itself(office, slack):
    board: list[str] = []
    duty = RefusedMessages(office.stores, office.clock, board.append, Routing)
    duty.run()
    slack.script = [dead(REVOKED)]
    tell(office, "1")
    for _turn in range(3):
        duty.run()
    tell(office, "2")
    for _turn in range(2):
        duty.run()
    assert board == ["", SAID, ""]


def test_a_channel_that_refuses_hundreds_does_not_hide_another(office, slack):
    office.services["teams"].script = [dead("Teams rejected the message with 404.")]
    tell(office, "1", "teams")
    slack.script = [dead(REVOKED)] * 201
    for number in range(201):
        office.enqueue(f"s{number}", incident_id=f"INC-20260101-{number:0>6}")
    office.run(seconds=300)
    assert office.states().count("dead") == 202
    said = refusals(office.stores, office.clock, Routing())
    assert said[0] == SAID and said[1].startswith("Teams rejected the last message")


def test_recipients_that_a_mail_server_did_not_take_are_named_until_they_are_corrected():
    mail = FakeService()
    office = Office(email=mail)
    left_out = "The mail server refused some recipients: a@b.example (550 no such user)."
    mail.script = [sent({"left_out": left_out, "note": left_out})]
    tell(office, "1", "email")
    (sentence,) = refusals(office.stores, office.clock, Routing())
    assert left_out in sentence and "Configuration > E-mail" in sentence
    tell(office, "2", "email")
    assert refusals(office.stores, office.clock, Routing()) == []


def test_a_teams_channel_that_is_gone_is_reported_until_it_takes_a_message_or_is_named_no_more(
    office, slack
):
    refused = "Slack rejected the message for #gone: channel_not_found."
    instead = sent({"note": "in #incidents instead", "instead": refused})
    # The incident goes on in the thread that it has there, and another in its own channel.
    slack.script = [instead, sent({"thread_ts": "1.2"}), sent({})]
    office.enqueue("1", target="#gone")
    office.run()
    for name, more in (("2", {}), ("3", {"extra": {"in_room": True, "room": "C0123ABCD"}})):
        office.clock.advance(60)
        office.enqueue(name, target="#gone", **more)
        office.run()
    named = Routing.from_stanzas({"team:shop": {"slack_channel": "#gone"}})
    (said,) = refusals(office.stores, office.clock, named)
    assert said.startswith(f"{refused} The app's default channel got the message instead. Correct")
    assert refusals(office.stores, office.clock, Routing()) == []
    office.clock.advance(60)
    office.enqueue("4", target="#gone", incident_id="INC-20260101-BBBBBB")
    office.run()
    assert office.states() == ["sent"] * 4
    assert refusals(office.stores, office.clock, named) == []
