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

from incident_management.splunk.kv.replica import Replica, stores_of
from incident_management.splunk.session import Session
from tests.fakes import ManualClock

BIN = Path(__file__).parents[4] / "package" / "bin"
SPLUNKS = BIN.parents[1] / "tools" / "splunkd_lite" / "pylib"
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
        f"{room}.request_fields",
    }
    assert not brought & {MASKING, "incident_management.splunk.configuration.settings"}


def test_the_command_that_asks_for_an_analysis_brings_nothing_that_makes_one():
    """The REST handler makes it."""
    brought = modules("import aianalyze")
    assert "incident_management.analysis.command" in brought
    names = ("llm.answer", "evidence", "causes.ranking")
    makers = {f"incident_management.analysis.{name}" for name in names}
    assert not brought & {MASKING, "incident_management.detection", *makers}


def test_the_handler_of_a_version_that_was_replaced_imports_nothing_of_the_new_one():
    code = (
        f"import sys; sys.path.append({str(SPLUNKS)!r}); import incident_rest; "
        "before = set(sys.modules); incident_rest.INSTALLED.replaced = lambda: True; "
        "answer = incident_rest.IncidentHandler().handle(b'{}'); "
        "print(answer['status'], sorted(set(sys.modules) - before))"
    )
    assert {"503", "[]"} <= modules(code)


def test_the_handler_begins_without_what_carries_fixes_out_and_sends_messages():
    """The first alert after a start waits for it."""
    brought = modules(
        f"import sys; sys.path.append({str(SPLUNKS)!r}); import incident_rest; "
        "from incident_management.api.router import routes_of; routes_of('signals')"
    )
    assert "incident_management.api.intake.signals" in brought
    assert MASKING not in brought
    assert not {
        one
        for one in brought
        if one.startswith(("incident_management.remediation", "incident_management.notify"))
    }


def as_splunkd_loads_it(code):
    """Load the handler as splunkd's appserver.py does: by its path, its folder not on sys.path.

    Source: copies of splunk/persistconn/appserver.py in public repositories.
    """
    script = str(BIN / "incident_rest.py")
    load = (
        "import sys, types, importlib.util; "
        f"sys.path.insert(0, {str(SPLUNKS)!r}); "
        f"assert {str(BIN)!r} not in sys.path; "
        "sys.modules['import_declare_test'] = other = types.ModuleType('import_declare_test'); "
        f"spec = importlib.util.spec_from_file_location('pschand__', {script!r}); "
        "module = importlib.util.module_from_spec(spec); spec.loader.exec_module(module); "
    )
    path = os.pathsep.join(folder for folder in sys.path if folder != str(BIN))
    return modules(load + code, PYTHONPATH=path)


def test_the_handler_finds_its_modules_in_a_process_of_splunkds():
    code = "assert sys.modules['import_declare_test'] is other; module.IncidentHandler([], None)"
    assert "incident_management.api.router" in as_splunkd_loads_it(code)


def test_what_one_request_learned_is_there_for_the_next():
    request = {"method": "GET", "path_info": "/no/such", "rest_path": "/x", "session": {}}
    as_splunkd_loads_it(
        "seen = []; module.dispatch = lambda raw, backend: seen.append(backend) or {}; "
        f"ask = lambda: module.IncidentHandler([], None).handle({json.dumps(request).encode()!r}); "
        "ask(); ask(); assert seen[0] is seen[1]"
    )


def test_the_handler_of_an_old_version_ends_after_its_answer():
    """Its next request makes a new object in the same process, which must know what was loaded."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, json; sys.path[:0] = sys.argv[1:]; import incident_rest as module\n"
            "def ask():\n"
            "    handler = module.IncidentHandler([], None)\n"
            "    print(handler.handle(b'{}')['status'])\n"
            "    handler.done()\n"
            "ask(); module.INSTALLED._entry = None; module.INSTALLED._text = b''; ask(); ask()",
            str(BIN),
            str(SPLUNKS),
        ],
        # splunkd's server writes answers to a stdout that keeps them until it is flushed.
        env={**os.environ, "PYTHONUNBUFFERED": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout.split()) == (0, ["404", "503"]), done.stderr


def test_without_a_token_the_input_for_buttons_imports_next_to_nothing(splunkd):
    splunkd.answers = [(200, {"entry": []})]
    run = (
        "import incident_slack_socket_helper as entry, types; entry.stream_events("
        f"types.SimpleNamespace(metadata={{'server_uri': '{splunkd.uri}', 'session_key': 'k'}}), 0)"
    )

    brought = modules(run)
    assert len(splunkd.seen) == 1
    assert not brought & {MASKING, "incident_management.slack_socket.listener"}


def test_a_monitor_that_has_nothing_to_do_brings_no_worker_and_writes_no_line(splunk_home):
    values = {"monitor_search": "index=main", "detector": "ratio", "value": "failed"}
    run = (
        "import incident_monitor_helper as entry, threading; "
        "from incident_management.worker.monitors import duty; "
        "duty.is_idle = lambda *given: True; "
        f"entry._watch({{'incident_monitor://a': {values!r}}}, "
        "entry.Member('sh1', entry.Session('http://127.0.0.1:1', 'k'), None, entry.SystemClock()), "
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

    entry._work({}, entry.Member("sh1", session, stores, clock), _Once(), Writer)
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
