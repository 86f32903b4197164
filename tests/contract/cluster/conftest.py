"""A cluster of three members: in one process where time is to be moved, else in three."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.standin import StandIn, start_standin
from tools.splunkd_lite.clock import ManualClock
from tools.splunkd_lite.cluster.membership import ClusterOptions

APP = "till"
FILES = {
    "default/app.conf": "[ui]\nlabel = Till\nis_visible = 1\n",
    "default/collections.conf": "[sales]\n",
    "default/till_settings.conf": "[general]\ncurrency = EUR\n",
    "default/till_cache.conf": "[general]\nsize = 1\n",
    "default/server.conf": "[shclustering]\nconf_replication_include.till_settings = true\n",
    "default/savedsearches.conf": """
[Late payments]
search = | makeresults | eval host="a"
cron_schedule = */5 * * * *
enableSched = 1
alert.track = 1
counttype = number of events
relation = greater than
quantity = 0
""",
    "metadata/default.meta": "[]\naccess = read : [ * ], write : [ admin ]\nexport = system\n",
}
LABELS = ("sh1", "sh2", "sh3")
Start = Callable[..., StandIn]


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / APP
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def start_member(tmp_path: Path, app: Path) -> Iterator[Start]:
    """Starts one member in this process; all are stopped at the end."""
    running: list[StandIn] = []

    def start(label: str, clock: ManualClock | None = None, lease: float = 2.0) -> StandIn:
        cluster = ClusterOptions(tmp_path / "cluster", label, len(LABELS), lease)
        home = tmp_path / label
        member = start_standin(
            tmp_path, [app], home=home, cluster=cluster, clock=clock, https=False
        )
        running.append(member)
        return member

    yield start
    for member in reversed(running):
        member.stop()


@pytest.fixture
def members(start_member: Start) -> list[StandIn]:
    return [start_member(label) for label in LABELS]
