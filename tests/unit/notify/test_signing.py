"""What an HTTP channel's signature is made of, on each of Splunk's Pythons."""

from __future__ import annotations

import pytest

from incident_management.notify.services.signing import BadKey, key_of, signed


def test_a_signature_is_that_of_the_published_example():
    key = key_of("whsec_" + "MfKQ9r8GKYqrTwjU" + "PD8ILPZIo2LaLaSw")
    headers = signed(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330.9, b'{"test": 2432232314}')
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@pytest.mark.parametrize("secret", ["any text", "界", "WHSEC_AAAA", "x"])
def test_any_other_text_is_the_key_itself(secret):
    assert key_of(secret) == secret.encode()


@pytest.mark.parametrize("rest", ["", "AAA", "A A=", "界", "!!!!", "AA\nAA", "===="])
def test_what_is_no_base64_is_no_key_and_is_not_told(rest):
    with pytest.raises(BadKey) as raised:
        key_of("whsec_" + rest)
    assert not rest or rest not in str(raised.value)
