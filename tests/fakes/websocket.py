"""A strict WebSocket server on loopback (RFC 6455), which records a client's protocol faults.

A client's frames must be masked, its control frames short and whole, its text UTF-8; extensions and
subprotocols are not offered. Faults are collected in ``WebSocketServer.faults``.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import queue
import socket
import ssl
import struct
import threading
from typing import Any, Dict, List, Optional

__all__ = ["Peer", "WebSocketServer", "frame"]

SALT = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


def frame(opcode: int, payload: bytes, final: bool = True, mask: bool = False) -> bytes:
    """Return one frame, by default as a server sends it."""
    head = bytes([(0x80 if final else 0) | opcode])
    size, bit = len(payload), 0x80 if mask else 0
    if size < 126:
        head += bytes([bit | size])
    elif size < 65_536:
        head += struct.pack("!BH", bit | 126, size)
    else:
        head += struct.pack("!BQ", bit | 127, size)
    return head + (b"\0\0\0\0" if mask else b"") + payload


class Peer:
    """The server's end of a connection. ``texts``, ``pongs``: received; ``closed``: the code."""

    def __init__(self, server: WebSocketServer, sock: Any, target: str) -> None:
        self.target = target
        self.texts: queue.Queue[str] = queue.Queue()
        self.pongs: queue.Queue[bytes] = queue.Queue()
        self.pings = 0
        self.closed: Optional[int] = None
        self.over = threading.Event()
        self._server = server
        self._sock = sock

    def send(self, text: str) -> None:
        self.send_bytes(frame(TEXT, text.encode()))

    def send_bytes(self, data: bytes) -> None:
        self._sock.sendall(data)

    def ping(self, payload: bytes = b"are you there") -> None:
        self.send_bytes(frame(PING, payload))

    def say_goodbye(self, code: int = 1001) -> None:
        self.send_bytes(frame(CLOSE, struct.pack("!H", code)))

    def drop(self) -> None:
        """Break the connection without a close frame."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def serve(self) -> None:
        try:
            while self._frame():
                pass
        except (OSError, EOFError):
            pass
        finally:
            self.over.set()
            self._sock.close()

    def _frame(self) -> bool:
        first, second = self._read(2)
        opcode, size = first & 0x0F, second & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", self._read(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", self._read(8))
        self._must(bool(second & 0x80), "a frame without a mask")
        self._must(first & 0xF0 == 0x80, "a fragment or a reserved bit")
        self._must(opcode in (TEXT, CLOSE, PING, PONG), f"opcode {opcode}")
        self._must(opcode == TEXT or size <= 125, "a long control frame")
        mask = self._read(4)
        payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(self._read(size)))
        if opcode == TEXT:
            self.texts.put(payload.decode("utf-8"))
        elif opcode == PONG:
            self.pongs.put(payload)
        elif opcode == PING:
            self.pings += 1
            self.send_bytes(frame(PONG, payload))
        else:
            self.closed = struct.unpack("!H", payload[:2])[0] if payload else 0
            return False
        return True

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = self._sock.recv(size - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def _must(self, right: bool, what: str) -> None:
        if not right:
            self._server.faults.append(what)


class WebSocketServer:
    """Accepts connections, each with a :class:`Peer`. ``heads``: the requests as they came.

    ``answer`` replaces the answer to the handshake, with what is to follow it at once.
    """

    def __init__(self, tls: Optional[ssl.SSLContext] = None) -> None:
        self.faults: List[str] = []
        self.heads: List[str] = []
        self.answer: Optional[bytes] = None
        self.follow = b""
        self._peers: queue.Queue[Peer] = queue.Queue()
        self._all: List[Peer] = []
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"{'wss' if tls else 'ws'}://127.0.0.1:{self.port}/link/"
        threading.Thread(target=self._accept, daemon=True).start()

    def next_peer(self, seconds: float = 30.0) -> Peer:
        """Return the next opened connection. Fails the test when none arrives in time."""
        try:
            return self._peers.get(timeout=seconds)
        except queue.Empty:
            raise AssertionError(f"Nobody connected within {seconds:.0f} s.") from None

    @property
    def waiting(self) -> int:
        """Return the number of opened connections that no test has taken yet."""
        return self._peers.qsize()

    def stop(self) -> None:
        # shutdown() wakes a thread that waits in accept(); close() alone does not.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for peer in self._all:
            peer.drop()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._greet, args=(sock,), daemon=True).start()

    def _greet(self, sock: Any) -> None:
        try:
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_side=True)
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                part = sock.recv(1)
                if not part:
                    raise EOFError
                head += part
            self.heads.append(head.decode())
            target, key = self._checked(head.decode())
            accept = base64.b64encode(hashlib.sha1((key + SALT).encode()).digest()).decode()
            lines = ("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket")
            agreed = (*lines, "Connection: Upgrade", f"Sec-WebSocket-Accept: {accept}", "\r\n")
            answer = self.answer or "\r\n".join(agreed).encode()
            peer = Peer(self, sock, target)
            self._all.append(peer)
            sock.sendall(answer + self.follow)
        except (OSError, EOFError):
            sock.close()
            return
        self._peers.put(peer)
        peer.serve()

    def _checked(self, head: str) -> tuple[str, str]:
        request, *lines = head.strip().split("\r\n")
        method, target, version = request.split(" ")
        headers: Dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        key = headers.get("sec-websocket-key", "")
        good = (
            (method, version) == ("GET", "HTTP/1.1")
            and headers.get("upgrade", "").lower() == "websocket"
            and headers.get("connection", "").lower() == "upgrade"
            and headers.get("sec-websocket-version") == "13"
            and headers.get("host", "").endswith(f":{self.port}")
            and len(base64.b64decode(key)) == 16
        )
        if not good:
            self.faults.append(f"the handshake {head!r}")
        return target, key
