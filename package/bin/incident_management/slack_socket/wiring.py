"""Connects the parts of a :class:`.listener.Listener` to one splunkd and to Slack."""

from __future__ import annotations

import secrets
import threading
from logging import Logger
from typing import Callable, Optional

from ..notify.services.slack import web_client
from ..outside.network import network_of
from ..outside.transport import Network
from ..ports import Clock
from ..processes import has_ended, process_name
from ..splunk.bulletin import Bulletin
from ..splunk.clock import SystemClock
from ..splunk.configuration import settings as app_settings
from ..splunk.configuration.channel_settings import Slack
from ..splunk.configuration.settings import Settings
from ..splunk.kv.replica import Replica, stores_of
from ..splunk.session import Session
from .actor import Actor
from .lease import Lease
from .listener import Listener, Parts
from .open_connection import socket_address, workspace_of
from .people import SlackUsers
from .saved_presses import PressSaver, SavedPresses
from .slack_client import WebSlack
from .socket_client import SocketClient
from .websocket import WebSocket, open_websocket

__all__ = ["listener_for"]

# Slack waits three seconds for an acknowledgement.
KEEP_SECONDS = 1.0
# The holder of this process's presses, see :class:`.saved_presses.SavedPresses`.
_HOLDER = f"{process_name()} {secrets.token_hex(8)}"


def listener_for(
    session: Session, log: Logger, stop: threading.Event, orphaned: Callable[[], bool]
) -> Listener:
    """Return what the modular input runs. ``session`` has the app's own rights."""
    clock = SystemClock()
    replica = Replica(clock)
    turn = Lease(stores_of(session, replica), clock, process_name(), has_ended)
    return Listener(
        lambda: app_settings.load(session),
        lambda known: _parts(known, session, replica, log),
        turn,
        Bulletin(session),
        log,
        stop,
        orphaned,
    )


def _parts(settings: Settings, session: Session, replica: Replica, log: Logger) -> Parts:
    network, clock, slack = network_of(settings), SystemClock(), settings.slack
    workspace = _Workspace(slack, network, clock)
    # Separate sessions, because each thread keeps its own connections.
    mine = Session(session.server_uri, session.token)
    quick = Session(session.server_uri, session.token, timeout=KEEP_SECONDS, attempts=1)

    def kept(of: Session) -> SavedPresses:
        return SavedPresses(stores_of(of, replica), clock, _HOLDER)

    web = web_client(slack.bot_token, slack.api_url, network)
    actor = Actor(
        SlackUsers(mine),
        WebSlack(web, network),
        workspace.name,
        kept(mine),
        log,
        settings.network.web_url,
    )
    return Parts(
        lambda take, stop: SocketClient(workspace.connect, take, log, stop),
        PressSaver(kept(quick), workspace.name, log).keep,
        actor.act,
        actor.resume,
    )


class _Workspace:
    """Slack's workspace, as reached with the tokens of the settings."""

    def __init__(self, slack: Slack, network: Network, clock: Clock) -> None:
        self._slack = slack
        self._network = network
        self._clock = clock
        self._name: Optional[str] = None

    def connect(self) -> WebSocket:
        # This finds a bot token that Slack refuses before somebody presses a button.
        if self._name is None:
            self._name = workspace_of(self._slack, self._network, self._clock.now())
        return open_websocket(
            socket_address(self._slack, self._network, self._clock.now()), self._network
        )

    def name(self) -> str:
        """Return its id; empty before the first connection.

        Until then there are only presses of an earlier process, saved with their workspace.
        """
        return self._name or ""
