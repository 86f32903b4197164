"""``--kill``: end processes with ``kill -9`` in mid-run and check that they restart."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tools.demo.splunk_client import Refused
from tools.demo.steps import start
from tools.demo.waiting import wait_until
from tools.demo.world import World

WORKER = "incident_monitor.py"
# In the environment of its processes, see restmap.conf.
HANDLER = "INCIDENT_MANAGEMENT_API="


def worker(world: World) -> None:
    """Kill the worker between two messages; splunkd must start it again."""
    wait_until("A first message", lambda: [e for e in world.received() if e["message"]], 30, 0.02)
    _kill_app_process(world, "the worker", WORKER)


def handler(world: World) -> None:
    """Kill the persistent REST handler; the next request must start it again."""
    _kill_app_process(world, "the REST handler", HANDLER)


def splunkd(world: World) -> None:
    """Kill the stand-in itself, and start it again on the same home."""
    report = world.report
    report.step("kill -9: the Splunk stand-in")
    world.children.kill("splunkd")
    world.log_out()
    start.start_splunk(world)
    report.say("Started again on the same home and ports.")


def _kill_app_process(world: World, what: str, marker: str) -> None:
    report = world.report
    report.step(f"kill -9: {what}")
    found = _processes(world, marker)
    if not report.check(f"{what.capitalize()} runs as its own process", bool(found), marker):
        return
    for process in found:
        os.kill(process, signal.SIGKILL)
    report.say(f"Killed process {', '.join(map(str, found))}.")
    if marker == HANDLER:
        known = wait_until("The REST API answers again", lambda: _answered(world), 30)
        report.say(f"The REST API answers again: {known[0]} incident(s).")
    again = wait_until(
        f"{what} runs again", lambda: [p for p in _processes(world, marker) if p not in found], 60
    )
    report.say(f"Restarted as process {', '.join(map(str, again))}.")


def _answered(world: World) -> list[int]:
    """Return the number of incidents in a list; empty when the dying process got the request."""
    try:
        return [len(world.incidents())]
    except Refused as refused:
        if refused.status != 500:
            raise
        return []


def _processes(world: World, marker: str) -> list[int]:
    """Return the app's processes of this run whose command line or environment tells the script."""
    home = str(world.splunk_home)
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            told = b"".join((folder / name).read_bytes() for name in ("cmdline", "environ"))
        except OSError:
            continue
        if marker.encode() in told and home.encode() in told:
            found.append(int(folder.name))
    return sorted(found)
