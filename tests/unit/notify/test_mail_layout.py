"""A mail's headers, on each Python that Splunk has: their classes differ."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default

import pytest

from incident_management.notify.message import Message
from incident_management.notify.services.mail_layout import letter


@pytest.mark.parametrize(
    "title",
    [
        "=?utf-8?q?x=0D=0ABcc:_all@evil.example=0D=0A=0D=0A<b>?=",
        "ü =?utf-8?q?x=0ABcc:_all@evil.example?=",
        "=?utf-8?b?4oCuZXZpbA==?=",
        '"a", <b>; (c) =? ?= _ é',
        "Fehler bei der Zahlung: Überlastung des Dienstes checkout, 错误 🔥 " * 2,
        "checkout: more errors than in any hour of the last four weeks, most of them timeouts",
    ],
)
def test_a_title_is_shown_as_it_is_and_what_it_encodes_is_not_read(title):
    title = title.strip()
    told = Message("opened", "Incident opened", title, incident_id="INC-20260202-0A1B2C")
    content = letter(told, "a" * 40, "splunk@example.com", ["ops@example.com"], 0.0)
    mail = message_from_bytes(content, policy=default)
    assert mail["Subject"] == f"[INC-20260202-0A1B2C] {title}"
    assert mail["Bcc"] is None and mail.is_multipart()
    assert max(map(len, content.split(b"\r\n"))) <= 78
