"""One stand-in for all tests of this folder, used through the real Splunk SDK for Python."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import splunklib.client

from tests.standin import StandIn, start_standin
from tools.splunkd_lite.clock import ManualClock

APP = "desk"
FILES = {
    "default/app.conf": "[ui]\nlabel = Desk\nis_visible = 1\n",
    "default/collections.conf": "[tickets]\nfield.number = number\n",
    "default/desk.conf": "[colours]\nink = blue\n",
    "default/indexes.conf": "[desk]\n",
    "metadata/default.meta": "[]\naccess = read : [ * ], write : [ admin ]\nexport = system\n",
}
EVENTS = 3000


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def standin(tmp_path: Path, clock: ManualClock) -> Iterator[StandIn]:
    for name, text in FILES.items():
        path = tmp_path / APP / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    with start_standin(tmp_path, [tmp_path / APP], clock=clock, https=False) as running:
        yield running


@pytest.fixture
def service(standin: StandIn) -> splunklib.client.Service:
    return standin.service(app=APP, owner="nobody")


@pytest.fixture
def events(standin: StandIn, clock: ManualClock) -> int:
    """Events in the index ``desk``, one a second up to now, on three hosts; how many."""
    standin.index(
        "desk",
        (
            {"_time": clock.now() - n, "_raw": f"ticket={n} state=open", "host": f"h{n % 3}"}
            for n in range(1, EVENTS + 1)
        ),
    )
    return EVENTS
