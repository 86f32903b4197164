"""Connect to a host within one time limit for all of its addresses.

``socket.create_connection`` applies its timeout to each address. Large providers have a dozen,
which a firewall may all drop, and the owner of a name can give it hundreds.
"""

from __future__ import annotations

import socket
import time
from typing import Iterator, Sequence, Tuple

__all__ = ["connect", "in_turn"]

LEAST_SECONDS = 1.0


def in_turn(addresses: Sequence[str], seconds: float) -> Iterator[Tuple[str, float]]:
    """Yield addresses while there is time, and how long to try each: its share, at least 1 s."""
    end = time.monotonic() + seconds
    for number, address in enumerate(addresses):
        left = end - time.monotonic()
        if number and left <= 0:
            return
        yield address, max(left / (len(addresses) - number), LEAST_SECONDS)


def connect(host: str, port: int, seconds: float) -> socket.socket:
    """Connect to one of a host's addresses; ``seconds`` is the socket's timeout afterwards too.

    Raises OSError, and UnicodeError for an invalid host name.
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
