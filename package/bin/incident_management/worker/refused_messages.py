"""The duty that shows administrators, on each search head, which channels refuse messages."""

from __future__ import annotations

from typing import Callable, Mapping, Optional

from ..incidents.routing.conf import Routing
from ..notify.refusals import refusals
from ..ports import Clock, Stores

__all__ = ["NAME", "RefusedMessages"]

# The name of a message in Splunk Web.
NAME = "incident_management_refused"


class RefusedMessages:
    """Shows the refused messages, and removes the notice. An instance lives as long as its process.

    Args:
        show: shows a sentence; an empty one removes it.
        routing: returns the current channels and teams.
    """

    def __init__(
        self,
        stores: Stores,
        clock: Clock,
        show: Callable[[str], None],
        routing: Callable[[], Routing],
    ) -> None:
        self._stores = stores
        self._clock = clock
        self._show = show
        self._routing = routing
        # None: whether an earlier process has left a notice is unknown.
        self._shown: Optional[str] = None

    def run(self) -> Mapping[str, int]:
        """Check for refused messages, and change the notice if necessary."""
        sentence = " ".join(refusals(self._stores, self._clock, self._routing()))
        if sentence != self._shown:
            self._show(sentence)
        self._shown = sentence
        return {}
