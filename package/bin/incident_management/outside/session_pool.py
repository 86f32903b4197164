"""Keep ``requests`` sessions with open connections for the next read from the same service.

A firewall may silently drop a connection that was idle for longer, and a request over it would wait
for nothing. So a session is kept for a few seconds only, as within one poll of many tickets.
"""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, Hashable, Optional, Tuple

__all__ = ["SessionPool"]

IDLE_SECONDS = 10.0


class SessionPool:
    """A session that is taken is the caller's until it is put back; threads may share this."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._since: Dict[Hashable, Tuple[Any, float]] = {}

    def take(self, place: Hashable) -> Optional[Any]:
        """Return the session that was put for ``place`` in the last seconds, if any; close older
        ones.
        """
        now = self._monotonic()
        for key, (_session, since) in list(self._since.items()):
            if now - since > IDLE_SECONDS:
                self._close(key)
        return self._since.pop(place, (None, 0.0))[0]

    def put(self, place: Hashable, session: Any) -> None:
        """Keep a session without its cookies, as each request is independent."""
        session.cookies.clear()
        self._close(place)
        self._since[place] = session, self._monotonic()

    def _close(self, place: Hashable) -> None:
        session = self._since.pop(place, (None, 0.0))[0]
        if session is not None:
            session.close()
