"""Count all incidents ever opened with few reads, because ``GET /health`` is polled.

The KV store's REST API has no count, and a search over the collection reads whole documents and is
cut at 50,000.
"""

from __future__ import annotations

import threading
from typing import Dict

from ..incidents.upkeep import retention
from ..ports import Clock, Stores

__all__ = ["IncidentCount"]

# No incident is written that was opened longer ago: clocks differ by less.
SETTLED_SECONDS = 3600.0
PAGE = 10_000


class IncidentCount:
    """Caches the number of incidents opened a while ago, and counts the newer ones.

    One object per process. Thread-safe.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        # How many were opened before that time, in epoch seconds; 0: nothing was counted yet.
        self._settled = 0
        self._until = 0.0

    def count(self, stores: Stores) -> int:
        """Return the number of incidents ever opened, deleted ones included. Raises SplunkError."""
        with self._lock:
            until = self._clock.now() - SETTLED_SECONDS
            # A clock that was ahead then has counted as old what is opened only now.
            if not self._until or until < self._until - SETTLED_SECONDS:
                deleted = retention.totals(stores).get("incidents", 0)
                self._settled = deleted + _opened_before(stores, until)
                self._until = until
            elif until - self._until >= SETTLED_SECONDS:
                self._settled += _opened(stores, {"$gte": self._until, "$lt": until})
                self._until = until
            return self._settled + _opened(stores, {"$gte": self._until})


def _opened_before(stores: Stores, until: float) -> int:
    """Count all that were opened before a time; pages by key, because `skip` rereads pages."""
    count, last = 0, ""
    while True:
        query = {"$and": [{"_key": {"$gt": last}}, {"opened_at": {"$lt": until}}]}
        page = stores.incidents.find(query, "_key:1", PAGE, fields=("opened_at",))
        count += len(page)
        if len(page) < PAGE:
            return count
        last = str(page[-1]["_key"])


def _opened(stores: Stores, when: Dict[str, float]) -> int:
    """Count the incidents that were opened then; read in the order of an acceleration."""
    query = {"opened_at": when}
    return len(stores.incidents.find(query, "opened_at:-1,_key:-1", fields=("opened_at",)))
