"""Shared resources of all rounds: splunkd, the stores, the clock and the configuration."""

from __future__ import annotations

from typing import Callable, Mapping, Optional

from ...incidents.clocks.assignment import with_covers
from ...incidents.routing import Routing
from ..configuration import Configuration
from ..member import Member

__all__ = ["Shared"]


class Shared:
    """The resources of all duties in a process.

    Args:
        report_trouble: takes a name and one sentence about a problem.
    """

    def __init__(self, member: Member, report_trouble: Callable[[str, str], None]) -> None:
        self.session = member.session
        self.stores = member.stores
        self.clock = member.clock
        self.holder = member.name
        self.report_trouble = report_trouble
        self.config = Configuration(member.session)
        self._agreed: Optional[Routing] = None

    def configure(self) -> Mapping[str, int]:
        """Read the configuration if it is time. Raises SettingsError for malformed values."""
        self._agreed = None
        return self.config.refresh()

    def routing(self) -> Routing:
        """Return the routing with the covers, read once for all duties of a cycle."""
        if self._agreed is None:
            self._agreed = with_covers(self.stores, self.clock, self.config.routing)
        return self._agreed
