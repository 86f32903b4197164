"""PagerDuty: incidents that events make, and the REST API that tells of them.

Written from its published references: "Send an event to PagerDuty" (Events API v2) and "List
incidents" (REST API v2). What a reference does not list is refused. An event is carried out at
once. What people do there is the method ``work``.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Dict, List
from urllib.parse import parse_qsl, urlsplit

from .answering import OwnClock, Problem, answered
from .receiver import Answer, Receiver, Request

_NAMES = {"P0MIA": "Mia"}


@dataclass
class FakePagerDuty:
    """One account; ``incidents`` are the oldest first."""

    receiver: Receiver
    incidents: List[Dict[str, Any]] = field(default_factory=list)
    token: str = "t0ken"
    clock: OwnClock = field(default_factory=OwnClock)

    def __post_init__(self) -> None:
        self.receiver.respond = answered(self._handle)

    def work(self, by: str, number: int = -1, **changes: str) -> None:
        """Somebody changes an incident's ``status``."""
        incident = self.incidents[number]
        assert set(changes) == {"status"}
        self._set(incident, changes["status"], by, "user_reference")

    def _set(self, incident: Dict[str, Any], status: str, by: str, kind: str) -> None:
        assert status in ("triggered", "acknowledged", "resolved")
        incident.update(
            status=status,
            last_status_change_at=self._now(),
            last_status_change_by={"id": f"P0{by.upper()}", "type": kind, "summary": by},
        )

    def _now(self) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.clock.tick()))

    def _handle(self, request: Request) -> Answer:
        parts = urlsplit(request.path)
        if parts.path == "/v2/enqueue":
            return self._enqueue(request.json)
        if request.headers.get("authorization") != f"Token token={self.token}":
            raise Problem(401, {"error": {"message": "Unauthorized", "code": 2006}})
        assert request.headers["accept"] == "application/vnd.pagerduty+json;version=2"
        assert (request.method, parts.path) == ("GET", "/incidents")
        query = dict(parse_qsl(parts.query, strict_parsing=True))
        assert set(query) == {"incident_key", "date_range", "sort_by", "limit"}, query
        assert (query["date_range"], query["sort_by"]) == ("all", "created_at:desc")
        assert 1 <= int(query["limit"]) <= 100
        mine = [one for one in reversed(self.incidents) if one["_key"] == query["incident_key"]]
        shown = [{k: v for k, v in one.items() if k != "_key"} for one in mine]
        return 200, {}, {"incidents": shown[: int(query["limit"])], "more": len(mine) > 1}

    def _enqueue(self, event: Dict[str, Any]) -> Answer:
        """While an incident is open its key's triggers join it; without one the rest is ignored."""
        key, action = event["dedup_key"], event["event_action"]
        opened = [one for one in self.incidents if one["_key"] == key]
        opened = [one for one in opened if one["status"] != "resolved"]
        if action == "trigger" and not opened:
            number = len(self.incidents) + 1
            made = {"_key": key, "id": f"Q{number}", "incident_number": number}
            self._set(made, "triggered", "Checkout", "service_reference")
            self.incidents.append(made)
        for one in opened:
            if action != "trigger":
                status = {"acknowledge": "acknowledged", "resolve": "resolved"}[action]
                self._set(one, status, "Checkout", "service_reference")
        return 202, {}, {"status": "success", "message": "Event processed", "dedup_key": key}
