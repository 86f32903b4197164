"""splunkd's way into the REST API: a persistent handler (see restmap.conf).

splunkd starts this once and then sends it one request after another, as JSON.
"""

import import_declare_test  # noqa: F401  isort: skip  - puts lib/ on sys.path

import gc
import json
import os
import threading
from typing import Any, Dict

from splunk.persistconn.application import PersistentServerConnectionApplication

from incident_management.api.backend import SplunkBackend
from incident_management.api.messages import Problem
from incident_management.api.router import dispatch, refuse
from incident_management.installed import Installed

# A request may bring thousands of findings, and nothing that is made of them holds a reference
# cycle, so the garbage collector need not run meanwhile. The largest request makes half as many
# objects, and they are freed after it.
NEW_OBJECTS_BEFORE_A_LOOK = 150_000

# How long the handler of an older version stays, so that splunkd can take its last answer.
ANSWER_SECONDS = 0.3
UPGRADED = Problem(
    503,
    "The app was upgraded, and its new version is about to start: ask again.",
    {"Retry-After": "1"},
)


class IncidentHandler(PersistentServerConnectionApplication):
    """Hands each request to the router."""

    def __init__(self, _command_line: str = "", _command_arg: str = "") -> None:
        super().__init__()
        self._installed = Installed()
        self._backend = SplunkBackend()
        gc.freeze()
        gc.set_threshold(NEW_OBJECTS_BEFORE_A_LOOK, 20, 20)

    def handle(self, in_string: Any) -> Dict[str, Any]:
        if self._installed.replaced():
            # splunkd starts a process for the next request where none is left.
            threading.Timer(ANSWER_SECONDS, os._exit, (0,)).start()
            return refuse(UPGRADED)
        return dispatch(json.loads(in_string), self._backend)
