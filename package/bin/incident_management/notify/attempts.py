"""What is true of the attempts to deliver a notification: documents that are only ever inserted.

``deliver:<notification>:<n>`` says that somebody makes attempt n, ``outcome:<notification>:<n>``
how it ended. Of several who insert the same one, only the first succeeds.
"""

from __future__ import annotations

from typing import Any, Callable, Mapping, Optional

from ..ports import Clock, Stores
from .channel import Delivery

__all__ = ["LEASE_SECONDS", "Attempts"]

# Longer than any sender may take (its own limits are 40 s), so that a slow one is not doubted.
LEASE_SECONDS = 120.0
DETAIL_CHARACTERS = 1000


class Attempts:
    """Reads and writes those documents.

    Args:
        holder: who this process is.
        gone: tells whether a holder has certainly ended; its attempts need no lease.
    """

    def __init__(
        self, stores: Stores, clock: Clock, holder: str, gone: Callable[[str], bool]
    ) -> None:
        self._stores = stores
        self._clock = clock
        self._holder = holder
        self._gone = gone

    def begin(self, key: str, number: int) -> bool:
        """Take an attempt. False: somebody has it."""
        return self._insert(f"deliver:{key}:{number}", {})

    def left_since(self, key: str, number: int) -> Optional[float]:
        """When an attempt was begun by somebody who must have died; None: they may be at it."""
        claim = self._stores.claims.get(f"deliver:{key}:{number}")
        if claim is None:
            return None
        began = float(claim["time"])
        over = self._clock.now() - began >= LEASE_SECONDS
        return began if over or self._gone(str(claim["holder"])) else None

    def outcome(self, key: str, number: int) -> Optional[Delivery]:
        """How an attempt ended; None: nobody has written it down."""
        claim = self._stores.claims.get(f"outcome:{key}:{number}")
        if claim is None:
            return None
        value = claim["value"]
        return Delivery(
            value["outcome"], value["detail"], value["receipt"], value.get("retry_after")
        )

    def end(self, key: str, number: int, delivery: Delivery) -> Delivery:
        """Write an attempt's outcome down, and return the one that counts: the first written."""
        value = {
            "outcome": delivery.outcome,
            "detail": delivery.detail[:DETAIL_CHARACTERS],
            "receipt": dict(delivery.receipt),
            "retry_after": delivery.retry_after,
        }
        if self._insert(f"outcome:{key}:{number}", value):
            return delivery
        return self.outcome(key, number) or delivery

    def _insert(self, key: str, value: Mapping[str, Any]) -> bool:
        return self._stores.claims.insert(
            {
                "_key": key,
                "purpose": key,
                "holder": self._holder,
                "time": self._clock.now(),
                "value": dict(value),
            }
        )
