"""Secrets that stand by place: Redis, IMAP, links that let in; and what only looks like one."""

from __future__ import annotations

import pytest

from incident_management.masking import mask

SECRET = "hunterX9secret"
LONG = "hunterX9secret1234567890abcd"


@pytest.mark.parametrize(
    "text",
    [
        f"redis-cli> AUTH {SECRET}",
        f"redis: AUTH default {SECRET}",
        f'1700000000.1 [0 10.0.0.7:5112] "AUTH" "{SECRET}"',
        f'1700000000.1 [0 10.0.0.7:5112] "AUTH" "bob" "{SECRET}"',
        f"ACL SETUSER alice on >{SECRET} ~*",
        f"a001 LOGIN alice {SECRET}",
        f'imap: C: A1 LOGIN "alice@shop.example" "{SECRET}"',
        f"GET /login/magic?t={LONG} HTTP/1.1",
        f"https://app.shop.example/magic-link/{LONG}",
        f"https://shop.example/reset-password/{LONG}",
        f"https://shop.example/invite/accept?invitation={LONG}",
        f"GET /verify-email/{LONG}",
        f"net user bob {SECRET} /add",
        f"kubectl create secret generic x --from-literal=a={SECRET} --from-literal=b={SECRET}",
        f"vault login {SECRET}",
        f"echo {SECRET} | sudo -S ls",
        f"Password for bob is: {SECRET}",
        f"passwd for bob changed to {SECRET}",
    ],
)
def test_a_secret_is_known_by_its_place(text):
    hidden = mask(text)
    assert SECRET not in hidden and "<masked:secret>" in hidden
    assert mask(hidden) == hidden


@pytest.mark.parametrize(
    "text",
    [
        "AUTH failed for user default",
        "redis: AUTH called without any password configured",
        "LOGIN failed for alice",
        "pid 4411 LOGIN attempt failed",
        "app1 LOGIN user alice",
        "10:14:02 LOGIN disabled until STARTTLS",
        "GET /reset-password HTTP/1.1 200",
        "https://docs.shop.example/magic-link/overview",
        "GET /verify-email/success",
        "vault login failed",
        "--- PASS: TestCart (0.02s)",
        "secret=<nil>",
        "password=****",
        "password=[REDACTED]",
        'client_secret="${CLIENT_SECRET}"',
        "DB_PASSWORD=$DB_PASSWORD",
        "net user bob /delete",
    ],
)
def test_what_is_no_secret_stays(text):
    assert mask(text) == text


@pytest.mark.parametrize("place", ["{}", "a={}&b=1", "x%3D{}", "key\\n{}", "({})", "x:{}"])
def test_a_vendors_key_is_found_wherever_a_word_begins(place):
    assert "<masked:stripe-key>" in mask(place.format("sk_live_" + "a1B2c3D4e5F6"))
    assert "<masked:model-key>" in mask(place.format("sk-or-" + "a1B2c3D4"))
