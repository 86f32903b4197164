"""Keep one connection to splunkd for many requests; splunklib opens one for each.

Most of the time of a small request, on both sides, is the TLS handshake. splunkd keeps a connection
open unless its client asks otherwise (``keepAliveIdleTimeout`` in ``[httpServer]``,
server.conf.spec).
"""

from __future__ import annotations

import io
import selectors
import ssl
from http.client import HTTPConnection, HTTPSConnection
from typing import Any, Callable, Dict, Mapping, Optional
from urllib.parse import urlsplit

__all__ = ["KeptConnection"]


class KeptConnection:
    """Sends requests one after another; not for several threads. Close it at the end.

    A request is sent once. Before, it checks whether splunkd has closed the connection, and then
    opens a new one. If the connection ends later, the request may have been executed.

    Args:
        timeout: seconds that one request may wait for its answer.
        tls: makes the TLS context.
    """

    def __init__(self, timeout: float, tls: Callable[[], ssl.SSLContext]) -> None:
        self._timeout = timeout
        self._tls = tls
        self._open: Optional[HTTPConnection] = None

    def send(self, url: str, message: Mapping[str, Any]) -> Dict[str, Any]:
        """Send a request as splunklib's handler (``HttpLib`` in ``splunklib.binding``).

        Raises OSError and HTTPException.
        """
        from splunklib.binding import ResponseReader

        parts = urlsplit(url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection = self._taken() or self._made(parts.scheme, parts.hostname, parts.port)
        keeps = False
        try:
            headers = dict(message["headers"])
            connection.request(message["method"], target, message.get("body") or None, headers)
            response = connection.getresponse()
            text = response.read()
            keeps = not response.will_close
        finally:
            if keeps:
                self._open = connection
            else:
                connection.close()
        return {
            "status": response.status,
            "reason": response.reason,
            "headers": response.getheaders(),
            "body": ResponseReader(io.BytesIO(text)),
        }

    def close(self) -> None:
        """Close the connection, if one is open; the next request makes a new one."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _taken(self) -> Optional[HTTPConnection]:
        """Take the open connection, if splunkd did not close it in the meantime."""
        if self._open is not None and _has_news(self._open):
            self.close()
        taken, self._open = self._open, None
        return taken

    def _made(self, scheme: str, host: Optional[str], port: Optional[int]) -> HTTPConnection:
        name = host or ""
        if scheme == "http":
            return HTTPConnection(name, port, timeout=self._timeout)
        return HTTPSConnection(name, port, timeout=self._timeout, context=self._tls())


def _has_news(connection: HTTPConnection) -> bool:
    """Tell whether data arrived between two requests, which can only be the connection's end."""
    with selectors.DefaultSelector() as selector:
        selector.register(connection.sock, selectors.EVENT_READ)
        return bool(selector.select(0))
