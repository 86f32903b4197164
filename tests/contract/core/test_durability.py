"""What was acknowledged outlives a kill; what does not fit on the disk is refused in words."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from splunklib.binding import HTTPError

from tests.contract.core.conftest import APP
from tests.standin import ADMIN_PASSWORD, StandIn, start_standin
from tools.splunkd_lite.servers import Servers

SMALL = 3 * 1024 * 1024
SERVE = [sys.executable, "-m", "tools.splunkd_lite", "serve"]
WRITES = 20
PARTS = ("web", "hec", "inputs", "scheduler")


class Served:
    """``python -m tools.splunkd_lite serve`` in a process of its own."""

    def __init__(self, home: Path, *arguments: str, password: str = ADMIN_PASSWORD) -> None:
        self.home = home
        without = [part for name in PARTS for part in ("--without", name)]
        ports = [part for name in ("mgmt", "web", "hec") for part in (f"--{name}-port", "0")]
        self.process = subprocess.Popen(
            [*SERVE, "--home", str(home), *ports, *without, *arguments],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "SPLUNK_PASSWORD": password},
        )
        assert self.process.stdout is not None
        self.said = [""]
        while "REST" not in self.said[-1]:
            self.said.append(self.process.stdout.readline())
            assert self.said[-1], "it ended before it said where it listens"
        self.uri = self.said[-1].split()[-1]

    def client(self, password: str = ADMIN_PASSWORD) -> httpx.Client:
        trust = ssl.create_default_context(cafile=str(self.home / "etc/auth/cacert.pem"))
        auth = ("admin", password)
        return httpx.Client(base_url=self.uri, verify=trust, auth=auth, timeout=30)

    def end(self, signum: int) -> int:
        self.process.send_signal(signum)
        return self.process.wait(timeout=20)


def test_nothing_acknowledged_is_lost_when_the_process_is_killed(tmp_path: Path, app: Path) -> None:
    home = tmp_path / "splunk"
    served = Served(home, "--app", str(app))
    data = f"/servicesNS/nobody/{APP}/storage/collections/data/orders"
    acknowledged: list[str] = []
    events = 0
    with served.client() as client:
        for number in range(WRITES):
            key = f"k{number}"
            assert client.post(data, json={"_key": key}).status_code == 201
            acknowledged.append(key)
            answer = client.post("/services/receivers/simple", content=f"event {key}")
            events += answer.status_code == 200
        client.post(
            f"/servicesNS/nobody/{APP}/storage/passwords",
            data={"name": "bot", "password": "kept", "realm": "slack"},
        ).raise_for_status()
        assert served.end(signal.SIGKILL) == -signal.SIGKILL

    again = Served(home)
    with again.client() as client:
        found = {document["_key"] for document in client.get(data).json()}
        index = client.get("/services/data/indexes/main?output_mode=json").json()["entry"][0]
        secret = client.get(f"/servicesNS/nobody/{APP}/storage/passwords?output_mode=json").json()
    assert again.end(signal.SIGTERM) == 0
    assert found == set(acknowledged)
    assert index["content"]["totalEventCount"] == events
    assert secret["entry"][0]["content"]["clear_password"] == "kept"


def test_a_password_that_a_failed_start_made_is_shown_by_the_next(tmp_path: Path) -> None:
    """Nobody has seen it, and nothing else lets anybody in."""
    home = tmp_path / "splunk"
    ports = [part for name in ("mgmt", "web", "hec") for part in (f"--{name}-port", "0")]
    command = [*SERVE, "--home", str(home), *ports, "--without", "inputs", "--without", "scheduler"]
    unset = {name: value for name, value in os.environ.items() if name != "SPLUNK_PASSWORD"}
    failed = subprocess.run(
        [*command, "--app", str(tmp_path / "none")], capture_output=True, text=True, check=False,
        env=unset, timeout=60,
    )  # fmt: skip
    assert failed.returncode == 1 and failed.stderr.count("\n") == 1

    def shown() -> str:
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=unset) as process:
            assert process.stdout is not None
            line = next(line for line in process.stdout if line.strip().startswith("User"))
            process.send_signal(signal.SIGHUP)  # as when its terminal is closed
            process.communicate()
        assert process.returncode == 0
        return line

    password = shown().split()[3]
    assert "the password of the first start" in shown()
    standin = Served(home, password=password)
    with standin.client(password) as client:
        assert client.get("/services/server/info").status_code == 200
    assert standin.end(signal.SIGTERM) == 0
    assert not (home / "var/run/splunk/admin-password").exists()


def test_a_disk_that_takes_nothing_is_one_clear_sentence(tmp_path: Path) -> None:
    home = tmp_path / "file"
    home.write_text("", encoding="utf-8")
    found = subprocess.run(
        [*SERVE, "--home", str(home)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (found.returncode, found.stderr.count("\n")) == (1, 1)
    assert f"{home} can't be used: " in found.stderr


def test_a_taken_port_is_one_clear_sentence(tmp_path: Path, standin: StandIn) -> None:
    port = str(standin.splunk.mgmt_port)
    found = subprocess.run(
        [*SERVE, "--home", str(tmp_path / "other"), "--mgmt-port", port],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert found.returncode == 1
    assert found.stderr.count("\n") == 1
    assert f"Cannot listen on 127.0.0.1:{port}" in found.stderr


def test_two_that_start_at_once_do_not_take_the_same_port() -> None:
    asked: Any = SimpleNamespace(options=SimpleNamespace(or_next_port=frozenset({"mgmt"})))
    first = Servers(asked)._listen("mgmt", 0)
    port = first.getsockname()[1]
    second = Servers(asked)._listen("mgmt", port)

    assert second.getsockname()[1] > port
    first.close()
    second.close()


def limit_kv(standin: StandIn, pages: int) -> None:
    """Make SQLite answer SQLITE_FULL, the code it gives for a full disk."""
    standin.splunk.kv._db.execute(f"PRAGMA max_page_count = {pages}")


def test_a_kv_store_that_cannot_grow_refuses_in_words_and_recovers(standin: StandIn) -> None:
    service = standin.service(app=APP, owner="nobody")
    orders = service.kvstore["orders"].data
    orders.insert({"_key": "before", "total": 1})
    limit_kv(standin, 1)
    with pytest.raises(HTTPError, match="disk is full") as refused:
        orders.batch_save({"_key": "before", "total": 2}, {"_key": "lost", "pad": "x" * 100_000})

    assert refused.value.status == 507
    assert [(d["_key"], d["total"]) for d in orders.query()] == [("before", 1)]
    assert "disk is full" in service.messages["disk_full_kvstore"].value
    limit_kv(standin, 1_000_000)
    orders.insert({"_key": "after"})
    assert sorted(d["_key"] for d in orders.query()) == ["after", "before"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB."""
    mount = tmp_path / "small"
    mount.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "tmpfs", str(mount)]
    if os.geteuid() != 0 or subprocess.run(command, check=False).returncode != 0:
        pytest.skip("mounting a small file system needs root")
    yield mount
    subprocess.run(["umount", "-l", str(mount)], check=True)


def test_a_full_disk_is_reported_by_rest_and_bulletin_and_passes(
    small_disk: Path, tmp_path: Path, app: Path
) -> None:
    with start_standin(tmp_path, [app], home=small_disk) as standin:
        service = standin.service(app=APP, owner="nobody")
        orders = service.kvstore["orders"].data
        orders.insert({"_key": "before"})
        service.indexes["shop"].submit("before")
        ballast = small_disk / "ballast"
        _fill(ballast)

        said = {}
        for name, attempt in {
            "kv": lambda: orders.batch_save(*({"pad": "x" * 5000} for _ in range(100))),
            "index": lambda: service.indexes["shop"].submit("lost " * 100_000),
            "conf": lambda: service.confs["savedsearches"].create("lost", search="x" * 50_000),
            "password": lambda: service.storage_passwords.create("x" * 50_000, "lost"),
            "job": lambda: service.jobs.create("| makeresults count=5000", exec_mode="blocking"),
        }.items():
            try:
                answer = attempt()
                said[name] = str(answer["messages"]) if name == "job" else "accepted"
            except HTTPError as error:
                said[name] = f"{error.status} {error.body.decode()}"
        assert {name for name, text in said.items() if "disk is full" in text} == set(said), said
        assert [d["_key"] for d in orders.query()] == ["before"]
        assert [e["_raw"] for e in standin.splunk.indexes.scan(["shop"])] == ["before"]
        shown = [each.value for each in service.messages]
        assert any("disk is full" in text for text in shown)

        ballast.unlink()
        orders.insert({"_key": "after"})
        service.indexes["shop"].submit("after")
        service.storage_passwords.create("kept", "bot")
        assert service.jobs.create("| makeresults", exec_mode="blocking")["resultCount"] == "1"
        assert sorted(d["_key"] for d in orders.query()) == ["after", "before"]
        assert sorted(e["_raw"] for e in standin.splunk.indexes.scan(["shop"])) == [
            "after",
            "before",
        ]
    with start_standin(tmp_path, home=small_disk) as again:
        found = json.loads(
            again.service()
            .get(f"/servicesNS/nobody/{APP}/storage/collections/data/orders")
            .body.read()
        )
        assert sorted(document["_key"] for document in found) == ["after", "before"]


def _fill(path: Path) -> None:
    """Write until nothing fits."""
    with path.open("wb", buffering=0) as stream:
        size = 65536
        while size:
            try:
                stream.write(b"x" * size)
            except OSError:
                size //= 2
