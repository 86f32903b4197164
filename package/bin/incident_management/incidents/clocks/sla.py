"""Time to acknowledge and to resolve: when each is due, and what has to be said by now. Pure.

Nothing is stored but what happened: deadlines follow from the timeline and from [sla:…] of
incident_routing.conf, so whoever looks, on whichever member of a cluster, finds the same ones. What
has to be said is a list of timeline entries with deterministic ``once``; writing them twice says
them once.

Both clocks begin with the incident's life and run over service hours only; nothing else pauses
them. The first ends with an acknowledgement or a resolve, the second with a resolve. When severity
or team change, the targets do: a longer one counts from the beginning, a shorter one from the
change (nobody can act before), but never beyond what was promised before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from ...ports import Document
from ..canonical import digest, milliseconds
from ..routing import Policy, Routing
from .calendar import Calendar
from .lives import Change, Life
from .sla_state import CLOCKS

__all__ = ["Deadline", "Draft", "deadlines", "due_entries", "next_moment"]


@dataclass(frozen=True)
class Deadline:
    """When one clock is due, when to warn, by which policy, and over which hours."""

    clock: str
    due: float
    warn: float
    policy: str
    calendar: Calendar


@dataclass(frozen=True)
class Draft:
    """A timeline entry that has to be there."""

    kind: str
    data: Document
    once: str


def deadlines(lives: Sequence[Life], routing: Routing) -> Dict[str, Deadline]:
    """Return the deadlines of the last life by clock; one that nobody promised is left out."""
    if not lives:
        return {}
    found = ((clock, _deadline(clock, lives, routing)) for clock in CLOCKS)
    return {clock: deadline for clock, deadline in found if deadline is not None}


def due_entries(
    lives: Sequence[Life], written: Mapping[str, Document], routing: Routing, now: float
) -> List[Draft]:
    """Return the ``sla`` entries that should be on the timeline by now and are not.

    Args:
        written: the data of the effective entries of kind ``sla``, by ``once``, in order.
    """
    found = deadlines(lives, routing)
    drafts = _timed_drafts(lives, written, found)
    for clock, deadline in found.items():
        event = _event(lives[-1], clock, deadline, now)
        once = f"sla:{lives[-1].number}:{clock}:{event}:{deadline.due:.3f}"
        if event and once not in written:
            drafts.append(Draft("sla", _event_data(event, deadline, now), once))
    return drafts


def next_moment(lives: Sequence[Life], routing: Routing, now: float) -> Optional[float]:
    """Return when a running clock next has something to say; None for never."""
    moments = [
        moment
        for clock, deadline in deadlines(lives, routing).items()
        if _stopped_at(lives[-1], clock) is None
        for moment in (deadline.warn, deadline.due)
        if moment > now
    ]
    return min(moments, default=None)


def _deadline(clock: str, lives: Sequence[Life], routing: Routing) -> Optional[Deadline]:
    life = lives[-1]
    stopped = _stopped_at(life, clock)
    deadline: Optional[Deadline] = None
    for change in life.changes:
        if stopped is not None and change.time > stopped:
            break
        policy = routing.policy(change.severity, change.team)
        target = policy.target(clock) if policy else None
        if policy is None or target is None or _is_stopped_for_good(policy, clock, lives):
            deadline = None
            continue
        start = lives[0].start if policy.on_reopen == "continue" else life.start
        deadline = _changed_deadline(
            clock, deadline, change, (policy, target, start), life, routing
        )
    return deadline


def _changed_deadline(
    clock: str,
    before: Optional[Deadline],
    change: Change,
    promised: Tuple[Policy, float, float],
    life: Life,
    routing: Routing,
) -> Optional[Deadline]:
    """The deadline after a change of severity or team."""
    policy, target, start = promised
    whole = _deadline_from(clock, start, policy, target, change.team, routing)
    if change is life.changes[0] or whole is None or (before and whole.due >= before.due):
        return whole
    shorter = _deadline_from(clock, max(start, change.time), policy, target, change.team, routing)
    if before is not None and (shorter is None or before.due <= shorter.due):
        return before
    return shorter


def _deadline_from(
    clock: str, start: float, policy: Policy, target: float, team: str, routing: Routing
) -> Optional[Deadline]:
    calendar = routing.hours(policy.hours, team)
    due = calendar.after(start, target)
    warn = calendar.after(start, target * policy.warn_at)
    if due is None or warn is None:
        return None
    return Deadline(clock, milliseconds(due), milliseconds(warn), policy.name, calendar)


def _is_stopped_for_good(policy: Policy, clock: str, lives: Sequence[Life]) -> bool:
    """Whether a clock that goes on over a reopening was stopped for good in an earlier life."""
    if policy.on_reopen != "continue" or clock != "acknowledge":
        return False
    return any(life.acknowledged_at is not None for life in lives[:-1])


def _stopped_at(life: Life, clock: str) -> Optional[float]:
    ends = [life.ended_at, life.acknowledged_at if clock == "acknowledge" else None]
    return min((end for end in ends if end is not None), default=None)


def _event(life: Life, clock: str, deadline: Deadline, now: float) -> str:
    """What has happened to a clock: ``breached``, ``warning`` while it runs, or nothing."""
    stopped = _stopped_at(life, clock)
    if stopped is not None:
        return "breached" if stopped > deadline.due else ""
    if now >= deadline.due:
        return "breached"
    return "warning" if now >= deadline.warn else ""


def _event_data(event: str, deadline: Deadline, now: float) -> Document:
    verb, calendar = "was to be", deadline.calendar
    left = ""
    if event == "warning":
        minutes = calendar.service_seconds(now, deadline.due) / 60
        verb, left = "is to be", f" {minutes:.0f} minutes are left."
    done = "acknowledged" if deadline.clock == "acknowledge" else "resolved"
    return {
        "event": event,
        "clock": deadline.clock,
        "due": deadline.due,
        "policy": deadline.policy,
        "reason": f"It {verb} {done} by {calendar.date_of(deadline.due)}, as '{deadline.policy}' "
        f"promises (hours: {calendar.name}).{left}",
    }


def _timed_drafts(
    lives: Sequence[Life], written: Mapping[str, Document], found: Mapping[str, Deadline]
) -> List[Draft]:
    """The entry that says what is due when, unless the last one of this life says so already."""
    if not lives:
        return []
    said = [data for data in written.values() if data.get("event") == "timed"]
    dues = {f"{clock}_due": deadline.due for clock, deadline in found.items()}
    life = lives[-1].number
    last = said[-1] if said else {}
    if last.get("life") != life:
        last = {}
    told = {name: due for name, due in last.items() if name.endswith("_due") and due is not None}
    if dues == {name: float(due) for name, due in told.items()}:
        return []
    policies = {clock: deadline.policy for clock, deadline in found.items()}
    data = {"event": "timed", "life": life, **dues, "policies": policies}
    return [Draft("sla", data, f"sla:timed:{len(said)}:{digest([life, dues], 16)}")]
