"""A webhook goes to the address that was checked, whatever its name is pointed to next."""

from __future__ import annotations

import socket

import pytest
from urllib3.util import connection  # type: ignore[import-untyped]

from incident_management.notify.channel import Notification
from incident_management.notify.services.webhook import WebhookSender
from incident_management.outside import pinned
from incident_management.outside.transport import Network
from tests.fakes import ManualClock

NOTIFICATION = Notification("n1", "INC-1", "webhook:SUB-1", "", "opened", {"title": "Slow"})
ALLOWED = ("198.51.100.7", "2001:db8::7")


class Names:
    """A name server that gives the next answer each time, and wires to one real receiver."""

    def __init__(self, monkeypatch, port, *answers, dead=()):
        self.answers = list(answers)
        self.looked_up: list[str] = []
        self.connected: list[str] = []
        real = connection.create_connection
        own = socket.getaddrinfo

        def getaddrinfo(host, *more, **kinds):
            if host != "service.example":
                return own(host, *more, **kinds)
            self.looked_up.append(host)
            if not self.answers:
                raise socket.gaierror("unknown")
            found = self.answers.pop(0)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 0)) for one in found]

        def create_connection(address, *more, **kinds):
            self.connected.append(address[0])
            if address[0] in dead:
                raise OSError("unreachable")
            return real(("127.0.0.1", port), *more, **kinds)

        monkeypatch.setattr(pinned, "_failed", {})
        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        monkeypatch.setattr(connection, "create_connection", create_connection)


def sender(receiver, ca_file):
    subscription = {"url": f"https://service.example:{receiver.port}/hook", "events": ["*"]}
    return WebhookSender(subscription, "s3cret", Network(ca_file=ca_file), ManualClock())


@pytest.mark.parametrize("address", ALLOWED)
def test_a_name_is_looked_up_once_and_certificate_and_host_are_those_of_the_name(
    monkeypatch, tls_receiver, ca_file, address
):
    names = Names(monkeypatch, tls_receiver.port, [address], ["127.0.0.1"])
    assert sender(tls_receiver, ca_file).send(NOTIFICATION).outcome == "sent"
    assert (names.looked_up, names.connected) == (["service.example"], [address])
    (request,) = tls_receiver.requests
    assert request.headers["host"] == f"service.example:{tls_receiver.port}"


def test_a_receiver_on_this_machine_is_reached_without_tls(receiver):
    mine = {"url": f"{receiver.url}/hook", "events": ["*"]}
    delivery = WebhookSender(mine, "s", Network(), ManualClock()).send(NOTIFICATION)
    assert delivery.outcome == "sent" and receiver.requests[0].path == "/hook"


def test_a_name_that_leads_to_this_machine_gets_no_connection(monkeypatch, tls_receiver, ca_file):
    names = Names(monkeypatch, tls_receiver.port, [ALLOWED[0], "127.0.0.1"])
    delivery = sender(tls_receiver, ca_file).send(NOTIFICATION)
    assert delivery.outcome == "dead" and "resolves to 127.0.0.1" in delivery.detail
    assert names.connected == [] and tls_receiver.requests == []


def test_the_next_address_is_tried_where_the_first_does_not_answer(
    monkeypatch, tls_receiver, ca_file
):
    names = Names(monkeypatch, tls_receiver.port, list(ALLOWED), dead=ALLOWED[:1])
    assert sender(tls_receiver, ca_file).send(NOTIFICATION).outcome == "sent"
    assert names.connected == list(ALLOWED)


def test_an_address_that_is_dead_is_waited_for_once_in_a_while_and_not_by_each_message(
    monkeypatch, tls_receiver, ca_file
):
    first, second = ALLOWED
    names = Names(monkeypatch, tls_receiver.port, *[list(ALLOWED)] * 3, dead=[first])
    own = sender(tls_receiver, ca_file)
    assert [own.send(NOTIFICATION).outcome for _ in range(2)] == ["sent", "sent"]
    assert names.connected == [first, second, second]
    monkeypatch.setattr(pinned, "AVOIDED_SECONDS", 0.0)
    assert own.send(NOTIFICATION).outcome == "sent"
    assert names.connected[3:] == [first, second]


def test_a_name_that_can_not_be_looked_up_is_tried_again_later(monkeypatch, tls_receiver, ca_file):
    names = Names(monkeypatch, tls_receiver.port)
    delivery = sender(tls_receiver, ca_file).send(NOTIFICATION)
    assert delivery.outcome == "retry" and "can't be looked up" in delivery.detail
    assert names.connected == []


def test_another_certificate_than_the_names_is_refused(monkeypatch, tls_receiver, ca_file):
    mine = {"url": f"https://other.example:{tls_receiver.port}/hook", "events": ["*"]}
    resolve = {"other.example": [ALLOWED[0]]}
    Names(monkeypatch, tls_receiver.port)
    network = Network(ca_file=ca_file)
    delivery = WebhookSender(mine, "s", network, ManualClock(), resolve.__getitem__).send(
        NOTIFICATION
    )
    assert delivery.outcome != "sent" and tls_receiver.requests == []
