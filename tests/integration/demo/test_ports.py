"""Runs that start in the same moment get ports of their own."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

from tools.demo.children import REPOSITORY
from tools.demo.ports import Ports


def unused() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_two_runs_before_either_listens_have_different_ports(tmp_path: Path) -> None:
    preferred = {"mgmt": unused()}
    first = Ports(preferred, tmp_path)
    second = Ports(preferred, tmp_path)
    assert first["mgmt"] == preferred["mgmt"] != second["mgmt"]
    first.close()
    assert Ports(preferred, tmp_path)["mgmt"] == preferred["mgmt"]


def test_a_port_on_which_somebody_listens_is_passed_by(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = listener.getsockname()[1]
        assert Ports({"web": taken}, tmp_path)["web"] != taken


def test_a_run_that_was_killed_leaves_its_ports(tmp_path: Path) -> None:
    port = unused()
    hold = f"""
import pathlib, time
from tools.demo.ports import Ports
print(Ports({{"mgmt": {port}}}, pathlib.Path({str(tmp_path)!r}))["mgmt"], flush=True)
time.sleep(60)
"""
    command = [sys.executable, "-c", hold]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == str(port)
        assert Ports({"mgmt": port}, tmp_path)["mgmt"] != port
        other.kill()
    assert Ports({"mgmt": port}, tmp_path)["mgmt"] == port
