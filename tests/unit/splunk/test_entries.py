"""What a process that splunkd starts does before its work: what it imports, how it connects."""

from __future__ import annotations

import gzip
import importlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from incident_management.splunk.replica import Replica, stores_of
from incident_management.splunk.session import Session
from tests.fakes import ManualClock

BIN = Path(__file__).parents[3] / "package" / "bin"
# Compiles for 50 ms, so it is for those who have something to mask.
MASKING = "incident_management.masking"
MODULES = "; import sys; print(' '.join(sys.modules), file=sys.stdout)"


@pytest.fixture
def splunk_home(tmp_path, monkeypatch):
    (tmp_path / "var" / "log" / "splunk").mkdir(parents=True)
    monkeypatch.setenv("SPLUNK_HOME", str(tmp_path))
    return tmp_path


def modules(code, stdin="", **environment):
    """Which modules a process has imported when its work is done."""
    done = subprocess.run(
        [sys.executable, "-c", code + MODULES],
        input=stdin,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(BIN), *sys.path]), **environment},
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize("name", ["notify_slack", "notify_teams", "notify_pagerduty"])
def test_an_alert_action_that_asks_for_a_message_brings_no_sender(splunkd, splunk_home, name):
    results = splunk_home / "results.csv.gz"
    with gzip.open(results, "wt") as file:
        file.write("host\nweb1\n")
    payload = {
        "sid": "scheduler__1",
        "search_name": "Errors",
        "results_file": str(results),
        "server_uri": splunkd.uri,
        "session_key": "k",
        "configuration": {"message": "There are errors.", "severity": "high"},
    }
    splunkd.answers = [(200, {"id": "n1", "new": True})]
    run = f"import {name}, sys; {name}.main(['--execute'], sys.stdin.buffer, {name}.{name}, 'x')"

    brought = modules(run, json.dumps(payload), SPLUNK_HOME=str(splunk_home))
    assert [path for _verb, path, _query, _body in splunkd.seen] == [
        "/services/incident_management/v1/notifications"
    ]
    room = "incident_management.notify"
    assert {one for one in brought if one.startswith(f"{room}.")} == {
        f"{room}.action",
        f"{room}.asking",
    }
    assert not brought & {MASKING, "incident_management.splunk.settings"}


def test_the_handler_begins_without_what_carries_fixes_out_and_sends_messages():
    """The first alert after a start waits for it."""
    splunks = BIN.parents[1] / "tools" / "splunkd_lite" / "pylib"
    brought = modules(f"import sys; sys.path.append({str(splunks)!r}); import incident_rest")
    assert "incident_management.api.router" in brought
    assert not {
        one
        for one in brought
        if one.startswith(("incident_management.remediation", "incident_management.notify"))
    }


def test_without_a_token_the_input_for_buttons_imports_next_to_nothing(splunkd):
    splunkd.answers = [(200, {"entry": []})]
    run = (
        "import incident_slack_socket_helper as entry, types; entry.stream_events("
        f"types.SimpleNamespace(metadata={{'server_uri': '{splunkd.uri}', 'session_key': 'k'}}), 0)"
    )

    brought = modules(run)
    assert len(splunkd.seen) == 1
    assert not brought & {MASKING, "incident_management.slack_socket.listening"}


def test_a_monitor_that_has_nothing_to_do_brings_no_worker_and_writes_no_line(splunk_home):
    values = {"monitor_search": "index=main", "detector": "ratio", "value": "failed"}
    run = (
        "import incident_monitor_helper as entry, threading; "
        "from incident_management.worker.monitors import duty; "
        "duty.is_idle = lambda *given: True; "
        f"entry._watch({{'incident_monitor://a': {values!r}}}, "
        "entry.Session('http://127.0.0.1:1', 'k'), None, entry.SystemClock(), 'sh1', "
        "threading.Event())"
    )

    brought = modules(run, SPLUNK_HOME=str(splunk_home))
    heavy = {
        "incident_management.worker.duties",
        "incident_management.worker.monitors.runner",
        "incident_management.incidents.intake.ingest",
        "incident_management.detection.monitors.detectors",
    }
    assert not brought & {MASKING, *heavy}
    assert (splunk_home / "var/log/splunk/incident_management_monitor.log").read_text() == ""


class _Once(threading.Event):
    """Stops the worker when its first cycle is over."""

    def wait(self, timeout=None):
        self.set()
        return True


def test_a_cycle_of_the_worker_has_one_connection(keeper, splunk_home):
    entry = importlib.import_module("incident_monitor_helper")
    splunkd = keeper()
    session, clock = Session(splunkd.uri, "k", sleep=lambda seconds: None), ManualClock()
    stores = stores_of(session, Replica(clock))

    class Writer:
        write_event = staticmethod(lambda event: None)

    entry._work({}, session, stores, clock, "sh1", _Once(), Writer)
    (requests,) = splunkd.heard
    assert len(requests) > 20


def _begun(command, splunkd):
    info = SimpleNamespace(splunkd_uri=splunkd.uri, session_key="k", sid="1")
    command._metadata = SimpleNamespace(searchinfo=info)
    return command


def test_the_health_of_detections_is_asked_over_one_connection(keeper):
    splunkd = keeper()
    command = importlib.import_module("incidentdetections").IncidentDetectionsCommand()
    command._limit = 10.0

    assert list(_begun(command, splunkd).generate()) == []
    (requests,) = splunkd.heard
    assert len(requests) > 2
