"""``serve --cluster N``: keeps N members running and tells people where they are."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import threading
import time

from tools.splunkd_lite.cluster.processes import PORT_STEP, ClusterPlan, ClusterProcesses
from tools.splunkd_lite.errors import SplunkdError

__all__ = ["serve_cluster"]

MAX_MEMBERS = 9
BACK_AFTER_SECONDS = 10.0
_LOOK_SECONDS = 0.5


def serve_cluster(options: argparse.Namespace, stop: threading.Event) -> int:
    """Run until ``stop`` is set. A member that was killed comes back after ten seconds.

    Raises:
        SplunkdError: a wrong number of members, or one that does not start.
    """
    if not 2 <= options.cluster <= MAX_MEMBERS:
        raise SplunkdError(400, f"--cluster takes 2 to {MAX_MEMBERS} members (3 survive a loss).")
    given = os.environ.get("SPLUNK_PASSWORD", "")
    password = given or _kept_password(options)
    ports = (options.mgmt_port, options.web_port, options.hec_port)
    first = tuple(d if p is None else p for p, d in zip(ports, (18089, 18000, 18088), strict=True))
    plan = ClusterPlan(options.home, options.cluster, first, _passed_on(options))  # type: ignore[arg-type]
    processes = ClusterProcesses(plan, password)
    try:
        processes.start()
        _greet(options, processes, first[1], "" if given else password)
        _watch(processes, stop)
    finally:
        print("\nStopping …", flush=True)
        processes.stop()
    return 0


def _kept_password(options: argparse.Namespace) -> str:
    """All members need one; it is kept so that a member added later can be given it, too."""
    path = options.home / "cluster" / "admin-password"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(12), encoding="utf-8")
    text: str = path.read_text(encoding="utf-8")
    return text


def _passed_on(options: argparse.Namespace) -> list[str]:
    arguments = ["--python", str(options.python), *(["--http"] if options.http else [])]
    arguments += ["--cron-pace", str(options.cron_pace)]
    for app in options.app:
        arguments += ["--app", str(app.resolve())]
    for part in options.without:
        arguments += ["--without", part]
    return arguments


def _greet(
    options: argparse.Namespace, processes: ClusterProcesses, web: int, password: str
) -> None:
    captain = processes.captain()
    print(f"splunkd_lite runs a cluster of {options.cluster} in {options.home}")
    for number, member in enumerate(processes.members()):
        role = "captain" if captain and captain.label == member.label else "member"
        page = f"  http://127.0.0.1:{web + number * PORT_STEP}" if web else ""
        print(f"  {member.label}  REST {member.uri}{page}  pid {member.pid}  ({role})")
    print(f"  user      admin, password {password or 'from SPLUNK_PASSWORD'}")
    print(f"  logs      {options.home}/shN/var/log/splunk/splunkd.log")
    print("Kill a member (kill -9 PID) and it comes back after ten seconds. Ctrl-C stops all.")
    sys.stdout.flush()


def _watch(processes: ClusterProcesses, stop: threading.Event) -> None:
    gone: dict[str, float] = {}
    captain = processes.captain()
    while not stop.wait(_LOOK_SECONDS):
        for label in processes.ended():
            if label not in gone:
                gone[label] = time.monotonic()
                print(
                    f"{label} has ended; it comes back in {BACK_AFTER_SECONDS:.0f} s.", flush=True
                )
            elif time.monotonic() - gone[label] >= BACK_AFTER_SECONDS:
                del gone[label]
                processes.start_member(label, wait=False)
                print(f"{label} is started again.", flush=True)
        now = processes.captain()
        if now is not None and (captain is None or now.label != captain.label):
            print(f"{now.label} is the captain now.", flush=True)
        captain = now or captain
