"""The built app in a stand-in: its confs are what UCC made of them, not the sources."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.package import unpacked
from tests.standin import StandIn, start_standin
from tests.unit.analysis import scenario
from tools.splunkd_lite.clock import ManualClock

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def app_folder() -> Path:
    """The app as it ships, unpacked; nothing is written into it."""
    return unpacked()


@pytest.fixture(scope="package")
def standin(app_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """The stand-in, five minutes into the failure of the scenario."""
    clock = ManualClock(scenario.START + 330)
    with start_standin(tmp_path_factory.mktemp("home"), [app_folder], clock=clock) as running:
        running.splunk.conf.write(
            "props", "shop:change", {"KV_MODE": "json"}, app="search", create=True
        )
        running.index("main", [_event(e, "shop:log", _logged(e)) for e in scenario.logs()])
        running.index("main", [_event(e, "shop:change", e["raw"]) for e in scenario.changes()])
        yield running


def _logged(event: dict[str, str]) -> str:
    return f"service={event['service']} {event['raw']}"


def _event(event: dict[str, str], sourcetype: str, raw: str) -> dict[str, object]:
    return {"_time": event["time"], "_raw": raw, "host": "h1", "sourcetype": sourcetype}
