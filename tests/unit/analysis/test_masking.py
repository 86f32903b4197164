from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_management.analysis.masking import mask

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("login password=hunter2 failed", "hunter2"),
        ('{"password": "two words", "user": "bob"}', "two words"),
        ('{\\"api_key\\": \\"abc123def\\"}', "abc123def"),
        ("DB_PASSWORD: s3cr3t!", "s3cr3t!"),
        ('{"diff": "-api_key: old-one\\n+api_key: new-one"}', "new-one"),
        ("aws_secret_access_key=wJalrXUtnFEMI/K7MDENG", "wJalrXUtnFEMI"),
        ("key AKIA" + "IOSFODNN7EXAMPLE used", "IOSFODNN7EXAMPLE"),
        ("Authorization: Bearer abcdef0123456789xyz", "abcdef0123456789xyz"),
        ("Authorization: Splunk 192fd3e70000deadbeef", "192fd3e70000deadbeef"),
        (f"token {JWT} rejected", "dozjgNryP4J3jVmNHl0w5N"),
        ("postgres://shop:pa55word@db:5432/shop", "pa55word"),
        ("posting with xoxb-" + "123456789012-abcdefGHIJ", "abcdefGHIJ"),
        ("https://hooks.slack.com/services/T0/B0/zzzzzzz", "zzzzzzz"),
        ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "klmnopqrst"),
        ("-----BEGIN RSA PRIV" + "ATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----", "MIIabc"),
        ("-----BEGIN PRIV" + "ATE KEY-----\nMIIcut", "MIIcut"),
        ("mail to jane.doe@example.com bounced", "jane.doe"),
        ("Set-Cookie: session=abcdef123456", "abcdef123456"),
    ],
)
def test_a_secret_does_not_survive(text, secret):
    assert secret in text
    assert secret not in mask(text)


@pytest.mark.parametrize(
    "text",
    [
        "QueuePool limit of size 1 overflow 0 reached, connection timed out, timeout 2.00",
        "jwt validation failed: token is expired",
        "2026-06-18T14:05:30Z GET /api/order 500 in 12ms",
        "https://paymentservice.svc:8443/charge failed",
    ],
)
def test_ordinary_text_is_left_alone(text):
    assert mask(text) == text


def test_emails_may_be_kept():
    assert mask("to jane@example.com", emails=False) == "to jane@example.com"


@given(st.text(max_size=300))
def test_masking_twice_is_masking_once(text):
    assert mask(mask(text)) == mask(text)
