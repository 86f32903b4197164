"""Suppressions: their signals are stored and counted, but open no incident.

A suppression is a document of ``incident_suppressions``. It is never changed: ending one early
deletes it, and the signals that it suppressed still name it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Dict, Iterable, List, Mapping, Sequence, Tuple

from ..ports import Clock, Collection, Document, Stores
from .act import Act
from .canonical import milliseconds
from .clocks import windows
from .errors import Invalid, NotFound
from .patterns import matches
from .signal import Signal

__all__ = [
    "KINDS",
    "Suppression",
    "active_between",
    "add",
    "list_suppressions",
    "remove",
    "suppressing",
]

KINDS = ("maintenance", "mute", "snooze")
# A suppression made after a signal's end may find the signal already counted. Clocks may differ by
# this much, so one made this shortly before the end is treated the same.
SKEW_SECONDS = 300.0
# Each signal is compared with each suppression, so further ones are refused. Past ones do not
# count.
MAX_SUPPRESSIONS = 1000
# The most past suppressions that are listed.
MAX_OVER = 200
LONGEST_SNOOZE = 30 * 86400.0
# The end of a malformed suppression.
_LONG_AGO = 1.0
_LACKING = dict.fromkeys(("kind", "rule", "entity", "tag", "starts_at", "ends_at"))


@dataclass(frozen=True)
class Suppression(windows.Window):
    """Which signals are suppressed, and when.

    ``rule``, ``entity`` and ``tag`` are patterns (``*`` and ``?``, any case); a signal matches a
    ``tag`` with one of its tags, and all of the patterns must match. The other fields say when: see
    :mod:`.clocks.windows`.
    """

    kind: str = ""
    rule: str = "*"
    entity: str = "*"
    tag: str = "*"

    def malformed(self, why: str) -> Suppression:
        """Return it as ended: its document is malformed, so what it should match is unknown."""
        kind = self.kind if self.kind in KINDS else KINDS[0]
        reason = f"{self.reason} {why}".strip()
        return replace(self, kind=kind, reason=reason, starts_at=0.0, ends_at=_LONG_AGO)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Suppression:
        """Read a document. One without a pattern is malformed: it would suppress too much."""
        return super().from_document({**_LACKING, **document})

    def is_about(self, signal: Signal) -> bool:
        return (
            matches(signal.rule, self.rule)
            and matches(signal.entity, self.entity)
            and (self.tag == "*" or any(matches(tag, self.tag) for tag in signal.tags))
        )

    def came_after(self, signal: Signal) -> bool:
        """Tell whether a signal may have been delivered before this suppression was made."""
        return self.created_at > signal.last_time - SKEW_SECONDS

    def why(self) -> str:
        """Return one sentence that says why a signal opened no incident."""
        return f"Suppressed by {self.kind} {self.id}: {self.reason}"


def add(act: Act, wanted: Mapping[str, Any]) -> Suppression:
    """Check and store a suppression.

    One that was already made with the act's ``once`` is returned unchanged. ``wanted`` has the
    fields of :class:`Suppression` that a person gives; ``seconds`` from now may replace
    ``ends_at``. Raises Invalid with one sentence.
    """
    now = milliseconds(act.clock.now())
    values = dict(wanted)
    seconds = float(values.pop("seconds", 0.0))
    if seconds:
        values["ends_at"] = now + seconds
    suppression = Suppression.of("SUP", values, act.actor, now, act.once)
    _check(suppression, now)
    if len(act.stores.suppressions.keys(windows.not_ended(now))) >= MAX_SUPPRESSIONS:
        raise Invalid(
            f"There are already {MAX_SUPPRESSIONS} suppressions. Delete those you no longer need."
        )
    return windows.insert(act.stores.suppressions, suppression)


def remove(stores: Stores, suppression_id: str) -> None:
    """End a suppression by deleting it. Raises NotFound."""
    if not stores.suppressions.delete(suppression_id):
        raise NotFound(f"There is no suppression {suppression_id[:60]}. Reload the list.")


def list_suppressions(stores: Stores, clock: Clock) -> List[Suppression]:
    """Return all suppressions that are not over, and the newest past ones; the newest first."""
    return windows.newest_first(stores.suppressions, Suppression, clock.now(), MAX_OVER)


def active_between(suppressions: Collection, since: float, until: float) -> List[Suppression]:
    """Return the suppressions active at any time from ``since`` to ``until``, the oldest first."""
    begun: Document = {"starts_at": {"$lte": until}}
    found = suppressions.find({"$and": [begun, windows.not_ended(since)]}, sort="created_at:1")
    return [Suppression.from_document(document) for document in found]


def suppressing(
    suppressions: Sequence[Suppression], signals: Iterable[Signal]
) -> Dict[str, Suppression]:
    """Return the first suppression of each signal that one suppresses, by signal key.

    In a storm, many signals have the same rule, entity and tags: these are compared once.
    """
    of_rule: Dict[str, List[Suppression]] = {}
    about: Dict[Tuple[str, str, Tuple[str, ...]], List[Suppression]] = {}
    found: Dict[str, Suppression] = {}
    for signal in signals:
        rule, what = signal.rule, (signal.rule, signal.entity, tuple(signal.tags))
        if what not in about:
            if rule not in of_rule:
                of_rule[rule] = [one for one in suppressions if matches(rule, one.rule)]
            about[what] = [one for one in of_rule[rule] if one.is_about(signal)]
        match = next((one for one in about[what] if one.in_force(signal.last_time)), None)
        if match is not None:
            found[signal.key] = match
    return found


def _check(one: Suppression, now: float) -> None:
    if one.kind not in KINDS:
        raise Invalid(f"'{one.kind}' is not a kind of suppression; use {', '.join(KINDS)}.")
    if not one.reason.strip():
        raise Invalid(
            "A suppression needs a reason, so that others know why signals are suppressed."
        )
    if one.rule == one.entity == one.tag == "*":
        raise Invalid("Name a rule, an entity or a tag: a suppression can't match everything.")
    if one.ends_at and one.ends_at <= max(one.starts_at, now):
        raise Invalid("The suppression would end before it starts. Choose a later end.")
    if one.kind == "snooze" and not 0 < one.ends_at - now <= LONGEST_SNOOZE:
        raise Invalid("A snooze needs an end: set seconds or ends_at, at most 30 days ahead.")
    if one.kind == "maintenance" and not one.ends_at and not one.days:
        raise Invalid("A maintenance window needs ends_at, or the days on which it repeats.")
    one.check()
