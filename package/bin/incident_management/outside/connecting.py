"""Connecting to a host: the time is for all of its addresses, not for each.

``socket.create_connection`` takes it for each, and large providers have a dozen, which a firewall
drops all alike. A name may as well have hundreds, as its owner likes.
"""

from __future__ import annotations

import socket
import time
from typing import Iterator, Sequence, Tuple

__all__ = ["connect", "in_turn"]

LEAST_SECONDS = 1.0


def in_turn(addresses: Sequence[str], seconds: float) -> Iterator[Tuple[str, float]]:
    """Give addresses while there is time, and for how long to try each: its share, at least 1 s."""
    end = time.monotonic() + seconds
    for number, address in enumerate(addresses):
        left = end - time.monotonic()
        if number and left <= 0:
            return
        yield address, max(left / (len(addresses) - number), LEAST_SECONDS)


def connect(host: str, port: int, seconds: float) -> socket.socket:
    """Connect to one of a host's addresses; ``seconds`` are the socket's limit afterwards, too.

    Raises OSError, and UnicodeError for a host that is no name.
    """
    found = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
    failure = OSError("it has no address")
    for address, share in in_turn([str(one[4][0]) for one in found], seconds):
        try:
            sock = socket.create_connection((address, port), share)
        except OSError as error:
            failure = error
        else:
            sock.settimeout(seconds)
            return sock
    raise failure
