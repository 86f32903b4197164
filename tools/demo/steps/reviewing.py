"""Check the review that is generated from the timeline."""

from __future__ import annotations

from typing import Any

from tools.demo.world import RESPONDER, World

# Parts of the review that are not empty for a repaired incident.
FILLED = ("happened", "lasted", "affected", "cause", "tried", "told", "did")


def run(world: World) -> None:
    """Print an extract of the review, and check that each sentence cites timeline entries."""
    report = world.report
    report.step(f"The review of {world.incident_id}, generated from its timeline")
    path = f"/incidents/{world.incident_id}/review"
    review: dict[str, Any] = world.as_user(RESPONDER).incidents(path)
    keys = {entry["_key"] for entry in world.timeline()}
    parts = {part["name"]: part["statements"] for part in review["account"]}
    for name in ("lasted", "cause", "tried"):
        for one in parts[name]:
            report.item(one["text"])
    told = [one for name in FILLED for one in parts[name]]
    sources = [source["entry"] for one in told for source in one["sources"]]
    (life,) = review["lives"]
    moments = {name: life[name] for name in ("fixed", "recovered", "ended")}
    report.check(
        "The review covers each step; each sentence cites entries",
        all(one["sources"] for one in told) and set(sources) <= keys,
        f"{len(told)} sentences",
    )
    report.check(
        "The review gives the times of fix and proven recovery",
        None not in moments.values(),
        ", ".join(
            f"not {name}" if seconds is None else f"{name} after {seconds:.0f} s"
            for name, seconds in moments.items()
        ),
    )
