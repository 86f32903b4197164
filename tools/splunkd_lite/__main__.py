"""``python -m tools.splunkd_lite serve``: run the stand-in until it is told to stop."""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import sqlite3
import sys
import threading
from pathlib import Path
from typing import IO

from tools.splunkd_lite.cluster.membership import ClusterOptions
from tools.splunkd_lite.cluster.processes import stop_with_parent
from tools.splunkd_lite.core import Options, Splunk
from tools.splunkd_lite.errors import SplunkdError
from tools.splunkd_lite.greeting import greet, keep_password

__all__ = ["main"]

DEFAULT_PORTS = {"mgmt": 18089, "web": 18000, "hec": 18088}
PARTS = ("scheduler", "inputs", "hec", "web")


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and serve. Returns the exit status."""
    options = _parser().parse_args(arguments)
    if options.check:
        return 0
    stop = threading.Event()
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, lambda *_: stop.set())
    try:
        if options.cluster:
            from tools.splunkd_lite.cluster.serve import serve_cluster

            return serve_cluster(options, stop)
        return _serve(options, stop)
    except SplunkdError as error:
        print(f"splunkd_lite: {error.text}", file=sys.stderr)
        return 1
    except (OSError, sqlite3.Error) as error:
        # A full disk above all. What went wrong in a request is in the logs.
        print(f"splunkd_lite: {options.home} can't be used: {error}", file=sys.stderr)
        return 1


def _serve(options: argparse.Namespace, stop: threading.Event) -> int:
    held = _hold(options.home)
    if options.parent:
        _stop_without(options.parent, stop)
    splunk = Splunk(options.home, _options(options))
    made = not os.environ.get("SPLUNK_PASSWORD")
    try:
        if not options.member:
            keep_password(splunk, made)
        splunk.install(options.app)
        splunk.start()
        if options.member:
            stop_with_parent(stop)
        elif not stop.is_set():
            greet(splunk, shown=made)
        stop.wait()
        if not options.member:
            print("\nStopping …", flush=True)
    finally:
        splunk.stop()
        held.close()
    return 0


def _stop_without(parent: int, stop: threading.Event) -> None:
    """Set ``stop`` when the process that started this one is gone, however it ended."""

    def watch() -> None:
        while os.getppid() == parent and not stop.wait(1.0):
            pass
        stop.set()

    threading.Thread(target=watch, name="parent", daemon=True).start()


def _hold(home: Path) -> IO[str]:
    """Keep the home for this process; a kill lets it go.

    Raises:
        SplunkdError: another one runs on it.
    """
    folder = home / "var" / "run" / "splunk"
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / "splunkd.pid").open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        raise SplunkdError(
            500, f"{home} is in use by process {file.read().strip()}: stop it or give a --home."
        ) from error
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.splunkd_lite", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="run the stand-in")
    serve.add_argument("--home", type=Path, required=True, help="SPLUNK_HOME, made if missing")
    for name, what in (("mgmt", "REST"), ("web", "web pages"), ("hec", "HTTP Event Collector")):
        text = f"{what} (default {DEFAULT_PORTS[name]} or the next free one; 0: any free port)"
        serve.add_argument(f"--{name}-port", type=int, metavar="N", help=text)
    serve.add_argument("--http", action="store_true", help="no TLS on REST and HEC")
    serve.add_argument(
        "--app", type=Path, action="append", default=[], help="app package or folder to install"
    )
    serve.add_argument("--python", default=sys.executable, help="the Python that runs app code")
    serve.add_argument(
        "--without", action="append", default=[], choices=PARTS, help="leave a part out"
    )
    serve.add_argument(
        "--cron-pace", type=int, choices=range(1, 61), default=1, metavar="N",
        help="run searches N times as often as their schedules say, 1 to 60",
    )  # fmt: skip
    serve.add_argument("--cluster", type=int, metavar="N", help="a cluster of N search heads")
    for internal in ("--member", "--of", "--lease"):
        serve.add_argument(internal, help=argparse.SUPPRESS)  # how a cluster starts its members
    serve.add_argument("--parent", type=int, help=argparse.SUPPRESS)  # it ends with this process
    serve.add_argument("--check", action="store_true", help=argparse.SUPPRESS)
    return parser


def _options(options: argparse.Namespace) -> Options:
    cluster = None
    if options.member:
        folder = options.home.parent / "cluster"
        cluster = ClusterOptions(folder, options.member, int(options.of), float(options.lease))
    chosen = {name: getattr(options, f"{name}_port") for name in DEFAULT_PORTS}
    ports = {name: DEFAULT_PORTS[name] if port is None else port for name, port in chosen.items()}
    return Options(
        mgmt_port=ports["mgmt"],
        web_port=ports["web"],
        hec_port=ports["hec"],
        or_next_port=frozenset(name for name, port in chosen.items() if port is None),
        https=not options.http,
        python=options.python,
        parts=frozenset(set(PARTS) - set(options.without)),
        cluster=cluster,
        cron_pace=options.cron_pace,
    )


if __name__ == "__main__":
    sys.exit(main())
