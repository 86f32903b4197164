"""A splunkd that keeps connections open and records the requests of each."""

from __future__ import annotations

import socket
import threading
from typing import List, Optional, Tuple

__all__ = ["ANSWER", "Keeper"]

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n%s\r\n{}"


class Keeper:
    """A splunkd that keeps connections; ``heard`` has the requests of each connection.

    ``answers`` are for the next requests; an incomplete answer cuts the connection.
    ``ends`` closes a connection after that many answers, without a word.
    """

    def __init__(self, ends: Optional[int] = None) -> None:
        self.heard: List[List[Tuple[str, str]]] = []
        self.answers: List[bytes] = []
        self.ends = ends
        self.ended = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.uri = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self):
        while True:
            try:
                connection, _peer = self._socket.accept()
            except OSError:
                return
            requests: List[Tuple[str, str]] = []
            self.heard.append(requests)
            with connection, connection.makefile("rb") as lines:
                self._talk(connection, lines, requests)
            self.ended.set()

    def _talk(self, connection, lines, requests):
        while len(requests) != self.ends:
            first = lines.readline()
            if not first:
                return
            length = 0
            while (line := lines.readline().strip().lower()) != b"":
                if line.startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            body = lines.read(length)
            requests.append((first.split()[0].decode(), body.decode()))
            answer = self.answers.pop(0) if self.answers else ANSWER % b""
            connection.sendall(answer)
            if b"\r\n\r\n{}" not in answer or b"close" in answer:
                return

    def stop(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()
