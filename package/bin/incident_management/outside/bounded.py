"""Limit the total time and size of answers, however slowly they arrive.

A socket's own timeout is for each read, and a line or a body may take thousands of reads.
"""

from __future__ import annotations

import io
import socket
import time
from typing import Any, Callable

__all__ = ["Bounded", "timed_response"]


class Bounded(io.RawIOBase):
    """Reads from a socket until a deadline, and up to a number of bytes.

    Args:
        deadline: returns the deadline, by ``time.monotonic()``.
        most: the maximum number of bytes.
        over: makes the exception to raise at a limit, from a sentence.
        pause: the longest wait for one read, in seconds; then ``socket.timeout`` is raised.
    """

    def __init__(
        self,
        sock: Any,
        deadline: Callable[[], float],
        most: int,
        over: Callable[[str], Exception],
        pause: float = float("inf"),
    ) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._deadline = deadline
        self._left = most
        self._over = over
        self._pause = pause

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> Any:
        seconds = self._deadline() - time.monotonic()
        if seconds <= 0:
            raise self._over("The answer took too long.")
        if self._left < 0:
            raise self._over("The answer was too large.")
        self._sock.settimeout(min(seconds, self._pause))
        try:
            count = self._raw.readinto(buffer)
        except socket.timeout:
            if time.monotonic() < self._deadline():
                raise
            raise self._over("The answer took too long.") from None
        self._left -= count or 0
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


def timed_response(
    seconds: Callable[[], float],
    most: int,
    over: Callable[[str], Exception],
    pause: float = float("inf"),
) -> Any:
    """Return http.client's HTTPResponse with one deadline for head and body together.

    Args:
        seconds: returns how long the answer may take. ``most``, ``over`` and ``pause`` are as in
            :class:`Bounded`.
    """
    from http.client import HTTPResponse

    class _TimedResponse(HTTPResponse):
        def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
            super().__init__(sock, *args, **kwargs)
            self.fp.close()
            end = time.monotonic() + seconds()
            self.fp = io.BufferedReader(Bounded(sock, lambda: end, most, over, pause))

    return _TimedResponse
