"""A merge of two very large incidents: how long the request takes, and what is left to the worker.

Both incidents are made of ``--signals`` signals of one problem each, through ingest, in a stand-in
that runs in a process of its own. Then one is merged into the other as the API does it, and the
worker's duty finishes it. After each of the two steps every signal must count once.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.storm import BIN, START, Place, a_splunk
from incident_management.incidents.act import Act

LONGEST_SECONDS = 10.0
BATCH = 5000


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bench merge", description=__doc__)
    parser.add_argument("--signals", type=int, default=50_000, help="of each incident")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="merge-") as name, a_splunk(Path(name)) as place:
        figures = Merge(place, options.signals).run()
    print(json.dumps(figures, indent=1))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    if figures["request_seconds"] > LONGEST_SECONDS:
        print(f"Goal missed: the request took over {LONGEST_SECONDS:g} seconds.", file=sys.stderr)
        return 1
    return 0


class Merge:
    """Two incidents, and what is done to them."""

    def __init__(self, place: Place, signals: int) -> None:
        sys.path.insert(0, str(BIN))
        from incident_management.splunk.kv.store import KvStores
        from incident_management.splunk.session import Session

        self.stores = KvStores(Session(place.uri, place.key))
        self.place = place
        self.signals = signals

    def now(self) -> float:
        """A clock that does not go: what comes is late by nothing."""
        return START

    def run(self) -> dict[str, Any]:
        from incident_management.incidents.joining import execution, merging

        source, target = self._open("source"), self._open("target")
        request, used = self._timed(
            lambda: merging.merge(Act(self.stores, self, "ann"), source, target)
        )
        self._check(source, target)
        left = len(self.stores.signals.keys({"incident_id": source}))
        worker, _used = self._timed(lambda: execution.finish_recent(self.stores, self))
        again, _used = self._timed(lambda: execution.finish_recent(self.stores, self))
        self._check(source, target)
        if self.stores.signals.keys({"incident_id": source}):
            raise SystemExit("Wrong: signals' documents still name the merged incident.")
        return {
            "signals_each": self.signals,
            "request_seconds": round(request, 2),
            "request_processor_seconds": round(used, 2),
            "documents_left_to_the_worker": left,
            "worker_seconds": round(worker, 2),
            "worker_seconds_with_nothing_left": round(again, 2),
        }

    def _open(self, entity: str) -> str:
        """An incident of one problem that was found in so many runs; returns its id."""
        from incident_management.incidents.intake.findings import signals_from
        from incident_management.incidents.intake.ingest import Ingest
        from incident_management.incidents.routing import Routing

        ingest = Ingest(self.stores, self, Routing.from_stanzas({}))
        common = {"rule": "Merge", "entity": entity, "severity": "high", "group": False}
        ids = set()
        for first in range(0, self.signals, BATCH):
            numbers = range(first, min(first + BATCH, self.signals))
            found = [{"run": f"{number}", "first_time": START} for number in numbers]
            outcomes = ingest.ingest(signals_from(found, self.now(), common))
            ids |= {outcome.incident_id for outcome in outcomes}
        (incident_id,) = ids
        return incident_id

    def _timed(self, work: Callable[[], Any]) -> tuple[float, float]:
        """Do some work; returns the seconds that passed, and those of the processors."""
        began, used = time.perf_counter(), self.place.processor_seconds()
        work()
        return time.perf_counter() - began, self.place.processor_seconds() - used

    def _check(self, source: str, target: str) -> None:
        """Check what the timelines and the documents say; a wrong result has no figures."""
        from incident_management.incidents import timeline

        found = timeline.read_many(self.stores, [source, target])
        for incident_id, signals in ((source, 0), (target, 2 * self.signals)):
            incident = timeline.fold(found[incident_id])
            document = self.stores.incidents.get(incident_id) or {}
            if (incident.signals, document.get("signals")) != (signals, signals):
                raise SystemExit(f"Wrong: {incident_id} has {incident.signals} signals.")
            if not timeline.verify(found[incident_id], incident.head).ok:
                raise SystemExit(f"Wrong: the timeline of {incident_id} does not verify.")


if __name__ == "__main__":
    sys.exit(main())
