"""Which monitors the members of a search head cluster have, in the KV store.

A cluster does not replicate inputs.conf by default (``conf_replication_include.<conf>`` in
server.conf.spec), so a monitor that was made in Splunk Web is an input of one member alone. Each
member's worker signs for the monitors of its own inputs.conf, so that the others don't take them
for removed, and can judge a window as they would.
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
# A member says again what is the case after this time.
REFRESH_SECONDS = 600.0
EACH_SECONDS, MOST_SECONDS = 0.25, 45.0
"""How far apart the searches of a member's monitors begin, and how late the last of them."""


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
        """The duty: say which monitors this member has, and which it has no more.

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
            # Before, because a worker that is ended in between would not know of it any more; and
            # after, because of two members that remove one at once the later sees the earlier.
            self._note_off(removed)
            self._claims.save([mine])
            self._note_off(removed)
        return {}

    def _note_off(self, removed: Set[str]) -> None:
        """Note which monitors no member has any more, since now: somebody switched them off."""
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
        """Return the settings of the monitors of all members, by name; this one's own count first.

        Raises SplunkError when this member's can't be read.
        """
        return known_monitors(self._stores, self._clock.now(), self._own(), self._holder)

    def is_gone(self, holder: str) -> bool:
        """Tell whether a member does not sign any more."""
        return all(
            document["holder"] != holder
            for document in registrations(self._stores, self._clock.now())
        )


def off_since(stores: Stores, monitor: str) -> Optional[float]:
    """Return when a monitor was switched off or removed last, None where nobody saw that."""
    note = stores.claims.get(f"{OFF}:{monitor}")
    return float(note["time"]) if note else None


def start_delay(stores: Stores, holder: str, monitor: str) -> float:
    """Return how many seconds a monitor's searches begin after those of its member's first one.

    All monitors of five minutes are due at once, and their processes may have started at once:
    without this, hundreds of searches would begin in the same second and hold up everybody else's.
    """
    known = stores.claims.get(f"{REGISTERED}:{holder}")
    names = sorted(registered_monitors(known)) if known else []
    if monitor not in names:
        return 0.0
    return min(EACH_SECONDS * len(names), MOST_SECONDS) * names.index(monitor) / len(names)
