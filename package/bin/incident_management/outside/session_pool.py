"""Sessions of ``requests`` whose connection is open, kept for the next reading of the same service.

A connection that was left alone for longer may have been dropped by a firewall without a word, and
what is asked over it then waits in vain; so it counts for seconds only, as within one look at many
tickets.
"""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, Hashable, Optional, Tuple

__all__ = ["SessionPool"]

IDLE_SECONDS = 10.0


class SessionPool:
    """Whoever takes a session has it alone until it is put back; threads may share this."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._since: Dict[Hashable, Tuple[Any, float]] = {}

    def take(self, place: Hashable) -> Optional[Any]:
        """Return the session that was put there just now, if there is one; close what is older."""
        now = self._monotonic()
        for key, (_session, since) in list(self._since.items()):
            if now - since > IDLE_SECONDS:
                self._close(key)
        return self._since.pop(place, (None, 0.0))[0]

    def put(self, place: Hashable, session: Any) -> None:
        """Keep it, but none of the cookies that it was given: each request stands by itself."""
        session.cookies.clear()
        self._close(place)
        self._since[place] = session, self._monotonic()

    def _close(self, place: Hashable) -> None:
        session = self._since.pop(place, (None, 0.0))[0]
        if session is not None:
            session.close()
