"""Faults of the KV store that can be switched on, for tests and for people.

``unavailable``: every call is 503, as while it starts. ``read_only``: writes are 503 ("Manage the
KV store workload with read-only mode", Admin manual). ``delay_seconds``: each call waits first.
``lag_seconds``: members of a cluster but the captain read what was there so long ago (``kvlag``).
Without a primary, writes are 503 and reads go on (unverified: MongoDB's replica sets behave so when
secondaries may be read). What splunkd says in each case is not recorded.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Callable

from tools.splunkd_lite.errors import SplunkdError

__all__ = ["MAX_DELAY_SECONDS", "KvFaults"]

MAX_DELAY_SECONDS = 60.0


@dataclass
class KvFaults:
    """The switches. ``primary_lost_until`` is epoch seconds of the machine's clock.

    ``majority`` tells whether enough members of a cluster are up for a primary, ``is_captain``
    whether this one is it.
    """

    unavailable: bool = False
    read_only: bool = False
    delay_seconds: float = 0.0
    lag_seconds: float = 0.0
    primary_lost_until: float = 0.0
    majority: Callable[[], bool] = lambda: True
    is_captain: Callable[[], bool] = lambda: True

    def lose_primary(self, seconds: float) -> None:
        """No primary from now on, until a new one is there after ``seconds``."""
        self.primary_lost_until = time.time() + seconds

    @property
    def has_primary(self) -> bool:
        return time.time() >= self.primary_lost_until and self.majority()

    @property
    def lag(self) -> float:
        """How many seconds this member's reads are behind."""
        return 0.0 if not self.lag_seconds or self.is_captain() else self.lag_seconds

    @property
    def status(self) -> str:
        """As ``kvstore/status`` says it."""
        return "failed" if self.unavailable else "ready" if self.has_primary else "starting"

    def require_up(self) -> None:
        """Raises: SplunkdError: 503, the KV store is switched off."""
        if self.unavailable:
            raise SplunkdError(503, "KV Store is initializing. Please try again later.")

    def before_read(self) -> None:
        """Wait as long as a slow store would, and refuse when it is off (503)."""
        self.require_up()
        if self.delay_seconds:
            time.sleep(min(self.delay_seconds, MAX_DELAY_SECONDS))

    def before_write(self) -> None:
        """Raises: SplunkdError: 503, no writes at the moment."""
        self.before_read()
        if self.read_only:
            raise SplunkdError(503, "KV Store is in read-only mode: writes are refused.")
        if not self.has_primary:
            raise SplunkdError(503, "KV Store has no primary: writes are refused until it has one.")

    def settings(self) -> dict[str, Any]:
        """The switches as plain values."""
        return {key: value for key, value in vars(self).items() if not callable(value)}

    def set(self, settings: dict[str, Any]) -> None:
        for key, value in settings.items():
            setattr(self, key, value)
