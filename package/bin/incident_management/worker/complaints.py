"""The duty that tells administrators, on each search head, of channels that refuse messages."""

from __future__ import annotations

from typing import Mapping, Optional, Protocol

from ..notify.refusals import refusals
from ..ports import Clock, Stores

__all__ = ["Bulletin", "RefusedMessages"]

# The name of a message in Splunk Web.
NAME = "incident_management_refused"


class Bulletin(Protocol):
    """Messages in Splunk Web; both raise SplunkError."""

    def show(self, name: str, sentence: str) -> None: ...

    def take_away(self, name: str) -> None: ...


class RefusedMessages:
    """Shows what is refused, and takes it away. One lives as long as its process."""

    def __init__(self, stores: Stores, clock: Clock, bulletin: Bulletin) -> None:
        self._stores = stores
        self._clock = clock
        self._bulletin = bulletin
        # None: what an earlier process has left there is not known.
        self._shown: Optional[str] = None

    def run(self) -> Mapping[str, int]:
        """Look, and change the message if it has to."""
        sentence = " ".join(refusals(self._stores, self._clock))
        if sentence and sentence != self._shown:
            self._bulletin.show(NAME, sentence)
        elif not sentence and self._shown != "":
            self._bulletin.take_away(NAME)
        self._shown = sentence
        return {}
