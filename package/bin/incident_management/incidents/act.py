"""Who does something to incidents, and what it takes to write it down: one value."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..ports import Clock, Stores

__all__ = ["Act"]


@dataclass(frozen=True)
class Act:
    """What somebody does, or the app by itself: made where it begins, and handed down.

    Entries go to ``stores``, ``clock`` tells when, and ``actor`` is who did it. ``once`` names what
    was asked for: the entry that does it bears it, so that trying again changes nothing; empty
    where nothing tells one try from another. Further entries of the same act have names of their
    own, or none.
    """

    stores: Stores
    clock: Clock
    actor: str
    once: str = ""

    def named(self, once: str) -> Act:
        """Return the same act under another name."""
        return replace(self, once=once)

    def part(self, name: str) -> str:
        """Return the name of an entry that does a part of it; empty where it has none itself."""
        return f"{self.once}:{name}" if self.once else ""
