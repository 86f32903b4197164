"""What must be true when a random story has come to rest, seen from outside."""

from __future__ import annotations

from collections import Counter
from typing import Any

from incident_management.incidents import timeline
from incident_management.incidents.clocks import escalation, sla, updates
from incident_management.incidents.clocks.lives import lives_of
from incident_management.incidents.model import ACTOR
from incident_management.incidents.story import Story as Told
from incident_management.notify.delivery.notification import notification_id
from incident_management.notify.events import event_of
from incident_management.remediation.plan import FINISHED, plan_state
from tests.unit.worker.soak import DAY, HOUR, START
from tests.unit.worker.soak_figures import figures
from tests.unit.worker.soak_story import Story

__all__ = ["check"]


def check(story: Story) -> list[str]:
    """Return a sentence for each fault."""
    wrong = list(story.unexpected)
    world = story.world
    stores = world.captain
    wrong += _still_at_work(world, stores)
    entries = {
        key: timeline.read(stores, key)
        for key in {one["incident_id"] for one in stores.timeline.all()}
    }
    gone = {
        one["value"]["incident_id"]
        for one in stores.claims.all()
        if one["purpose"] in ("pruned", "pruned and left")
    }
    wrong += _timelines(stores, entries, gone)
    wrong += _signals(story, stores, entries, gone)
    wrong += _people(story, entries, gone)
    wrong += _fields(entries)
    wrong += _asked(story, stores, gone)
    wrong += _audit(world, entries)
    wrong += _clocks(world, entries)
    wrong += _told(story, stores, entries, gone)
    wrong += _plans(world, stores, entries)
    wrong += _resolved(entries, gone, world.lost)
    wrong += figures(stores, world.now)
    return wrong


def _still_at_work(world: Any, stores: Any) -> list[str]:
    """Check that a new worker finds nothing to write."""
    known = set(stores.timeline.documents)
    member = world.members[0]
    member.boot()
    member.work()
    new = [one for one in stores.timeline.all() if one["_key"] not in known]
    return [f"{one['incident_id']}: {one['kind']} {one['data']} comes for ever" for one in new]


def _resolved(entries: Any, gone: Any, lost: Any) -> list[str]:
    """Check that an automatic resolve was reopened if it had not seen a finding.

    Errors from before the resolve that arrive after it do not reopen it, nor do those that a
    restore removed meanwhile.
    """
    wrong = []
    for key, mine in entries.items():
        if key in gone or timeline.fold(mine).status != "resolved":
            continue
        counted = timeline.effective(mine)
        resolve = [one for one in counted if one.data.get("to") == "resolved"][-1]
        if resolve.actor == ACTOR:
            known = _before(mine, resolve)
            late = [one for one in counted if one.kind == "signal" and one.key not in known]
            for one in late:
                is_raced = one.key not in lost and resolve.key not in _before(mine, one)
                if is_raced or one.data["last_time"] > resolve.time:
                    wrong.append(f"{key}: it was resolved beside the finding {one.key[:8]}")
    return wrong


def _before(entries: Any, entry: Any) -> set[str]:
    """Return the keys of what the writer of an entry had seen."""
    prev, found, ahead = {one.key: one.prev for one in entries}, set(), list(entry.prev)
    while ahead:
        key = ahead.pop()
        if key not in found:
            found.add(key)
            ahead += prev.get(key, ())
    return found


def _timelines(stores: Any, entries: Any, gone: Any) -> list[str]:
    wrong = []
    documents = {one["id"]: one for one in stores.incidents.all()}
    for key, mine in entries.items():
        if key in gone:
            continue
        document = documents.get(key)
        if document is None:
            wrong.append(f"{key} has no document")
            continue
        verdict = timeline.verify(mine, document["head"])
        wrong += [f"{key}: {problem}" for problem in verdict.problems]
        if timeline.fold(mine).to_document() != document:
            wrong.append(f"{key}: the document is not what its entries add up to")
        told = Told(mine).incident
        if told is None or told.to_document() != document:
            wrong.append(f"{key}: a story adds up to something else")
    wrong += [f"{key} has a document and no entries" for key in documents if key not in entries]
    return wrong


def _signals(story: Story, stores: Any, entries: Any, gone: Any) -> list[str]:
    wrong = []
    held: dict[str, list[str]] = {}
    for key, mine in entries.items():
        told = Told(mine)
        for signal in told.owned():
            if told.counts(signal):
                held.setdefault(signal, []).append(key)
    wrong += [f"signal {key} is counted by {them}" for key, them in held.items() if len(them) > 1]
    stored = {one["_key"]: one for one in stores.signals.all()}
    for key, document in stored.items():
        mine = held.get(key, [])
        named = document["incident_id"]
        if named and mine != [named]:
            wrong.append(f"signal {key} names {named} and is counted by {mine}")
        if not named and mine:
            wrong.append(f"signal {key} names nobody and is counted by {mine}")
        if not named and not (document.get("suppressed_by") or document.get("pending")):
            wrong.append(f"signal {key} is in no incident and not held back")
    for key in held:
        if key not in stored:
            wrong.append(f"signal {key} is counted by {held[key]} and not stored")
    if not gone and story.world.now - START < 3 * DAY:
        wrong += [f"signal {key} was lost" for key in story.delivered if key not in stored]
    return wrong


def _people(story: Story, entries: Any, gone: Any) -> list[str]:
    wrong = []
    for kind, incident, text in story.done:
        if incident in gone:
            continue
        found = [
            one
            for one in timeline.effective(entries.get(incident, []))
            if one.kind == kind and one.data.get("text") == text
        ]
        if len(found) != 1:
            wrong.append(f"{incident}: the {kind} '{text}' is there {len(found)} times")
    return wrong


def _fields(entries: Any) -> list[str]:
    """Check that the value a person set last stays, whatever detections bring."""
    wrong = []
    for key, mine in entries.items():
        last: dict[str, str] = {}
        for one in timeline.effective(mine):
            if one.kind == "fields":
                last.update(one.data["set"])
        now = timeline.fold(mine).fields
        for name, value in last.items():
            if now.get(name, "") != value:
                wrong.append(f"{key}: {name} is {now.get(name)!r}, and was set to {value!r}")
    return wrong


def _asked(story: Story, stores: Any, gone: Any) -> list[str]:
    """Check that a requested message that was reported as queued exists."""
    wrong = []
    for name, (key, incident) in story.asked.items():
        if incident not in gone and stores.outbox.get(key) is None:
            wrong.append(f"the message {name} of {incident} is not on the outbox")
    return wrong


def _audit(world: Any, entries: Any) -> list[str]:
    """Check that exactly the entries ever written are in the index."""
    wrong = []
    written = world.written()
    for key in {*written, *world.events}:
        indexed = {one.key for _time, one in world.events.get(key, ())}
        lacking = len(written.get(key, {}).keys() - indexed)
        if lacking:
            wrong.append(f"{key}: the index lacks {lacking} of its entries")
        if indexed - written.get(key, {}).keys():
            wrong.append(f"{key}: the index has what was never written")
    for key, events in world.events.items():
        if key not in entries:
            known = list({one.key: one for _time, one in events}.values())
            verdict = timeline.verify(known)
            wrong += [f"{key} (gone): {problem}" for problem in verdict.problems]
    return wrong


def _clocks(world: Any, entries: Any) -> list[str]:
    wrong = []
    routing = world.members[0].routing
    now = world.now - 120
    for key, mine in entries.items():
        lives, incident = lives_of(mine), timeline.fold(mine)
        if not lives or not incident.is_open:
            continue
        counted = timeline.effective(mine)
        written = {one.once: one.data for one in counted if one.kind == "sla"}
        owed = [
            *sla.due_entries(lives, written, routing, now),
            *updates.due_entries(incident, lives, updates.update_due_data(counted), routing, now),
        ]
        wrong += [f"{key}: {one.kind} {one.data} is missing" for one in owed]
        onces = {one.once for one in mine}
        steps = escalation.due_steps(lives, onces, routing, now)
        wrong += [f"{key}: step {one.once} was not taken" for one in steps]
        is_said = any(one.kind == "unassigned" for one in mine)
        if incident.status == "new" and incident.team in ("shop", "leads") and not is_said:
            wrong.append(f"{key} is new, of {incident.team}, and nobody has it")
    return wrong


def _told(story: Story, stores: Any, entries: Any, gone: Any) -> list[str]:
    wrong, world = [], story.world
    outbox = {one["_key"]: one for one in stores.outbox.all()}
    for key, mine in entries.items():
        if key in gone:
            continue
        before: list[Any] = []
        for entry in timeline.effective(mine):
            before.append(entry)
            if entry.kind == "assigned":
                continue
            event = event_of(entry.to_document())
            for wish in world.routing.announce.get(event, ()):
                if entry.once.startswith("acknowledge") and event == "assigned":
                    continue
                there = notification_id(entry.identity, wish.channel, "") in outbox
                # With clocks apart, what is wanted anew holds for what comes a moment later.
                is_new = any(-60 < entry.time - change < 60 for change in world.changes)
                if not there and 60 < world.now - entry.time < 20 * HOUR and not is_new:
                    wrong.append(f"{key}: {event} ({entry.key[:8]}) was not told on {wish.channel}")
    for key, document in outbox.items():
        if document["state"] not in ("sent", "dead", "unconfirmed"):
            wrong.append(f"message {key[:8]} {document['event']} is {document['state']}")
    for name in ("slack", "email"):
        counts = Counter(world.services[name].arrived)
        twice = [key for key, n in counts.items() if n > 1 and key not in story.told_again]
        wrong += [f"{name} got {key[:8]} {counts[key]} times" for key in twice]
    told = {key for one in world.services.values() for key in one.arrived}
    members = {m: key for key, one in outbox.items() for m in one.get("members") or ()}
    for key, document in outbox.items():
        if document.get("summary") and world.now - document["created_at"] > 3 * DAY:
            continue  # Its summary, which is of no incident, was deleted by age.
        if document["state"] == "sent" and key not in told and members.get(key) not in told:
            wrong.append(f"message {key[:8]} {document['event']} is sent and never arrived")
        if key in told and key in members:
            wrong.append(
                f"message {key[:8]} {document['event']} was told by itself and in a summary"
            )
        if document["state"] == "dead" and world.now - START < DAY:
            wrong.append(f"message {key[:8]} is dead: {document['last_error']}")
    return wrong


def _plans(world: Any, stores: Any, entries: Any) -> list[str]:
    wrong = []
    done = Counter(world.bench.api.executed)
    wrong += [f"request {key} was carried out {n} times" for key, n in done.items() if n > 1]
    for plan in stores.plans.all():
        mine = entries.get(plan["incident_id"])
        if not mine:
            continue
        state = plan_state(plan, mine, world.now)
        if state.status != plan["status"]:
            wrong.append(f"{plan['_key']} is {state.status}, its document says {plan['status']}")
        if state.status not in FINISHED and world.now - plan["created_at"] > 26 * HOUR:
            wrong.append(f"{plan['_key']} is {state.status} for ever")
        if state.status in ("executing", "verifying", "rolling_back"):
            wrong.append(f"{plan['_key']} is still {state.status}")
        kinds = [
            (one.kind, one.data.get("decision") or one.data.get("phase"))
            for one in timeline.effective(mine)
            if one.data.get("plan_id") == plan["_key"]
        ]
        if ("approval", "rejected") in kinds:
            after = kinds[kinds.index(("approval", "rejected")) :]
            if ("action", "started") in after and state.status == "rejected":
                wrong.append(f"{plan['_key']} was begun after it was rejected")
    return wrong
