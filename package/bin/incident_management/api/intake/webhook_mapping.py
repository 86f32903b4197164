"""incident_webhooks.conf: how any tool's JSON becomes findings, for ``POST /webhooks/generic``.

A stanza ``[mapping:<name>]`` has ``items``, the path of the list of alerts (blank: the body is one
alert), and a template for each field of a finding. ``{a.b.0}`` in a template is the value at that
path. Pure: made from a stanza's settings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Tuple

from ...conf_values import listed
from ...incidents.canonical import canonical, digest
from ...incidents.errors import Invalid
from ...incidents.severities import severity_of
from .webhook_payloads import MAX_ALERTS, Arrival, time_of

__all__ = ["read_mapping"]

PREFIX = "mapping:"
CONF = "incident_webhooks.conf"
TEXT = 10_000
FIELDS = ("rule", "entity", "severity", "title", "description", "key", "run", "time", "over")
_TOKEN = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True)
class AlertMapping:
    """One stanza. ``severities`` and ``over_values`` compare in any case."""

    name: str
    items: str = ""
    templates: Mapping[str, str] = field(default_factory=dict)
    severities: Mapping[str, str] = field(default_factory=dict)
    over_values: Tuple[str, ...] = ()

    def arrivals(self, body: Mapping[str, Any], now: float) -> List[Arrival]:
        """Apply it to a body. Raises Invalid when a rule or an entity comes out blank."""
        alerts: Any = _at(body, self.items) if self.items else [body]
        if not isinstance(alerts, list):
            raise Invalid(f"The body has no list at '{self.items}'. See {CONF} [{self._stanza}].")
        if len(alerts) > MAX_ALERTS:
            raise Invalid(f"'{self.items}' has {len(alerts)} alerts; the limit is {MAX_ALERTS}.")
        return [self._arrival(alert, now) for alert in alerts]

    @property
    def _stanza(self) -> str:
        return PREFIX + self.name

    def _arrival(self, alert: Any, now: float) -> Arrival:
        values = {name: _filled(self.templates.get(name, ""), alert) for name in FIELDS}
        for name in ("rule", "entity"):
            if not values[name]:
                raise Invalid(f"The body has no {name}. See {CONF} [{self._stanza}] {name}.")
        word = values["severity"].lower()
        when = _when(values["time"], now)
        known = values["key"] or f"{values['rule']}\n{values['entity']}"
        severity = self.severities.get(word) or severity_of(word)
        run = f"{values['run'][:400]}:{severity}" if values["run"] else ""
        finding = {
            "rule": values["rule"][:500],
            "app": f"webhook:{self.name}",
            "entity": values["entity"][:500],
            "severity": severity,
            "title": values["title"][:TEXT] or f"{values['rule']}: {values['entity']}"[:TEXT],
            "description": values["description"][:TEXT],
            "first_time": when,
            "last_time": max(when, now),
            # The same alert with the same severity is one signal; without a run, the same content.
            "run": run or digest(canonical(alert), 40),
            "dedup": {"key": known[:1000]},
            "rows": [_row(alert)],
        }
        return Arrival(finding, over=values["over"].lower() in self.over_values)


def read_mapping(name: str, stanzas: Mapping[str, Mapping[str, str]]) -> AlertMapping:
    """Return the mapping of that name. Raises Invalid when there is none, or it is unusable."""
    values = stanzas.get(PREFIX + name)
    if values is None:
        raise Invalid(f"Mapping '{name[:60]}' not found. Add [{PREFIX}{name[:60]}] to {CONF}.")
    for needed in ("rule", "entity"):
        if not values.get(needed, "").strip():
            raise Invalid(f"{CONF} [{PREFIX}{name}] {needed} is missing. Set a template.")
    severities = {
        key[len("severity.") :].lower(): value.strip().lower()
        for key, value in values.items()
        if key.startswith("severity.")
    }
    over = values.get("over_values", "resolved, ok, recovered")
    return AlertMapping(
        name,
        values.get("items", "").strip(),
        {key: values.get(key, "").strip() for key in FIELDS},
        {key: severity_of(value) for key, value in severities.items()},
        listed(over.lower()),
    )


def _filled(template: str, alert: Any) -> str:
    return _TOKEN.sub(lambda match: _shown(_at(alert, match.group(1).strip())), template).strip()


def _at(value: Any, path: str) -> Any:
    """Return what stands at a dotted path; None where it leads nowhere."""
    for part in path.split("."):
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isascii() and part.isdigit():
            index = int(part[:9])
            value = value[index] if index < len(value) else None
        else:
            return None
    return value


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(_shown(part) for part in value[:20])
    return str(value)[:TEXT] if isinstance(value, (str, int, float)) else ""


def _when(text: str, now: float) -> float:
    if not re.fullmatch(r"\d{9,13}(\.\d+)?", text, re.ASCII):
        return time_of(text, now)
    # 13 digits before the point are milliseconds.
    seconds = float(text)
    return min(seconds / 1000.0 if seconds >= 1e11 else seconds, now)


def _row(alert: Any) -> Dict[str, str]:
    pairs = alert.items() if isinstance(alert, dict) else enumerate([alert])
    return {str(name)[:200]: _shown(value) for name, value in list(pairs)[:50] if str(name)}
