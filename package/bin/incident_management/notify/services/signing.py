"""Signs requests as Standard Webhooks 1.0 specifies, so that a receiver can verify the sender.

Three headers: ``webhook-id``, the same for all attempts at one message, ``webhook-timestamp``
(epoch seconds) of this attempt, and ``webhook-signature``: ``v1,`` and the base64 HMAC-SHA256 of
``id.timestamp.body``. A receiver refuses old timestamps, and ids that it has had before.
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
    """A secret is not a valid key; the text is one sentence, without the secret."""


def key_of(secret: str) -> bytes:
    """Return the key of a secret: the base64 after ``whsec_``, or else the secret's own bytes."""
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
    """Return the headers for a body that is sent at ``moment`` (epoch seconds)."""
    timestamp = str(int(moment))
    content = f"{delivery}.{timestamp}.".encode() + body
    mac = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode("ascii")
    return {
        "webhook-id": delivery,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{mac}",
    }
