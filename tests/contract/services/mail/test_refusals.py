"""Each way in which a mail server can refuse or break."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import replace

import pytest

from incident_management.notify.delivery.notification import NewNotification
from incident_management.notify.services import smtp
from incident_management.notify.services.mail import EmailSender
from incident_management.outside.transport import Network
from tests.contract.services.fake_smtp import FakeSmtp
from tests.contract.services.messages import (
    CLOCK,
    message,
    notification,
)
from tests.unit.notify.services import Office

from .sending import SETTINGS, secure, sender, told


@pytest.mark.parametrize("word", ["GREETING", "EHLO", "MAIL", "RCPT", "DATA", "."])
@pytest.mark.parametrize(("code", "outcome"), [("451", "retry"), ("421", "retry"), ("554", "dead")])
def test_what_is_refused_for_now_is_tried_again_and_else_final(server, word, code, outcome):
    server.replies[word] = server.replies["HELO"] = f"{code} 4.7.1 said so"
    delivery = sender(server).send(notification(message()))
    assert delivery.outcome == outcome and "said so" in delivery.detail
    assert server.mails == [] and server.commands[-1] == "quit"


def test_a_server_that_knows_no_ehlo_is_greeted_as_of_old(server):
    server.replies["EHLO"] = "502 5.5.1 not here"
    assert sender(server).send(notification(message())).outcome == "sent"


@pytest.mark.parametrize(
    ("host", "said"), [("sh1", "example.com"), ("sh1.corp.example", "sh1.corp.example")]
)
def test_it_gives_a_name_that_relays_take(server, monkeypatch, host, said):
    """Google's refuses [127.0.0.1], as smtplib calls a machine of one label."""
    monkeypatch.setattr(smtp.socket, "gethostname", lambda: host)
    told(server, message())
    assert server.commands[0] == f"ehlo {said}"


@pytest.mark.parametrize(("reply", "outcome"), [("252 ok", "sent"), ("354 go on", "unknown")])
def test_only_a_refusal_proves_that_the_message_was_not_taken(server, reply, outcome):
    """It would be sent twenty times to a server that took each."""
    server.replies["."] = reply
    assert sender(server).send(notification(message())).outcome == outcome


def test_a_recipient_that_does_not_exist_keeps_it_from_nobody_and_is_named(server):
    server.replies["RCPT lead@example.com"] = "550 5.1.1 no such user"
    delivery = sender(server).send(notification(message()))
    assert delivery.outcome == "sent" and server.mails[0].recipients == ["ops@example.com"]
    assert "lead@example.com (550 5.1.1 no such user)" in delivery.receipt["note"]


def test_a_recipient_that_is_refused_for_now_is_waited_for_but_not_for_long(server):
    server.replies["RCPT lead@example.com"] = "452 4.2.2 mailbox full"
    first = replace(notification(message()), first_sent=CLOCK.now())
    assert sender(server).send(first).outcome == "retry" and server.mails == []
    later = sender(server).send(replace(first, first_sent=CLOCK.now() - 121))
    assert later.outcome == "sent" and "mailbox full" in later.receipt["note"]


def test_where_nobody_is_taken_the_one_who_may_be_later_says_when(server):
    server.replies["RCPT ops@example.com"] = "452 4.2.2 mailbox full"
    server.replies["RCPT lead@example.com"] = "550 5.1.1 no such user"
    old = replace(notification(message()), first_sent=CLOCK.now() - 121)
    delivery = sender(server).send(old)
    assert delivery.outcome == "retry" and "452 4.2.2 mailbox full" in delivery.detail


@pytest.mark.parametrize("word", ["GREETING", "EHLO", "MAIL", "RCPT", "DATA"])
def test_a_connection_that_breaks_before_the_message_proves_that_it_was_not_sent(server, word):
    server.replies[word] = "DROP"
    assert sender(server).send(notification(message())).outcome == "retry"
    assert server.mails == []


def test_an_answer_that_is_lost_is_repeated_once_and_else_left_to_people(server):
    server.replies["."] = "DROP"
    office = Office()
    office.senders["email"] = lambda: EmailSender(
        replace(SETTINGS, port=server.port), Network(), office.clock
    )
    office.outbox.enqueue(NewNotification("1", "email", "opened", message().to_document()))
    office.run(seconds=600)
    assert office.states() == ["unconfirmed"]
    first, second = (one.parsed for one in server.mails)
    assert first["Message-ID"] == second["Message-ID"]


def test_a_goodbye_that_is_not_answered_costs_nothing(server):
    server.replies["QUIT"] = "DROP"
    assert sender(server).send(notification(message())).outcome == "sent"


@pytest.mark.parametrize(("word", "outcome"), [("GREETING", "retry"), (".", "unknown")])
def test_a_server_that_drips_holds_nothing_up(server, monkeypatch, word, outcome):
    monkeypatch.setattr(smtp, "SESSION_SECONDS", 2.0)
    given_up = threading.Event()  # without that limit the answer would come, and be heard
    server.before_reply = lambda said: given_up.wait(8) if said == word else None
    assert sender(server).send(notification(message())).outcome == outcome
    given_up.set()


def test_an_endless_answer_is_cut_off(server):
    server.replies["GREETING"] = "\r\n".join(["220-x" * 100] * 1000)
    delivery = sender(server).send(notification(message()))
    assert delivery.outcome == "retry"


def test_addresses_that_do_not_answer_share_the_time(tls, ca_file, monkeypatch):
    """Mail servers of large providers have a dozen, which a firewall drops all alike."""
    service = FakeSmtp(tls, True, {"splunk": "p"}).start()
    own = secure(service, ca_file, encryption="tls", password="p")
    # A handshake has all of the time again.
    service.before_handshake = lambda: time.sleep(1.5)
    real, tried = socket.create_connection, []

    def connect(address, timeout):
        tried.append(timeout)
        if address[0] != "127.0.0.1":
            raise TimeoutError
        return real(address, timeout)

    hosts = [f"192.0.2.{number}" for number in range(8)]
    found = [(2, 1, 6, "", (host, 25)) for host in hosts]
    monkeypatch.setattr(smtp.socket, "getaddrinfo", lambda *_: found)
    monkeypatch.setattr(smtp.socket, "create_connection", connect)
    assert "in time" in own.send(notification(message())).detail
    assert len(tried) == 8 and tried[0] <= smtp.CONNECT_SECONDS / 8
    found.insert(0, (2, 1, 6, "", ("127.0.0.1", service.port)))
    assert own.send(notification(message())).outcome == "sent"
    service.stop()


def test_nobody_listens(server):
    server.stop()
    delivery = sender(server).send(notification(message()))
    assert delivery.outcome == "retry" and "127.0.0.1" in delivery.detail
