"""Members as processes: killed with SIGKILL, they come back; what they acknowledged is there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import splunklib.binding
import splunklib.client

from tests.contract.cluster.conftest import APP
from tests.package import APP_PYTHON
from tests.waiting import wait_for
from tools.splunkd_lite.cluster.processes import ClusterPlan, ClusterProcesses

ROOT = Path(__file__).resolve().parents[3]
PASSWORD = "a-test-password"
REAL_APP = "incident_management"


def captain_of(cluster: ClusterProcesses) -> str:
    """The captain's label; empty while there is none."""
    captain = cluster.captain()
    return captain.label if captain else ""


def works_once(home: Path, label: str) -> bool:
    return worker_processes(home, label) == 1


def service(cluster: ClusterProcesses, label: str, app: str) -> splunklib.client.Service:
    member = next(each for each in cluster.members() if each.label == label)
    address = urlsplit(member.uri)
    return splunklib.client.connect(
        scheme=address.scheme,
        host=address.hostname,
        port=address.port,
        username="admin",
        password=PASSWORD,
        app=app,
        owner="nobody",
    )


def run_cluster(home: Path, *arguments: str, size: int = 3) -> Iterator[ClusterProcesses]:
    plan = ClusterPlan(home, size, (0, 0, 0), ("--http", *arguments), lease=3.0)
    cluster = ClusterProcesses(plan, PASSWORD)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def cluster(tmp_path: Path, app: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator:
    monkeypatch.chdir(ROOT)
    without = [
        part for name in ("scheduler", "inputs", "hec", "web") for part in ("--without", name)
    ]
    yield from run_cluster(tmp_path / "c", "--app", str(app), *without)


def test_a_killed_captain_loses_nothing_and_comes_back(cluster: ClusterProcesses) -> None:
    captain = captain_of(cluster)
    others = [label for label in cluster.labels if label != captain]
    kept = service(cluster, captain, APP).kvstore["sales"].data
    for number in range(50):
        kept.insert(json.dumps({"_key": f"k{number}"}))
    cluster.kill(captain)
    left = service(cluster, others[0], APP).kvstore["sales"].data
    assert len(left.query()) == 50
    assert wait_for(lambda: captain_of(cluster) in others)
    left.insert(json.dumps({"_key": "while it was away"}))
    cluster.start_member(captain)
    back = service(cluster, captain, APP).kvstore["sales"].data
    assert len(back.query()) == 51
    with pytest.raises(splunklib.binding.HTTPError, match="409"):
        back.insert(json.dumps({"_key": "while it was away"}))


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ClusterProcesses]:
    """The built app on three members, with scheduler and modular inputs."""
    built = sorted((ROOT / "dist").glob(f"{REAL_APP}-*.tar.gz"))
    if not built:
        pytest.fail("There is no package to test: run ./build.sh package first.")
    monkeypatch.chdir(ROOT)
    # Searches of each minute run every ten seconds.
    without = ["--without=hec", "--without=web", "--python", APP_PYTHON, "--cron-pace=6"]
    yield from run_cluster(tmp_path / "c", "--app", str(built[-1]), *without)


def claims(cluster: ClusterProcesses, label: str) -> list[dict[str, object]]:
    """The worker's claims on its turns. ``_key`` names duty and slot, so each has one holder."""
    data = service(cluster, label, REAL_APP).kvstore["incident_claims"].data
    turns = [each for each in data.query() if str(each["_key"]).startswith("worker:")]
    return [each for each in turns if str(each["_key"]).rpartition(":")[2].isdigit()]


def worker_processes(home: Path, label: str) -> int:
    """How many processes of the modular input that member has running."""
    count = 0
    for mark in (home / label / "var/run/splunk/processes").glob("*"):
        with suppress(OSError):  # it has ended
            line = Path(f"/proc/{mark.name.partition('.')[0]}/cmdline").read_bytes()
            count += b"incident_monitor.py" in line
    return count


def test_the_app_works_once_per_cluster_and_survives_a_killed_member(
    real: ClusterProcesses, tmp_path: Path
) -> None:
    """An alert that fires again and again opens one incident, and each firing counts once."""
    app = service(real, "sh2", REAL_APP)
    app.saved_searches.create(
        "Till is down",
        '| makeresults | eval host="till-1"',
        **{
            "cron_schedule": "* * * * *",
            "is_scheduled": "1",
            "alert_type": "number of events",
            "alert_comparator": "greater than",
            "alert_threshold": "0",
            "counttype": "number of events",
            "relation": "greater than",
            "quantity": "0",
            "alert.track": "1",
            "actions": "open_incident",
            "action.open_incident": "1",
            "action.open_incident.param.entity_field": "host",
            "action.open_incident.param.dedup_fields": "host",
            "action.open_incident.param.title": "{host} is down",
        },
    )
    incidents = app.kvstore["incident_incidents"].data
    for label in real.labels:
        assert wait_for(partial(works_once, tmp_path / "c", label))
    assert wait_for(lambda: claims(real, "sh1"))
    assert wait_for(incidents.query, 100)

    holders = {str(each["holder"]) for each in claims(real, "sh1")}
    assert holders <= set(real.labels)
    victim = holders.pop()
    real.kill(victim)
    left = next(label for label in real.labels if label != victim)
    others = set(real.labels) - {victim}
    assert wait_for(lambda: {str(e["holder"]) for e in claims(real, left)} & others, 60)

    alerts = service(real, left, REAL_APP).kvstore["incident_signals"].data
    before = len(alerts.query())
    assert wait_for(lambda: len(alerts.query()) > before, 100)
    found = service(real, left, REAL_APP).kvstore["incident_incidents"].data.query()
    assert [each["title"] for each in found] == ["till-1 is down"]
    sids = [str(each["sid"]) for each in alerts.query()]
    periods = [sid.partition("_at_")[2].partition("_")[0] for sid in sids]
    assert len(periods) == len(set(periods)), "a period fired twice"
