"""The modular input's work: holds the lease and the connection, acts on presses, reports its state.

Three threads, so that none delays another: this one talks to splunkd about lease and settings, one
holds the connection, saves presses and acknowledges them, and one acts. A thread that ends with an
error ends the process, and splunkd restarts it.
"""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass
from logging import Logger
from typing import Any, Callable, Dict, Mapping, Optional, Protocol, Tuple

from ..outside.network import NotConfigured, network_of
from ..outside.transport import BadUrl, tls_context
from ..splunk import log
from ..splunk.configuration.settings import SHARED_PARTS, Settings, SettingsError
from ..splunk.session import SplunkError
from .lease import Lease
from .socket_client import CONNECTING, REFUSED, SocketClient, Status

__all__ = ["MESSAGE", "Listener", "Parts"]

MESSAGE = "incident_management_slack_socket"
WAITING = "waiting"
ROUND_SECONDS = 1.0
# How often settings are read and the lease is renewed.
LOOK_SECONDS = 15.0
# A restarted process has a new session key. No process is connected meanwhile, so the restart waits
# while buttons are in use, but not forever.
RUN_SECONDS = 24 * 3600.0
QUIET_SECONDS = 1800.0
LONGEST_RUN_SECONDS = 36 * 3600.0
WAITING_PRESSES = 100
# How often presses that are left are tried again, until they are done.
RESUME_SECONDS = 15.0
# How long the end of the process waits for acknowledged presses to be done.
FINISH_SECONDS = 5.0
NO_BOT_TOKEN = (
    "A Slack app-level token is set, but no bot token. Messages and answers need one: set it "
    "under Configuration > Slack."
)


class Bulletin(Protocol):
    """Messages in Splunk Web; both methods raise SplunkError."""

    def show(self, name: str, sentence: str) -> None: ...

    def take_away(self, name: str) -> None: ...


@dataclass(frozen=True)
class Parts:
    """The parts of one connection, for some settings.

    ``line`` creates it from the function that takes its payloads and the event that ends it.
    ``keep`` saves a payload before it is acknowledged, on the line's thread; ``act`` does what it
    asks for, and ``resume`` what was left to do, on another thread (both return False if something
    is left).
    """

    line: Callable[[Callable[[Mapping[str, Any]], bool], threading.Event], SocketClient]
    keep: Callable[[Mapping[str, Any]], None]
    act: Callable[[Mapping[str, Any]], bool]
    resume: Callable[[], bool]


class Listener:
    """Runs until it is stopped.

    Args:
        settings: reads the settings. Raises SplunkError.
        parts: creates a connection's parts from settings that allow one.
        bulletin: the messages that administrators see.
        orphaned: returns whether splunkd, which started this process, or this version of the app
            is gone.
    """

    def __init__(
        self,
        settings: Callable[[], Settings],
        parts: Callable[[Settings], Parts],
        turn: Lease,
        bulletin: Bulletin,
        logger: Logger,
        stop: threading.Event,
        orphaned: Callable[[], bool] = lambda: False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._parts = parts
        self._turn = turn
        self._bulletin = bulletin
        self._log = logger
        self._stop = stop
        self._orphaned = orphaned
        self._monotonic = monotonic
        self._known: Optional[Settings] = None
        self._link: Optional[_Link] = None
        self._problem = ""
        self._holds = False
        self._reported: Mapping[str, str] = {}
        self._next_look = 0.0
        self._pressed_at = float("-inf")
        self._shown: Optional[str] = None
        self._trouble = ""

    def run(self) -> None:
        """Work until stopped. Returns at once if no app-level token is set."""
        began = self._monotonic()
        try:
            while not self._stop.is_set() and not self._is_over(began) and self.round():
                self._stop.wait(ROUND_SECONDS)
        finally:
            self._hang_up()
            self._leave()

    def round(self) -> bool:
        """Check everything once; return False if there is nothing more to do here."""
        if self._orphaned():
            self._log.info("splunkd is gone, or the app was upgraded.")
            return False
        if self._link is not None:
            self._link.check()
        try:
            is_due = self._monotonic() >= self._next_look
            if is_due:
                self._next_look = self._monotonic() + LOOK_SECONDS
                if not self._configured():
                    return False
            if is_due or (self._holds and self._status_document() != self._reported):
                self._take_turn()
                self._trouble = ""
            if self._holds:
                self._show()
        except SplunkError as error:
            if error.status == 401:
                self._log.info("The session has ended; a new process gets a new one.")
                return False
            self._complain(f"splunkd can't be asked just now: {error}")
        return True

    def _is_over(self, began: float) -> bool:
        """Return whether it is time to restart the process."""
        now = self._monotonic()
        if now - began < RUN_SECONDS:
            return False
        is_quiet = now - self._pressed_at >= QUIET_SECONDS
        return is_quiet or now - began >= LONGEST_RUN_SECONDS

    # --- settings ---------------------------------------------------------------------------

    def _configured(self) -> bool:
        settings = self._settings()
        if not settings.slack.app_token and "slack" not in settings.problems:
            if self._known is not None:
                self._log.info("The app-level token was removed.")
            return False
        if _about(settings) != (_about(self._known) if self._known else None):
            self._hang_up()
            self._problem = _problem(settings)
            if self._problem:
                self._log.error(self._problem)
        log.set_level("slack_socket", settings.loglevel)
        self._known = settings
        return True

    # --- turns ------------------------------------------------------------------------------

    def _take_turn(self) -> None:
        said = self._status_document()
        holds = self._turn.take(said)
        if not holds:
            if self._holds:
                self._log.info("Another search head holds the connection now.")
            self._hang_up()
            # The message in Splunk Web is now the other member's to show and to remove.
            self._shown = None
        elif self._link is None and not self._problem and self._known is not None:
            self._link = _Link(self._parts(self._known), self._log, self._pressed)
        self._holds, self._reported = holds, said

    def _pressed(self) -> None:
        self._pressed_at = self._monotonic()

    def _status_document(self) -> Dict[str, str]:
        status = self._status()
        return {"state": status.state, "detail": status.detail[:500]}

    def _status(self) -> Status:
        if self._problem:
            return Status(WAITING, self._problem)
        return self._link.status if self._link is not None else Status(CONNECTING)

    def _show(self) -> None:
        """Show administrators a message while Slack refuses; the worker reports bad settings."""
        status = self._status()
        wanted = ""
        if status.state == REFUSED or self._problem == NO_BOT_TOKEN:
            wanted = f"Buttons in Slack do not work: {status.detail}"
        if wanted == self._shown:
            return
        if wanted:
            self._bulletin.show(MESSAGE, wanted)
        else:
            self._bulletin.take_away(MESSAGE)
        self._shown = wanted

    # --- the end ----------------------------------------------------------------------------

    def _hang_up(self) -> None:
        if self._link is not None:
            self._link.end()
            self._link = None

    def _leave(self) -> None:
        """Release the lease; if that fails, another search head takes it after a minute."""
        try:
            if self._shown:
                self._bulletin.take_away(MESSAGE)
            self._turn.give_back({"state": CONNECTING, "detail": ""})
        except SplunkError as error:
            self._complain(f"The turn could not be given back: {error}")

    def _complain(self, sentence: str) -> None:
        if sentence != self._trouble:
            self._log.error(sentence)
            self._trouble = sentence


class _Link:
    """A line and an actor, each on its thread; ``pressed`` is called for each press."""

    def __init__(self, parts: Parts, logger: Logger, pressed: Callable[[], None]) -> None:
        self._parts = parts
        self._log = logger
        self._pressed = pressed
        self._stop = threading.Event()
        self._presses: queue.Queue[Optional[Mapping[str, Any]]] = queue.Queue(WAITING_PRESSES)
        self._failed = ""
        self._line = parts.line(self._take, self._stop)
        self._threads = [
            threading.Thread(target=self._guarded, args=(work,), name=name, daemon=True)
            for name, work in (("slack line", self._line.run), ("slack actor", self._act))
        ]
        for thread in self._threads:
            thread.start()

    @property
    def status(self) -> Status:
        return self._line.status

    def check(self) -> None:
        """Raise RuntimeError if one of the threads has failed."""
        if self._failed:
            raise RuntimeError(self._failed)

    def end(self) -> None:
        """Disconnect, do what is already acknowledged, and stop the threads."""
        self._stop.set()
        line, actor = self._threads
        line.join(FINISH_SECONDS)
        try:
            self._presses.put(None, timeout=FINISH_SECONDS)
        except queue.Full:
            self._log.error("%d presses were not done in time.", self._presses.qsize())
            return
        actor.join(FINISH_SECONDS)
        if actor.is_alive():
            self._log.error("A press was not done in time, or is done while the process ends.")

    def _take(self, payload: Mapping[str, Any]) -> bool:
        self._pressed()
        # Only this thread puts presses in while there is a connection.
        if self._presses.full():
            return False
        self._parts.keep(payload)
        self._presses.put(payload)
        return True

    def _act(self) -> None:
        is_resumed = self._resume()
        while True:
            try:
                payload = self._presses.get(timeout=None if is_resumed else RESUME_SECONDS)
            except queue.Empty:
                is_resumed = self._resume()
                continue
            if payload is None:
                return
            is_resumed = self._parts.act(payload) and is_resumed

    def _resume(self) -> bool:
        try:
            return self._parts.resume()
        except SplunkError as error:
            self._log.warning("What was pressed before can't be read just now: %s", error)
            return False

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:  # noqa: BLE001 - an error that only this thread saw would go unseen
            name = threading.current_thread().name
            self._log.exception("The thread '%s' ended by an error.", name)
            self._failed = f"The thread '{name}' ended by an error; see the log."


def _about(settings: Settings) -> Tuple[Any, ...]:
    """Return the settings that a connection depends on."""
    problems = [settings.problems.get(part) for part in ("slack", *SHARED_PARTS)]
    return settings.slack, settings.network, settings.proxy, problems


def _problem(settings: Settings) -> str:
    """Return why there can't be a connection; empty if there can."""
    try:
        settings.need("slack", *SHARED_PARTS)
        tls_context(network_of(settings))
    except (SettingsError, NotConfigured, BadUrl) as error:
        return str(error)
    return "" if settings.slack.bot_token else NO_BOT_TOKEN
