"""The parts of :mod:`.listening`, wired to one splunkd and to Slack."""

from __future__ import annotations

import threading
from logging import Logger
from typing import Callable, List

from ..notify.senders import network_of
from ..notify.slack import web_client
from ..splunk import settings as app_settings
from ..splunk.clock import SystemClock
from ..splunk.replica import Replica, stores_of
from ..splunk.session import Session
from ..splunk.settings import Settings
from ..worker.processes import has_ended, process_name
from ..worker.splunkd import Bulletin
from .acting import Actor, SlackUsers, WebSlack
from .line import Line
from .listening import Listening, Parts
from .opening import socket_address, workspace_of
from .turn import Turn
from .wire import Wire, open_wire

__all__ = ["listening"]


def listening(
    session: Session, log: Logger, stop: threading.Event, orphaned: Callable[[], bool]
) -> Listening:
    """Return what the modular input runs. ``session`` has the app's own rights."""
    clock = SystemClock()
    turn = Turn(stores_of(session, Replica(clock)), clock, process_name(), has_ended)
    return Listening(
        lambda: app_settings.load(session),
        lambda known: _parts(known, session, log),
        turn,
        Bulletin(session),
        log,
        stop,
        orphaned,
    )


def _parts(settings: Settings, session: Session, log: Logger) -> Parts:
    network, clock, slack = network_of(settings), SystemClock(), settings.slack
    web = web_client(slack.bot_token, slack.api_url, network)
    workspaces: List[str] = []

    def connect() -> Wire:
        # A bot token that Slack refuses is found out before somebody presses a button.
        if not workspaces:
            workspaces.append(workspace_of(slack, network, clock.now()))
        return open_wire(socket_address(slack, network, clock.now()), network)

    # A session of its own, because each thread keeps its connections.
    users = SlackUsers(Session(session.server_uri, session.token))
    actor = Actor(users, WebSlack(web, network), lambda: workspaces[0], log)
    return Parts(lambda take, stop: Line(connect, take, log, stop), actor.act)
