"""Keeps a Socket Mode connection open, acknowledges envelopes and passes them on. One thread.

Protocol: "Using Socket Mode" in Slack's documentation. A connection begins with ``hello``. People's
actions arrive as envelopes, which Slack wants acknowledged within three seconds, so that is done
before anything else. Slack renews connections: ``disconnect`` says that one will end, and the next
one is opened before it is closed, so that nothing is lost in between.
"""

from __future__ import annotations

import json
import random
import threading
import time
from dataclasses import dataclass, field
from logging import Logger
from typing import Any, Callable, List, Mapping, Protocol

from .open_connection import Refused, Unreachable
from .websocket import Broken

__all__ = ["CONNECTING", "REFUSED", "SocketClient", "Status"]

CONNECTING, CONNECTED, REFUSED = "connecting", "connected", "refused"
# People's actions: buttons, forms and shortcuts; slash commands.
TAKEN = ("interactive", "slash_commands")
READ_SECONDS = 0.5
# Both sides ping now and then, so silence means a broken connection.
PING_AFTER_SECONDS = 15.0
SILENCE_SECONDS = 45.0
HELLO_SECONDS = 30.0
# How long a connection that Slack will end is still read. "warning" comes about 10 s before.
LEAVING_SECONDS = 15.0
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
REFUSED_PAUSE_SECONDS = 600.0
# A connection that lasted this long resets the pauses between attempts.
STEADY_SECONDS = 30.0

LINK_DISABLED = (
    "Socket Mode is switched off in the Slack app: switch it on under Settings > Socket Mode "
    "there, or remove the app-level token under Configuration > Slack."
)


class Connection(Protocol):
    """A :class:`.websocket.WebSocket`; every method raises Broken once it has ended."""

    heard_at: float

    def receive(self, seconds: float) -> Any: ...

    def send(self, text: str) -> None: ...

    def ping(self) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Status:
    """The state of the connection: ``state``, and one sentence if there is something to report."""

    state: str = CONNECTING
    detail: str = ""


@dataclass
class _Open:
    """One connection; ``leaving``: until when it is read after Slack announced its end."""

    wire: Connection
    since: float
    greeted: bool = False
    pinged: float = 0.0
    leaving: float = 0.0


@dataclass
class SocketClient:
    """Call :meth:`run` on a thread; it returns soon after ``stop`` is set.

    Args:
        connect: opens a connection. Raises Refused, Unreachable or Broken.
        take: takes the payload of an envelope of TAKEN; returns False if it can't take more now.
        jitter: a random number from 0 to 1.
    """

    connect: Callable[[], Connection]
    take: Callable[[Mapping[str, Any]], bool]
    log: Logger
    stop: threading.Event
    monotonic: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random
    status: Status = field(default_factory=Status)
    _open: List[_Open] = field(default_factory=list)
    _failures: int = 0
    _next_attempt: float = 0.0

    def run(self) -> None:
        """Work until ``stop`` is set."""
        try:
            while not self.stop.is_set():
                self.step()
        finally:
            for one in self._open:
                one.wire.close()
            self._open.clear()

    def step(self) -> None:
        """Connect if that is due, or read for a moment."""
        now = self.monotonic()
        if not any(not one.leaving for one in self._open) and now >= self._next_attempt:
            self._connect()
        if not self._open:
            self.stop.wait(min(max(self._next_attempt - self.monotonic(), 0.0), READ_SECONDS))
        for one in list(self._open):
            self._serve(one, READ_SECONDS / len(self._open))

    def _connect(self) -> None:
        try:
            wire = self.connect()
        except Refused as refusal:
            self._refused(str(refusal))
        except Unreachable as error:
            self._try_again(str(error), error.after or 0.0)
        except Broken as error:
            self._try_again(str(error))
        else:
            self._open.append(_Open(wire, self.monotonic()))

    def _serve(self, one: _Open, seconds: float) -> None:
        try:
            text = one.wire.receive(seconds)
            if text is not None:
                self._message(one, text)
            self._check_alive(one)
        except Broken as error:
            self._lost(one, str(error))

    def _message(self, one: _Open, text: str) -> None:
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            self.log.error("Slack sent a message that is no JSON object; it is passed over.")
            return
        kind = message.get("type")
        if kind == "hello":
            self._greeted(one, message)
        elif kind == "disconnect":
            self._leave(one, str(message.get("reason") or "without a reason")[:60])
        elif isinstance(message.get("envelope_id"), str):
            self._envelope(one, message)
        else:
            self.log.warning("Slack sent a message of the unknown type %s.", str(kind)[:60])

    def _greeted(self, one: _Open, message: Mapping[str, Any]) -> None:
        one.greeted = True
        self.status = Status(CONNECTED)
        facts = {"connections": message.get("num_connections")}
        self.log.info("Connected to Slack.", extra={"facts": facts})

    def _envelope(self, one: _Open, message: Mapping[str, Any]) -> None:
        kind, payload = message.get("type"), message.get("payload")
        if message.get("retry_attempt"):
            facts = {"attempt": message["retry_attempt"], "reason": message.get("retry_reason")}
            self.log.warning("Slack delivers something again.", extra={"facts": facts})
        if kind in TAKEN and isinstance(payload, dict) and not self.take(payload):
            # If it is not acknowledged, Slack tells the person that it did not work.
            self.log.error("Too much is pressed at once: a press was not taken.")
            return
        one.wire.send(json.dumps({"envelope_id": message["envelope_id"]}))
        if kind not in TAKEN:
            self.log.info("Slack sent %s, which this app has no use for.", str(kind)[:60])

    def _leave(self, one: _Open, reason: str) -> None:
        """Prepare for Slack's end of a connection: "warning", "refresh_requested", or for good."""
        if reason == "link_disabled":
            self._end(one)
            self._refused(LINK_DISABLED)
            return
        self.log.info("Slack renews the connection (%s).", reason)
        now = self.monotonic()
        one.leaving = now + LEAVING_SECONDS
        if one.greeted and now - one.since >= STEADY_SECONDS:
            self._failures, self._next_attempt = 0, 0.0
        else:
            self._try_again(f"Slack ended the connection at once ({reason}).")

    def _check_alive(self, one: _Open) -> None:
        """Check whether the other side still answers."""
        now = self.monotonic()
        silent = now - one.wire.heard_at
        if one.leaving and now >= one.leaving:
            self._end(one)
        elif not one.greeted and now - one.since >= HELLO_SECONDS:
            raise Broken("Slack did not say hello.")
        elif silent >= SILENCE_SECONDS:
            raise Broken(f"Nothing was heard for {SILENCE_SECONDS:.0f} s.")
        elif silent >= PING_AFTER_SECONDS and now - one.pinged >= PING_AFTER_SECONDS:
            one.pinged = now
            one.wire.ping()

    def _lost(self, one: _Open, reason: str) -> None:
        self._end(one)
        if one.leaving:
            return
        if one.greeted and self.monotonic() - one.since >= STEADY_SECONDS:
            self._failures = 0
        self._try_again(reason)

    def _end(self, one: _Open) -> None:
        one.wire.close()
        self._open.remove(one)

    def _refused(self, sentence: str) -> None:
        if self.status != Status(REFUSED, sentence):
            self.log.error(sentence)
        self.status = Status(REFUSED, sentence)
        self._next_attempt = self.monotonic() + REFUSED_PAUSE_SECONDS * (1 + self.jitter() / 10)

    def _try_again(self, reason: str, least: float = 0.0) -> None:
        """Wait before the next attempt: twice as long each time, with jitter."""
        longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(self._failures, 10))
        pause = max(longest * (0.5 + self.jitter() / 2), least)
        self._failures += 1
        self._next_attempt = self.monotonic() + pause
        if not any(one.greeted and not one.leaving for one in self._open):
            self.status = Status(CONNECTING, reason)
        self.log.warning("%s Trying again in %.0f s.", reason, pause)
