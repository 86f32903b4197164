"""One run of the demo, from a healthy shop to a resolved incident."""

from __future__ import annotations

import signal
import threading
from types import FrameType

import httpx

from tools.demo.faults import FAULTS
from tools.demo.splunk_client import Refused
from tools.demo.steps import (
    breaking,
    detecting,
    explaining,
    fixing,
    healthy,
    killing,
    notifying,
    recovering,
    reviewing,
    start,
)
from tools.demo.waiting import NotInTime
from tools.demo.world import ADMIN, APPROVER, MANAGER, RESPONDER, Options, World

BROKEN_OFF = (NotInTime, Refused, TimeoutError, httpx.HTTPError, KeyError, OSError)
"""Errors that end a run early. The report says where, and the run counts as not passed."""


def run(options: Options) -> bool:
    """Run the demo and return whether every check held. Its processes are stopped at the end."""
    world = World.create(options)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        try:
            _steps(world)
        except BROKEN_OFF as reason:
            world.report.check("The run completed", False, f"{reason!r}"[:300])
        good = world.report.verdict()
        # Nothing to look at if the stand-in did not start.
        if not options.exit and world.sessions:
            _stay_up(world)
        return good
    except KeyboardInterrupt:
        world.report.say("Interrupted.")
        return False
    finally:
        world.children.stop_all()


def _steps(world: World) -> None:
    start.run(world)
    if world.options.fault == "none":
        healthy.two_rounds(world)
        return
    fault = FAULTS[world.options.fault]
    healthy.run(world, fault.harmless)
    world.limit("slack", times=1, retry_after=2)
    breaking.run(world, fault)
    detecting.first_firing(world)
    if world.options.kill:
        killing.worker(world)
    notifying.opened(world)
    if world.options.kill:
        killing.splunkd(world)
    detecting.second_firing(world, fault)
    if world.options.kill:
        killing.handler(world)
    explaining.run(world)
    fixing.run(world)
    recovering.run(world)
    world.report.step("Audit: nothing lost, nothing duplicated")
    detecting.nothing_lost(world)
    notifying.everything(world)
    recovering.print_timeline(world)
    reviewing.run(world)


def _stay_up(world: World) -> None:
    report = world.report
    report.step("Everything keeps running until you press Ctrl-C")
    report.table(
        [
            ("Splunk Web", world.web_url),
            ("splunkd", world.splunk_url),
            ("Received notifications", world.receivers_url),
            ("The shop's deployer", world.shop.urls.get("deployer", "")),
            *(
                (f"Login {name}", world.secrets.passwords[name])
                for name in (ADMIN, RESPONDER, APPROVER, MANAGER)
            ),
        ]
    )
    threading.Event().wait()


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
