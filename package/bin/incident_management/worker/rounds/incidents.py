"""The rounds on incidents: merging, assignment, handover, deadlines and flapping."""

from __future__ import annotations

from typing import Mapping, Set, Tuple

from ...incidents.clocks import handover
from ...incidents.clocks.assignment import assign_waiting
from ...incidents.joining.execution import finish_recent
from ...incidents.upkeep import flapping
from ...incidents.upkeep.opened_twice import Compared, merge_raced
from ..clocks import Clocks
from ..messages import Messages
from .shared import Shared

__all__ = ["Incidents"]


class Incidents:
    """The rounds on incidents. An instance lives as long as its process and remembers checks."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._clocks = Clocks(shared.stores, shared.clock)
        self._waiting: Set[Tuple[str, str]] = set()
        self._handed_over: handover.Seen = set()
        self._compared: Compared = {}

    def merge_raced(self) -> Mapping[str, int]:
        """Merge incidents that two processes opened at once for one problem."""
        shared, config = self._shared, self._shared.config
        if not config.is_read:
            return {}
        topology = config.topology()
        return merge_raced(shared.stores, shared.clock, config.routing, topology, self._compared)

    def assign(self) -> Mapping[str, int]:
        """Assign incidents that have a team and no owner to members who can take them now."""
        shared = self._shared
        return assign_waiting(shared.stores, shared.clock, shared.routing(), self._waiting)

    def hand_over(self, messages: Messages) -> Mapping[str, int]:
        """Hand unacknowledged incidents to the person on call now, and send handover reports."""
        stores, clock, routing = self._shared.stores, self._shared.clock, self._shared.routing()
        done = handover.hand_over(stores, clock, routing, self._handed_over)
        return {**done, **messages.notify_handovers(routing)}

    def run_clocks(self) -> Mapping[str, int]:
        """Write the entries of due deadlines and escalation steps."""
        return self._clocks.run(self._shared.routing()) if self._shared.config.is_read else {}

    def release_calm(self) -> Mapping[str, int]:
        """Release flapping incidents that are calm."""
        shared = self._shared
        if not shared.config.is_read:
            return {}
        return flapping.release_calm(shared.stores, shared.clock, shared.config.routing)

    def finish_moves(self) -> Mapping[str, int]:
        """Finish interrupted merges and splits."""
        return finish_recent(self._shared.stores, self._shared.clock)
