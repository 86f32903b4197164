"""The duty that tells administrators, on each search head, of channels that refuse messages."""

from __future__ import annotations

from typing import Callable, Mapping, Optional

from ..incidents.routing.conf import Routing
from ..notify.refusals import refusals
from ..ports import Clock, Stores

__all__ = ["NAME", "RefusedMessages"]

# The name of a message in Splunk Web.
NAME = "incident_management_refused"


class RefusedMessages:
    """Shows what is refused, and takes it away. One lives as long as its process.

    Args:
        show: shows a sentence; an empty one takes it away.
        routing: gives the channels and teams that there are.
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
        # None: what an earlier process has left there is not known.
        self._shown: Optional[str] = None

    def run(self) -> Mapping[str, int]:
        """Look, and change the message if it has to."""
        sentence = " ".join(refusals(self._stores, self._clock, self._routing()))
        if sentence != self._shown:
            self._show(sentence)
        self._shown = sentence
        return {}
