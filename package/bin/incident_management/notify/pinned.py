"""Connections to addresses that were checked: a name is looked up once, and not again to connect.

Whoever owns a name can answer the look-up for a check with one address and that for the connection
with another ("DNS rebinding"). TLS and the Host header still go by the name. Through a proxy this
can't be done: there it is the proxy that looks names up.
"""

from __future__ import annotations

from typing import Any, Callable, List

__all__ = ["Addresses", "pinned_pool"]

# Gives the addresses of a host that may be connected to; none: it has none. Raises what says why
# not; that must be no OSError.
Addresses = Callable[[str], List[str]]


def pinned_pool(addresses: Addresses) -> Any:
    """Return a class for urllib3's HTTPS connections that connect to nothing else."""
    from urllib3.connection import HTTPSConnection  # type: ignore[import-untyped]
    from urllib3.connectionpool import HTTPSConnectionPool  # type: ignore[import-untyped]
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError  # type: ignore[import-untyped]

    class _Connection(HTTPSConnection):
        # What urllib3 connects to, and where ``host`` comes from.
        _dns_host: str

        def _new_conn(self) -> Any:
            name = self._dns_host
            failure: Exception = NewConnectionError(self, "the name can't be looked up")
            try:
                for address in addresses(name.strip("[]")):
                    self._dns_host = address
                    try:
                        return super()._new_conn()
                    except (NewConnectionError, ConnectTimeoutError) as error:
                        failure = error
            finally:
                self._dns_host = name
            raise failure

    class _Pool(HTTPSConnectionPool):
        ConnectionCls = _Connection

    return _Pool
