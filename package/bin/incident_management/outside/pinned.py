"""Connections of urllib3 to checked addresses of a host, within one time limit.

A name is looked up once, and not again to connect. Otherwise the name's owner could answer the
check's look-up with one address and the connection's with another ("DNS rebinding"). TLS and the
Host header still use the name. Through a proxy this is impossible, because the proxy looks names
up.
"""

from __future__ import annotations

import socket
import time
from typing import Any, Callable, Dict, List

from .connecting import in_turn

__all__ = ["Addresses", "every_address", "pinned"]

# Gives the addresses of a host that may be connected to; none: it has none. Raises what says why
# not; that must be no OSError.
Addresses = Callable[[str], List[str]]

# How long an address that accepted no connection is tried after the others: else each message to a
# host whose first address is dead would wait for it.
AVOIDED_SECONDS = 300.0
REMEMBERED = 100
_failed: Dict[str, float] = {}


def pinned(addresses: Addresses) -> Callable[[Any], Any]:
    """Return a decorator for urllib3's connection classes that connects to these addresses only."""
    from urllib3.exceptions import (  # type: ignore[import-untyped]
        ConnectTimeoutError,
        NewConnectionError,
    )

    def pin(connection: Any) -> Any:
        class _Pinned(connection):
            def _new_conn(self) -> Any:
                # ``_dns_host`` is what urllib3 connects to, and where ``host`` comes from.
                name: str = self._dns_host  # type: ignore[has-type]
                seconds: float = self.timeout  # type: ignore[has-type]
                failure: Exception = NewConnectionError(self, "the name can't be looked up")
                try:
                    best = _best_first(addresses(name.strip("[]")))
                    for self._dns_host, self.timeout in in_turn(best, seconds):
                        try:
                            sock = super()._new_conn()
                        except (NewConnectionError, ConnectTimeoutError) as error:
                            failure = error
                            _remember(self._dns_host)
                        else:
                            # TLS has all of the time again.
                            sock.settimeout(seconds)
                            return sock
                finally:
                    self._dns_host, self.timeout = name, seconds
                raise failure

        return _Pinned

    return pin


def every_address(host: str) -> List[str]:
    """Return all addresses of a host; none if it has none."""
    from urllib3.util.connection import allowed_gai_family  # type: ignore[import-untyped]

    try:
        found = socket.getaddrinfo(host, None, allowed_gai_family(), socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [str(one[4][0]) for one in found]


def _best_first(addresses: List[str]) -> List[str]:
    since = time.monotonic() - AVOIDED_SECONDS
    return sorted(addresses, key=lambda address: _failed.get(address, since) > since)


def _remember(address: str) -> None:
    if len(_failed) >= REMEMBERED:
        _failed.clear()
    _failed[address] = time.monotonic()
