"""Alert action: puts a ticket for ServiceNow or Jira on the outbox, from which the worker sends it.

Runs as the search's owner, reads no secret and calls no service: it asks the REST API, for which
the owner needs ``incident_signal``.
"""

import import_declare_test  # noqa: F401  isort: skip  - puts lib/ on sys.path

import sys

from incident_management.notify.action import ask_for_ticket
from incident_management.splunk.scripts.alert_action import Payload, main


def create_ticket(payload: Payload) -> str:
    """Ask for one ticket; returns what was done."""
    return ask_for_ticket(payload)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdin.buffer, create_ticket, "create_ticket"))
