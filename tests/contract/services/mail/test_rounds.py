"""Several mails over one connection."""

from __future__ import annotations

from dataclasses import replace

import pytest

from incident_management.notify.delivery.notification import NewNotification
from incident_management.notify.delivery.outbox import BATCH
from incident_management.notify.services.mail import EmailSender
from incident_management.outside.transport import Network
from tests.contract.services.messages import (
    message,
    notification,
)
from tests.unit.notify.services import Office

from .sending import SETTINGS, secure


def round_of(server, count, **changed):
    """A round of the outbox with so many mails; returns the office."""
    office = Office()
    office.senders["email"] = lambda: EmailSender(
        replace(SETTINGS, port=server.port, **changed), Network(), office.clock
    )
    for number in range(count):
        office.outbox.enqueue(
            NewNotification(f"{number}", "email", "opened", message().to_document())
        )
    office.run()
    return office


def words(server):
    return [line.split()[0].upper() for line in server.commands]


def test_the_mails_of_a_round_share_a_connection_and_a_sign_in(tls_server, ca_file):
    own = secure(tls_server, ca_file)
    for number in range(3):
        assert own.send(notification(message(), f"{number:040d}")).outcome == "sent"
    own.close()
    assert words(tls_server).count("AUTH") == 1 and words(tls_server).count("RSET") == 2
    assert len(tls_server.mails) == 3 and words(tls_server)[-1] == "QUIT"


def test_many_mails_to_many_people_over_one_connection_are_no_endless_answer(server):
    """The bytes of all answers were counted together: each 37th mail was put off, or doubted."""
    server.replies["RCPT"] = f"250 2.1.5 Recipient ok {'.' * 80}"
    to = tuple(f"person{number}@example.com" for number in range(50))
    assert round_of(server, BATCH, recipients=to).states() == ["sent"] * BATCH
    assert len(server.mails) == BATCH


def test_a_round_ends_its_connection(server):
    office = round_of(server, 3)
    assert office.states() == ["sent"] * 3 and len(server.mails) == 3
    assert words(server).count("EHLO") == 1 and words(server).count("QUIT") == 1
    assert words(server)[-1] == "QUIT"


@pytest.mark.parametrize("reply", ["DROP", "421 4.4.2 too many messages", "502 5.5.1 what"])
@pytest.mark.parametrize("word", ["RSET", "MAIL"])
def test_a_connection_that_takes_no_second_mail_is_replaced_at_once(server, word, reply):
    def refuse_the_second(said):
        if said == word and words(server).count("EHLO") == 1 and len(server.mails) == 1:
            server.replies[word] = reply
        elif said == "GREETING":
            server.replies.clear()

    server.before_reply = refuse_the_second
    office = round_of(server, 2)
    assert office.states() == ["sent"] * 2 and len(server.mails) == 2
    assert words(server).count("EHLO") == 2


def test_each_mail_of_a_connection_has_its_own_outcome(server):
    refusals = iter(["", "550 5.1.1 no such user", ""])

    def refuse(said):
        if said == "MAIL":
            server.replies.pop("RCPT lead@example.com", None)
            if refused := next(refusals):
                server.replies["RCPT lead@example.com"] = refused

    server.before_reply = refuse
    office = round_of(server, 3)
    notes = [(one["receipt"] or {}).get("note", "") for one in office.stores.outbox.all()]
    assert office.states() == ["sent"] * 3 and [bool(note) for note in notes].count(True) == 1
    assert sorted(len(one.recipients) for one in server.mails) == [1, 2, 2]


def test_an_answer_that_is_lost_between_two_mails_doubts_that_mail_alone(server):
    def break_at_the_second(said):
        if said == "." and len(server.mails) == 2 and words(server).count("EHLO") == 1:
            server.replies["."] = "DROP"
        elif said == "GREETING":
            server.replies.clear()

    server.before_reply = break_at_the_second
    office = round_of(server, 3)
    assert sorted(one["state"] for one in office.stores.outbox.all()) == [
        "pending", "sending", "sent",
    ]  # fmt: skip
    office.run(seconds=60)
    assert office.states() == ["sent"] * 3
    ids = [one.parsed["Message-ID"] for one in server.mails]
    assert len(ids) == 4 and len(set(ids)) == 3
