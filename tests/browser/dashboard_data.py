"""What the tests of the dashboards have in the KV store."""

from __future__ import annotations

import time
from typing import Any

NOW = time.time()
INCIDENT = "INC-20261123-7KQ2MD"
OTHER = "INC-20261122-AA81ZC"
CLOSED = "INC-20261121-BB11ZC"
SEVERITIES = ("critical", "high", "medium", "low", "info")
COLLECTIONS = ("incidents", "timeline", "outbox", "claims", "analyses", "plans", "signals")
UNANSWERED = {"opened_at": NOW - 90_000, "acknowledged_at": None}


def entry(key: str, seq: int, kind: str, **data: Any) -> dict[str, Any]:
    return {
        "_key": key * 64,
        "incident_id": INCIDENT,
        "kind": kind,
        "time": NOW - 240 + seq,
        "seq": seq,
        "actor": "system",
        "data": data,
        "prev": [],
        "once": "",
    }


def incident(key: str, **changed: Any) -> dict[str, Any]:
    document = {
        "_key": key,
        "id": key,
        "title": "Checkout answers 500",
        "description": "",
        "status": "in_progress",
        "severity": "critical",
        "owner": "alice",
        "team": "web",
        "entities": ["checkout", "payments"],
        "rules": ["High Error Rate"],
        "signals": 3,
        "events": 412,
        "opened_at": NOW - 240,
        "acknowledged_at": NOW - 150,
        **changed,
    }
    document["severity_rank"] = len(SEVERITIES) - SEVERITIES.index(str(document["severity"]))
    return {k: v for k, v in document.items() if v is not None}


NOTIFICATION = {
    "_key": "n" * 64,
    "incident_id": INCIDENT,
    "channel": "slack",
    "event": "opened",
    "message": {},
    "state": "dead",
    "attempts": 5,
    "last_error": "channel_not_found",
    "created_at": NOW - 200,
}
ANALYSIS = {
    "_key": "ANA-0123456789",
    "incident_id": INCIDENT,
    "time": NOW - 100,
    "verdict": "cause found",
    "hypotheses": [
        {"id": "H1", "rank": 1, "score": 0.82, "source": "ranking", "cause": "CHG-1042, pool cut"},
        {"id": "H2", "rank": 2, "score": 0.11, "source": "ranking", "cause": "more traffic"},
    ],
    "citations": [
        {"id": "C1", "kind": "change", "status": "verified", "quote": "pool_size: 20 -> 1"},
        {"id": "C2", "kind": "event", "status": "rejected", "quote": "QueuePool limit | reached"},
    ],
}
REACH = {"_key": "channels set up", "purpose": "channels set up", "value": {"channels": "teams"}}
PLAN = {
    "_key": "PLAN-1a2b3c4d5e",
    "incident_id": INCIDENT,
    "action": "rollback_change",
    "status": "proposed",
    "plan_hash": "1a2b3c4d5e",
}
SIGNAL = {
    "_key": "5" * 40,
    "incident_id": INCIDENT,
    "rule": "High Error Rate",
    "entity": "checkout",
    "severity": "critical",
    "title": "5xx on checkout",
    "count": 200,
    "first_time": NOW - 300,
    "last_time": NOW - 240,
}


def clear(splunk: Any) -> None:
    """Delete what other tests have in the same stand-in."""
    for name in COLLECTIONS:
        splunk.clear(f"incident_{name}")


def write(splunk: Any) -> None:
    clear(splunk)
    splunk.put(
        "incident_incidents",
        incident(INCIDENT),
        incident(OTHER, title="Slow log-ins", severity="medium", owner="", **UNANSWERED),
        incident(CLOSED, title="Done", status="resolved", resolved_at=NOW, acknowledged_at=None),
    )
    splunk.put(
        "incident_timeline",
        entry("b", 2, "signal", rule="High Error Rate"),
        entry("a", 1, "opened", rule="High Error Rate", title="Checkout answers 500"),
        entry("c", 3, "status", **{"from": "new", "to": "in_progress", "reason": "acknowledged"}),
        entry("d", 4, "notification", channel="slack", event="opened", outcome="dead"),
    )
    splunk.put("incident_outbox", NOTIFICATION)
    splunk.put("incident_claims", REACH)
    splunk.put("incident_analyses", ANALYSIS)
    splunk.put("incident_plans", PLAN)
    splunk.put("incident_signals", SIGNAL)
