"""Our sender of mails, set up for one of the servers."""

from __future__ import annotations

from dataclasses import replace

from incident_management.notify.services.mail import EmailSender
from incident_management.outside.transport import Network
from incident_management.splunk.configuration.channel_settings import NO_TLS, Email
from tests.contract.services.messages import (
    CLOCK,
    notification,
)

TO = ("ops@example.com", "lead@example.com")
SETTINGS = Email("127.0.0.1", 25, NO_TLS, sender="splunk@example.com", recipients=TO)


def sender(service, ca_file="", **changed):
    return EmailSender(replace(SETTINGS, port=service.port, **changed), Network(ca_file), CLOCK)


def secure(service, ca_file, **changed):
    known = {"server": "localhost", "encryption": "starttls", "username": "splunk"}
    return sender(service, ca_file, **{**known, "password": "pässword\U0001f511", **changed})


def told(server, one, **changed):
    assert sender(server).send(replace(notification(one), **changed)).outcome == "sent"
    return server.mails[-1].parsed
