"""The monitors of all members of a search head cluster, in the KV store.

A cluster does not replicate inputs.conf by default (``conf_replication_include.<conf>`` in
server.conf.spec), so a monitor that was made in Splunk Web is an input of one member only. Each
member's worker signs for the monitors of its own inputs.conf, so that other members do not take
them for removed, and can judge a window as that member would.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping, Optional, Set

from ...detection.monitors.registry import (
    GONE_SECONDS,
    REGISTERED,
    Monitors,
    known_monitors,
    registered_monitors,
    registrations,
)
from ...detection.packing import pack
from ...incidents.stores import claim_document
from ...ports import Clock, Stores

__all__ = [
    "GONE_SECONDS",
    "OFF",
    "REFRESH_SECONDS",
    "MonitorRoster",
    "off_since",
    "start_delay",
]

OFF = "monitor off"
# A member signs again after this time.
REFRESH_SECONDS = 600.0
EACH_SECONDS, MOST_SECONDS = 0.25, 45.0
"""The seconds between the starts of a member's monitors, and the most for the last of them."""


class MonitorRoster:
    """The monitors of all members.

    Args:
        holder: this member's name.
        own: returns the settings of the monitors that are enabled here, by name; raises
            SplunkError.
    """

    def __init__(
        self, stores: Stores, clock: Clock, holder: str, own: Callable[[], Monitors]
    ) -> None:
        self._stores = stores
        self._claims = stores.claims
        self._clock = clock
        self._holder = holder
        self._own = own

    def sign(self) -> Dict[str, int]:
        """Record which monitors this member has, and which it has no more; a duty.

        Raises what its parts raise.
        """
        own = self._own()
        now, monitors = self._clock.now(), pack({"monitors": own})
        key = f"{REGISTERED}:{self._holder}"
        known = self._claims.get(key)
        age = now - float(known["time"]) if known else 0.0
        is_same = known is not None and known["value"]["monitors"] == monitors
        if not is_same or not 0 <= age < REFRESH_SECONDS:
            value = {"monitors": monitors}
            mine = claim_document(key, now, value, purpose=REGISTERED, holder=self._holder)
            removed = set(registered_monitors(known)) - set(own) if known else set()
            # Before saving, because a worker that is killed in between would not know of it any
            # more; and after, because if two members remove one at once, the later sees the
            # earlier.
            self._note_off(removed)
            self._claims.save([mine])
            self._note_off(removed)
        return {}

    def _note_off(self, removed: Set[str]) -> None:
        """Record monitors that no member has any more as switched off now."""
        if not removed:
            return
        now = self._clock.now()
        self._claims.save(
            [
                claim_document(f"{OFF}:{one}", now, purpose=OFF, holder=self._holder)
                for one in sorted(removed - set(self.all()))
            ]
        )

    def all(self) -> Dict[str, Mapping[str, Any]]:
        """Return the settings of all members' monitors, by name; this member's own take precedence.

        Raises SplunkError if this member's can't be read.
        """
        return known_monitors(self._stores, self._clock.now(), self._own(), self._holder)

    def is_gone(self, holder: str) -> bool:
        """Tell whether a member no longer signs."""
        return all(
            document["holder"] != holder
            for document in registrations(self._stores, self._clock.now())
        )


def off_since(stores: Stores, monitor: str) -> Optional[float]:
    """Return when a monitor was last switched off or removed; None if that was not recorded."""
    note = stores.claims.get(f"{OFF}:{monitor}")
    return float(note["time"]) if note else None


def start_delay(stores: Stores, holder: str, monitor: str) -> float:
    """Return the seconds by which a monitor's searches start after those of its member's first.

    All five-minute monitors are due at once, and their processes may have started at once: without
    this delay, hundreds of searches would begin in the same second and hold up other users'
    searches.
    """
    known = stores.claims.get(f"{REGISTERED}:{holder}")
    names = sorted(registered_monitors(known)) if known else []
    if monitor not in names:
        return 0.0
    return min(EACH_SECONDS * len(names), MOST_SECONDS) * names.index(monitor) / len(names)
