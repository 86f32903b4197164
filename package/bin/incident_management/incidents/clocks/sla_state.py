"""Derive the service level fields of an incident's document. Pure, as a part of the fold.

The worker writes ``sla`` entries (:mod:`.sla`): ``timed`` has the deadlines; ``warning`` and
``breached`` are events of one of the two clocks. The rest follows from the status entries.
"""

from __future__ import annotations

from typing import Any, Mapping, Optional, Set

__all__ = ["CLOCKS", "SLA_STATUSES", "SLA_STATUSES_OF_OPEN", "SlaState"]

CLOCKS = ("acknowledge", "resolve")
SLA_STATUSES_OF_OPEN = ("ok", "warning", "breached")
# "met" and "missed" are for incidents that are resolved or closed.
SLA_STATUSES = (*SLA_STATUSES_OF_OPEN, "met", "missed")


class SlaState:
    """The two deadlines of an incident's current life, and their state."""

    def __init__(self) -> None:
        self.reopened()

    def reopened(self) -> None:
        """Begin a new life; the worker writes its deadlines."""
        self.acknowledge_due: Optional[float] = None
        self.resolve_due: Optional[float] = None
        self._acknowledged_at: Optional[float] = None
        self._warned: Set[str] = set()
        self._breached: Set[str] = set()

    def take(self, data: Mapping[str, Any]) -> None:
        """Apply the data of one ``sla`` entry."""
        event, clock = data.get("event"), str(data.get("clock") or "")
        if event == "timed":
            before = {name: self._due(name) for name in CLOCKS}
            self.acknowledge_due = _moment(data.get("acknowledge_due"))
            self.resolve_due = _moment(data.get("resolve_due"))
            moved = {name for name in CLOCKS if self._due(name) != before[name]}
            self._warned -= moved
            self._breached -= moved
        elif clock in CLOCKS and _moment(data.get("due")) == self._due(clock):
            # An event of another deadline is about one that has changed since.
            (self._breached if event == "breached" else self._warned).add(clock)

    def acknowledged(self, moment: float) -> None:
        if self._acknowledged_at is None:
            self._acknowledged_at = moment

    def status(self, is_open: bool, resolved_at: Optional[float]) -> str:
        """Return one of SLA_STATUSES; empty when nothing was promised."""
        if self.acknowledge_due is None and self.resolve_due is None:
            return ""
        stopped = self._acknowledged_at if self._acknowledged_at is not None else resolved_at
        late = _after(stopped, self.acknowledge_due) or _after(resolved_at, self.resolve_due)
        if late or self._breached:
            return "breached" if is_open else "missed"
        if not is_open:
            return "met"
        running = self._warned - ({"acknowledge"} if stopped is not None else set())
        return "warning" if running else "ok"

    def _due(self, clock: str) -> Optional[float]:
        return self.acknowledge_due if clock == "acknowledge" else self.resolve_due


def _moment(value: Any) -> Optional[float]:
    return None if value is None else float(value)


def _after(moment: Optional[float], due: Optional[float]) -> bool:
    return moment is not None and due is not None and moment > due
