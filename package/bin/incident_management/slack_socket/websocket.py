"""One WebSocket connection (RFC 6455), as a client, used by one thread.

slack_sdk's own client is not suitable: it never gives up a connection whose first ping is
unanswered, uses no TLS on ports other than 443, takes a proxy from the environment, passes
fragments on as messages, limits none of them, and its threads end unnoticed.

Certificates are verified, and a proxy is used, as in :mod:`..outside.transport`. Error sentences
name the host, never the address, whose query is a ticket.
"""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import ssl
import struct
import time
from contextlib import ExitStack
from typing import Any, Dict, Optional, Tuple
from urllib.parse import SplitResult, unquote, urlsplit

from ..hosts import is_loopback
from ..outside.connecting import connect
from ..outside.transport import BadUrl, Network, tls_context

__all__ = ["MESSAGE_BYTES", "Broken", "WebSocket", "open_websocket"]

CONNECT_SECONDS = 10.0
SEND_SECONDS = 10.0
HEAD_BYTES = 16_384
MESSAGE_BYTES = 1_000_000
READ_BYTES = 65_536
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
NORMAL, PROTOCOL_ERROR, NOT_UTF8, TOO_LARGE = 1000, 1002, 1007, 1009
NO_ADDRESS = "Slack gave an address that is not of the form wss://host/path."
# RFC 6455, section 1.3.
_ACCEPT_SALT = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Broken(Exception):
    """The connection could not be made, or has ended; the text says why."""


class WebSocket:
    """An open connection. All methods raise :class:`Broken` once it has ended.

    ``heard_at``: when data last arrived, by ``time.monotonic()``. ``unread`` are bytes that arrived
    together with the answer to the handshake.
    """

    def __init__(self, sock: Any, unread: bytes = b"") -> None:
        self._sock = sock
        self._buffer = bytearray(unread)
        self._parts = bytearray()
        self._within = False
        self.heard_at = time.monotonic()

    def receive(self, seconds: float) -> Optional[str]:
        """Return the next message, or None if none came in time. Answers pings meanwhile."""
        end = time.monotonic() + seconds
        while True:
            text = self._message()
            if text is not None:
                return text
            left = end - time.monotonic()
            if left <= 0:
                return None
            self._read(left)

    def send(self, text: str) -> None:
        """Send one message."""
        self._send(TEXT, text.encode("utf-8"))

    def ping(self) -> None:
        """Ask the other side for an answer, which updates ``heard_at``."""
        self._send(PING, b"")

    def close(self) -> None:
        """Send a close frame if possible, and close the connection."""
        try:
            self._send(CLOSE, struct.pack("!H", NORMAL))
        except Broken:
            return
        finally:
            self._sock.close()

    def _read(self, seconds: float) -> None:
        try:
            self._sock.settimeout(max(seconds, 0.01))
            data = self._sock.recv(READ_BYTES)
        except socket.timeout:
            return
        except (OSError, ValueError) as error:
            raise Broken(f"The connection broke ({type(error).__name__}).") from None
        if not data:
            raise Broken("The connection was closed without a goodbye.")
        self.heard_at = time.monotonic()
        self._buffer += data

    def _message(self) -> Optional[str]:
        """Return a complete message, or None."""
        while True:
            frame = self._frame()
            if frame is None:
                return None
            final, opcode, payload = frame
            if opcode >= CLOSE:
                self._control(opcode, payload)
                continue
            if opcode == BINARY or (opcode == CONTINUATION) is not self._within:
                raise self._fault(PROTOCOL_ERROR, "a frame out of place")
            self._parts += payload
            if len(self._parts) > MESSAGE_BYTES:
                raise self._fault(TOO_LARGE, f"a message of more than {MESSAGE_BYTES} bytes")
            self._within = not final
            if final:
                whole, self._parts = bytes(self._parts), bytearray()
                try:
                    return whole.decode("utf-8")
                except UnicodeDecodeError:
                    raise self._fault(NOT_UTF8, "text that is not UTF-8") from None

    def _frame(self) -> Optional[Tuple[bool, int, bytes]]:
        """Take one complete frame off the buffer, if there is one (section 5.2)."""
        data = self._buffer
        if len(data) < 2:
            return None
        first, length, start = data[0], data[1], 2
        opcode = first & 0x0F
        if first & 0x70 or length & 0x80 or opcode not in (0, 1, 2, 8, 9, 10):
            raise self._fault(PROTOCOL_ERROR, "a frame that nobody agreed on")
        if opcode >= CLOSE and (length > 125 or not first & 0x80):
            raise self._fault(PROTOCOL_ERROR, "a malformed control frame")
        if length > 125:
            start = 4 if length == 126 else 10
            if len(data) < start:
                return None
            (length,) = struct.unpack("!H" if start == 4 else "!Q", bytes(data[2:start]))
        if length > MESSAGE_BYTES:
            raise self._fault(TOO_LARGE, f"a frame of more than {MESSAGE_BYTES} bytes")
        if len(data) < start + length:
            return None
        payload = bytes(data[start : start + length])
        del data[: start + length]
        return bool(first & 0x80), opcode, payload

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self._send(PONG, payload)
        elif opcode == CLOSE:
            code = struct.unpack("!H", payload[:2])[0] if len(payload) >= 2 else 0
            self.close()
            raise Broken(f"Slack closed the connection ({code or 'without a reason'}).")

    def _fault(self, code: int, what: str) -> Broken:
        """Close the connection because of a protocol violation; return the error to raise."""
        try:
            self._send(CLOSE, struct.pack("!H", code))
        except Broken:
            return Broken(f"The other side sent {what}, and is gone.")
        finally:
            self._sock.close()
        return Broken(f"The other side sent {what}.")

    def _send(self, opcode: int, payload: bytes) -> None:
        try:
            self._sock.settimeout(SEND_SECONDS)
            self._sock.sendall(_masked(opcode, payload))
        except (OSError, ValueError) as error:
            raise Broken(f"The connection broke ({type(error).__name__}).") from None


def _masked(opcode: int, payload: bytes) -> bytes:
    """Return one whole frame of a client, which is always masked (section 5.3)."""
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", 0x80 | opcode, 0x80 | size)
    elif size < 65_536:
        head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, size)
    mask = os.urandom(4)
    repeated = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    masked = (int.from_bytes(payload, "big") ^ repeated).to_bytes(size, "big")
    return head + mask + masked


# --- opening ----------------------------------------------------------------------------------


def open_websocket(url: str, network: Network) -> WebSocket:
    """Connect to a ``wss://`` address (``ws://`` only on this machine). Raises :class:`Broken`."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "wss" else 80)
    except ValueError:
        raise Broken(NO_ADDRESS) from None
    plain = parts.scheme == "ws" and is_loopback(host)
    if not host or (parts.scheme != "wss" and not plain):
        raise Broken(NO_ADDRESS)
    try:
        with ExitStack() as undo:
            tls = None if plain else _context(network)
            sock = _connected(host, port, network, tls, undo)
            unread = _handshake(sock, host, port, f"{parts.path or '/'}?{parts.query}")
            undo.pop_all()
            return WebSocket(sock, unread)
    except ssl.SSLCertVerificationError:
        raise Broken(
            f"The certificate of {host} (or of the proxy) is not to be trusted: set ca_file under "
            "Network if it is signed by a private authority."
        ) from None
    except UnicodeError:
        # Neither a valid DNS name nor a valid path.
        raise Broken(NO_ADDRESS) from None
    except BadUrl as error:
        raise Broken(str(error)) from None
    except OSError as error:
        reason = type(error).__name__
        raise Broken(f"No connection to {host} could be made ({reason}).") from None


def _context(network: Network) -> ssl.SSLContext:
    context = tls_context(network)
    # urllib3 compares names itself and has this switched off; here nothing else compares them.
    context.check_hostname = True
    return context


def _connected(
    host: str, port: int, network: Network, tls: Optional[ssl.SSLContext], undo: ExitStack
) -> Any:
    """Return a connected socket, with TLS if ``tls`` is given, through the proxy if one is set.

    ``undo`` gets what has to be closed on failure.
    """
    by_proxy = network.proxy_for(host)
    if not by_proxy:
        sock: Any = connect(host, port, CONNECT_SECONDS)
        undo.callback(sock.close)
        return tls.wrap_socket(sock, server_hostname=host) if tls else sock
    proxy = urlsplit(by_proxy)
    proxy_host = proxy.hostname or ""
    sock = connect(proxy_host, proxy.port or 80, CONNECT_SECONDS)
    undo.callback(sock.close)
    if proxy.scheme == "https":
        sock = _context(network).wrap_socket(sock, server_hostname=proxy_host)
        undo.callback(sock.close)
    _tunnel(sock, host, port, proxy)
    if tls is None:
        return sock
    if proxy.scheme == "https":
        from urllib3.util.ssltransport import SSLTransport  # type: ignore[import-untyped]

        return SSLTransport(sock, tls, server_hostname=host)
    sock = tls.wrap_socket(sock, server_hostname=host)
    undo.callback(sock.close)
    return sock


def _tunnel(sock: Any, host: str, port: int, proxy: SplitResult) -> None:
    """Ask a proxy to connect to a host (RFC 9110, section 9.3.6)."""
    login = ""
    if proxy.username:
        pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
        login = f"Proxy-Authorization: Basic {_base64(pair.encode('utf-8'))}\r\n"
    target = f"{_in_address(host)}:{port}"
    sock.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{login}\r\n".encode())
    status, _headers, unread = _head(sock, proxy.hostname or "")
    if not 200 <= status < 300 or unread:
        raise Broken(f"The proxy did not connect to {host}: check the proxy's settings.")


def _handshake(sock: Any, host: str, port: int, resource: str) -> bytes:
    """Open a WebSocket (section 4.1); return the bytes that followed the answer."""
    key = _base64(os.urandom(16))
    sock.sendall(
        (
            f"GET {resource} HTTP/1.1\r\nHost: {_in_address(host)}:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        ).encode("ascii")
    )
    status, headers, unread = _head(sock, host)
    if status != 101:
        raise Broken(f"{host} answered {status} instead of opening a WebSocket.")
    salted = (key + _ACCEPT_SALT).encode("ascii")
    expected = _base64(hashlib.sha1(salted, usedforsecurity=False).digest())
    agreed = (
        headers.get("upgrade", "").lower() == "websocket"
        and "upgrade" in headers.get("connection", "").lower()
        and headers.get("sec-websocket-accept", "") == expected
        and "sec-websocket-extensions" not in headers
        and "sec-websocket-protocol" not in headers
    )
    if not agreed:
        raise Broken(f"{host} does not open a WebSocket as RFC 6455 has it.")
    return unread


def _head(sock: Any, host: str) -> Tuple[int, Dict[str, str], bytes]:
    """Read an answer's status, headers (names in lower case), and the bytes after them."""
    end = time.monotonic() + CONNECT_SECONDS
    data = b""
    while b"\r\n\r\n" not in data:
        left = end - time.monotonic()
        if left <= 0 or len(data) > HEAD_BYTES:
            raise Broken(f"{host} did not answer as a web server does.")
        sock.settimeout(left)
        part = sock.recv(4096)
        if not part:
            raise Broken(f"{host} closed the connection before it answered.")
        data += part
    head, _, unread = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdecimal():
        raise Broken(f"{host} did not answer as a web server does.")
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return int(words[1]), headers, unread


def _in_address(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
