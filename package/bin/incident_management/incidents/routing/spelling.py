"""Settings of incident_routing.conf that do not exist, such as ``entities`` for ``entity``."""

from __future__ import annotations

import re
from typing import Mapping

from ..errors import RoutingError
from .http_channels import SETTINGS
from .values import CONF

__all__ = ["check_still_limited", "unknown_settings"]

_APPLIES = ("order", "severity", "team", "hours")
_KNOWN = {
    "calendar": ("time_zone", "hours", "holidays"),
    "team": (
        *("members", "rota", "assign", "capacity", "calendar", "fallback"),
        *("channels", "slack_channel", "email", "handover_report"),
    ),
    "member": (
        *("skills", "capacity", "calendar", "away", "slack_id", "email"),
        *("jira_id", "servicenow_id"),
    ),
    "rota": ("members", "handover", "start", "time_zone", "hours", "fallback"),
    "rule": ("order", "severity", "entity", "rule", "tag", "field", "team", "skills"),
    "sla": (*_APPLIES, "acknowledge", "resolve", "warn_at", "on_reopen"),
    "escalation": (*_APPLIES, "step.<n>", "until", "repeat", "repeat_every"),
    "stakeholders": (
        *("severity", "team", "slack_channels", "email", "teams", "channels", "events"),
        "update_every",
    ),
    "field": (
        *("label", "kind", "options", "help", "severity", "team", "required", "shown", "order"),
    ),
    "channel": SETTINGS,
    "checklist": ("order", "severity", "team", "entity", "rule", "tag", "step.<n>"),
}
# By what a stanza is limited to some incidents.
_LIMITS = {
    "rule": ("severity", "entity", "rule", "tag", "field"),
    "sla": ("severity", "team"),
    "escalation": ("severity", "team"),
    "stakeholders": ("severity", "team"),
    "field": ("severity", "team"),
    "checklist": ("severity", "team", "entity", "rule", "tag"),
}
_STEP = re.compile(r"step\.\d+")


def unknown_settings(kind: str, name: str, values: Mapping[str, str]) -> str:
    """Return one sentence that names what there is no such setting of; empty for nothing."""
    known = _KNOWN[kind]
    found = [
        key
        for key in values
        if key not in (*known, "disabled") and not ("step.<n>" in known and _STEP.fullmatch(key))
    ]
    if not found:
        return ""
    said = " and ".join(f"'{key[:40]}'" for key in found[:5])
    return f"{CONF} [{kind}:{name}] has no setting {said}; use {', '.join(known)}."


def check_still_limited(kind: str, values: Mapping[str, str], text: str) -> None:
    """Raise RoutingError for a stanza that is for all incidents, maybe by what ``text`` names."""
    limits = [values.get(key, "").strip() for key in _LIMITS[kind]]
    if text and all(limit in ("", "*") for limit in limits):
        raise RoutingError(f"{text} It would be for every incident, and is left out.")
