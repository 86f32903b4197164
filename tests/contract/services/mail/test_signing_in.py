"""TLS, signing in, and what is sent where either fails."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from incident_management.notify.services.mail import EmailSender
from incident_management.outside.network import NotConfigured
from incident_management.outside.transport import Network
from tests.contract.services.fake_smtp import FakeSmtp
from tests.contract.services.messages import (
    CLOCK,
    message,
    notification,
)

from .sending import SETTINGS, secure, sender


@pytest.mark.parametrize("ways", ["PLAIN LOGIN", "LOGIN", "XOAUTH2 PLAIN"])
def test_it_signs_in_over_tls_with_any_password(tls_server, ca_file, ways):
    tls_server.ways = ways
    assert secure(tls_server, ca_file).send(notification(message())).outcome == "sent"


def test_tls_from_the_beginning(tls, ca_file):
    service = FakeSmtp(tls, True, {"splunk": "p"}).start()
    own = secure(service, ca_file, encryption="tls", password="p")
    assert own.send(notification(message())).outcome == "sent"
    service.stop()
    assert service.complaints == []


@pytest.mark.parametrize(
    ("trusted", "name", "said"),
    [(False, "localhost", "self-signed|self signed|unable to get"), (True, "127.0.0.1", "IP addr")],
)
def test_a_certificate_that_is_not_the_servers_gets_nothing(
    tls_server, ca_file, trusted, name, said
):
    own = secure(tls_server, ca_file if trusted else "", server=name)
    delivery = own.send(notification(message()))
    assert delivery.outcome == "retry" and tls_server.mails == []
    assert re.search(said, delivery.detail) and "ca_file" in delivery.detail
    assert not any(line.startswith(("AUTH", "MAIL")) for line in tls_server.commands)


def test_a_server_that_offers_no_tls_gets_neither_password_nor_message(server, ca_file):
    server.users = {"splunk": "p"}
    delivery = secure(server, ca_file).send(notification(message()))
    assert delivery.outcome == "dead" and "STARTTLS" in delivery.detail
    assert [line.split()[0] for line in server.commands] == ["ehlo", "quit"]


@pytest.mark.parametrize(
    ("reply", "outcome"), [("454 4.7.0 not now", "retry"), ("501 5.5.4 never", "dead")]
)
def test_a_server_that_refuses_tls_gets_neither(tls_server, ca_file, reply, outcome):
    tls_server.replies["STARTTLS"] = reply
    delivery = secure(tls_server, ca_file).send(notification(message()))
    assert delivery.outcome == outcome and f"refused STARTTLS: {reply}" in delivery.detail
    assert [line.split()[0] for line in tls_server.commands] == ["ehlo", "STARTTLS", "quit"]


def test_what_somebody_in_between_said_before_tls_is_forgotten(tls_server, ca_file):
    """Replies that are slipped in before the handshake (RFC 3207, 4.2)."""
    tls_server.ways = "PLAIN"
    tls_server.replies["STARTTLS"] = "220 go ahead\r\n250-evil\r\n250 AUTH LOGIN"
    assert secure(tls_server, ca_file).send(notification(message())).outcome == "sent"
    assert [line.split()[1] for line in tls_server.commands if line.startswith("AUTH")] == ["PLAIN"]


def test_a_wrong_password_is_final_and_not_shown(tls_server, ca_file):
    delivery = secure(tls_server, ca_file, password="hunter22").send(notification(message()))
    assert delivery.outcome == "dead" and "535" in delivery.detail
    assert "hunter22" not in delivery.detail and "hunter22" not in repr(SETTINGS)


def test_a_server_that_wants_another_way_to_sign_in_is_reported(tls_server, ca_file):
    tls_server.ways = "XOAUTH2"
    delivery = secure(tls_server, ca_file).send(notification(message()))
    assert delivery.outcome == "dead" and "XOAUTH2" in delivery.detail


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"server": ""}, "mail server"),
        ({"sender": ""}, "sender"),
        ({"username": "u"}, "no password"),
        ({"server": "mail.example", "username": "u", "password": "p"}, "without TLS"),
    ],
)
def test_a_setting_that_is_missing_is_named(changed, said):
    with pytest.raises(NotConfigured, match=said):
        EmailSender(replace(SETTINGS, **changed), Network(), CLOCK)


def test_nobody_to_write_to_is_reported(server):
    delivery = sender(server, recipients=()).send(notification(message()))
    assert delivery.outcome == "dead" and "recipients" in delivery.detail
