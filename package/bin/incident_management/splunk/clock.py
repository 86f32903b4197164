"""The machine's clock, as :class:`incident_management.ports.Clock`."""

from __future__ import annotations

import time

__all__ = ["SystemClock"]


class SystemClock:
    """Tells the time of this machine. Members of a cluster should agree within some minutes."""

    def now(self) -> float:
        """Return the time as epoch seconds."""
        return time.time()
