"""Signs what is sent as Standard Webhooks 1.0 has it, so that its receiver knows whose it is.

Three headers: ``webhook-id``, the same for all tries of one message, ``webhook-timestamp`` (epoch
seconds) of this try, and ``webhook-signature``: ``v1,`` and the base64 HMAC-SHA256 of
``id.timestamp.body``. A receiver refuses old timestamps, and ids that it has had.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Dict

__all__ = ["PREFIX", "BadKey", "key_of", "signed"]

PREFIX = "whsec_"


class BadKey(ValueError):
    """A secret is no key; the text is one sentence, without it."""


def key_of(secret: str) -> bytes:
    """Return the key that a secret is: what follows ``whsec_`` in base64, or else its own bytes."""
    if not secret.startswith(PREFIX):
        return secret.encode("utf-8")
    try:
        key = base64.b64decode(secret[len(PREFIX) :], validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise BadKey(f"The signing secret is not valid base64 after {PREFIX}.")
    return key


def signed(key: bytes, delivery: str, moment: float, body: bytes) -> Dict[str, str]:
    """Return the headers of a body that is sent now, at ``moment`` (epoch seconds)."""
    timestamp = str(int(moment))
    content = f"{delivery}.{timestamp}.".encode() + body
    mac = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode("ascii")
    return {
        "webhook-id": delivery,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{mac}",
    }
