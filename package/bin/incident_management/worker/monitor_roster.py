"""Which monitors the members of a search head cluster have, in the KV store.

A cluster does not replicate inputs.conf by default (``conf_replication_include.<conf>`` in
server.conf.spec), so a monitor that was made in Splunk Web is an input of one member alone. Each
member's worker signs for the monitors of its own inputs.conf, so that the others don't take them
for removed, and can judge a window as they would.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Optional, Set

from ..detection.packing import pack, unpack
from ..incidents.stores import claim_document
from ..ports import Clock, Document, Stores

__all__ = ["GONE_SECONDS", "REFRESH_SECONDS", "MonitorRoster", "off_since"]

PURPOSE = "monitors of a member"
OFF = "monitor off"
# A member says again what is the case after this time, and is gone after the next.
REFRESH_SECONDS = 600.0
GONE_SECONDS = 3600.0
MAX_BYTES = 8_000_000

Monitors = Mapping[str, Mapping[str, Any]]


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
        key = f"{PURPOSE}:{self._holder}"
        known = self._claims.get(key)
        age = now - float(known["time"]) if known else 0.0
        is_same = known is not None and known["value"]["monitors"] == monitors
        if not is_same or not 0 <= age < REFRESH_SECONDS:
            value = {"monitors": monitors}
            signed = claim_document(key, now, value, purpose=PURPOSE, holder=self._holder)
            self._claims.save([signed])
            self._note_off(set(_monitors_of(known)) - set(own) if known else set())
        return {}

    def _note_off(self, removed: Set[str]) -> None:
        """Note which monitors no member has any more, since now: somebody switched them off."""
        off = removed - set(self.all()) if removed else removed
        now = self._clock.now()
        self._claims.save(
            [
                claim_document(f"{OFF}:{one}", now, purpose=OFF, holder=self._holder)
                for one in sorted(off)
            ]
        )

    def all(self) -> Dict[str, Mapping[str, Any]]:
        """Return the settings of the monitors of all members, by name; this one's own count first.

        Raises SplunkError when this member's can't be read.
        """
        found: Dict[str, Mapping[str, Any]] = {}
        for document in self._signed():
            if document["holder"] != self._holder:
                found.update(_monitors_of(document))
        return {**found, **self._own()}

    def is_gone(self, holder: str) -> bool:
        """Tell whether a member does not sign any more."""
        return all(document["holder"] != holder for document in self._signed())

    def _signed(self) -> List[Document]:
        """What members signed that are not gone, the newest last."""
        now = self._clock.now()
        signed = self._claims.find({"purpose": PURPOSE})
        fresh = [one for one in signed if now - float(one["time"]) < GONE_SECONDS]
        return sorted(fresh, key=lambda one: float(one["time"]))


def off_since(stores: Stores, monitor: str) -> Optional[float]:
    """Return when a monitor was switched off or removed last, None where nobody saw that."""
    note = stores.claims.get(f"{OFF}:{monitor}")
    return float(note["time"]) if note else None


def _monitors_of(document: Document) -> Monitors:
    """Return what a member signed for; nothing, if it can't be read: it will be signed again."""
    try:
        return dict(unpack(str(document["value"]["monitors"]), MAX_BYTES)["monitors"])
    except (ValueError, LookupError):
        return {}
