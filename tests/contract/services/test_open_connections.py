"""Readings share a connection for some seconds; what may change something has its own."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

import pytest

from incident_management.outside import transport
from incident_management.outside.session_pool import SessionPool
from incident_management.outside.transport import Network, NoAnswer, send_json


class Lasting:
    """A service that keeps connections open: what came over which, and how each answers.

    ``lives``: after so many answers it hangs up on the next request without a word.
    """

    def __init__(self, lives: int = 1000, cookie: bytes = b"") -> None:
        self.lives, self.cookie = lives, cookie
        self.got: list = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        number = 0
        while True:
            client, _ = self.listener.accept()
            number += 1
            threading.Thread(target=self._serve, args=(client, number), daemon=True).start()

    def _serve(self, client: socket.socket, number: int) -> None:
        with client, suppress(OSError):
            for answered in range(self.lives + 1):
                head = b""
                while b"\r\n\r\n" not in head:
                    part = client.recv(4096)
                    if not part:
                        return
                    head += part
                self.got.append((number, head.split()[0].decode(), b"ookie:" in head))
                if answered < self.lives:
                    answer = b"HTTP/1.1 200 OK\r\n%sContent-Length: 2\r\n\r\n{}" % self.cookie
                    client.sendall(answer)


def test_readings_share_a_connection_and_what_acts_has_its_own():
    service = Lasting()
    for method in ("GET", "GET", "POST", "DELETE", "GET"):
        body = b"" if method != "GET" else None
        send_json(Network(), service.url, data=body, method=method)
    assert [(number, method) for number, method, _cookie in service.got] == [
        (1, "GET"),
        (1, "GET"),
        (2, "POST"),
        (3, "DELETE"),
        (1, "GET"),
    ]


def test_a_reading_whose_connection_was_closed_meanwhile_is_asked_once_more():
    service = Lasting(lives=1)
    for _ in range(3):
        assert send_json(Network(), service.url, method="GET").status == 200
    answered_over = [number for number, _method, _cookie in service.got]
    assert answered_over == [1, 1, 2, 2, 3]


def test_a_reading_that_breaks_over_a_new_connection_is_not_repeated():
    service = Lasting(lives=0)
    with pytest.raises(NoAnswer, match="broke before it answered"):
        send_json(Network(), service.url, method="GET")
    assert len(service.got) == 1


def test_a_connection_that_was_left_alone_is_not_used(monkeypatch):
    service, now = Lasting(), [0.0]
    monkeypatch.setattr(transport, "_idle", SessionPool(lambda: now[0]))
    for now[0] in (0.0, 5.0, 20.0):
        send_json(Network(), service.url, method="GET")
    assert [number for number, _method, _cookie in service.got] == [1, 1, 2]


def test_no_answer_leaves_a_cookie_behind():
    """A session at the service would outlive the password that it was given for."""
    service = Lasting(cookie=b"Set-Cookie: JSESSIONID=1; Path=/\r\n")
    for _ in range(2):
        send_json(Network(), service.url, method="GET")
    assert [cookie for _number, _method, cookie in service.got] == [False, False]
