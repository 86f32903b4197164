"""A proxy, and a service that sends what it is told, piece by piece."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import suppress
from typing import Optional

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
# So many pieces that nobody who waits for all of them is in time.
DRIPS = {
    "body": [HEAD + b"Content-Length: 1000\r\n\r\n", *[b" "] * 200],
    "chunks": [HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[b"1\r\n \r\n"] * 200],
    "head": [b"HTTP/1.1 200 OK\r\nX: ", *[b"a"] * 200],
    "continue": [b"HTTP/1.1 100 Continue\r\n\r\n"] * 200,
}


class Proxy:
    """An HTTP proxy that answers CONNECT by connecting to one fixed port, or as it is told.

    ``refusal`` is its answer instead; empty bytes: it hangs up. ``tls``: it is an HTTPS proxy.
    """

    def __init__(
        self,
        port: int = 0,
        refusal: Optional[bytes] = None,
        tls: Optional[ssl.SSLContext] = None,
    ) -> None:
        self.port_behind = port
        self.refusal = refusal
        self.tls = tls
        self.asked: list = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        client, _ = self.listener.accept()
        if self.tls is not None:
            try:
                client = self.tls.wrap_socket(client, server_side=True)
            except OSError:
                return
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(4096)
        self.asked.append(head.decode())
        if self.refusal is not None:
            with client:
                client.sendall(self.refusal)
            return
        behind = socket.create_connection(("127.0.0.1", self.port_behind))
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        for source, sink in ((client, behind), (behind, client)):
            threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return


class Raw:
    """Answers each request with pieces of bytes, a pause before each."""

    def __init__(self, *pieces: bytes, pause: float = 0.0) -> None:
        self.pieces, self.pause = pieces, pause
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        client, _ = self.listener.accept()
        with client, suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(4096)
            for piece in self.pieces:
                time.sleep(self.pause)
                client.sendall(piece)
