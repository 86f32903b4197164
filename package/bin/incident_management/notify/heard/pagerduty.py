"""What PagerDuty says of its incidents: their status, and who changed it.

An incident of ours is one there by its ``dedup_key``. It is asked for by that, one request for
each: a list of incidents does not name the keys of their alerts. Of several (one that was resolved
there is followed by another when something triggers anew) the newest counts.

Source: "List incidents" of PagerDuty's REST API v2 (``incident_key`` also finds incidents "whose
alerts have alert_key matching the given incident key"; ``date_range=all``; ``sort_by``).
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Sequence
from urllib.parse import urlencode

from ...ports import Clock
from ...splunk.settings import PagerDuty
from ..pagerduty import ACKNOWLEDGED, RESOLVED, TRIGGERED
from ..tickets import Refused, Service, configured
from ..transport import Network
from .ticket import Remarks, Ticket

__all__ = ["PagerDutyReader"]

ACCEPT = "application/vnd.pagerduty+json;version=2"


class PagerDutyReader:
    """Reads one account. Raises NotConfigured when a setting is missing or unusable."""

    # Each is a request, and a look is bounded in time between two batches.
    batch = 10
    hidden = ""

    def __init__(self, settings: PagerDuty, network: Network, clock: Clock) -> None:
        base = configured("PagerDuty", settings.rest_url, REST_API_token=settings.api_token)
        login = f"Token token={settings.api_token}"
        self._service = Service("PagerDuty", base, login, network, _reason, clock.now, ACCEPT)

    def tickets(self, ids: Sequence[str]) -> Dict[str, Ticket]:
        found: Dict[str, Ticket] = {}
        for key in ids:
            query = {
                "incident_key": key,
                "date_range": "all",
                "sort_by": "created_at:desc",
                "limit": "1",
            }
            answer = self._service.call("GET", f"/incidents?{urlencode(query)}")
            incidents = answer.get("incidents")
            if not isinstance(incidents, list):
                raise Refused.unreadable("PagerDuty")
            if incidents and isinstance(incidents[0], dict):
                found[key] = _ticket(key, incidents[0])
        return found

    def is_gone(self, ticket_id: str) -> bool:
        """Incidents can't be deleted there; one that is not found is not made yet."""
        return False

    def with_history(self, ticket: Ticket) -> Ticket:
        return ticket

    def remarks(self, ticket: Ticket, since: float) -> Remarks:
        """Notes are not read."""
        return Remarks([])


def _ticket(key: str, incident: Mapping[str, Any]) -> Ticket:
    state = str(incident.get("status") or "")
    by = incident.get("last_status_change_by")
    return Ticket(
        id=key,
        number=f"#{incident.get('incident_number') or ''}",
        stamp=f"{incident.get('id')} {state} {incident.get('last_status_change_at')}",
        state=state,
        state_name=state.capitalize(),
        over=state == RESOLVED,
        by=str(by.get("summary") or "") if isinstance(by, dict) else "",
        first_state=TRIGGERED,
        taken=state == ACKNOWLEDGED,
    )


def _reason(answer: Mapping[str, Any]) -> str:
    error = answer.get("error")
    if not isinstance(error, dict):
        return ""
    errors = error.get("errors")
    listed = [str(one) for one in errors] if isinstance(errors, list) else []
    return "; ".join([str(error.get("message") or ""), *listed]).strip("; ")
