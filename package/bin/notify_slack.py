"""Alert action: puts a message for Slack on the outbox, from which the worker sends it.

Runs as the search's owner, reads no secret and calls no service: it asks the REST API, for which
the owner needs ``incident_signal``.
"""

import import_declare_test  # noqa: F401  isort: skip  - puts lib/ on sys.path

import sys

from incident_management.notify.action import ask
from incident_management.splunk.scripts.alert_action import Payload, main


def notify_slack(payload: Payload) -> str:
    """Ask for one notification; returns what was done."""
    return ask(payload, "slack")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdin.buffer, notify_slack, "notify_slack"))
