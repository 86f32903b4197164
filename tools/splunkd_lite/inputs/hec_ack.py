"""Acknowledgements of the HTTP Event Collector, per channel.

Source: "About HTTP Event Collector Indexer Acknowledgment": numbers count up within a channel; a
number that was told to be indexed is forgotten; channels that are not used are removed.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

__all__ = ["AckChannels"]

MAX_CHANNELS = 10_000
MAX_WAITING = 100_000  # acknowledgements that nobody has asked for, per channel


class AckChannels:
    """The acknowledgements that wait to be asked for."""

    def __init__(self) -> None:
        self._channels: OrderedDict[tuple[str, str], tuple[int, set[int]]] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, token: str, channel: str) -> int:
        """A new acknowledgement's number; its events are on disk already."""
        with self._lock:
            following, waiting = self._channels.pop((token, channel), (0, set()))
            waiting.add(following)
            self._channels[(token, channel)] = (following + 1, waiting)
            if len(self._channels) > MAX_CHANNELS:
                self._channels.popitem(last=False)
            return following

    def full(self, token: str, channel: str) -> bool:
        """Whether so many wait to be asked for that the channel takes no more."""
        with self._lock:
            return len(self._channels.get((token, channel), (0, set()))[1]) >= MAX_WAITING

    def take(self, token: str, channel: str, numbers: list[int]) -> dict[int, bool]:
        """Whether each is indexed. A yes is given once."""
        with self._lock:
            _, waiting = self._channels.get((token, channel), (0, set()))
            told = {number: number in waiting for number in numbers}
            waiting.difference_update(numbers)
            return told
