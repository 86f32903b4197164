"""Reads PagerDuty's incidents: their status, assignees and notes.

Our incident is found there by its ``dedup_key``, one request for each. If there are several (after
one was resolved there, a new trigger opens another) the newest counts. So that hundreds need not be
requested each minute, the account's log says which have changed. Times of the log are compared with
each other, not with our clock.

Sources: PagerDuty's REST API v2, "List incidents" (``incident_key`` also finds incidents "whose
alerts have alert_key matching the given incident key"; ``date_range=all``; ``sort_by``), "List log
entries" (newest first; with ``include[]=incidents`` each has its incident), "List notes for an
incident"; "Pagination" (at most 100 a page).
"""

from __future__ import annotations

import calendar
import re
import time
from datetime import datetime, timezone
from typing import Any, Dict, Mapping, Optional, Sequence, Set
from urllib.parse import quote, urlencode

from ...outside.transport import Network
from ...ports import Clock
from ...splunk.configuration.settings import PagerDuty
from ..services.pagerduty import ACKNOWLEDGED, RESOLVED, TRIGGERED
from ..services.tickets import Refused, Service, configured
from .ticket import Changes, Remark, Remarks, Ticket, objects

__all__ = ["PagerDutyReader"]

ACCEPT = "application/vnd.pagerduty+json;version=2"
PAGE = 100
# A log with more new pages is not read to its end; all incidents are then read in turn.
MAX_PAGES = 10
# Read again, as entries may become visible late.
OVERLAP_SECONDS = 120.0
# Where the first reading begins; covers clock differences. Each incident is read at first anyway.
BEGIN_SECONDS = 900.0
MAX_REMARKS = 200
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_ID = re.compile(r"\w{1,40}", re.ASCII)


class PagerDutyReader:
    """Reads one account. Raises NotConfigured when a setting is missing or unusable."""

    # Each is a request, and the time limit of a reading is checked between two batches.
    batch = 10
    hidden = "PagerDuty hides notes from the app. Use a REST API key that may read incidents."

    def __init__(self, settings: PagerDuty, network: Network, clock: Clock) -> None:
        base = configured("PagerDuty", settings.rest_url, REST_API_token=settings.api_token)
        login = f"Token token={settings.api_token}"
        self._service = Service("PagerDuty", base, login, network, _reason, clock.now, ACCEPT)
        self._clock = clock

    def changes(self, since: str) -> Optional[Changes]:
        """Read the account's log; None if the key may not read it."""
        now = self._clock.now()
        newest = _reached(since, now)
        begin = _epoch(since.partition(" ")[0]) - OVERLAP_SECONDS if since else now - BEGIN_SECONDS
        found: Set[str] = set()
        more = True
        for page in range(MAX_PAGES):
            query = {
                "since": time.strftime(_TIME, time.gmtime(max(begin, 0.0))),
                "is_overview": "false",
                "include[]": "incidents",
                "limit": str(PAGE),
                "offset": str(page * PAGE),
            }
            try:
                answer = self._service.call("GET", f"/log_entries?{urlencode(query)}")
            except Refused as error:
                if error.status not in (403, 404):
                    raise
                return None
            for entry in objects(answer.get("log_entries"), "PagerDuty"):
                incident = _object(entry.get("incident"))
                found |= {str(incident.get(name) or "") for name in ("id", "incident_key")}
                newest = max(newest, _utc(str(entry.get("created_at") or "")))
            more = bool(answer.get("more"))
            if not more:
                break

        def touch(key: str, stamp: str) -> bool:
            return key in found or _incident_of(stamp) in found

        found.discard("")
        return Changes(touch, f"{newest} {now}" if newest else "", not more)

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
            incidents = objects(answer.get("incidents"), "PagerDuty")
            if incidents:
                found[key] = _ticket(key, incidents[0])
        return found

    def is_gone(self, ticket_id: str) -> bool:
        """Return False: incidents can't be deleted there; one not found does not exist yet."""
        return False

    def with_history(self, ticket: Ticket) -> Ticket:
        return ticket

    def remarks(self, ticket: Ticket, since: float) -> Remarks:
        """Return the notes; the app itself writes none."""
        incident = _incident_of(ticket.stamp)
        if not _ID.fullmatch(incident):
            return Remarks([])
        answer = self._service.call("GET", f"/incidents/{quote(incident, safe='')}/notes")
        found = [_remark(note) for note in objects(answer.get("notes"), "PagerDuty")]
        found = sorted((one for one in found if one.at >= since), key=lambda one: one.at)
        return Remarks(found[-MAX_REMARKS:], len(found) <= MAX_REMARKS)


def _reached(since: str, now: float) -> str:
    """Return up to when the log is known if it is read now; '' if that is not known yet.

    Without a newer entry that is the last time plus the time that has passed by our clock.
    """
    last, _space, asked_at = since.partition(" ")
    if not last:
        return ""
    passed = min(max(now - float(asked_at), 0.0), BEGIN_SECONDS)
    return time.strftime(_TIME, time.gmtime(_epoch(last) + passed))


def _ticket(key: str, incident: Mapping[str, Any]) -> Ticket:
    state = str(incident.get("status") or "")
    people = [_object(_object(one).get("assignee")) for one in incident.get("assignments") or []]
    people.sort(key=lambda one: str(one.get("id")))
    assignee = ",".join(str(one.get("id") or "") for one in people)
    changed = incident.get("last_status_change_at"), incident.get("updated_at")
    return Ticket(
        id=key,
        number=f"#{incident.get('incident_number') or ''}",
        stamp=f"{incident.get('id')} {state} {' '.join(map(str, changed))} {assignee}",
        state=state,
        state_name=state.capitalize(),
        over=state == RESOLVED,
        # A resolved incident has no assignees in PagerDuty.
        assignee=None if state == RESOLVED else assignee,
        assignee_name=", ".join(str(one.get("summary") or "") for one in people),
        by=_name(incident.get("last_status_change_by")),
        first_state=TRIGGERED,
        taken=state == ACKNOWLEDGED,
    )


def _incident_of(stamp: str) -> str:
    """Return the PagerDuty incident id in one of our stamps."""
    return stamp.partition(" ")[0]


def _remark(note: Mapping[str, Any]) -> Remark:
    at = _epoch(_utc(str(note.get("created_at") or "")))
    text = str(note.get("content") or "")
    return Remark(str(note.get("id") or ""), "note", _name(note.get("user")), at, text, False)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _name(value: Any) -> str:
    return str(_object(value).get("summary") or "")


def _utc(text: str) -> str:
    """Return an API time (ISO 8601, an offset or Z) in one sortable form; '' if unreadable."""
    try:
        when = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return ""
    return when.astimezone(timezone.utc).strftime(_TIME) if when.tzinfo else ""


def _epoch(utc: str) -> float:
    return float(calendar.timegm(time.strptime(utc, _TIME))) if utc else 0.0


def _reason(answer: Mapping[str, Any]) -> str:
    error = answer.get("error")
    if not isinstance(error, dict):
        return ""
    errors = error.get("errors")
    listed = [str(one) for one in errors] if isinstance(errors, list) else []
    return "; ".join([str(error.get("message") or ""), *listed]).strip("; ")
