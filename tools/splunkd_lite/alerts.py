"""Fired alerts: the record of runs of saved searches with ``alert.track`` on.

Sources: ``alerts/fired_alerts`` in the REST API Reference, "Search endpoint descriptions";
``alert.expires`` in savedsearches.conf.spec 10.0: "This property is valid until splunkd restarts.
Restart clears the listing of triggered alerts." A cluster's listing outlives the restart of one
member here, which no manual says or denies.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass

from tools.splunkd_lite.clock import Clock
from tools.splunkd_lite.errors import not_found
from tools.splunkd_lite.state import StateStore

__all__ = ["FiredAlert", "FiredAlerts"]


@dataclass(frozen=True)
class FiredAlert:
    """One firing. Times are epoch seconds; ``actions`` is a comma-separated list."""

    id: str
    saved_search: str
    app: str
    owner: str
    sid: str
    severity: int
    trigger_time: float
    expires: float
    actions: str
    digest_mode: bool
    alert_type: str
    triggered_alerts: int


class FiredAlerts:
    """List of firings; ``forget``: this is a restart, which clears it."""

    def __init__(self, state: StateStore, clock: Clock, forget: bool = False) -> None:
        self._shelf = state.shelf("fired_alerts")
        self._clock = clock
        for key in list(self._shelf.items()) if forget else ():
            self._shelf.delete(key)

    def fire(
        self,
        saved_search: str,
        app: str,
        owner: str,
        sid: str,
        severity: int = 3,
        trigger_time: float | None = None,
        actions: str = "",
        expires_seconds: float = 86_400.0,
        digest_mode: bool = True,
        alert_type: str = "always",
        triggered_alerts: int = 1,
    ) -> str:
        """Record a firing and return its id."""
        when = self._clock.now() if trigger_time is None else trigger_time
        digest = hashlib.md5(saved_search.encode(), usedforsecurity=False).hexdigest()[:16]
        number = f"{when:.3f}_{len(self._shelf.items()) + 1}"
        fired = FiredAlert(
            f"rt_scheduler__{owner}__{app}__RMD5{digest}_at_{number}",
            saved_search,
            app,
            owner,
            sid,
            severity,
            when,
            when + expires_seconds,
            actions,
            digest_mode,
            alert_type,
            triggered_alerts,
        )
        self._shelf.set(fired.id, asdict(fired))
        return fired.id

    def all(self, saved_search: str | None = None) -> list[FiredAlert]:
        """Firings that have not expired, newest first."""
        now = self._clock.now()
        found = []
        for key, value in self._shelf.items().items():
            fired = FiredAlert(**value)
            if fired.expires <= now:
                self._shelf.delete(key)
            elif saved_search is None or fired.saved_search == saved_search:
                found.append(fired)
        return sorted(found, key=lambda fired: -fired.trigger_time)

    def delete(self, identity: str) -> None:
        if not self._shelf.delete(identity):
            raise not_found(identity)
