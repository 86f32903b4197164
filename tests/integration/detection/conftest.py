"""The built app in a stand-in whose clock stands still, asked through its own saved searches."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from tests.package import APP_PYTHON
from tests.standin import StandIn, start_standin
from tools.splunkd_lite.clock import ManualClock

ROOT = Path(__file__).parents[3]
APP_NAME = "incident_management"
NOW = 1_700_006_400.0
"""When the detections run: on a whole hour."""


class Detections:
    """Runs shipped detections over events that the test wrote."""

    def __init__(self, standin: StandIn) -> None:
        self.standin = standin

    def log(
        self, raw: str | Callable[[float], str], ago: float, host: str = "web-1", **fields: str
    ) -> None:
        """Write one event, ``ago`` seconds before the detections run."""
        time = NOW - ago
        self.standin.index(
            "main",
            [
                {
                    "_time": time,
                    "_raw": raw(time) if callable(raw) else raw,
                    "host": host,
                    "source": "/var/log/app.log",
                    "sourcetype": "app",
                    **fields,
                }
            ],
        )

    def log_many(
        self,
        raw: str | Callable[[float], str],
        count: int,
        oldest: float,
        newest: float,
        **more: Any,
    ) -> None:
        """Write ``count`` events, evenly from ``oldest`` to ``newest`` seconds before the run."""
        pace = (oldest - newest) / max(1, count - 1)
        for number in range(count):
            self.log(raw, oldest - number * pace, **more)

    def run(self, name: str) -> list[dict[str, Any]]:
        """Run a shipped detection as its schedule would; returns its rows."""
        settings = self.standin.splunk.conf.stanzas("savedsearches", APP_NAME)[name]
        job = self.standin.splunk.jobs.dispatch(
            settings["search"],
            "admin",
            APP_NAME,
            settings["dispatch.earliest_time"],
            settings["dispatch.latest_time"],
            now=NOW,
        )
        assert job.state == "DONE", job.messages
        return list(job.rows)

    def found(self, name: str) -> list[str]:
        """The entities that a detection raises, in order."""
        return sorted(str(row["entity"]) for row in self.run(name))


@pytest.fixture
def detections(app_folder: Path, tmp_path: Path) -> Iterator[Detections]:
    clock = ManualClock(NOW)
    with start_standin(tmp_path, apps=[app_folder], clock=clock, python=APP_PYTHON) as standin:
        yield Detections(standin)
