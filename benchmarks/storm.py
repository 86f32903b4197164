"""A storm of signals through ``open_incident``'s path, beside a bare ``batch_save``.

The path is the real one: result rows, the alert action's own code, the REST handler's code in
splunkd's way of calling it, ingest, and the KV store over the stand-in's management port. The peer
saves the same signal documents, 1,000 a call, into a collection that nothing else uses, in slices
between the storm's runs, so that both see the same machine.

Three figures are to be read together: ``ratio_to_batch_save`` compares with saving the signals
alone; ``ratio_to_all_documents`` with saving every document that the storm left (signals, timeline
entries, incidents, claims); ``kv_calls_per_1000`` are requests to the KV store.
"""

from __future__ import annotations

import argparse
import base64
import csv
import gzip
import io
import json
import os
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tests.standin import StandIn, start_standin

ROOT = Path(__file__).parents[1]
BIN = ROOT / "package" / "bin"
APP = "incident_management"
START = 1_700_000_000


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bench storm", description=__doc__)
    parser.add_argument("--signals", type=int, default=100_000)
    parser.add_argument("--problems", type=int, default=500)
    parser.add_argument("--run", type=int, default=4000, help="result rows of one alert")
    parser.add_argument("--steps", type=int, default=5, help="rows of the table")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory(prefix="storm-") as name,
        start_standin(Path(name), apps=[unpacked(Path(name))]) as standin,
    ):
        storm = Storm(standin, Path(name), options.problems)
        figures = storm.run(options.signals, options.run, options.steps)
    print(json.dumps({k: v for k, v in figures.items() if k != "growth"}, indent=1))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    return 0


def unpacked(folder: Path) -> Path:
    (built,) = (ROOT / "dist").glob(f"{APP}-*.tar.gz")
    with tarfile.open(built) as tar:
        tar.extractall(folder / "app", filter="data")
    return folder / "app" / APP


class Storm:
    """Delivers runs of one alert, and times them."""

    def __init__(self, standin: StandIn, folder: Path, problems: int) -> None:
        self.folder = folder
        self.problems = problems
        self.calls = 0
        os.environ["SPLUNK_HOME"] = str(standin.splunk.home)
        sys.path[:0] = [str(BIN)]
        sys.modules["import_declare_test"] = type(sys)("import_declare_test")
        import open_incident

        from incident_management.api.backend import SplunkBackend
        from incident_management.api.router import dispatch
        from incident_management.incidents import timeline
        from incident_management.splunk.kvstore import KvStores
        from incident_management.splunk.session import Session

        self.action, self.dispatch, self.timeline = open_incident, dispatch, timeline
        self.uri, self.key = standin.splunk.mgmt_uri, standin.session_key()
        self.backend = SplunkBackend()
        self.stores = KvStores(Session(self.uri, self.key))
        self.peer = self.stores.plans
        self._count_calls(Session)
        self._answer_in_process(Session)

    def run(self, signals: int, rows: int, steps: int) -> dict[str, Any]:
        """Deliver all; returns the figures and prints a line for each step."""
        runs = max(1, signals // rows)
        growth, delivered, spent, peer = [], 0, 0.0, 0.0
        print(
            f"{'signals':>9} {'signals/s':>10} {'batch_save/s':>13} {'ratio':>6} {'calls/1000':>11}"
        )
        for step in range(min(steps, runs)):
            mine = range(step * runs // steps, (step + 1) * runs // steps)
            calls, took, saved, count = 0, 0.0, 0.0, 0
            for number in mine:
                file = self._results(number, rows)
                before = self.calls
                took += timed(partial(self._fire, number, file))
                calls += self.calls - before
                documents = self._signals_of(number)
                count += len(documents)
                saved += timed(partial(self.peer.save, documents))
            delivered, spent, peer = delivered + count, spent + took, peer + saved
            line = {
                "signals": delivered,
                "signals_per_second": round(count / took),
                "batch_save_per_second": round(count / saved),
                "ratio_to_batch_save": round(saved / took, 3),
                "kv_calls_per_1000": round(calls / count * 1000, 2),
            }
            growth.append(line)
            print("{:>9} {:>10} {:>13} {:>6} {:>11}".format(*line.values()), flush=True)
        everything = self._all_documents_again()
        return {
            "signals": delivered,
            "problems": self.problems,
            "rows_of_a_run": rows,
            "signals_per_second": round(delivered / spent),
            "batch_save_per_second": round(delivered / peer),
            "ratio_to_batch_save": round(peer / spent, 3),
            "ratio_to_all_documents": round(everything / spent, 3),
            "kv_calls_per_1000": round(self._storm_calls / delivered * 1000, 2),
            "checked": self._checked(delivered),
            "growth": growth,
        }

    def _fire(self, number: int, file: Path) -> None:
        payload = {
            "search_name": "Storm",
            "app": APP,
            "owner": "admin",
            "sid": sid(number),
            "results_file": str(file),
            "session_key": self.key,
            "server_uri": self.uri,
            "configuration": {
                "severity": "high",
                "title": "Storm: {entity}",
                "dedup_fields": "entity, host",
                "group": "1",
            },
        }
        before = self.calls
        read = self.action.Payload.read(io.BytesIO(json.dumps(payload).encode()))
        said = self.action.open_incident(read)
        self._storm_calls += self.calls - before
        if "kept for the worker" in said:
            raise SystemExit(f"The storm was not taken: {said[-200:]}")

    def _results(self, number: int, rows: int) -> Path:
        """One run's results: each service fails on several hosts, each of which is a signal."""
        file = self.folder / "results.csv.gz"
        with gzip.open(file, "wt", encoding="utf-8", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(["entity", "host", "count", "first_time", "last_time", "sample"])
            moment = START + number * 300
            for row in range(rows):
                entity = f"service-{row % self.problems}"
                text = f"ERROR payment {row} failed: upstream timed out"
                host = f"web-{row // self.problems}"
                writer.writerow([entity, host, 7, moment, moment + 250, text])
        return file

    def _signals_of(self, number: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.stores.signals.find({"sid": sid(number)})
        return found

    def _all_documents_again(self) -> float:
        """Seconds that a bare batch_save of everything that the storm left takes."""
        names = ("signals", "timeline", "incidents", "claims")
        return sum(timed(partial(self.peer.save, found)) for found in map(self._all, names))

    def _all(self, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = getattr(self.stores, name).find()
        return found

    def _checked(self, signals: int) -> str:
        """Check what the storm left; a wrong result has no figures."""
        incidents = self._all("incidents")
        counted = sum(incident["signals"] for incident in incidents)
        if counted != signals or len(incidents) != self.problems:
            raise SystemExit(f"Wrong: {counted} signals in {len(incidents)} incidents.")
        return f"{counted} signals counted once in {len(incidents)} incidents"

    def _count_calls(self, session: Any) -> None:
        self._storm_calls = 0
        real = session._request

        def request(this: Any, method: str, path: str, *rest: Any, **named: Any) -> Any:
            if "storage/collections/data/" in path:
                self.calls += 1
            return real(this, method, path, *rest, **named)

        session._request = request

    def _answer_in_process(self, session: Any) -> None:
        """Requests to the app's own API go to its handler, as splunkd hands them over."""
        real = session.post

        def post(this: Any, path: str, *rest: Any, **named: Any) -> Any:
            if "/incident_management/v1" not in path:
                return real(this, path, *rest, **named)
            raw = {
                "method": "POST",
                "path_info": path.partition("/v1/")[2],
                "query": [],
                "headers": [],
                "session": {"user": "admin", "authtoken": self.key},
                "system_authtoken": self.key,
                "server": {"rest_uri": self.uri},
                "payload_base64": base64.b64encode(named["json_text"].encode("ascii")).decode(),
            }
            reply = self.dispatch(raw, self.backend)
            if reply["status"] != 200:
                raise SystemExit(f"The API answered {reply['status']}: {reply['payload'][:300]}")
            return json.loads(reply["payload"])

        session.post = post


def sid(number: int) -> str:
    return f"scheduler__admin__{APP}__RMD5storm_at_{START + number * 300}_1"


def timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
