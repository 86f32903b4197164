"""The routing of random stories."""

from __future__ import annotations

__all__ = ["SETTINGS"]

STANZAS: dict[str, dict[str, str]] = {
    "general": {
        "reopen_window": "1h",
        "group_window": "15m",
        "flap_count": "2",
        "flap_window": "2h",
        "flap_calm": "20m",
        "tell_singly": "5",
        "tell_critical_singly": "8",
    },
    "team:shop": {"members": "ann, bob", "slack_channel": "#shop"},
    "team:payments": {"rota": "pay", "fallback": "shop"},
    "team:leads": {"members": "max"},
    "rota:pay": {
        "members": "cy, ann",
        "handover": "daily 09:00",
        "start": "2026-01-01",
        "time_zone": "UTC",
    },
    "member:max": {},
    "member:cy": {},
    "rule:pay": {"order": "1", "entity": "pay*", "team": "payments"},
    "rule:default": {"order": "0", "team": "shop"},
    "sla:critical": {"severity": "critical", "acknowledge": "15m", "resolve": "2h"},
    "sla:high": {"severity": "high", "acknowledge": "30m", "resolve": "4h"},
    "escalation:critical": {
        "severity": "critical, high",
        "step.1": "20m, team:leads",
        "step.2": "40m, member:max, channel:pagerduty",
        "repeat": "1",
        "repeat_every": "30m",
    },
    "field:region": {},
    "field:impact": {"kind": "choice", "options": "none, some, all"},
    "stakeholders:board": {
        "severity": "critical, high",
        "email": "ceo@example.com",
        "events": "opened, resolved",
        "update_every": "1h",
    },
    "announce": {
        "opened": "slack, pagerduty",
        "resolved": "slack, pagerduty",
        "reopened": "slack, pagerduty",
        "assigned": "slack",
        "acknowledged": "slack",
        "escalation": "slack, pagerduty",
        "sla_breached": "slack",
        "update": "slack",
        "update_overdue": "slack",
        "follow_up_overdue": "slack",
        "approval": "slack",
        "verification": "slack",
    },
}


def _changed() -> list[dict[str, dict[str, str]]]:
    without_leads = {name: one for name, one in STANZAS.items() if name != "team:leads"}
    without_leads["escalation:critical"] = {"severity": "critical", "step.1": "10m, team:shop"}
    alone = {**STANZAS, "team:shop": {"members": "bob"}, "rota:pay": {"members": "cy"}}
    untimed = {name: one for name, one in STANZAS.items() if not name.startswith("sla")}
    return [without_leads, alone, untimed]


SETTINGS = [STANZAS, *_changed()]
"""First those of a story; then what somebody may make of them: no people, team, or deadlines."""
