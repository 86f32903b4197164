"""What must be true when the incidents of a random story are old and deleted."""

from __future__ import annotations

import json
from typing import Any

from incident_management.incidents import timeline
from tests.unit.worker.soak import DAY, HOUR
from tests.unit.worker.soak_checks import check
from tests.unit.worker.soak_story import Story

__all__ = ["grow_old"]

# As the duties of the story are set: closed a day after the resolve, deleted three days later.
OLD = 4 * DAY + HOUR
# What stays of an incident that has left: its tombstone, which problems were its own, and moves.
_STAYS = ("pruned", "episode", "episodes", "moves")


def grow_old(story: Story) -> list[str]:
    """Let most incidents end, and days pass; return a sentence for each fault."""
    world = story.world
    stores, api = world.captain, world.members[0].api
    world.routing = world.routings[0]
    for document in stores.incidents.all():
        if document["status"] in ("new", "assigned", "in_progress") and world.rng.random() < 0.7:
            path = f"/incidents/{document['id']}/resolve"
            story.refused(path, *api.call("POST", path, {"resolution": "fixed"}))
    for half_day in range(10):
        world.now += 12 * HOUR
        for member in (world.members[half_day % 2], world.members[0]):
            for _round in range(2):
                world.now += 400.0
                member.work()
    wrong = _gone(world, stores, api)
    wrong += _still_there(world, stores, api)
    wrong += _next_findings(story)
    return wrong + check(story)


def _gone(world: Any, stores: Any, api: Any) -> list[str]:
    """Check that a deleted incident is wholly indexed, answered as gone, and leaves nothing."""
    wrong = []
    written = world.written()
    messages = {
        key: json.loads(text)["incident_id"]
        for _time, name, key, text in stores.replication.operations
        if name == "outbox" and text
    }
    left = {
        one["value"]["incident_id"]: one["value"]
        for one in stores.claims.all()
        if one["purpose"] == "pruned and left"
    }
    for key, stone in left.items():
        known = {one.key: one for _time, one in world.events.get(key, ())}
        if set(known) != set(written[key]):
            wrong.append(f"{key} has left, and the index has {len(known)} of {len(written[key])}")
        incident = timeline.fold(list(known.values()))
        if incident.status != "closed" or incident.follow_ups_open:
            wrong.append(f"{key} has left, and was {incident.status}")
        if stone["entries"] != len(known):
            wrong.append(f"{key} has left with {stone['entries']} of {len(known)} entries")
        for path in (f"/incidents/{key}", f"/incidents/{key}/timeline"):
            if api.call("GET", path)[0] != 410:
                wrong.append(f"{path} has left, and answers {api.call('GET', path)[0]}")
    names = {*left, *(key for key, incident in messages.items() if incident in left)}
    for name in ("incidents", "timeline", "signals", "plans", "analyses", "outbox"):
        for one in getattr(stores, name).all():
            if one["_key"] in names or one.get("incident_id") in left:
                wrong.append(f"{name} still has {one['_key'][:20]} of what has left")
    for one in stores.claims.all():
        kind, _, rest = one["_key"].partition(":")
        if kind not in _STAYS and names & set(rest.split(":")):
            wrong.append(f"the claim {one['_key'][:60]} is of what has left")
    return wrong


def _still_there(world: Any, stores: Any, api: Any) -> list[str]:
    """Check that open incidents, and those with open work, stay, and the others are deleted."""
    wrong = []
    answer = api.call("GET", "/incidents", query={"limit": "500"})[1]
    listed = sorted(one["id"] for one in answer["incidents"])
    known = {one["id"]: one for one in stores.incidents.all()}
    if listed != sorted(known):
        wrong.append(f"The list has {len(listed)} incidents of {len(known)}")
    for key, one in known.items():
        last = one
        while last["merged_into"] in known:
            last = known[last["merged_into"]]
        group = [other for other in known.values() if _leads_to(other, last["id"], known)]
        kept = last["status"] != "closed" or any(other["follow_ups_open"] for other in group)
        if not kept and world.now - last["updated_at"] > OLD:
            wrong.append(f"{key} was closed {(world.now - last['updated_at']) / DAY:.1f} days ago")
        if last is not one and last["merged_into"]:
            wrong.append(f"{key} leads to {last['merged_into']}, which has left")
        if api.call("GET", f"/incidents/{key}")[0] != 200:
            wrong.append(f"{key} is there, and answers {api.call('GET', f'/incidents/{key}')[0]}")
    return wrong


def _leads_to(one: Any, last: str, known: Any) -> bool:
    while one["id"] != last and one["merged_into"] in known:
        one = known[one["merged_into"]]
    return bool(one["id"] == last)


def _next_findings(story: Story) -> list[str]:
    """Check that a deleted incident's problem is found again by an incident that exists."""
    world = story.world
    wrong = []
    problems = {(one["rule"], one["entity"]): one for one in story.delivered.values()}
    for number in range(3):  # until no deliberate suppression is left
        world.now += 8 * HOUR
        world.members[number % 2].work()
    for number, (_problem, one) in enumerate(sorted(problems.items())):
        finding = {**one, "first_time": world.now, "last_time": world.now, "run": f"late-{number}"}
        finding.pop("after", None)
        story.undelivered.append(finding)
        story.deliver(world.members[number % 2], [finding])
    known = {one["id"]: one for one in world.captain.incidents.all()}
    for key, one in story.delivered.items():
        if one["run"].startswith("late-"):
            signal = world.captain.signals.get(key)
            incident = known.get(signal["incident_id"]) if signal else None
            held = signal is not None and signal.get("suppressed_by")
            if not held and (incident is None or incident["status"] in ("resolved", "closed")):
                wrong.append(f"{one['rule']} of {one['entity']} was found again, and is in nothing")
    # As at a story's end, until nothing is due of what was found.
    for seconds, times in ((60, 8), (600, 8), (HOUR, 7), (60, 8)):
        for number in range(times):
            world.now += seconds
            world.members[number % 2].work()
    return wrong
