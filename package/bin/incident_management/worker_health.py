"""Whether the worker runs and its duties succeed: for health checks and the pages."""

from __future__ import annotations

from typing import Dict, List, Optional

from .detection.monitors.signed import troubles
from .incidents.stores import claim_document
from .ports import Clock, Stores
from .utc import to_the_minute

__all__ = ["SILENT_SECONDS", "Failures", "worker_runs", "worker_troubles"]

PURPOSE = "worker failing"
# Shorter failures are not reported: each duty is retried.
LASTING_SECONDS = 300.0
# A note that was not renewed for so long is about a member that is gone, or has other turns.
STALE_SECONDS = 1800.0
RENEW_SECONDS = 60.0
# What the workbench waits for, too.
SILENT_SECONDS = 300.0


class Failures:
    """Record in the KV store which duties of a member's worker fail, one document per duty.

    An object lives as long as its process. A worker's process lasts minutes, so the records of the
    process before it are read first.
    """

    def __init__(self, stores: Stores, clock: Clock, holder: str) -> None:
        self._claims = stores.claims
        self._clock = clock
        self._holder = holder
        self._since: Optional[Dict[str, float]] = None
        self._renewed: Dict[str, float] = {}

    def failed(self, duty: str, sentence: str) -> None:
        """Record that a duty failed. Raises what the stores raise."""
        now, since = self._clock.now(), self._known()
        since.setdefault(duty, now)
        if 0 <= now - self._renewed.get(duty, 0.0) < RENEW_SECONDS:
            return
        value = {"duty": duty, "since": min(since[duty], now), "sentence": sentence}
        key = self._key(duty)
        self._claims.save([claim_document(key, now, value, purpose=PURPOSE, holder=self._holder)])
        self._renewed[duty] = now

    def worked(self, duty: str) -> None:
        """Remove the record of a duty that works again. Raises what the stores raise."""
        if duty in self._known():
            self._claims.delete(self._key(duty))
            self._known().pop(duty)
            self._renewed.pop(duty, None)

    def _known(self) -> Dict[str, float]:
        if self._since is None:
            mine = self._claims.find({"purpose": PURPOSE, "holder": self._holder})
            self._since = {one["value"]["duty"]: float(one["value"]["since"]) for one in mine}
        return self._since

    def _key(self, duty: str) -> str:
        return f"{PURPOSE}:{self._holder}:{duty}"


def worker_runs(stores: Stores, now: float, seen: Optional[float]) -> bool:
    """Return whether the worker runs, even if its duty of sending messages fails.

    ``seen``: epoch seconds of its last check for messages to send, None before the first one.
    Raises what the stores raise.
    """
    if seen is not None and now - seen <= SILENT_SECONDS:
        return True
    notes = stores.claims.find({"purpose": PURPOSE})
    return any(abs(now - float(note["time"])) <= SILENT_SECONDS for note in notes)


def worker_troubles(stores: Stores, now: float, seen: Optional[float], waited: float) -> List[str]:
    """Return a sentence for each current failure of the worker or of a monitor.

    ``seen`` as for :func:`worker_runs`; ``waited``: seconds since this process started, in which
    the worker could have been seen. Raises what the stores raise.
    """
    said = []
    for note in stores.claims.find({"purpose": PURPOSE}):
        value, age = note["value"], now - float(note["time"])
        if age < STALE_SECONDS and now - float(value["since"]) >= LASTING_SECONDS:
            said.append(
                f"On {note['holder']} the worker's duty '{value['duty']}' has failed since "
                f"{to_the_minute(float(value['since']))} and is tried again: {value['sentence']}"
            )
    if waited >= SILENT_SECONDS and not worker_runs(stores, now, seen):
        since = f" since {to_the_minute(seen)}" if seen else " yet"
        said.append(
            f"The worker has not run{since}: no notifications are sent, deadlines are not checked "
            "and fixes are not verified. Check that 'worker' of Incident monitor is enabled under "
            "Settings › Data inputs, and read incident_management_worker.log."
        )
    said += [f"Monitor '{name}': {sentence}" for name, sentence in troubles(stores).items()]
    return sorted(said)
