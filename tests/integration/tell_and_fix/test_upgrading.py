"""An upgrade of the app while it runs, without a restart of splunkd."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from tests.package import unpacked
from tools.splunkd_lite.install import install_app

from .conftest import Office, wait_for


def upgrade(office: Office, folder: Path) -> None:
    """Install a version in which one module of the API needs what is new in another."""
    app = folder / "incident_management"
    shutil.copytree(unpacked(), app, symlinks=True)
    conf = app / "default" / "app.conf"
    conf.write_text(re.sub(r"(?m)^build = \d+$", "build = 2000000000", conf.read_text()))
    api = app / "bin" / "incident_management" / "api"
    with (api / "router.py").open("a") as router:
        router.write('\nNEW = "of the new version"\n')
    teams = api / "teams.py"
    teams.write_text(
        teams.read_text().replace("from .router import", "from .router import NEW as NEW, ", 1)
    )
    install_app(office.home, app)
    office.standin.splunk.conf.reload()


def test_the_handler_of_the_old_version_makes_way(fresh: Office, tmp_path: Path):
    assert fresh.call("GET", "/incidents")["incidents"] == []
    old = set(fresh.handlers())
    upgrade(fresh, tmp_path / "new")

    answers: list[Any] = []

    def answered() -> bool:
        answers.append(fresh.call("GET", "/teams"))
        return isinstance(answers[-1], dict)

    wait_for(answered)
    refused = [answer for answer in answers if isinstance(answer, tuple)]
    status, body = refused[0]
    assert status == 503 and "was upgraded" in body["detail"]
    # On a slow machine a request meets it as it ends, a moment after its answer.
    assert {status for status, _body in refused} <= {503, 500}
    wait_for(lambda: not old & set(fresh.handlers()))


def test_a_signal_that_meets_the_old_handler_arrives(fresh: Office, tmp_path: Path):
    """Its action sends it again, or keeps it for the worker where the machine is that slow."""
    assert fresh.call("GET", "/incidents")["incidents"] == []
    upgrade(fresh, tmp_path / "new")
    fresh.search('| makeresults | eval entity="web-1" | sendalert open_incident param.severity=low')
    fresh.start_worker()

    def incidents() -> Any:
        answer = fresh.call("GET", "/incidents")
        return answer["incidents"] if isinstance(answer, dict) else []

    (incident,) = wait_for(incidents)
    assert incident["entities"] == ["web-1"]


def test_the_worker_of_the_old_version_makes_way(fresh: Office, tmp_path: Path):
    fresh.start_worker()
    (old,) = wait_for(fresh.worker_pids)
    upgrade(fresh, tmp_path / "new")
    wait_for(lambda: fresh.worker_pids() != [old])
