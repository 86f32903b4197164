"""The healthy shop: traffic is indexed, harmless changes ship, no incident opens."""

from __future__ import annotations

import time

from tools.demo.faults import HEALTHY, Change
from tools.demo.splunk_client import APP
from tools.demo.waiting import wait_until
from tools.demo.world import ADMIN, World

SECONDS = 18.0
DETECTION = "High Error Rate"
ROUNDS = 2
ROUNDS_SECONDS = 200.0


def run(world: World, changes: tuple[Change, ...]) -> None:
    """Run the shop for a while and ship harmless changes."""
    report = world.report
    report.step("The healthy shop serves customers; harmless changes ship")
    until = time.monotonic() + SECONDS
    for change in changes:
        shipped = world.shop.deploy(change)
        report.say(
            f"{shipped['change_id']}: {change.service} {shipped['previous_version']} → "
            f"{shipped['version']}, “{change.summary}”, by {change.actor}."
        )
        time.sleep(SECONDS / (len(changes) + 1))
    wait_until("customers are served", lambda: world.shop.answers()["201"] > 50, 60)
    time.sleep(max(0.0, until - time.monotonic()))
    check(world)


def check(world: World) -> None:
    """Check that the shop's events are searchable and that nothing was found in them."""
    report = world.report
    spl = "search index=shop | stats count by service, sourcetype | sort service"
    found = world.as_user(ADMIN).search(spl, "-10m")
    report.table([("service", "events"), *((r["service"], r["count"]) for r in found.rows)])
    services = {row["service"] for row in found.rows}
    report.check(
        "Logs of all services are indexed, with extracted fields",
        services == {"orders", "payments", "bank"},
        f"sid {found.sid}",
    )
    answers = world.shop.answers()
    report.check(
        "All requests succeed, and no log line reports trouble",
        set(answers) <= {"200", "201"} and not world.shop.trouble(),
        ", ".join(f"{count} × {status}" for status, count in sorted(answers.items())),
    )
    report.check("No incident is open", not world.incidents())


def two_rounds(world: World) -> None:
    """Run without a fault until the detection has run twice, and expect silence."""
    report = world.report
    run(world, HEALTHY)
    report.step(f"Wait for {ROUNDS} runs of “{DETECTION}” on the healthy shop")
    runs = wait_until(
        f"{ROUNDS} runs of the detection", lambda: _runs(world, ROUNDS), ROUNDS_SECONDS, pause=2.0
    )
    for sid in runs:
        report.say(f"Scheduled run {sid}.")
    time.sleep(5.0)
    check(world)
    got = world.received()
    report.check("No notification was sent", not got, f"{len(got)} requests at the receivers")


def _runs(world: World, wanted: int) -> list[str] | None:
    """Return the detection's finished scheduled runs, or None while there are fewer."""
    name = DETECTION.replace(" ", "%20")
    path = f"/servicesNS/nobody/{APP}/saved/searches/{name}/history"
    entries = world.as_user(ADMIN).get(path, count=0)["entry"]
    sids = [entry["name"] for entry in entries if entry["name"].startswith("scheduler__")]
    return sids if len(sids) >= wanted else None
