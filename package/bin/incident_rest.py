"""splunkd's way into the REST API: a persistent handler (see restmap.conf).

splunkd's ``persistconn/appserver.py`` loads this file once a process, by its path and without its
folder on ``sys.path``, and makes a handler for each request (copies of that file are public, and
"persist" in restmap.conf.spec). So what is remembered from one request to the next is the module's.

The module ``import_declare_test`` is not asked for the path here: in a process that splunkd lets
several apps share it may be another app's, as each that UCC has built has one.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

import gc
import json
import os
from typing import Any, Dict

from splunk.persistconn.application import PersistentServerConnectionApplication

from incident_management.api.backend import SplunkBackend
from incident_management.api.intake.spool_delivery import SpoolDelivery
from incident_management.api.messages import Problem
from incident_management.api.router import answer_with, dispatch
from incident_management.installed import Installed

# A request may bring thousands of findings, and nothing that is made of them holds a reference
# cycle, so the garbage collector need not run meanwhile. The largest request makes half as many
# objects, and they are freed after it.
NEW_OBJECTS_BEFORE_A_LOOK = 150_000

UPGRADED = Problem(
    503,
    "The app was upgraded, and its new version is about to start: ask again.",
    {"Retry-After": "1"},
)

INSTALLED = Installed()
BACKEND = SplunkBackend()
SPOOL = SpoolDelivery(BACKEND)
gc.freeze()
gc.set_threshold(NEW_OBJECTS_BEFORE_A_LOOK, 20, 20)


class IncidentHandler(PersistentServerConnectionApplication):
    """Hands a request to the router."""

    def __init__(self, _command_line: Any = None, _command_arg: Any = None) -> None:
        super().__init__()
        self._is_old = INSTALLED.replaced()
        self._raw: Dict[str, Any] = {}

    def handle(self, in_bytes: Any) -> Dict[str, Any]:
        if self._is_old:
            # What is on the disk is the new version: nothing more is to be imported.
            return answer_with(UPGRADED, UPGRADED.detail)
        self._raw = json.loads(in_bytes)
        return dispatch(self._raw, BACKEND)

    def done(self) -> None:
        """Do what has time until the answer is written; leave then, if the app was upgraded.

        splunkd starts a process for the next request where none is left.
        """
        if self._is_old:
            sys.stdout.flush()
            os._exit(0)
        if self._raw:
            SPOOL.deliver_old(self._raw)
