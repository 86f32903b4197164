"""How many events a second the streaming commands take, beside one that does nothing.

    ./build.sh bench command_throughput [--events 200000] [--json FILE]

Each command runs as splunkd runs it: a process that is given chunks of CSV over the chunked
protocol, version 2, and answers with chunks. The yardstick is a command of splunklib that passes
its records on, which runs before and after each of them. The time is the processor time of the
whole process, the start included, so that other programs on the machine count little. A processor
does not keep its pace, so what counts is the median over the rounds of a command's speed beside
that of its two neighbours.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import math
import random
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

BIN = Path(__file__).resolve().parents[1] / "package" / "bin"
CHUNK = 50_000
GOAL = 0.5
NOTHING = """
import sys
sys.path.insert(0, {path!r})
from splunklib.searchcommands import Configuration, StreamingCommand, dispatch

@Configuration(distributed=False)
class NothingCommand(StreamingCommand):
    def stream(self, records):
        yield from records

dispatch(NothingCommand, sys.argv, sys.stdin, sys.stdout, __name__)
"""
COMMANDS: dict[str, list[str]] = {
    "anomalyscore": ["value=count", "by=host", "season=auto"],
    "logtemplates": [],
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark. Returns 1 when a command is slower than the goal."""
    parser = argparse.ArgumentParser(prog="command_throughput", description=__doc__.split("\n")[0])
    parser.add_argument("--events", type=int, default=200_000, metavar="N")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument("--python", default=sys.executable, help="the Python that runs commands")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    options = parser.parse_args(arguments)
    chunks = list(_chunks(options.events))
    with tempfile.TemporaryDirectory() as folder:
        nothing = Path(folder) / "nothing.py"
        nothing.write_text(NOTHING.format(path=str(BIN)), encoding="utf-8")
        taken = _rounds(nothing, chunks, options)
    medians = {name: statistics.median(seconds) for name, seconds in taken.items()}
    speeds = {name: options.events / seconds for name, seconds in medians.items()}
    ratios = _ratios(taken)
    print(f"{options.events:,} events in chunks of {CHUNK:,}, medians of {options.rounds} rounds")
    print(f"{'nothing':16}{speeds['nothing']:>12,.0f} events/s")
    for name, ratio in ratios.items():
        print(f"{name:16}{speeds[name]:>12,.0f} events/s{ratio:>8.2f} of nothing's")
    if options.json:
        figures = {"events": options.events, "events_per_second": speeds, "ratio": ratios}
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return int(any(ratio < GOAL for ratio in ratios.values()))


def _rounds(
    nothing: Path, chunks: Sequence[bytes], options: argparse.Namespace
) -> dict[str, list[float]]:
    """Return the seconds of each run, by command; "nothing" runs first, last, and in between."""
    taken: dict[str, list[float]] = {name: [] for name in ("nothing", *COMMANDS)}

    def run(name: str, script: Path) -> None:
        sent = _getinfo(name, COMMANDS.get(name, [])) + b"".join(chunks)
        taken[name].append(_seconds(options.python, script, sent, options.events))

    run("nothing", nothing)
    for _ in range(options.rounds):
        for name in COMMANDS:
            run(name, BIN / f"{name}.py")
            run("nothing", nothing)
    return taken


def _ratios(taken: dict[str, list[float]]) -> dict[str, float]:
    """Return for each command the median of its speeds beside those of its two neighbours."""
    found = {}
    for place, name in enumerate(COMMANDS):
        before = taken["nothing"][place :: len(COMMANDS)]
        after = taken["nothing"][place + 1 :: len(COMMANDS)]
        runs = zip(before, after, taken[name], strict=False)
        found[name] = statistics.median([(b + a) / 2 / seconds for b, a, seconds in runs])
    return found


def _chunks(events: int) -> list[bytes]:
    """The events of ten hosts with a daily season, as execute messages."""
    rng = random.Random(1)
    found = []
    for start in range(0, events, CHUNK):
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(["_time", "host", "source", "sourcetype", "count", "_raw"])
        for i in range(start, min(start + CHUNK, events)):
            host, time_of = i % 10, i // 10 * 60
            level = 100 + 50 * math.sin(time_of / 86400 * 2 * math.pi)
            count = max(0, round(rng.gauss(level, 10)))
            user, port = rng.randrange(999), rng.randrange(1024, 65535)
            raw = f"accepted login for user{user} from 10.0.{host}.{user % 256} port {port} ssh2"
            writer.writerow([time_of, f"web{host}", "/var/log/app", "app:log", count, raw])
        last = start + CHUNK >= events
        found.append(_message({"action": "execute", "finished": last}, out.getvalue()))
    return found


def _getinfo(command: str, args: list[str]) -> bytes:
    searchinfo = {
        "args": args,
        "raw_args": args,
        "dispatch_dir": "/nowhere",
        "sid": "1.1",
        "app": "incident_management",
        "owner": "admin",
        "username": "admin",
        "session_key": "none",
        "splunkd_uri": "https://127.0.0.1:9",
        "splunk_version": "9.4.0",
        "search": "",
        "command": command,
        "maxresultrows": 50000,
        "earliest_time": "0",
        "latest_time": "0",
    }
    return _message({"action": "getinfo", "preview": False, "searchinfo": searchinfo})


def _message(metadata: dict[str, object], body: str = "") -> bytes:
    head, data = json.dumps(metadata).encode(), body.encode()
    return b"chunked 1.0,%d,%d\n" % (len(head), len(data)) + head + data


def _seconds(python: str, script: Path, sent: bytes, events: int) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [python, str(script)], input=sent, capture_output=True, timeout=600, check=False
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    # A command that failed early would look fast.
    if done.returncode or done.stdout.count(b"\n") < events:
        text = (done.stderr or done.stdout)[-400:].decode(errors="replace")
        raise SystemExit(f"command_throughput: {script.stem} failed: {text}")
    return took


if __name__ == "__main__":
    sys.exit(main())
