"""``| remediate``: proposed, refused without approval, approved by another person, executed."""

from __future__ import annotations

from typing import Any

from tools.demo.splunk_client import Refused, SearchOutcome
from tools.demo.waiting import wait_until
from tools.demo.world import APPROVER, MANAGER, RESPONDER, World

PLAN = ("plan_id", "summary", "blast_radius", "cause", "checks")
PROGRESS = ("status", "detail", "refused", "approved_by")


def run(world: World) -> None:
    """Roll the bad change back, by way of a plan."""
    plan_id = _propose(world)
    if not plan_id:
        return
    _refused(world, plan_id)
    _approve(world, plan_id)
    _execute(world, plan_id)


def _propose(world: World) -> str:
    report = world.report
    spl = f"| remediate incident={world.incident_id}"
    report.step(f"{RESPONDER} requests a fix: {spl}")
    found = _search(world, RESPONDER, spl, PLAN)
    row = _first(found)
    shipped = world.bad_change
    good = shipped["change_id"] in str(row) and shipped["previous_version"] in str(row)
    report.check(
        "The plan rolls the change back to the previous version",
        good,
        f"{row.get('plan_id', 'no plan')}: {row.get('action', '')}",
    )
    return str(row.get("plan_id", ""))


def _refused(world: World, plan_id: str) -> None:
    report = world.report
    report.step(f"{MANAGER} tries to execute the plan without approval")
    found = _search(
        world, MANAGER, f"| remediate incident={world.incident_id} plan={plan_id} do=execute"
    )
    running = world.shop.running(world.bad_change["service"])
    refusals = [entry["data"]["reason"] for entry in world.timeline("refused")]
    report.check(
        "Execution is refused, the timeline says why, nothing changed",
        bool(refusals) and running["running_version"] == world.bad_change["version"],
        (refusals or found.messages or ["no refusal on the timeline"])[-1],
    )


def _approve(world: World, plan_id: str) -> None:
    report = world.report
    report.step(f"{APPROVER} approves {plan_id}")
    _search(world, APPROVER, f"| remediate incident={world.incident_id} plan={plan_id} do=approve")
    approvals = world.timeline("approval")
    report.check(
        "The timeline holds a second person's approval of the plan's hash",
        len(approvals) == 1
        and approvals[0]["actor"] == APPROVER
        and approvals[0]["data"]["decision"] == "approved"
        and bool(approvals[0]["data"]["plan_hash"]),
        f"{approvals[0]['data']['plan_hash'][:12]}…" if approvals else "no approval",
    )


def _execute(world: World, plan_id: str) -> None:
    report, change = world.report, world.bad_change
    report.step(f"{MANAGER} executes {plan_id}")
    _search(world, MANAGER, f"| remediate incident={world.incident_id} plan={plan_id} do=execute")
    wait_until("the plan is executed", lambda: _done(world), 30)
    running = world.shop.running(change["service"])
    report.check(
        f"{change['service']} runs {change['previous_version']} again",
        running["running_version"] == running["version"] == change["previous_version"],
        f"reported by the service: {running['running_version']}",
    )
    rollbacks = [one for one in world.shop.changes() if one["summary"].startswith("Roll back")]
    report.check(
        "The change was rolled back exactly once",
        len(rollbacks) == 1,
        f"{len(rollbacks)} in the change feed",
    )


def _done(world: World) -> list[dict[str, Any]]:
    return [entry for entry in world.timeline("action") if entry["data"]["phase"] == "done"]


def _search(world: World, user: str, spl: str, shown: tuple[str, ...] = PROGRESS) -> SearchOutcome:
    """Run a search; one that splunkd refuses to start is an outcome, too."""
    try:
        found = world.as_user(user).search(spl)
    except Refused as reason:
        found = SearchOutcome("", [], [str(reason)], True)
    for message in found.messages:
        world.report.say(message)
    for row in found.rows:
        cells = [f"{name}: {_text(row.get(name))}" for name in shown if row.get(name)]
        world.report.quote(f"sid {found.sid}", "\n".join(cells), lines=len(PLAN))
    return found


def _text(value: Any) -> str:
    return "; ".join(str(one) for one in value) if isinstance(value, list) else str(value)


def _first(found: SearchOutcome) -> dict[str, Any]:
    return found.rows[0] if found.rows else {}
