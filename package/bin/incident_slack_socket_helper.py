"""The modular input ``incident_slack_socket``: buttons in Slack, over a connection of our own.

Where no app-level token is set, the process ends at once, and splunkd starts the next one
``interval`` seconds later. SIGTERM ends it within seconds.
"""

import import_declare_test  # noqa: F401  isort: skip  - puts lib/ on sys.path

import os
import signal
import threading

from incident_management.installed import Installed
from incident_management.splunk.configuration import conf
from incident_management.splunk.session import Session


def validate_input(_definition):
    """Nothing to check: what it needs is set under Configuration > Slack."""


def stream_events(inputs, _event_writer):
    """Listen until splunkd says stop."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    session = Session(inputs.metadata["server_uri"], inputs.metadata["session_key"])
    stanzas = conf.load(session, conf.SETTINGS)
    # Most installations have none: no more than this is then read and imported, each minute.
    if not stanzas.get("slack", {}).get("app_token"):
        return
    from incident_management.slack_socket.wiring import listener_for
    from incident_management.splunk import log

    logger = log.get("slack_socket", stanzas.get("logging", {}).get("loglevel", ""))
    splunkd, installed = os.getppid(), Installed()
    listener_for(
        session, logger, stop, lambda: os.getppid() != splunkd or installed.replaced()
    ).run()
