"""A bad change ships, and the shop breaks for real."""

from __future__ import annotations

from tools.demo.faults import Fault
from tools.demo.waiting import wait_until
from tools.demo.world import World


def run(world: World, fault: Fault) -> None:
    """Ship the bad change and show the first error that it causes."""
    report, service = world.report, fault.change.service
    report.step(f"A bad change ships to {service}")
    change = world.bad_change = world.shop.deploy(fault.change)
    report.say(
        f"{change['change_id']}: {service} {change['previous_version']} → {change['version']}, "
        f"“{change['summary']}”, by {change['actor']}. Healthy according to the deployer: "
        f"{world.shop.running(service)['healthy']}."
    )
    report.quote("Difference", change["diff"], lines=6)
    event = wait_until(
        f"{service} has trouble", lambda: world.shop.trouble().get(service, [""])[0], 30
    )
    lines = event.splitlines()
    report.quote(f"{service}.log", "\n".join([lines[0], *lines[-2:]]))
    report.check(
        "The error comes from the library itself, with its traceback",
        fault.own_error in event and "Traceback (most recent call last):" in event,
        lines[-1].split(":")[0],
    )
