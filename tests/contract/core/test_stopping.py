"""What stopping looks like to those who are still there."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from splunklib.binding import HTTPError

from tests.contract.core.conftest import APP, write_app
from tests.standin import start_standin


def test_a_request_that_is_cut_off_by_the_stop_is_no_error_of_the_server(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    standin = start_standin(tmp_path, [write_app(tmp_path / "source" / APP)], https=False)
    collection = standin.service(app=APP, owner="nobody").kvstore["orders"].data
    faults = standin.splunk.kv.faults
    faults.delay_seconds = 5.0  # longer than a server waits for its requests
    ended: list[BaseException] = []

    def ask() -> None:
        try:
            collection.query()
        except (HTTPError, OSError) as error:
            ended.append(error)

    waiting = threading.Thread(target=ask)
    waiting.start()
    threading.Event().wait(0.5)
    standin.stop()
    waiting.join()
    assert ended, "the request was answered before the stop, so nothing was tried"
    assert "Traceback" not in capfd.readouterr().err
