"""Change freezes: times in which only actions that are allowed in a freeze may be executed.

A freeze is a document of ``incident_freezes``. One that is ended early is kept with who ended it,
so that it stays known what was in force.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Collection, List, Mapping, Sequence

from ..incidents.act import Act
from ..incidents.canonical import milliseconds
from ..incidents.clocks import windows
from ..incidents.errors import Invalid, NotFound
from ..incidents.model import Incident
from ..incidents.patterns import matches
from ..ports import Clock, Stores
from .catalogue import Action
from .check import Check

__all__ = [
    "Freeze",
    "add",
    "end",
    "freeze_check",
    "freezes_on",
    "frozen_until_overridden",
    "listing",
    "not_over",
]

# More at once are refused: each is looked at before each fix.
MAX_FREEZES = 200
# How many of those that are over are listed.
MAX_OVER = 100


@dataclass(frozen=True)
class Freeze(windows.Window):
    """What may not be changed, and when (see :mod:`.incidents.clocks.windows`).

    ``team``, ``service`` and ``tag`` are patterns (``*`` and ``?``, any case), all of which must
    fit: the incident's team, what the fix acts on, and one of the incident's tags.
    """

    team: str = "*"
    service: str = "*"
    tag: str = "*"
    ended_by: str = ""

    def malformed(self, why: str) -> Freeze:
        """Return a malformed freeze as one that applies at all times, until someone ends it."""
        return replace(self, days=(), reason=f"{self.reason} {why}".strip())

    def is_about(self, service: str, incident: Incident) -> bool:
        """Tell whether the freeze covers a fix of a service for an incident."""
        tagged = self.tag == "*" or any(matches(tag, self.tag) for tag in incident.tags)
        return matches(service, self.service) and matches(incident.team, self.team) and tagged

    def named(self) -> str:
        """Return the freeze for people: its id, its reason and when it ends."""
        return f"{self.id} ({self.reason.strip().rstrip('.')}; {self.when()})"


def add(act: Act, wanted: Mapping[str, Any]) -> Freeze:
    """Check and store a freeze; ``wanted`` has the fields of :class:`Freeze` that a person sets.

    Returns the existing freeze if one was made with the act's ``once``. Raises Invalid.
    """
    now = milliseconds(act.clock.now())
    freeze = Freeze.of("FRZ", wanted, act.actor, now, act.once)
    _check(freeze, now)
    if len(act.stores.freezes.keys(windows.not_ended(now))) >= MAX_FREEZES:
        raise Invalid(
            f"There are already {MAX_FREEZES} change freezes. End those that are no longer needed."
        )
    return windows.insert(act.stores.freezes, freeze)


def end(act: Act, freeze_id: str) -> Freeze:
    """End a freeze now, even before its start; one that is over stays as it is. Raises NotFound."""
    known = act.stores.freezes.get(freeze_id)
    if known is None:
        raise NotFound(f"There is no freeze {freeze_id[:60]}. Reload the list.")
    freeze, now = Freeze.from_document(known), milliseconds(act.clock.now())
    if freeze.ends_at and freeze.ends_at <= now:
        return freeze
    ended = replace(freeze, ends_at=now, ended_by=act.actor)
    act.stores.freezes.save([ended.to_document()])
    return ended


def listing(stores: Stores, clock: Clock) -> List[Freeze]:
    """Return all freezes that are not over, and the newest 100 that are; the newest first."""
    now = clock.now()
    newest = sorted(_all(stores), key=lambda one: -one.created_at)
    over = [one for one in newest if 0 < one.ends_at <= now][MAX_OVER:]
    return [one for one in newest if one not in over]


def freezes_on(stores: Stores, service: str, incident: Incident, now: float) -> List[Freeze]:
    """Return the freezes in force now for a fix of a service, the oldest first."""
    in_force = (one for one in _all(stores) if one.in_force(now))
    return [one for one in in_force if one.is_about(service, incident)]


def not_over(stores: Stores, now: float) -> List[Freeze]:
    """Return the freezes that are in force or in the future, the oldest first."""
    return [one for one in _all(stores) if not one.ends_at or one.ends_at > now]


def _all(stores: Stores) -> List[Freeze]:
    """Read every freeze, the oldest first; a query by the end would miss a malformed end."""
    return [Freeze.from_document(one) for one in stores.freezes.find(sort="created_at:1")]


def freeze_check(
    freezes: List[Freeze], action: Action, service: str, overridden: Collection[str]
) -> Check:
    """Check whether the freezes in force allow an action.

    ``overridden``: the ids of the freezes that someone with the capability has overridden for this
    plan.
    """
    if action.allowed_in_freeze:
        return Check("freeze", True, f"'{action.name}' is allowed during a change freeze.")
    if not freezes:
        return Check("freeze", True, f"No change freeze is in force on {service}.")
    left = [freeze for freeze in freezes if freeze.id not in overridden]
    if left:
        return Check("freeze", False, frozen_until_overridden(left, service), "frozen")
    named = " and ".join(freeze.named() for freeze in freezes)
    return Check("freeze", True, f"The change freeze {named} was overridden for this plan.")


def frozen_until_overridden(freezes: Sequence[Freeze], service: str) -> str:
    """Return the sentence that says what is frozen and what to do; empty without a freeze."""
    if not freezes:
        return ""
    named = " and ".join(freeze.named() for freeze in freezes)
    return (
        f"{service} must not be changed during the change freeze {named}. Wait, or ask "
        "someone with the capability incident_override to override it with a reason (in "
        "the workbench, or with override=)."
    )


def _check(one: Freeze, now: float) -> None:
    if not one.reason.strip():
        raise Invalid(
            "A change freeze needs a reason, which everyone whose fix it blocks can read."
        )
    if not one.ends_at and not one.days:
        raise Invalid("A change freeze needs ends_at, or days on which it repeats.")
    if one.ends_at and one.ends_at <= max(one.starts_at, now):
        raise Invalid("A change freeze must end after its start and in the future.")
    one.check()
