"""Who holds a claim: which process on which machine, and whether it has ended for certain."""

from __future__ import annotations

import os
import socket

__all__ = ["has_ended", "process_name"]


def process_name() -> str:
    """Name this process for its claims: ``<machine>#<process id>``."""
    return f"{socket.gethostname()}#{os.getpid()}"


def has_ended(holder: str) -> bool:
    """Tell whether a holder was a process of this machine that has ended.

    A process of another machine, or an id that another program has by now, counts as running.
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
