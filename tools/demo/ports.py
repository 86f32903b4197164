"""Ports for a run, which no other run takes that starts in the same moment.

A port that was found free is free only until somebody listens there, and the stand-in does so some
seconds later. So a run also holds a lock on a file named after the port, until it ends, however it
ends; another run passes that port by.
"""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

ATTEMPTS = 50


class Ports(Mapping[str, int]):
    """A port for each name: the one that is preferred, unless it is taken.

    Raises OSError when there is none.
    """

    def __init__(self, preferred: Mapping[str, int], folder: Path | None = None) -> None:
        self._folder = folder or Path(tempfile.gettempdir())
        self._locks: list[int] = []
        self._ports = {name: self._claimed(port) for name, port in preferred.items()}

    def __getitem__(self, name: str) -> int:
        return self._ports[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._ports)

    def __len__(self) -> int:
        return len(self._ports)

    def close(self) -> None:
        """Let other runs have the ports; the end of this process does so, too."""
        while self._locks:
            os.close(self._locks.pop())

    def _claimed(self, preferred: int) -> int:
        for wanted in (preferred, *[0] * ATTEMPTS):
            port = _free(wanted)
            if port and self._lock(port):
                return port
        raise OSError("There is no free port on the loopback address.")

    def _lock(self, port: int) -> bool:
        """Claim a port among the runs of this user. False: another run has it."""
        path = self._folder / f"incident-demo-{os.getuid()}-{port}.lock"
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return False
        self._locks.append(lock)
        return True


def _free(port: int) -> int:
    """Return the port, or any for 0, when nobody listens there now; else 0."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return 0
        return int(probe.getsockname()[1])
