"""Ctrl-C ends the demo and everything that it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tools.demo.children import REPOSITORY
from tools.demo.waiting import wait_until

PROGRAM = """
import signal, sys, time
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore it
from tools.demo.children import Children
from tools.demo.shop_client import Shop
home = Path(sys.argv[1])
children = Children(home / "out")
try:
    Shop(children, home / "shop", "token").start(rate=5.0)
    (home / "up").touch()
    time.sleep(60)
finally:
    children.stop_all()
"""

STAND_IN = """
import sys, time
from pathlib import Path
from tools.demo.steps.start import start_splunk
from tools.demo.world import Options, World
home = Path(sys.argv[1])
start_splunk(World.create(Options(home, home)))
(home / "up").touch()
time.sleep(60)
"""


def processes_of(home: Path) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if str(home).encode() in command and int(folder.name) != os.getpid():
            found.append(int(folder.name))
    return found


def started(home: Path, program: str = PROGRAM, count: int = 5) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", program, str(home)], cwd=REPOSITORY)
    wait_until("all is up", lambda: (home / "up").exists(), 90)
    assert len(processes_of(home)) >= count
    return process


def test_ctrl_c_stops_all_that_was_started(tmp_path: Path) -> None:
    process = started(tmp_path)
    process.send_signal(signal.SIGINT)
    process.wait(60)
    assert processes_of(tmp_path) == []


def test_services_end_when_what_started_them_is_killed(tmp_path: Path) -> None:
    process = started(tmp_path)
    process.kill()
    process.wait()
    wait_until("all of them have ended", lambda: not processes_of(tmp_path), 60)


def test_the_stand_in_ends_when_the_demo_is_killed(tmp_path: Path) -> None:
    process = started(tmp_path, STAND_IN, 2)
    process.kill()
    process.wait()
    wait_until("the stand-in has ended", lambda: not processes_of(tmp_path), 60)
