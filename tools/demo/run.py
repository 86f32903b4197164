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
    healthy,
    killing,
    mending,
    recovering,
    reviewing,
    start,
    telling,
)
from tools.demo.waiting import NotInTime
from tools.demo.world import ADMIN, APPROVER, MANAGER, RESPONDER, Options, World

BROKEN_OFF = (NotInTime, Refused, TimeoutError, httpx.HTTPError, KeyError, OSError)
"""What ends a run early. The report then says where, and the verdict is that it did not pass."""


def run(options: Options) -> bool:
    """Run the demo and return whether every check held. Its processes are stopped at the end."""
    world = World.create(options)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        try:
            _steps(world)
        except BROKEN_OFF as reason:
            world.report.check("The run went through to its end", False, f"{reason!r}"[:300])
        good = world.report.verdict()
        # What did not start is no more to look at.
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
    telling.opened(world)
    if world.options.kill:
        killing.splunkd(world)
    detecting.second_firing(world, fault)
    if world.options.kill:
        killing.handler(world)
    explaining.run(world)
    mending.run(world)
    recovering.run(world)
    world.report.step("Accounts: nothing lost, nothing twice")
    detecting.nothing_lost(world)
    telling.everything(world)
    recovering.tell(world)
    reviewing.run(world)


def _stay_up(world: World) -> None:
    report = world.report
    report.step("All of it stays up until Ctrl-C")
    report.table(
        [
            ("Splunk Web", world.web_url),
            ("splunkd", world.splunk_url),
            ("What people were told", world.receivers_url),
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
