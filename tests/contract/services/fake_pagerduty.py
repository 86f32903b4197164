"""PagerDuty: incidents that events make, and the REST API that tells of them.

Written from its published references: "Send an event to PagerDuty" (Events API v2), "List
incidents", "List log entries", "List notes for an incident" (REST API v2). What a reference does
not list is refused. An event is carried out at once. What people do there are the methods ``work``
and ``say``.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import Any, Dict, List
from urllib.parse import parse_qsl, urlsplit

from .answering import OwnClock, Problem, answered
from .receiver import Answer, Receiver, Request

_LOG_QUERY = {"since", "is_overview", "include[]", "limit", "offset"}


@dataclass
class FakePagerDuty:
    """One account; ``incidents`` are the oldest first."""

    receiver: Receiver
    incidents: List[Dict[str, Any]] = field(default_factory=list)
    token: str = "t0ken"
    # The account's log and each incident's notes, the oldest first. Who is on call.
    log: List[Dict[str, Any]] = field(default_factory=list)
    notes: Dict[str, List[Dict[str, Any]]] = field(default_factory=dict)
    on_call: str = ""
    # A key of one user's, who may not read the account's log.
    hides_log: bool = False
    asked: List[str] = field(default_factory=list)
    clock: OwnClock = field(default_factory=OwnClock)

    def __post_init__(self) -> None:
        self.receiver.respond = answered(self._handle)

    def work(self, by: str, number: int = -1, **changes: str) -> None:
        """Somebody changes an incident's ``status``, or has others take it (``assigned_to``)."""
        incident = self.incidents[number]
        assert changes and set(changes) <= {"status", "assigned_to"}
        if "assigned_to" in changes:
            self._assign(incident, *changes["assigned_to"].split(", "))
        if "status" in changes:
            self._set(incident, changes["status"], by, "user_reference")

    def say(self, by: str, text: str, number: int = -1) -> None:
        """Somebody writes a note: that changes nothing of the incident itself."""
        incident, at = self.incidents[number], self._now()
        notes = self.notes.setdefault(incident["id"], [])
        note = {"id": f"N{len(notes)}{incident['id']}", "user": _user(by), "content": text}
        notes.append({**note, "created_at": at})
        self._logged(incident, "annotate", at)

    def _assign(self, incident: Dict[str, Any], *people: str) -> None:
        at = self._now()
        incident["assignments"] = [{"at": at, "assignee": _user(one)} for one in people]
        self._logged(incident, "assign", at)

    def _logged(self, incident: Dict[str, Any], what: str, at: str) -> None:
        entry = {"id": f"R{len(self.log)}", "type": f"{what}_log_entry", "created_at": at}
        self.log.append({**entry, "incident": incident})

    def _set(self, incident: Dict[str, Any], status: str, by: str, kind: str) -> None:
        assert status in ("triggered", "acknowledged", "resolved")
        incident.update(
            status=status,
            last_status_change_at=self._now(),
            last_status_change_by={"id": f"P0{by.upper()}", "type": kind, "summary": by},
        )
        if status == "resolved":
            incident["assignments"] = []
        self._logged(incident, status, str(incident["last_status_change_at"]))

    def _now(self) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.clock.tick()))

    def _handle(self, request: Request) -> Answer:
        parts = urlsplit(request.path)
        if parts.path == "/v2/enqueue":
            return self._enqueue(request.json)
        if request.headers.get("authorization") != f"Token token={self.token}":
            raise Problem(401, {"error": {"message": "Unauthorized", "code": 2006}})
        assert request.headers["accept"] == "application/vnd.pagerduty+json;version=2"
        self.asked.append(parts.path)
        query = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
        if parts.path == "/log_entries":
            return self._log(query)
        noted = re.fullmatch(r"/incidents/(Q\d+)/notes", parts.path)
        if noted:
            assert request.method == "GET" and not query
            return 200, {}, {"notes": list(reversed(self.notes.get(noted[1], [])))}
        assert (request.method, parts.path) == ("GET", "/incidents")
        assert set(query) == {"incident_key", "date_range", "sort_by", "limit"}, query
        assert (query["date_range"], query["sort_by"]) == ("all", "created_at:desc")
        assert 1 <= int(query["limit"]) <= 100
        mine = [one for one in reversed(self.incidents) if one["_key"] == query["incident_key"]]
        shown = [{k: v for k, v in one.items() if k != "_key"} for one in mine]
        return 200, {}, {"incidents": shown[: int(query["limit"])], "more": len(mine) > 1}

    def _log(self, query: Dict[str, str]) -> Answer:
        """The newest first, a page of at most a hundred."""
        if self.hides_log:
            raise Problem(403, {"error": {"message": "Access Denied", "code": 2010}})
        assert set(query) == _LOG_QUERY, query
        assert (query["is_overview"], query["include[]"]) == ("false", "incidents")
        start, limit = int(query["offset"]), int(query["limit"])
        assert 1 <= limit <= 100 and start + limit <= 10_000
        recent = [one for one in reversed(self.log) if one["created_at"] >= query["since"]]
        page = [
            {**one, "incident": {**one["incident"], "incident_key": one["incident"]["_key"]}}
            for one in recent[start : start + limit]
        ]
        for one in page:
            del one["incident"]["_key"]
        more = len(recent) > start + limit
        return 200, {}, {"log_entries": page, "limit": limit, "offset": start, "more": more}

    def _enqueue(self, event: Dict[str, Any]) -> Answer:
        """While an incident is open its key's triggers join it; without one the rest is ignored."""
        key, action = event["dedup_key"], event["event_action"]
        opened = [one for one in self.incidents if one["_key"] == key]
        opened = [one for one in opened if one["status"] != "resolved"]
        if action == "trigger" and not opened:
            number = len(self.incidents) + 1
            made = {"_key": key, "id": f"Q{number}", "incident_number": number, "assignments": []}
            self._set(made, "triggered", "Checkout", "service_reference")
            self.incidents.append(made)
            if self.on_call:
                self._assign(made, self.on_call)
        for one in opened:
            if action != "trigger":
                status = {"acknowledge": "acknowledged", "resolve": "resolved"}[action]
                self._set(one, status, "Checkout", "service_reference")
        return 202, {}, {"status": "success", "message": "Event processed", "dedup_key": key}


def _user(name: str) -> Dict[str, str]:
    return {"id": f"P0{name.upper()}", "type": "user_reference", "summary": name}
