"""Stores the attempts to deliver a notification as documents that are only ever inserted.

``deliver:<notification>:<n>`` says that a process makes attempt n, ``outcome:<notification>:<n>``
how it ended, ``again:<notification>:<n>`` that a person asked to resend it after that. If several
processes insert the same document, only the first succeeds.

A store that fails in between leaves an attempt without an outcome. This process writes the outcomes
of its own attempts once the store is back; any other process has to ask the service.
"""

from __future__ import annotations

import secrets
from typing import Any, Callable, Dict, Mapping, Optional

from ...incidents.stores import claim_document
from ...ports import Clock, Stores
from ..channel import Delivery, Inquiry, retry

__all__ = ["ATTEMPTS", "LEASE_SECONDS", "Attempts", "settled"]

# Longer than any sender may take (their own limits are 75 s), so that a slow one is not given up.
LEASE_SECONDS = 120.0
DETAIL_CHARACTERS = 1000
# After this many attempts a message is given up if others were delivered meanwhile. If none were,
# the service is down, which may last a night.
ATTEMPTS = 20


class Attempts:
    """Reads and writes those documents.

    Args:
        holder: the name of this process.
        gone: returns whether a holder has certainly ended; its attempts need no lease.
    """

    def __init__(
        self, stores: Stores, clock: Clock, holder: str, gone: Callable[[str], bool]
    ) -> None:
        self._stores = stores
        self._clock = clock
        self._holder = holder
        self._gone = gone
        # A holder's name may be used again, as process ids are; this value is not.
        self._own = secrets.token_hex(8)
        # Outcomes of this process's attempts that are not stored yet; None: this process can't
        # tell.
        self._unwritten: Dict[str, Optional[Delivery]] = {}

    def begin(self, key: str, number: int) -> bool:
        """Take an attempt. Return False if another process has it."""
        # Remembered first: the store may insert the claim and still fail to confirm it.
        not_sent = retry("The KV store failed before the message was sent.")
        self._unwritten.setdefault(f"{key}:{number}", not_sent)
        return self._insert(f"deliver:{key}:{number}", {"own": self._own})

    def make(self, key: str, number: int) -> None:
        """Note that it is sent now: from here on, the service may have it."""
        self._unwritten[f"{key}:{number}"] = None

    def left_since(self, key: str, number: int) -> Optional[float]:
        """Return when an attempt began whose process must have died; None: it may still run."""
        claim = self._stores.claims.get(f"deliver:{key}:{number}")
        if claim is None:
            return None
        began = float(claim["time"])
        over = self._clock.now() - began >= LEASE_SECONDS
        return began if over or self._gone(str(claim["holder"])) else None

    def began(self, key: str, number: int) -> float:
        """Return when an attempt began, in epoch seconds; 0 if it is not known."""
        claim = self._stores.claims.get(f"deliver:{key}:{number}")
        return float(claim["time"]) if claim else 0.0

    def outcome(self, key: str, number: int) -> Optional[Delivery]:
        """Return how an attempt ended; None if it is neither stored nor known to this process."""
        name, written = f"{key}:{number}", self._written(key, number)
        known = self._unwritten.get(name)
        if written is None and known is not None and self._is_own(name):
            return self.end(key, number, known)
        if written is not None or known is not None:
            self._unwritten.pop(name, None)
        return written

    def end(self, key: str, number: int, delivery: Delivery) -> Delivery:
        """Store an attempt's outcome; return the valid one, which is the first stored."""
        self._unwritten[f"{key}:{number}"] = delivery
        value = {
            "outcome": delivery.outcome,
            "detail": delivery.detail[:DETAIL_CHARACTERS],
            "receipt": dict(delivery.receipt),
            "retry_after": delivery.retry_after,
        }
        first = self._insert(f"outcome:{key}:{number}", value)
        counts = None if first else self._written(key, number)
        del self._unwritten[f"{key}:{number}"]
        return counts or delivery

    def ask_again(self, key: str, number: int, changed: Mapping[str, Any]) -> None:
        """Store that a person asked for more attempts after one, with the fields that change."""
        self._insert(f"again:{key}:{number}", changed)

    def asked_again(self, key: str, number: int) -> Optional[Mapping[str, Any]]:
        """Return what :meth:`ask_again` stored first; None: no attempts are requested after it."""
        claim = self._stores.claims.get(f"again:{key}:{number}")
        return claim["value"] if claim else None

    def _written(self, key: str, number: int) -> Optional[Delivery]:
        claim = self._stores.claims.get(f"outcome:{key}:{number}")
        if claim is None:
            return None
        value = claim["value"]
        return Delivery(
            value["outcome"], value["detail"], value["receipt"], value.get("retry_after")
        )

    def _is_own(self, name: str) -> bool:
        claim = self._stores.claims.get(f"deliver:{name}")
        return claim is not None and claim["value"].get("own") == self._own

    def _insert(self, key: str, value: Mapping[str, Any]) -> bool:
        return self._stores.claims.insert(
            claim_document(key, self._clock.now(), value, holder=self._holder)
        )


def settled(inquiry: Inquiry, spent: int) -> Delivery:
    """Return the delivery that an inquiry's answer means; ``spent``: the attempts so far."""
    if inquiry.answer == "arrived":
        return Delivery("sent", inquiry.detail, inquiry.receipt)
    if inquiry.answer == "marked" and spent >= ATTEMPTS:
        text = f"Sent {spent} times without an answer. {inquiry.detail}"
        return Delivery("unconfirmed", text)
    if inquiry.answer in ("missing", "harmless", "marked"):
        return Delivery("retry", inquiry.detail)
    return Delivery("unconfirmed", inquiry.detail)
