"""Reading timelines for one call of ingest, through what the process remembers of them."""

from __future__ import annotations

from typing import Iterable

from ...ports import Stores
from .. import timeline
from ..story import StoryCache
from .batch import Batch

__all__ = ["Reader"]


class Reader:
    """Reads timelines into batches; ``remembered`` are stories known from earlier calls."""

    def __init__(self, stores: Stores, remembered: StoryCache) -> None:
        self._stores = stores
        self._remembered = remembered

    def read(self, batch: Batch, incident_ids: Iterable[str]) -> None:
        """Let the batch know these timelines as they are now, unless it knows them.

        What was remembered of them is the batch's from then on, until it is put back.
        """
        wanted = [i for i in dict.fromkeys(incident_ids) if i not in batch.stories]
        if wanted:
            known = self._remembered.take(wanted)
            clock = self._remembered.monotonic
            batch.add_stories(timeline.load(self._stores, wanted, known, clock))

    def put_back(self, batch: Batch) -> None:
        """Remember what the batch knows."""
        self._remembered.put(batch.stories)
