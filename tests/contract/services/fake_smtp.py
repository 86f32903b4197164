"""A mail server on loopback that holds its clients to RFC 5321, and keeps what it got.

Commands out of order, a bare LF, a line that is too long, 8-bit text, a password without TLS and
any command that it does not know are refused, and noted in ``complaints``.
"""

from __future__ import annotations

import base64
import re
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Callable, Dict, List, Optional, Set

_ADDRESS = r"<([^<>\s@]+@[A-Za-z0-9.-]+)>"


@dataclass
class Mail:
    sender: str
    recipients: List[str]
    content: bytes

    @property
    def parsed(self) -> EmailMessage:
        return message_from_bytes(self.content, policy=default)


@dataclass
class FakeSmtp:
    """``replies``: what is said instead, by command word (``GREETING``, ``.`` for the end of the
    message), ``DROP`` to break the connection; by ``RCPT <address>``, too. ``tokens`` are those
    that XOAUTH2 takes; ``challenges``: a refused one is explained in a challenge, as Google does.
    """

    tls: Optional[ssl.SSLContext] = None
    is_implicit: bool = False
    users: Dict[str, str] = field(default_factory=dict)
    ways: str = "PLAIN LOGIN"
    tokens: Set[str] = field(default_factory=set)
    challenges: bool = False
    replies: Dict[str, str] = field(default_factory=dict)
    mails: List[Mail] = field(default_factory=list)
    commands: List[str] = field(default_factory=list)
    complaints: List[str] = field(default_factory=list)
    before_reply: Callable[[str], None] = lambda word: None
    before_handshake: Callable[[], None] = lambda: None
    port: int = 0

    def start(self) -> FakeSmtp:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def stop(self) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError):
            connection.settimeout(20)
            if self.is_implicit and self.tls:
                self.before_handshake()
                connection = self.tls.wrap_socket(connection, server_side=True)
            _Session(self, connection).run()
        with suppress(OSError):
            connection.close()


class _Dropped(OSError):
    pass


class _Session:
    def __init__(self, server: FakeSmtp, connection: socket.socket) -> None:
        self._server = server
        self._connection = connection
        self._buffer = b""
        self._is_secure = server.is_implicit
        self._greeted = self._signed_in = False
        self._sender: Optional[str] = None
        self._recipients: List[str] = []

    def run(self) -> None:
        self._say("GREETING", "220 mail.example ESMTP")
        while True:
            line = self._line()
            word = line.split(" ")[0].upper()
            self._server.commands.append(line)
            handler = getattr(self, f"_{word.lower()}", None)
            if handler is None:
                self._complain(f"unknown command {line!r}")
                self._say(word, "500 unknown command")
            elif handler(line) is False:
                return

    def _line(self, longest: int = 510) -> str:
        while b"\r\n" not in self._buffer:
            self._read()
        raw, self._buffer = self._buffer.split(b"\r\n", 1)
        if len(raw) > longest or b"\n" in raw or b"\r" in raw:
            self._complain(f"malformed command {raw[:80]!r}")
        return raw.decode("ascii")

    def _read(self) -> None:
        piece = self._connection.recv(65536)
        if not piece:
            raise _Dropped
        self._buffer += piece

    def _say(self, word: str, usual: str) -> str:
        self._server.before_reply(word)
        said = self._server.replies.get(word, usual)
        if said == "DROP":
            self._connection.shutdown(socket.SHUT_RDWR)
            raise _Dropped
        self._connection.sendall(said.encode() + b"\r\n")
        return said

    def _complain(self, what: str) -> None:
        self._server.complaints.append(what)

    def _ehlo(self, line: str) -> None:
        if not re.fullmatch(r"(?i)EHLO ([A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+|\[[0-9.]+\])", line):
            self._complain(f"malformed {line!r}")
        offers = ["mail.example", "SIZE 10000000"]
        if self._server.tls and not self._is_secure:
            offers.append("STARTTLS")
        known = self._server.users or self._server.tokens
        if known and (self._is_secure or not self._server.tls):
            offers.append(f"AUTH {self._server.ways}")
        lines = [f"250-{one}" for one in offers[:-1]] + [f"250 {offers[-1]}"]
        self._greeted = True
        self._say("EHLO", "\r\n".join(lines))

    def _helo(self, line: str) -> None:
        self._greeted = True
        self._say("HELO", "250 mail.example")

    def _starttls(self, line: str) -> None:
        if not self._say("STARTTLS", "220 go ahead").startswith("220"):
            return
        assert self._server.tls
        self._buffer = b""
        self._connection = self._server.tls.wrap_socket(self._connection, server_side=True)
        self._is_secure, self._greeted = True, False

    def _auth(self, line: str) -> None:
        if self._server.tls and not self._is_secure:
            self._complain("a password without TLS")
        if line == "AUTH XOAUTH2":
            self._xoauth2()
            return
        _, way, first = line.split(" ")
        if way == "PLAIN":
            _, user, password = base64.b64decode(first).decode().split("\0")
        else:
            user = base64.b64decode(first).decode()
            self._say("AUTH LOGIN", "334 UGFzc3dvcmQ6")
            password = base64.b64decode(self._line()).decode()
        self._signed_in = self._server.users.get(user) == password
        self._say("AUTH", "235 ok" if self._signed_in else "535 5.7.8 wrong")

    def _xoauth2(self) -> None:
        """As in Microsoft's "SMTP protocol exchange"; an answer may be long (RFC 4954, 4)."""
        if not self._say("AUTH XOAUTH2", "334 ").startswith("334"):
            return
        said = base64.b64decode(self._line(12286)).decode()
        found = re.fullmatch("user=([^\1]+@[^\1]+)\1auth=Bearer ([^\1 ]+)\1\1", said)
        if not found:
            self._complain(f"malformed XOAUTH2 {said!r}")
        self._signed_in = found is not None and found[2] in self._server.tokens
        if self._signed_in:
            self._say("AUTH", "235 2.7.0 Authentication successful")
            return
        if self._server.challenges:
            self._say("CHALLENGE", "334 eyJzdGF0dXMiOiI0MDEifQ==")
            if self._line():
                self._complain("an answer to the challenge that is not empty")
        self._say("AUTH", "535 5.7.3 Authentication unsuccessful")

    def _rset(self, line: str) -> None:
        self._sender, self._recipients = None, []
        self._say("RSET", "250 2.0.0 Resetting")

    def _mail(self, line: str) -> None:
        found = re.fullmatch(rf"(?i)MAIL FROM:{_ADDRESS}", line)
        if not found or not self._greeted or self._sender:
            self._complain(f"out of order or malformed {line!r}")
        if (self._server.users or self._server.tokens) and not self._signed_in:
            self._say("MAIL", "530 5.7.0 Authentication required")
            return
        if self._say("MAIL", "250 ok").startswith("250") and found:
            self._sender = found[1]

    def _rcpt(self, line: str) -> None:
        found = re.fullmatch(rf"(?i)RCPT TO:{_ADDRESS}", line)
        if not found or not self._sender:
            self._complain(f"out of order or malformed {line!r}")
            return
        usual = self._server.replies.get(f"RCPT {found[1]}", "250 ok")
        if self._say("RCPT", usual).startswith("25"):
            self._recipients.append(found[1])

    def _data(self, line: str) -> None:
        if not self._recipients:
            self._complain("DATA without a recipient")
        if not self._say("DATA", "354 go on").startswith("354"):
            return
        while b"\r\n.\r\n" not in self._buffer:
            self._read()
        content, self._buffer = self._buffer.split(b"\r\n.\r\n", 1)
        content += b"\r\n"
        lines = content.split(b"\r\n")
        if any(b"\n" in one or b"\r" in one for one in lines):
            self._complain("a bare line end")
        if any(len(one) > 998 for one in lines) or not content.isascii():
            self._complain("a line that is too long, or not 7 bit")
        content = b"\r\n".join(one[1:] if one.startswith(b".") else one for one in lines)
        mail = Mail(self._sender or "", self._recipients, content)
        self._sender, self._recipients = None, []
        if self._server.replies.get(".", "250").startswith(("250", "DROP")):
            self._server.mails.append(mail)
        self._say(".", "250 queued")

    def _quit(self, line: str) -> bool:
        self._say("QUIT", "221 bye")
        return False
