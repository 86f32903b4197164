"""The actor of a change, with the stores and the clock that writing it needs."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..ports import Clock, Stores

__all__ = ["Act"]


@dataclass(frozen=True)
class Act:
    """One change by a person or by the app: made where the request begins, and passed down.

    Attributes:
        stores: where entries are written.
        clock: gives their times.
        actor: who makes the change.
        once: idempotency key of the request, carried by the entry that does what was asked, so
            that a repeat changes nothing. Empty where repeats can't be recognized. Other entries
            of the same act have keys of their own (:meth:`part`), or none.
    """

    stores: Stores
    clock: Clock
    actor: str
    once: str = ""

    def named(self, once: str) -> Act:
        """Return the same act with another idempotency key."""
        return replace(self, once=once)

    def part(self, name: str) -> str:
        """Return the idempotency key for one part of the act; empty if the act has none."""
        return f"{self.once}:{name}" if self.once else ""
