"""Sixteen writers through one splunkd's API, kills and 503s in between: each signal counts once.

``STORM_SIGNALS`` and ``STORM_PROBLEMS`` set the size; the default keeps the suite quick.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from typing import Any

from incident_management.splunk.session import Session, SplunkError
from tests.integration.incidents.conftest import App, handler_processes, more_come
from tests.integration.incidents.test_under_fire import SIGNALS, finding

WRITERS = 16
COUNT = int(os.environ.get("STORM_SIGNALS", "1600"))
PROBLEMS = int(os.environ.get("STORM_PROBLEMS", "40"))
BATCH = 50
PATIENCE_SECONDS = 240.0


def test_sixteen_writers_lose_nothing_and_count_nothing_twice(app: App) -> None:
    storm = [finding(f"host-{number % PROBLEMS}", number // PROBLEMS) for number in range(COUNT)]
    random.Random(4).shuffle(storm)
    batches = [storm[start : start + BATCH] for start in range(0, COUNT, BATCH)]
    # A tenth is delivered twice, as after a lost answer.
    batches += batches[::10]
    uri, key = app.standin.splunk.mgmt_uri, app.standin.session_key()
    errors: list[Exception] = []
    taken: list[int] = []
    kills: list[int] = []
    done = threading.Event()

    def deliver(mine: list[list[dict[str, Any]]]) -> None:
        session = Session(uri, key)
        for batch in mine:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while True:
                try:
                    session.post(SIGNALS, json_body={"signals": batch})
                    taken.append(len(batch))
                    break
                except SplunkError as error:
                    if (error.status and error.status < 500) or time.monotonic() > deadline:
                        errors.append(error)
                        return
                    time.sleep(0.05)

    def disturb() -> None:
        dice = random.Random(9)
        while more_come(lambda: len(taken), dice.randint(1, 4), done):
            try:
                for process in handler_processes(app):
                    os.kill(process, signal.SIGKILL)
            except (AssertionError, ProcessLookupError):
                continue
            app.standin.splunk.kv.faults.unavailable = True
            done.wait(0.1)
            app.standin.splunk.kv.faults.unavailable = False
            kills.append(len(taken))

    writers = [
        threading.Thread(target=deliver, args=(batches[number::WRITERS],))
        for number in range(WRITERS)
    ]
    trouble = threading.Thread(target=disturb)
    trouble.start()
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    done.set()
    trouble.join()
    app.standin.splunk.kv.faults.unavailable = False

    assert errors == []
    assert len(kills) > 1
    # Each has one answer more to give after the last kill, as the spool's delivery would.
    deliver(batches)
    assert errors == []
    incidents = app.get("/incidents", limit="1000")["incidents"]
    assert len(incidents) == PROBLEMS
    assert sum(incident["signals"] for incident in incidents) == COUNT
    for incident in incidents:
        assert app.kinds(incident["id"])[:2] == ["opened", "routed"]
    assert len(app.service.kvstore["incident_signals"].data.query(limit=0)) == COUNT
