"""Names of processes that hold claims, and whether such a process has certainly ended."""

from __future__ import annotations

import os
import socket

__all__ = ["has_ended", "process_name"]


def process_name() -> str:
    """Return this process's name for its claims: ``<machine>#<process id>``."""
    return f"{socket.gethostname()}#{os.getpid()}"


def has_ended(holder: str) -> bool:
    """Tell whether a holder was a process of this machine that has ended.

    A process of another machine counts as running, and so does an id that another program uses now.
    """
    machine, _mark, number = holder.rpartition("#")
    if machine != socket.gethostname() or not number.isdigit():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
