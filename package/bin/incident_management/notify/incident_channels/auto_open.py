"""Requests incident channels automatically for configured severities, up to an hourly limit."""

from __future__ import annotations

from contextlib import suppress
from typing import Optional

from ...incidents import incident_channel
from ...incidents.act import Act
from ...incidents.errors import IllegalMove, NotFound
from ...incidents.incident_channel import HOURLY_COUNT
from ...incidents.incident_channel_state import ARCHIVED, HELD, is_in_state
from ...incidents.model import ACTOR
from ...incidents.signal import SIMULATED
from ...incidents.stores import IS_OPEN, any_of, claim_document
from ...ports import Clock, Document, Stores
from ...splunk.configuration.channel_settings import Slack
from ..delivery.turns import urgency

__all__ = ["AutoOpener"]

# An incident is opened, routed and merged with similar ones in several entries.
SETTLES_SECONDS = 10.0
# A new process searches the changes of this long for incidents without a channel. Later searches
# overlap with the one before, as clocks differ and documents come late.
LOOK_BACK_SECONDS = 3600.0
OVERLAP_SECONDS = 300.0
MOST_READ = 5000
MOST_AT_ONCE = 20
_READ = ("updated_at", "opened_at", "severity", "rules", "room")


class AutoOpener:
    """Finds incidents that need an incident channel. It lives as long as its process."""

    def __init__(self, stores: Stores, clock: Clock) -> None:
        self._stores = stores
        self._clock = clock
        self._act = Act(stores, clock, ACTOR)
        self._read_to: Optional[float] = None

    def request_channels(self, chosen: Slack) -> None:
        """Request channels for new severe incidents, except tests. Raises what the stores raise."""
        if not chosen.room_severities:
            # When severities are configured again, it starts as a new process does.
            self._read_to = None
            return
        now = self._clock.now()
        since = min(self._read_to or now - LOOK_BACK_SECONDS, now) - OVERLAP_SECONDS
        grave = any_of("severity", chosen.room_severities)
        query = {"$and": [{"updated_at": {"$gte": since}}, grave, IS_OPEN]}
        found = self._stores.incidents.find(query, "updated_at:1,_key:1", MOST_READ, fields=_READ)
        new = [
            one
            for one in found
            if is_in_state(one.get("room") or {}, "", ARCHIVED)
            and now - float(one.get("opened_at") or 0.0) >= SETTLES_SECONDS
            and SIMULATED not in (one.get("rules") or ())
        ]
        new.sort(key=lambda one: (urgency(one["severity"]), float(one.get("opened_at") or 0.0)))
        for one in new[:MOST_AT_ONCE]:
            self._want(one, chosen)
        if len(new) <= MOST_AT_ONCE:
            self._read_to = now if len(found) < MOST_READ else float(found[-1]["updated_at"])

    def _want(self, incident: Document, chosen: Slack) -> None:
        key, severity = str(incident["_key"]), incident["severity"]
        if self._takes_place(key, chosen.room_per_hour):
            with suppress(IllegalMove, NotFound):
                reason = f"Incidents of severity {severity} get an incident channel."
                incident_channel.request_channel(self._act, key, reason)
            return
        number = int((incident.get("room") or {}).get("number") or 0) + 1
        reason = (
            f"No incident channel was opened automatically: {chosen.room_per_hour} were already "
            "opened in this hour. You can still open one by hand."
        )
        incident_channel.record_event(self._act, key, HELD, number, reason=reason)

    def _takes_place(self, incident_id: str, most: int) -> bool:
        """Return whether an incident is among the first ``most`` of the hour, counted by claims."""
        now = self._clock.now()
        purpose = f"{HOURLY_COUNT}:{int(now // 3600)}"
        taken = self._stores.claims.find({"purpose": purpose})
        if any(one["holder"] == incident_id for one in taken):
            return True
        keys = {str(one["_key"]) for one in taken}
        for key in (f"{purpose}:{place}" for place in range(most)):
            claim = claim_document(key, now, purpose=purpose, holder=incident_id)
            if key not in keys and self._stores.claims.insert(claim):
                return True
        return False
