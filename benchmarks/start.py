"""What the app's processes cost: to start, to do nothing, to take an alert in, to answer.

    ./build.sh bench start [--rounds N] [--open N] [--incidents N] [--json FILE] [--python PYTHON …]

Every figure stands beside a peer of the same run on the same machine, and the ratios are what to
compare. Times are processor time, which other programs on the machine disturb less; of a process
the least over the rounds, because whatever else happens only adds to it.

``processes``: importing an entry of ``bin/``, beside an entry of the same kind that does nothing.
``actions``: ``open_incident`` with 1 result and with 500, and a notify action, from their start to
their end, beside an alert action that does nothing but one request to splunkd.
``worker``: a minute with nothing to do, in an installation without incidents and with ``--open``
of them, beside as many bare requests over a connection for each cycle.
``api``: requests to the REST handler with ``--incidents`` open, beside one bare read of a document.

Not in it: splunkd's own part in starting a process and in handing a request over.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import IO, Any

from benchmarks.storm import APP, ROOT, SPLUNKS_LIBRARY, Place, Storm, a_splunk, unpacked

# By kind: what an entry of that kind that does nothing imports, and our entries.
KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "command": (
        "from splunklib.searchcommands import Configuration, Option, dispatch, StreamingCommand",
        (
            "alertgroups", "anomalyscore", "logtemplates", "aianalyze", "remediate",
            "openincident", "incidentdetections", "incidentbacktest",
        ),
    ),
    "alert action": (
        "import gzip, json; from splunklib import binding",
        ("open_incident", "notify_slack", "notify_teams", "notify_pagerduty", "create_ticket"),
    ),
    "input": (
        "from splunklib import modularinput",
        ("incident_monitor", "incident_slack_socket"),
    ),
    "handler": (
        "from splunk.persistconn.application import PersistentServerConnectionApplication",
        ("incident_rest",),
    ),
}  # fmt: skip
NOTHING_BUT_A_REQUEST = """
import json, sys
import import_declare_test
from splunklib import binding
given = json.load(sys.stdin)
scheme, _, rest = given["server_uri"].partition("://")
host, _, port = rest.partition(":")
binding.Context(scheme=scheme, host=host, port=port, token=given["session_key"]).get(
    "/services/server/info", output_mode="json"
).body.read()
"""
# The most memory that a process had since its program was loaded, in kB: proc(5).
MEMORY = "; print([l.split()[1] for l in open('/proc/self/status') if l.startswith('VmHWM')][0])"
CYCLE_SECONDS = 5
CYCLES = 12
REPEATS = 5


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bench start", description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=7, metavar="N")
    parser.add_argument("--open", type=int, default=500, metavar="N", help="the worker's incidents")
    parser.add_argument("--incidents", type=int, default=5000, metavar="N", help="the API's")
    parser.add_argument("--python", nargs="+", default=[sys.executable], help="run the processes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    options = parser.parse_args(arguments)
    figures: dict[str, Any] = {"processes": {}, "actions": {}, "worker": {}}
    with _installed() as (folder, place):
        figures["worker"]["0"] = _worker(place)
        app = unpacked(folder)
        for python in options.python:
            figures["processes"][python] = _processes(python, app / "bin", options.rounds)
            figures["actions"][python] = _actions(python, app, place, folder, options.rounds)
    with _installed() as (folder, place):
        _opened(place, folder, options.open)
        figures["worker"][str(options.open)] = _worker(place)
    with _installed() as (folder, place):
        figures["api"] = _api(_opened(place, folder, options.incidents), place)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


@contextlib.contextmanager
def _installed() -> Iterator[tuple[Path, Place]]:
    with tempfile.TemporaryDirectory(prefix="start-") as name, a_splunk(Path(name)) as place:
        os.environ["SPLUNK_HOME"] = place.home
        yield Path(name), place


def _opened(place: Place, folder: Path, incidents: int) -> Storm:
    """Open as many incidents, ten minutes ago, by one run of an alert."""
    storm = Storm(place, folder, incidents, incidents, time.time() - 600)
    storm.fire_once()
    return storm


# --- processes -----------------------------------------------------------------------------------


def _processes(python: str, folder: Path, rounds: int) -> dict[str, Any]:
    """Print what importing each entry takes, beside one of its kind that does nothing."""
    codes = {}
    for kind, (nothing, entries) in KINDS.items():
        codes[f"nothing ({kind})"] = f"import import_declare_test; {nothing}"
        codes.update({entry: f"import {entry}" for entry in entries})
    least = _least(codes, rounds, lambda code: _run([python, "-S", "-c", code + MEMORY], folder))
    print(f"\n{_version(python)}: importing an entry, beside one that does nothing")
    found = {}
    for kind, (_nothing, entries) in KINDS.items():
        peer, memory = least[f"nothing ({kind})"]
        _line(f"nothing ({kind})", f"{peer:.0f} ms", f"{int(memory) // 1024} MB")
        for entry in entries:
            taken, memory = least[entry]
            ratio = round(taken / peer, 2)
            found[entry] = {"ms": round(taken), "mb": int(memory) // 1024, "ratio": ratio}
            _line(f"  {entry}", f"{taken:.0f} ms", f"{int(memory) // 1024} MB", f"{ratio:.2f}")
    return found


def _actions(python: str, app: Path, place: Place, folder: Path, rounds: int) -> dict[str, Any]:
    """Print what whole runs of alert actions take, beside one that makes one request."""
    nothing = app / "bin" / "nothing.py"
    nothing.write_text(NOTHING_BUT_A_REQUEST, encoding="utf-8")
    runs = {
        "nothing but a request": ("nothing", 1),
        "open_incident, 1 result": ("open_incident", 1),
        "open_incident, 500 results": ("open_incident", 500),
        "notify_slack": ("notify_slack", 1),
    }
    number = iter(range(10**6))

    def fire(run: tuple[str, int]) -> tuple[float, str]:
        name, rows = run
        payload = json.dumps(_payload(place, folder, next(number), rows))
        return _run([python, "-S", f"{name}.py", "--execute"], app / "bin", payload)

    least = _least(runs, rounds, fire)
    print(f"\n{_version(python)}: an alert action from start to end")
    peer = least["nothing but a request"][0]
    for name, (taken, _said) in least.items():
        _line(name, f"{taken:.0f} ms", "", f"{taken / peer:.2f}")
    return {
        name: {"ms": round(taken), "ratio": round(taken / peer, 2)}
        for name, (taken, _said) in least.items()
    }


def _payload(place: Place, folder: Path, number: int, rows: int) -> dict[str, Any]:
    file = folder / f"results-{number}.csv.gz"
    with gzip.open(file, "wt", encoding="utf-8") as out:
        out.write("host,count,sample\n")
        out.writelines(f"web-{row},7,payment {row} failed\n" for row in range(rows))
    return {
        "search_name": "Start",
        "app": APP,
        "owner": "admin",
        "sid": f"scheduler__admin__{APP}__RMD5start_at_{int(time.time())}_{number}",
        "results_file": str(file),
        "session_key": place.key,
        "server_uri": place.uri,
        "configuration": {"severity": "high", "dedup_fields": "host", "message": "It fails."},
    }


def _least(
    runs: dict[str, Any], rounds: int, run: Callable[[Any], tuple[float, str]]
) -> dict[str, tuple[float, str]]:
    """Run all in turn, some rounds and one before that compiles; the least of each counts."""
    taken: dict[str, list[tuple[float, str]]] = {name: [] for name in runs}
    for _round in range(rounds + 1):
        for name, what in runs.items():
            taken[name].append(run(what))
    return {name: min(all_of_it[1:]) for name, all_of_it in taken.items()}


def _run(command: list[str], folder: Path, stdin: str = "") -> tuple[float, str]:
    """Run a process; returns its milliseconds of processor time, and what it printed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    paths = os.pathsep.join([".", str(SPLUNKS_LIBRARY)])
    with (
        tempfile.TemporaryFile() as given,
        tempfile.TemporaryFile() as printed,
        tempfile.TemporaryFile() as said,
    ):
        given.write(stdin.encode())
        given.seek(0)
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**kept, "PYTHONPATH": paths},
            stdin=given,
            stdout=printed,
            stderr=said,
        )
        _pid, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        text, shown = _read(said), _read(printed)
    # One that kept its request for the worker has not done it.
    if process.returncode or "WARN" in text:
        raise SystemExit(f"start: {' '.join(command)[-80:]} failed: {text[-400:]}")
    return (used.ru_utime + used.ru_stime) * 1000, shown


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def _version(python: str) -> str:
    return subprocess.run([python, "-V"], capture_output=True, text=True, check=True).stdout.strip()


# --- the worker ----------------------------------------------------------------------------------


def _worker(place: Place) -> dict[str, Any]:
    """Print what the worker does in a minute after its first cycle, in which it catches up."""
    from incident_management.splunk import log
    from incident_management.splunk.clock import SystemClock
    from incident_management.splunk.kv.replica import Replica, stores_of
    from incident_management.splunk.session import Session
    from incident_management.worker.cycle import Worker
    from incident_management.worker.duties import all_duties
    from incident_management.worker.member import Member

    session, clock = Session(place.uri, place.key), SystemClock()
    stores = stores_of(session, Replica(clock))
    member = Member("bench", session, stores, clock)
    duties = all_duties(member, lambda _event: None, lambda _name, _sentence: None)
    worker = Worker(duties, stores, clock, "bench", log.get("bench"), _complain)
    with session.kept_open():
        worker.cycle()
    with _counted(Session) as seen:
        used = sum(_cycle(session, worker.cycle) for _number in range(CYCLES))
        requests, size = seen["requests"], seen["bytes"]
        each = requests // CYCLES
        bare = sum(_cycle(session, lambda: _ask(session, each), 0) for _number in range(CYCLES))
    found = {"requests": requests, "bytes": size, "seconds": round(used, 3)}
    found["ratio"] = round(used / requests / (bare / (each * CYCLES)), 2)
    print(
        f"\nThe worker, a minute: {requests} requests, {size:,} bytes, {used:.2f} s of the "
        f"processor, {found['ratio']:.2f} of as many bare requests"
    )
    return found


def _complain(sentence: str) -> None:
    raise SystemExit(f"start: the worker complains: {sentence}")


def _ask(session: Any, times: int) -> None:
    for _time in range(times):
        session.get("/services/server/info")


def _cycle(session: Any, work: Callable[[], Any], wait: float = CYCLE_SECONDS) -> float:
    """Do one cycle's work, over one connection; returns its seconds of processor time."""
    time.sleep(wait)
    before = time.process_time()
    with session.kept_open():
        work()
    return time.process_time() - before


@contextlib.contextmanager
def _counted(session: Any) -> Iterator[dict[str, int]]:
    """Count the requests of all sessions, and the bytes of their answers."""
    real, seen = session._once, {"requests": 0, "bytes": 0}

    def once(this: Any, *given: Any) -> Any:
        try:
            return real(this, *given)
        finally:
            seen["requests"] += 1
            seen["bytes"] += this.answer_bytes

    session._once = once
    try:
        yield seen
    finally:
        session._once = real


# --- the API -------------------------------------------------------------------------------------


def _api(storm: Storm, place: Place) -> dict[str, Any]:
    """Print what some requests to the handler take, beside one bare read of a document."""
    from incident_management.splunk.session import Session

    known = json.loads(storm.ask("GET", "/incidents")["payload"])["incidents"][0]["id"]
    one = f"/incidents/{known}"
    asked: dict[str, Callable[[], Any]] = {
        "one bare document": lambda: storm.stores.incidents.get(known),
        "list of 100": lambda: storm.ask("GET", "/incidents"),
        "one incident": lambda: storm.ask("GET", one),
        "its timeline": lambda: storm.ask("GET", f"{one}/timeline"),
        "a note": lambda: storm.ask("POST", f"{one}/notes", {"text": "Looked at it."}),
        "stats": lambda: storm.ask("GET", "/stats"),
        "metrics": lambda: storm.ask("GET", "/metrics"),
    }
    print("\nThe API: milliseconds of this process and of both, requests to splunkd, their bytes")
    found: dict[str, Any] = {}
    for name, ask in asked.items():
        own, both = [], []
        with _counted(Session) as seen:
            for _repeat in range(REPEATS):
                before = time.process_time(), place.processor_seconds()
                ask()
                own.append((time.process_time() - before[0]) * 1000)
                both.append((place.processor_seconds() - before[1]) * 1000)
        requests, size = seen["requests"] // REPEATS, seen["bytes"] // REPEATS
        found[name] = {"ms": round(median(own), 1), "requests": requests, "bytes": size}
        ratio = found[name]["ratio"] = round(median(own) / found["one bare document"]["ms"], 1)
        shown = (f"{median(own):.0f} ms", f"{median(both):.0f} ms", str(requests), f"{size:,}")
        _line(name, *shown, f"{ratio:.1f}")
    return found


def _line(name: str, *cells: str) -> None:
    print(f"{name:<28}" + "".join(f"{cell:>12}" for cell in cells), flush=True)


if __name__ == "__main__":
    # The app's modules are the package's own.
    sys.path[:0] = [str(ROOT / "package" / "bin"), str(SPLUNKS_LIBRARY)]
    sys.exit(main())
