"""Wait for the proof of recovery and the automatic resolve, and check the timeline."""

from __future__ import annotations

import time
from typing import Any

from tools.demo.report import clip
from tools.demo.waiting import NotInTime, wait_until
from tools.demo.world import World

SETTLE_SECONDS = 1.5
SECONDS = 150.0
LAST_WORD_SECONDS = 30.0


def run(world: World) -> None:
    """Wait for proof and resolve, and check that the errors really stopped."""
    report = world.report
    report.step("Verify recovery: rerun the detection over matching time windows")
    time.sleep(SETTLE_SECONDS)
    left = _count(world)
    try:
        proof = wait_until("a verdict on the fix", lambda: _proof(world), SECONDS)
    except NotInTime as reason:
        report.check("Recovery is proved", False, str(reason))
        return
    data = proof["data"]
    report.say(f"{data['outcome']}: {data['before']} before, {data['after']} after.")
    for asked in data["searches"]:
        spans = asked["windows"]
        report.quote("Time windows", "\n".join(f"{name}: {_span(*spans[name])}" for name in spans))
        report.quote("Search", str(asked["spl"]), lines=2)
    report.check("The detection's own search proves recovery", data["outcome"] == "recovered")
    report.check(
        "The services' log files show no new trouble since the fix",
        _count(world) == left,
        f"{left} trouble events before the fix, {_count(world) - left} since",
    )
    _resolved(world)


def _resolved(world: World) -> None:
    report = world.report
    wait_until("the incident is resolved", lambda: world.incident()["status"] == "resolved", 30)
    incident = world.incident()
    last = world.timeline("status")[-1]
    report.check(
        "The incident is resolved automatically, with the reason",
        last["actor"] == "incident_management" and last["data"]["to"] == "resolved",
        clip(str(last["data"].get("reason", "")), 120),
    )
    wait_until(
        "PagerDuty is notified",
        lambda: [e for e in world.received("pagerduty") if "resolve" in str(e["message"])],
        LAST_WORD_SECONDS,
    )
    time.sleep(4.0)
    report.say(f"{incident['id']} is {incident['status']}; cause: {incident.get('cause', '')}")


def print_timeline(world: World) -> None:
    """Print the timeline and check that it is complete."""
    report = world.report
    report.step(f"The timeline of {world.incident_id}")
    entries = world.timeline()
    begun = entries[0]["time"]
    report.table(
        (f"+{entry['time'] - begun:5.0f} s", entry["actor"], entry["kind"], _short(entry))
        for entry in entries
    )
    kinds = [entry["kind"] for entry in entries]
    wanted = ["opened", "analysis", "plan", "refused", "approval", "action", "verification"]
    places = [kinds.index(kind) for kind in wanted if kind in kinds]
    report.check(
        "The timeline holds every step, in order",
        len(places) == len(wanted) and places == sorted(places),
        f"{len(entries)} entries",
    )
    report.check("The hashes prove that no entry is missing or changed", world.timeline_is_whole())


def _proof(world: World) -> dict[str, Any] | None:
    """Return the final verdict on the fix, which "insufficient data" is not."""
    told = [
        e for e in world.timeline("verification") if e["data"]["outcome"] != "insufficient_data"
    ]
    return told[-1] if told else None


def _count(world: World) -> int:
    return sum(map(len, world.shop.trouble().values()))


def _span(begin: float, end: float) -> str:
    """Return a span of epoch seconds as times of day in UTC."""
    return " to ".join(time.strftime("%H:%M:%S", time.gmtime(moment)) for moment in (begin, end))


def _short(entry: dict[str, Any]) -> str:
    """Return an entry in a few words."""
    data = entry["data"]
    if entry["kind"] == "notification":
        return f"{data['channel']}: {data['event']}, {data['outcome']}"
    if entry["kind"] == "signal" and not data.get("reason"):
        return f"{sum(data['signals'].values())} more events of {', '.join(data['entities'])}"
    for name in ("reason", "verdict", "text", "summary", "title", "outcome", "phase", "decision"):
        if data.get(name):
            return clip(str(data[name]), 80)
    return clip(str(data), 80)
