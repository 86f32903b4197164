"""Waits for the effects of other processes and threads."""

from __future__ import annotations

import time
from typing import Any, Callable

__all__ = ["wait_for"]


def wait_for(what: Callable[[], Any], seconds: float = 120.0, every: float = 0.05) -> Any:
    """Return the first true answer. Fails the test when none arrives in time.

    The worker reads its settings every 15 s, and restarts a few seconds after it was killed. The
    rest of the timeout allows for a loaded machine.
    """
    end = time.monotonic() + seconds
    while True:
        answer = what()
        if answer:
            return answer
        assert time.monotonic() < end, f"Not within {seconds:.0f} s."
        time.sleep(every)
