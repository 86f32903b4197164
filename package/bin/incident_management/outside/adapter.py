"""The transport adapter of a ``requests`` session; it reads each answer whole and bounded."""

from __future__ import annotations

from ssl import SSLContext
from typing import Any, Callable, Dict
from urllib.parse import urlsplit

from .bounded import timed_response
from .network_failure import READ_SECONDS, NoAnswer
from .pinned import Addresses, every_address, pinned

__all__ = ["adapter"]

ANSWER_SECONDS = 40.0
ANSWER_BYTES = 4_000_000
PIECE_BYTES = 65_536


def adapter(context: SSLContext, for_proxy: Callable[[], SSLContext], addresses: Addresses) -> Any:
    """Return an adapter for http and https.

    Args:
        context: the TLS context for services.
        for_proxy: makes the TLS context for a proxy that speaks TLS.
        addresses: resolves the addresses to connect to, if no proxy is used.
    """
    from requests.adapters import HTTPAdapter

    class _Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, ssl_context=context, **kwargs)
            self.poolmanager.pool_classes_by_scheme = _pools(addresses, for_proxy)

        def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
            manager = super().proxy_manager_for(proxy, ssl_context=context, **kwargs)
            manager.pool_classes_by_scheme = _pools(every_address, for_proxy)
            return manager

        def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
            super().cert_verify(conn, url, verify, cert)
            # The context has the roots; a file named here would be read for each connection.
            conn.ca_certs = None

        def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
            # A few compressed kilobytes may be gigabytes, so nothing compressed is asked for.
            request.headers["Accept-Encoding"] = "identity"
            response = super().send(request, *args, **{**kwargs, "stream": True})
            with response:
                response._content = _bounded(response, urlsplit(request.url).hostname or "")
            return response

    return _Adapter(max_retries=0)


def _pools(addresses: Addresses, for_proxy: Callable[[], SSLContext]) -> Dict[str, Any]:
    """Return connection pools that connect to these addresses only and limit each answer."""
    from urllib3 import HTTPConnectionPool, HTTPSConnectionPool  # type: ignore[import-untyped]

    class _Http(HTTPConnectionPool.ConnectionCls):
        response_class = _answer()

    class _Https(HTTPSConnectionPool.ConnectionCls):
        response_class = _answer()

        def _connect_tls_proxy(self, hostname: str, conn: Any) -> Any:
            # urllib3's own trusts the bundled roots alone.
            return for_proxy().wrap_socket(conn, server_hostname=hostname.strip("[]"))

    connect = pinned(addresses)
    return {
        "http": type("_HttpPool", (HTTPConnectionPool,), {"ConnectionCls": connect(_Http)}),
        "https": type("_HttpsPool", (HTTPSConnectionPool,), {"ConnectionCls": connect(_Https)}),
    }


def _answer() -> Any:
    return timed_response(lambda: ANSWER_SECONDS, 2 * ANSWER_BYTES, NoAnswer, READ_SECONDS)


def _bounded(response: Any, host: str) -> bytes:
    """Read an answer's body. Raises NoAnswer, and RequestException if the connection breaks."""
    import requests
    from urllib3.exceptions import HTTPError  # type: ignore[import-untyped]

    if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise NoAnswer(f"{host} sent a compressed answer, which was not requested.")
    answer = bytearray()
    try:
        while piece := response.raw.read(PIECE_BYTES, decode_content=False):
            answer += piece
            if len(answer) > ANSWER_BYTES:
                raise NoAnswer(f"{host} answered with more than {ANSWER_BYTES} bytes.")
    except HTTPError as error:
        raise requests.exceptions.ConnectionError(error) from None
    return bytes(answer)
