"""Many writers at once, killed handlers, a full disk: nothing lost, nothing counted twice."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from typing import Any

import pytest

from incident_management.splunk.session import Session, SplunkError
from tests.integration.incidents.conftest import App, handler_processes

SIGNALS = "/services/incident_management/v1/signals"


def finding(entity: str, run: int) -> dict[str, Any]:
    return {
        "rule": "Storm",
        "entity": entity,
        "severity": "high",
        "first_time": 1_700_000_000 + run,
        "last_time": 1_700_000_010 + run,
        "run": str(run),
        "group": False,
    }


def test_concurrent_writers_and_killed_handlers_lose_nothing(app: App) -> None:
    """Each batch is sent until it is taken, as the alert action and the spool do."""
    storm = [finding(f"host-{run % 5}", run) for run in range(120)]
    uri, key = app.standin.splunk.mgmt_uri, app.standin.session_key()
    errors: list[Exception] = []

    def deliver(batch: list[dict[str, Any]]) -> None:
        session = Session(uri, key)
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                session.post(SIGNALS, json_body={"signals": batch})
                return
            except SplunkError as error:
                if error.status < 500:
                    errors.append(error)
                    return
                time.sleep(0.05)
        errors.append(TimeoutError("a batch was never taken"))

    # Every signal twice, in different batches.
    batches = [storm[start : start + 8] for start in range(0, 120, 8)]
    batches += [storm[start::10] for start in range(10)]
    threads = [threading.Thread(target=deliver, args=(batch,)) for batch in batches]
    for number, thread in enumerate(threads):
        thread.start()
        if number % 8 == 7:
            time.sleep(0.3)
            for process in handler_processes(app):
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
    for thread in threads:
        thread.join()

    assert errors == []
    incidents = app.incidents()
    assert len(incidents) == 5
    assert [incident["signals"] for incident in incidents] == [24] * 5
    for incident in incidents:
        assert app.kinds(incident["id"])[:2] == ["opened", "routed"]
    assert len(app.service.kvstore["incident_signals"].data.query()) == 120


def test_a_full_disk_is_reported_in_one_sentence_and_the_signals_are_kept(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: Any, **_named: Any) -> Any:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        for verb in ("insert", "batch_save"):
            broken.setattr(app.standin.splunk.kv, verb, full)
        app.log_errors("web-1", 20)
        app.run_detections()

    (line,) = [line for line in app.splunkd_log().splitlines() if "Kept for the worker" in line]
    assert "No space left" in line or "disk" in line.lower()
    spool = app.standin.splunk.home / "var/run/splunk/incident_management/spool"
    assert len(list(spool.glob("*.json"))) == 1
    app.log_errors("web-2", 20)
    app.run_detections()
    assert [incident["entities"] for incident in app.incidents()] == [["web-2"]]
