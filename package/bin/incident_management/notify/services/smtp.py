"""Submits messages to one mail server (RFC 5321), with verified TLS and limits in time and size.

A message counts as handed over once its text is sent. Any earlier failure proves that the server
does not have it.
"""

from __future__ import annotations

import base64
import io
import re
import smtplib
import socket
import ssl
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, Optional, Sequence, Tuple

from ...outside.bounded import Bounded
from ...outside.connecting import connect
from ...outside.network_failure import CONNECT_SECONDS, NoAnswer, NotSent

__all__ = ["Refused", "Server", "Session", "SignInRefused"]

# From the greeting to the answer to the message; less than an attempt may take
# (attempts.LEASE_SECONDS). RFC 5321 would wait ten minutes for that answer.
SESSION_SECONDS = 60.0
# For a command on a connection that may be gone.
SHORT_SECONDS = 5.0
# The limit of all answers to one message.
ANSWER_BYTES = 200_000
# What the first digit of a reply means (RFC 5321, 4.2.1).
DONE, GO_ON = 2, 3


@dataclass(frozen=True)
class Server:
    """A mail server. ``tls``: verifies its certificate; None: the connection is not encrypted.

    ``is_implicit``: TLS from the first byte (RFC 8314), else by STARTTLS (RFC 3207).
    ``is_oauth``: signs in with a token (XOAUTH2) instead of the password.
    """

    host: str
    port: int
    tls: Optional[ssl.SSLContext] = None
    is_implicit: bool = False
    username: str = ""
    password: str = field(default="", repr=False)
    is_oauth: bool = False


class Refused(Exception):
    """The server refused with this reply; it certainly does not have the message."""

    def __init__(self, doing: str, code: int, said: bytes) -> None:
        super().__init__(f"The mail server refused {doing}: {reply_text(code, said)}")
        self.is_final = 500 <= code < 600


class SignInRefused(Refused):
    """The server refuses the password, or the token."""


def reply_text(code: int, said: bytes) -> str:
    """Return a reply as one line for people."""
    return f"{code} {' '.join(said.decode('utf-8', 'replace').split())}"[:300]


class Session:
    """One sender's connection to a server, reused for messages until one is refused."""

    def __init__(self, server: Server, sender: str) -> None:
        self._server = server
        self._sender = sender
        self._client: Optional[_Client] = None

    def submit(
        self, recipients: Sequence[str], content: bytes, all_of_them: bool, token: str = ""
    ) -> Dict[str, str]:
        """Submit a message; return the recipients that were refused, with the server's replies.

        Args:
            content: the message with CRLF line ends, all of it 7 bit.
            all_of_them: send nothing while a recipient is refused for now (4xx).
            token: the value of ``Authorization``, for a sign-in by OAuth.

        Raises:
            Refused: the server refused the message and does not have it.
            NotSent: it certainly does not have it: no connection could be made, or it broke.
            NoAnswer: it may have it.
        """
        end = time.monotonic() + SESSION_SECONDS
        client, self._client = self._client, None
        is_begun = client is not None and client.begins_again(self._sender, end)
        if client is None or not is_begun:
            client = _Client(self._server, self._sender, end)
        try:
            with _nothing_sent(client, self._server):
                if not is_begun:
                    _begin(client, self._server, token)
                    _expect(DONE, f"the sender {self._sender}", client.mail(self._sender))
                refused = _offered(client, recipients, all_of_them)
            try:
                _hand_over(client, content)
            except (OSError, NoAnswer) as error:
                client.close()
                raise NoAnswer(
                    f"The connection to {self._server.host} broke before it said whether it has "
                    f"the message ({type(error).__name__})."
                ) from None
        except BaseException:
            client.leave()
            raise
        self._client = client
        return refused

    def close(self) -> None:
        """Quit the connection."""
        client, self._client = self._client, None
        if client is not None:
            client.leave()


@contextmanager
def _nothing_sent(client: _Client, server: Server) -> Iterator[None]:
    """Turn failures within into NotSent: the server certainly does not have the message."""
    try:
        yield
    except (OSError, UnicodeError, NoAnswer) as error:
        client.close()
        raise _not_sent(error, server) from None


class _Client(smtplib.SMTP):
    """smtplib's client, bounded against slow or endless answers, and with verified TLS."""

    def __init__(self, server: Server, sender: str, end: float) -> None:
        super().__init__(timeout=CONNECT_SECONDS, local_hostname=_own_name(sender))
        self._server = server
        # When all must end, as a value of ``time.monotonic``.
        self.deadline = end

    def begins_again(self, sender: str, end: float) -> bool:
        """Return whether the connection takes another message; close it if not.

        Some servers limit the messages of a connection, or have closed it meanwhile.
        """
        self.deadline = time.monotonic() + SHORT_SECONDS
        # A new reader, because the limit in bytes applies to each message.
        self.file = None
        with suppress(OSError, NoAnswer):
            if self.docmd("RSET")[0] // 100 == DONE and self.mail(sender)[0] // 100 == DONE:
                self.deadline = end
                return True
        self.leave()
        return False

    def leave(self) -> None:
        """Quit in any state of the connection, after a refusal, too (RFC 5321, 4.1.1.10)."""
        if self.sock is not None:
            with suppress(OSError, NoAnswer):
                self.deadline = time.monotonic() + SHORT_SECONDS
                self.quit()
        self.close()

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        # As smtplib.SMTP_SSL does.
        plain = connect(host, port, timeout)
        if not (self._server.tls and self._server.is_implicit):
            return plain
        try:
            return self._server.tls.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise

    def secure(self, tls: ssl.SSLContext) -> None:
        """Start TLS. Everything that the server sent before is discarded, unread lines included."""
        sock: Any = self.sock
        self.file = None
        self.sock = tls.wrap_socket(sock, server_hostname=self._server.host)

    def getreply(self) -> Tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            answers = Bounded(self.sock, lambda: self.deadline, ANSWER_BYTES, NoAnswer)
            self.file = io.BufferedReader(answers)
        return super().getreply()


def _own_name(sender: str) -> str:
    """Return this machine's name for EHLO: its DNS name if known, else the sender's domain.

    Google's relay refuses ``[127.0.0.1]`` and names of one label, and asks for one of these ("SMTP
    relay service error messages"). smtplib would ask DNS for the name, however long that takes.
    """
    for name in (socket.gethostname(), sender.rpartition("@")[2]):
        if "." in name and re.fullmatch(r"[A-Za-z0-9.-]{1,255}", name):
            return name
    return "[127.0.0.1]"


def _begin(client: _Client, server: Server, token: str) -> None:
    _expect(DONE, "the connection", client.connect(server.host, server.port))
    _greet(client)
    if server.tls and not server.is_implicit:
        _start_tls(client, server.tls)
    if server.username:
        _sign_in(client, server, token)


def _offered(client: _Client, recipients: Sequence[str], all_of_them: bool) -> Dict[str, str]:
    """Send the recipients and the DATA command; return the recipients that were refused."""
    refused: Dict[str, Tuple[int, bytes]] = {}
    for one in recipients:
        code, said = client.rcpt(one)
        if code // 100 == DONE:
            continue
        if not 400 <= code < 600:
            raise smtplib.SMTPServerDisconnected("That is no SMTP.")
        refused[one] = code, said
        if code == 421 or (all_of_them and code < 500):
            raise Refused(f"the recipient {one} for now", code, said)
    if len(refused) == len(recipients):
        # The lowest reply counts: while one recipient is refused for now (4xx), it is tried again.
        raise Refused("every recipient", *min(refused.values()))
    _expect(GO_ON, "to take the message", client.docmd("DATA"))
    return {one: reply_text(*reply) for one, reply in refused.items()}


def _greet(client: _Client) -> None:
    reply = client.ehlo()
    if 500 <= reply[0] < 600:
        reply = client.helo()
    _expect(DONE, f"to speak to {client.local_hostname}", reply)


def _start_tls(client: _Client, tls: ssl.SSLContext) -> None:
    # Without STARTTLS, neither password nor message is sent: somebody in between may hide it.
    if not client.has_extn("starttls"):
        raise Refused("TLS", 502, b"it does not offer STARTTLS; choose another port or Encryption")
    _expect(DONE, "STARTTLS", client.docmd("STARTTLS"))
    client.secure(tls)
    _greet(client)


def _sign_in(client: _Client, server: Server, token: str) -> None:
    """Sign in with PLAIN (RFC 4616) or LOGIN; smtplib's own takes only ASCII passwords.

    A token is sent by XOAUTH2 in two steps, as in "Authenticate an IMAP, POP or SMTP connection
    using OAuth" (Microsoft). If it refuses the token, Google first gives the reason in a challenge
    that needs an empty answer ("OAuth 2.0 Mechanism"); Microsoft refuses at once.
    """
    ways = client.esmtp_features.get("auth", "").upper().split()
    known = ("XOAUTH2",) if server.is_oauth else ("PLAIN", "LOGIN")
    if server.is_oauth and "XOAUTH2" in ways:
        reply = client.docmd("AUTH", "XOAUTH2")
        if reply[0] == 334:
            reply = client.docmd(_encoded(f"user={server.username}\1auth={token}\1\1"))
        if reply[0] == 334:
            reply = client.docmd("")
    elif not server.is_oauth and "PLAIN" in ways:
        both = f"\0{server.username}\0{server.password}"
        reply = client.docmd("AUTH", f"PLAIN {_encoded(both)}")
    elif not server.is_oauth and "LOGIN" in ways:
        reply = client.docmd("AUTH", f"LOGIN {_encoded(server.username)}")
        if reply[0] == 334:
            reply = client.docmd(_encoded(server.password))
    else:
        said = f"it offers {', '.join(ways) or 'none'}, and not {' or '.join(known)}"
        raise Refused("to sign in", 504, said.encode())
    if reply[0] == 535:
        raise SignInRefused(f"to sign in {server.username}", *reply)
    _expect(DONE, f"to sign in {server.username}", reply)


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _hand_over(client: _Client, content: bytes) -> None:
    # A line that begins with a dot gets another one before it (RFC 5321, 4.5.2).
    text = re.sub(rb"(?m)^\.", b"..", content)
    client.send((text if text.endswith(b"\r\n") else text + b"\r\n") + b".\r\n")
    _expect(DONE, "the message", client.getreply())


def _expect(first: int, doing: str, reply: Tuple[int, bytes]) -> None:
    """Check the first digit of a reply.

    Raises Refused, or SMTPServerDisconnected if the reply is not valid here.
    """
    code = reply[0]
    if code // 100 == first:
        return
    if not 400 <= code < 600:
        raise smtplib.SMTPServerDisconnected("That is no SMTP.")
    raise Refused(doing, *reply)


def _not_sent(error: Exception, server: Server) -> NotSent:
    if isinstance(error, ssl.SSLCertVerificationError):
        return NotSent(
            f"The certificate of {server.host} is not accepted ({error.verify_message}): name the "
            "server as its certificate does, or set ca_file under Network if it is a private one."
        )
    if isinstance(error, ssl.SSLError):
        return NotSent(
            f"{server.host}:{server.port} does not speak TLS as it was set ({error.reason or 'no'}"
            " TLS): choose another port or Encryption."
        )
    if isinstance(error, (TimeoutError, socket.timeout, NoAnswer)):
        return NotSent(f"{server.host}:{server.port} did not answer in time.")
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return NotSent(f"{server.host}:{server.port} ended the connection, or is no mail server.")
    reason = error.strerror if isinstance(error, OSError) else None
    return NotSent(
        f"No connection to {server.host}:{server.port} could be made, or it broke: "
        f"{reason or type(error).__name__}."
    )
