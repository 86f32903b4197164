"""Troubles of the installation in a random story: clocks, earlier versions, deletions."""

from __future__ import annotations

from tests.unit.worker.soak import HOUR, Member, World

__all__ = ["befall", "restore"]

# What incidents' documents of some earlier version did not have.
_NEWER = ("follow_ups_open", "next_due", "tasks", "roles", "fields", "field_values")


def befall(world: World) -> str:
    """Let something happen between two steps; return what."""
    happens = world.rng.choice((_set_a_clock, _set_a_clock, _delete_documents, _earlier_version))
    return happens(world)


def _set_a_clock(world: World) -> str:
    rng, member = world.rng, world.rng.choice(world.members)
    world.disturbed_until = world.now + 6 * HOUR
    member.clock.ahead = rng.choice((rng.uniform(-20, 20), -600.0, 600.0, 5 * HOUR))
    return f"the clock of {member.name} is {member.clock.ahead:.0f} ahead"


def _delete_documents(world: World) -> str:
    """Delete incidents' documents, which are derived."""
    known = sorted(world.captain.incidents.documents)
    some = world.rng.sample(known, min(len(known), 2))
    for key in some:
        del world.captain.incidents.documents[key]
    return f"the documents of {', '.join(some)} are deleted"


def _earlier_version(world: World) -> str:
    """Let a member with an earlier version, not upgraded yet, write a document."""
    member: Member = world.rng.choice(world.members)
    member.build = "0"
    member.boot()
    known = sorted(world.captain.incidents.documents)
    for key in world.rng.sample(known, min(len(known), 1)):
        document = world.captain.incidents.get(key) or {}
        world.captain.incidents.save([{k: v for k, v in document.items() if k not in _NEWER}])
    return f"{member.name} is of an earlier version, and writes {len(known)}"


def restore(world: World) -> str:
    """Restore a backup whose collections differ in time, so that timelines lack entries.

    Other entries, or only the incident's document, name them, and the index has them. Some had not
    been sent as notifications.
    """
    for member in world.members:
        member.audit.run()
    known = world.captain.timeline.documents
    named = {key for one in world.captain.timeline.all() for key in one["prev"]}
    named |= {key for one in world.captain.incidents.all() for key in one["head"]}
    lost = [key for key in sorted(named & known.keys()) if world.rng.random() < 0.3]
    for key in lost:
        del known[key]
    world.lost.update(lost)
    return f"{len(lost)} entries are lost in a restore"
