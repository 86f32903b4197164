"""How long typical searches take in the stand-in for Splunk, and what memory they need.

    ./build.sh bench searches [--events 100000 1000000] [--only TEXT] [--json FILE]

Fills the stand-in's own indexes on disk with generated events, the same each time: `main` with
key=value text, `audit` with JSON. Each search is a search job in a process of its own, which has
run another search before; its time is that of the whole job, results written to disk included:
by the clock, and of the processor, which is the same on a machine that does nothing else. Memory is
the process's peak while the search ran, less what it had before.

Ends with 1 when a search over 100,000 events takes more than LIMIT_SECONDS by the clock, or one of
any number of events more than LIMIT_MEMORY_MB. Where the clock says more than the processor, other
programs ran meanwhile: that is said, and the run is to be repeated when they don't.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.splunkd_lite.core import Options, Splunk

NOW = 1_700_000_000.0
SPAN_SECONDS = 86_400
LIMIT_SECONDS = 2.0
LIMIT_EVENTS = 100_000
LIMIT_MEMORY_MB = 64.0
BATCH = 20_000
SEARCHES = [
    "index=main | stats count",
    "index=main error | stats count by host",
    "index=main level=ERROR | stats count by host, path",
    'index=main "client 77" | table _time _raw',
    "index=main status=500 earliest=-1h | timechart span=5m count",
    "index=main | timechart span=10m count by path",
    "index=main | timechart span=10m avg(duration_ms) by host",
    "index=main | stats avg(duration_ms) perc95(duration_ms) max(duration_ms) by path",
    "index=main | top limit=10 user",
    "index=main | eval slow=if(duration_ms>500,1,0) | stats sum(slow) AS slow count by host"
    " | eval percent=round(slow/count*100,2)",
    r'index=main | rex "item/(?<item>\d+)" | stats dc(item) by host',
    "index=main | where duration_ms>880 | table _time host user duration_ms",
    "index=main status>=400 | dedup user | sort - duration_ms | head 20",
    "index=main | streamstats count by user | where count=5 | stats count",
    "index=main | bin _time span=1h | stats count dc(user) by _time",
    "index=main | eventstats avg(duration_ms) AS mean by host | where duration_ms>mean*1.9"
    " | stats count by host",
    "index=main level=ERROR | transaction user maxspan=5m | stats avg(duration)",
    "| tstats count where index=main by host _time span=1h",
    "index=audit action=delete outcome=failure | stats count values(source.address) by user",
    "index=audit | stats count avg(bytes) by action",
]


def main_events(count: int) -> Iterator[dict[str, Any]]:
    """A web shop's log, newest first, spread over a day."""
    chance = random.Random(1)
    for number in range(count):
        status = chance.choice([200] * 8 + [404, 500])
        level = "ERROR" if status == 500 else "INFO"
        yield {
            "_time": NOW - 1 - number * (SPAN_SECONDS - 60) / count,
            "_raw": f"2023-11-14T22:13:20.{number % 1000:03d}Z level={level} logger=shop.api "
            f"status={status} user=user{chance.randrange(500)} "
            f'duration_ms={chance.randrange(900)} path="/api/item/{chance.randrange(50)}" '
            f'msg="request done for client {chance.randrange(1000)}"'
            + (" error: upstream timed out" if status == 500 else ""),
            "host": f"web{number % 8:02d}",
            "source": "/var/log/shop.log",
            "sourcetype": "shop:log",
        }


def audit_events(count: int) -> Iterator[dict[str, Any]]:
    """An audit log in JSON."""
    chance = random.Random(2)
    for number in range(count):
        document = {
            "action": chance.choice(["view", "view", "view", "update", "delete"]),
            "outcome": chance.choice(["success"] * 9 + ["failure"]),
            "user": f"user{chance.randrange(500)}",
            "bytes": chance.randrange(100_000),
            "source": {"address": f"10.0.{chance.randrange(256)}.{chance.randrange(256)}"},
        }
        yield {
            "_time": NOW - 1 - number * (SPAN_SECONDS - 60) / count,
            "_raw": json.dumps(document),
            "host": "audit01",
            "source": "/var/log/audit.json",
            "sourcetype": "shop:audit",
        }


def instance(home: Path) -> Splunk:
    """An instance whose parts are used in this process; nothing listens."""
    return Splunk(home, Options(https=False, admin_password="a-benchmark-password"))


def fill(home: Path, count: int) -> float:
    """Index the events; gives events per second."""
    splunk = instance(home)
    splunk.conf.write("indexes", "audit", {"homePath": "$SPLUNK_DB/audit/db"}, "search", True)
    started = time.perf_counter()
    for index, events in (("main", main_events(count)), ("audit", audit_events(count))):
        while batch := list(itertools.islice(events, BATCH)):
            splunk.indexes.write(index, batch)
    return 2 * count / (time.perf_counter() - started)


def peak_bytes() -> int:
    """The highest resident memory of this process since it was last reset."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise SystemExit("This benchmark reads memory from Linux's /proc.")


def measure(home: Path, spl: str) -> dict[str, Any]:
    """Run one search in this process, after one that loads what every search needs."""
    splunk = instance(home)
    dispatch = splunk.jobs.dispatch
    dispatch("index=main | head 5 | stats count", "admin", now=NOW)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # resets VmHWM
    before, started, worked = peak_bytes(), time.perf_counter(), time.process_time()
    job = dispatch(spl, "admin", earliest=NOW - SPAN_SECONDS, latest=NOW, now=NOW)
    seconds, processor = time.perf_counter() - started, time.process_time() - worked
    if job.state != "DONE":
        raise SystemExit(f"{spl}: {job.messages}")
    return {
        "seconds": round(seconds, 3),
        "processor_seconds": round(processor, 3),
        "memory_mb": round((peak_bytes() - before) / 1e6, 1),
        "rows": job.row_count,
        "scanned": job.scan_count,
    }


def in_a_process(home: Path, spl: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.searches", "--home", str(home), "--search", spl]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"The search failed: {spl}\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def bench(sizes: list[int], only: str) -> dict[str, Any]:
    """All figures: {"searches": [{"search", "<events>": {...}, "growth"}], ...}."""
    searches = [spl for spl in SEARCHES if only in spl]
    results: dict[str, dict[str, Any]] = {spl: {"search": spl} for spl in searches}
    rates = {}
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="bench-searches-") as folder:
            home = Path(folder) / "splunk"
            rates[str(size)] = round(fill(home, size))
            print(
                f"{size:,} events in each index, {rates[str(size)]:,} stored a second", flush=True
            )
            for spl in searches:
                found = results[spl][str(size)] = in_a_process(home, spl)
                print(
                    f"{found['seconds']:8.2f} s {found['processor_seconds']:8.2f} s CPU"
                    f" {found['memory_mb']:7.1f} of {LIMIT_MEMORY_MB:g} MB"
                    f" {found['rows']:8,} rows  {spl}",
                    flush=True,
                )
    if len(sizes) > 1:
        _growth(results, sizes)
    return {
        "events": sizes,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}",
        "stored_per_second": rates,
        "searches": list(results.values()),
    }


def _growth(results: dict[str, dict[str, Any]], sizes: list[int]) -> None:
    small, large = min(sizes), max(sizes)
    print(f"From {small:,} to {large:,} events, {large / small:g} times as many:")
    for spl, result in results.items():
        one, other = result[str(small)], result[str(large)]
        result["growth"] = round(other["processor_seconds"] / one["processor_seconds"], 1)
        print(f"{result['growth']:6.1f} times the time  {spl}")


def main() -> int:
    parser = argparse.ArgumentParser(description="Time typical searches in the stand-in.")
    parser.add_argument("--events", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--only", default="", help="only searches that contain this text")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--search", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.search:
        print(json.dumps(measure(options.home, options.search)))
        return 0
    figures = bench(options.events, options.only)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    faults = beyond(figures["searches"], options.events)
    print("\n".join(faults) or "Every search was within its limits.")
    return 1 if faults else 0


def beyond(searches: list[dict[str, Any]], sizes: list[int]) -> list[str]:
    """A sentence for each search that took too long or too much memory."""
    faults = []
    for result in searches:
        found = result.get(str(LIMIT_EVENTS), {"seconds": 0.0, "processor_seconds": 0.0})
        if found["seconds"] > LIMIT_SECONDS:
            busy = found["processor_seconds"] <= LIMIT_SECONDS
            why = "; the processor was busy with other programs, run it again" if busy else ""
            faults.append(
                f"{found['seconds']:g} s over {LIMIT_EVENTS:,} events, above {LIMIT_SECONDS:g} s"
                f"{why}: {result['search']}"
            )
        for size in sizes:
            memory = result[str(size)]["memory_mb"]
            if memory > LIMIT_MEMORY_MB:
                faults.append(
                    f"{memory:g} MB over {size:,} events, above {LIMIT_MEMORY_MB:g} MB: "
                    f"{result['search']}"
                )
    return faults


if __name__ == "__main__":
    sys.exit(main())
