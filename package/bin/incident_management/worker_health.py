"""Whether the worker runs and its duties succeed, for whoever asks how the app is."""

from __future__ import annotations

from typing import Dict, List, Optional

from .detection.monitors.registry import troubles
from .incidents.stores import claim_document
from .ports import Clock, Stores
from .utc import to_the_minute

__all__ = ["SILENT_SECONDS", "Failures", "worker_runs", "worker_troubles"]

PURPOSE = "worker failing"
# A failure that passes sooner is nobody's concern: each duty is tried again.
LASTING_SECONDS = 300.0
# A note that was not renewed for so long is about a member that is gone, or has other turns.
STALE_SECONDS = 1800.0
RENEW_SECONDS = 60.0
# What the workbench waits for, too.
SILENT_SECONDS = 300.0


class Failures:
    """Notes in the KV store on what a member's worker fails at, one document a duty.

    One lives as long as its process; a worker's process lasts minutes, so what the one before it
    has noted is read first.
    """

    def __init__(self, stores: Stores, clock: Clock, holder: str) -> None:
        self._claims = stores.claims
        self._clock = clock
        self._holder = holder
        self._since: Optional[Dict[str, float]] = None
        self._renewed: Dict[str, float] = {}

    def failed(self, duty: str, sentence: str) -> None:
        """Note that a duty failed. Raises what the stores raise."""
        now, since = self._clock.now(), self._known()
        since.setdefault(duty, now)
        if 0 <= now - self._renewed.get(duty, 0.0) < RENEW_SECONDS:
            return
        value = {"duty": duty, "since": min(since[duty], now), "sentence": sentence}
        key = self._key(duty)
        self._claims.save([claim_document(key, now, value, purpose=PURPOSE, holder=self._holder)])
        self._renewed[duty] = now

    def worked(self, duty: str) -> None:
        """Take the note about a duty away. Raises what the stores raise."""
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
    """Tell whether the worker runs, which it may also do without getting to tell people anything.

    ``seen``: when it looked last for what is to be told, None: not yet. Raises what the stores
    raise.
    """
    if seen is not None and now - seen <= SILENT_SECONDS:
        return True
    notes = stores.claims.find({"purpose": PURPOSE})
    return any(abs(now - float(note["time"])) <= SILENT_SECONDS for note in notes)


def worker_troubles(stores: Stores, now: float, seen: Optional[float], waited: float) -> List[str]:
    """Return a sentence for each thing that the worker, or a monitor, does not get done.

    ``seen`` as for :func:`worker_runs`; ``waited``: for how many seconds it could have been seen.
    Raises what the stores raise.
    """
    said = []
    for note in stores.claims.find({"purpose": PURPOSE}):
        value, age = note["value"], now - float(note["time"])
        if age < STALE_SECONDS and now - float(value["since"]) >= LASTING_SECONDS:
            said.append(
                f"On {note['holder']}, the worker's duty '{value['duty']}' has been failing since "
                f"{to_the_minute(float(value['since']))} and is retried: {value['sentence']}"
            )
    if waited >= SILENT_SECONDS and not worker_runs(stores, now, seen):
        since = f" since {to_the_minute(seen)}" if seen else " yet"
        said.append(
            f"The worker has not run{since}: notifications, deadlines and verifications "
            "are delayed. Check that 'worker' of Incident monitor is enabled under Settings › Data "
            "inputs, and read incident_management_worker.log."
        )
    said += [f"Monitor '{name}': {sentence}" for name, sentence in troubles(stores).items()]
    return sorted(said)
