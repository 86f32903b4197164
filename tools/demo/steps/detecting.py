"""The saved search finds it, and its firings become one incident."""

from __future__ import annotations

from typing import Any

from tools.demo.faults import Fault
from tools.demo.waiting import wait_until
from tools.demo.world import ADMIN, RESPONDER, World

SEARCH = "/servicesNS/nobody/incident_management/saved/searches/High%20Error%20Rate"
FIRST_SECONDS = 100.0
SECOND_SECONDS = 100.0


def first_firing(world: World) -> None:
    """Wait for the incident."""
    report = world.report
    report.step("Wait for the scheduled search “High Error Rate” to fire")
    incident = wait_until("An incident", lambda: next(iter(world.incidents()), None), FIRST_SECONDS)
    world.incident_id = incident["id"]
    report.say(f"{incident['id']}: {incident['title']}, severity {incident['severity']}.")


def second_firing(world: World, fault: Fault) -> None:
    """Wait for the second firing, and check that both are in one incident."""
    report = world.report
    sids = wait_until("A second firing", lambda: _two_sids(world), SECOND_SECONDS)
    for signal in _signals(world):
        report.say(f"Signal of {signal['entity']}: {signal['count']} events, sid {signal['sid']}.")
    incident = world.incident()
    report.check(
        "Two alerts of the search are grouped into one incident",
        len(world.incidents()) == 1,
        f"{world.incident_id}, {incident['signals']} signals of {len(sids)} runs",
    )
    report.check(
        "The incident names exactly the affected services",
        set(incident["entities"]) == fault.entities,
        ", ".join(incident["entities"]),
    )


def nothing_lost(world: World) -> None:
    """Check the scheduled runs that found something against the signals that were stored.

    Not Splunk's list of fired alerts, which a restart clears.
    """
    runs = world.as_user(ADMIN).get(f"{SEARCH}/history", count=0)["entry"]
    found = {str(run["name"]) for run in runs if int(run["content"].get("resultCount") or 0)}
    fired = {sid for sid in found if sid.startswith("scheduler_")}
    stored = {signal["sid"] for signal in _signals(world)}
    world.report.check(
        "Every alert of the search is in the incident; none is lost",
        bool(fired) and fired == stored,
        f"{len(fired)} runs with findings, {len(stored)} stored",
    )


def _two_sids(world: World) -> set[str] | None:
    sids = {signal["sid"] for signal in _signals(world)}
    return sids if len(sids) >= 2 else None


def _signals(world: World) -> list[dict[str, Any]]:
    path = f"/incidents/{world.incident_id}/signals"
    return list(world.as_user(RESPONDER).incidents(path)["signals"])
