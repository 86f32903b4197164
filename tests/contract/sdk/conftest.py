"""One stand-in for all tests of this folder, used through the real Splunk SDK for Python."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import splunklib.client

from tests.contract.sdk.covering import resolve
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
ALERT = {
    "cron_schedule": "*/5 * * * *",
    "is_scheduled": "1",
    "alert_type": "number of events",
    "alert_comparator": "greater than",
    "alert_threshold": "0",
    "alert.track": "1",
}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "covers(*methods): the SDK's methods that a test calls")


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


@pytest.fixture(autouse=True)
def _covered(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A test that says it covers methods of the SDK calls each of them."""
    mark = request.node.get_closest_marker("covers")
    called: set[str] = set()
    for name in mark.args if mark else ():
        owner, method = resolve(name)
        monkeypatch.setattr(owner, method, _recorder(vars(owner)[method], name, called))
    yield
    missed = set(mark.args) - called if mark else set()
    assert not missed, f"it says that it covers {', '.join(sorted(missed))}, which it never called"


def _recorder(real: Any, name: str, called: set[str]) -> Any:
    """The same method, or property, that notes that it was called."""
    function: Any = real.fget if isinstance(real, property) else real

    @functools.wraps(function)
    def noting(*arguments: Any, **named: Any) -> Any:
        called.add(name)
        return function(*arguments, **named)

    return property(noting, real.fset) if isinstance(real, property) else noting
