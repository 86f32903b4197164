"""What is there afterwards: the review, which the timeline wrote by itself."""

from __future__ import annotations

from typing import Any

from tools.demo.world import RESPONDER, World

# The parts that a repaired incident has something to tell of.
TELLING = ("happened", "lasted", "affected", "cause", "tried", "told", "did")


def run(world: World) -> None:
    """Print the review in short, and check that each sentence names entries of the timeline."""
    report = world.report
    report.step(f"The review of {world.incident_id}, made from its timeline")
    path = f"/incidents/{world.incident_id}/review"
    review: dict[str, Any] = world.as_user(RESPONDER).incidents(path)
    keys = {entry["_key"] for entry in world.timeline()}
    parts = {part["name"]: part["statements"] for part in review["account"]}
    for name in ("lasted", "cause", "tried"):
        report.say(" ".join(one["text"] for one in parts[name])[:400])
    told = [one for name in TELLING for one in parts[name]]
    sources = [source["entry"] for one in told for source in one["sources"]]
    (life,) = review["lives"]
    report.check(
        "It tells each step, and each sentence names its entries",
        all(one["sources"] for one in told) and set(sources) <= keys,
        f"{len(told)} sentences",
    )
    report.check(
        "It says when the fix came and when recovery was proved",
        None not in (life["fixed"], life["recovered"], life["ended"]),
        ", ".join(f"{name} after {life[name]} s" for name in ("fixed", "recovered", "ended")),
    )
