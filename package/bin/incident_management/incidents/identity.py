"""Ids of incidents, and keys of claims."""

from __future__ import annotations

import hashlib
import re
import time

__all__ = ["INCIDENT_ID", "as_digits", "episode_claim", "new_incident_id"]

INCIDENT_ID = re.compile(r"INC-\d{8}-[0-9A-HJKMNP-TV-Z]{6}")

# Crockford's base 32 has no characters that people confuse when they read an id aloud.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans("ILO", "110")


def new_incident_id(now: float, claim_key: str) -> str:
    """Return ``INC-YYYYMMDD-XXXXXX``: the day of ``now`` in UTC, six digits of the claim's hash.

    The same claim on the same day gives the same id, so a retried open does not make a second
    incident. With 1,000 incidents a day, two ids collide about once in six years; the caller
    checks.
    """
    day = time.strftime("%Y%m%d", time.gmtime(now))
    number = int.from_bytes(hashlib.sha256(claim_key.encode("utf-8")).digest()[:8], "big")
    digits = ""
    for _place in range(6):
        number, digit = divmod(number, len(_ALPHABET))
        digits += _ALPHABET[digit]
    return f"INC-{day}-{digits}"


def as_digits(typed: str) -> str:
    """Return the base-32 digits of a typed id, with commonly confused letters replaced."""
    return typed.translate(_MISREAD)


def episode_claim(dedup_key: str, episode: int) -> str:
    """Return the key of the claim for one episode of a problem, counted from 1."""
    return f"episode:{dedup_key}:{episode}"
