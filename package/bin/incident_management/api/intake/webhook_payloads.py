"""What other monitoring tools send, as findings. Pure.

Each function takes a tool's JSON as its vendor documents it and returns an :class:`Arrival` for
each alert in it. Sources: "Webhook config" in Prometheus's Alertmanager manual; "Configure the
webhook notifier" in Grafana's; "Webhooks" in Datadog's; "Amazon SNS message and JSON formats" and
"CloudWatch alarm notifications" in AWS's.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from ...incidents.canonical import digest
from ...incidents.errors import Invalid
from ...incidents.severities import severity_of

__all__ = ["Arrival", "Confirmation", "alerts_of", "cloudwatch", "datadog", "time_of"]

MAX_ALERTS = 1000
TEXT = 10_000

# Labels that say what is affected, the most telling first.
_ENTITY_LABELS = (
    "service", "app", "application", "host", "hostname", "instance", "node", "pod", "job",
    "namespace",
)  # fmt: skip
_LINKS = ("generatorURL", "dashboardURL", "panelURL", "silenceURL")
# What Datadog puts before a monitor's title. Other brackets are the title's own.
_DATADOG_BRACKET = re.compile(
    r"\[(?:(?P<priority>P[1-5])"
    r"|(?P<transition>(?:re-)?(?:triggered|warn|no data)|renotify|recovered)"
    r"(?: on \{(?P<scope>[^{}]*)\})?)\]\s*(?=\S)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Arrival:
    """One alert: as a finding of ``POST /signals``, and whether the tool says that it is over."""

    finding: Dict[str, Any]
    over: bool = False

    def has_time(self, now: float) -> bool:
        """Tell whether the tool said when: what it did not, or in the future, came ``now``."""
        return bool(self.finding["first_time"] < now)


@dataclass(frozen=True)
class Confirmation:
    """A sender that asks an administrator to confirm a subscription at ``url``."""

    topic: str
    url: str


def alerts_of(body: Mapping[str, Any], source: str, now: float) -> List[Arrival]:
    """Read Alertmanager's payload (version 4), or Grafana's, which has the same core.

    The same firing, told again after ``repeat_interval``, is the same signal: its run is made of
    fingerprint and ``startsAt``.
    """
    return [_alert(alert, source, now) for alert in body["alerts"]]


def _alert(alert: Mapping[str, Any], source: str, now: float) -> Arrival:
    labels, annotations = _texts(alert.get("labels")), _texts(alert.get("annotations"))
    rule = labels.get("alertname") or f"{source} alert"
    entity = _first(labels, _ENTITY_LABELS) or rule
    known = str(alert.get("fingerprint") or "") or digest(labels, 16)
    started = time_of(alert.get("startsAt"), now)
    links = {name: str(alert[name]) for name in _LINKS if alert.get(name)}
    return Arrival(
        {
            "rule": rule[:500],
            "app": source,
            "entity": entity[:500],
            "severity": severity_of(labels.get("severity")),
            "title": annotations.get("summary", "")[:TEXT] or f"{rule}: {entity}"[:TEXT],
            "description": annotations.get("description", "")[:TEXT],
            "first_time": started,
            "last_time": max(started, now),
            "run": f"{source}:{known}:{alert.get('startsAt', '')}"[:500],
            "dedup": {"fingerprint": known},
            "rows": [{**labels, **annotations, **links}],
        },
        over=str(alert.get("status", "")).lower() == "resolved",
    )


def datadog(body: Mapping[str, Any], now: float) -> List[Arrival]:
    """Read Datadog's default payload, and the fields that docs/API.md asks to add to it.

    The default one tells transition, priority and scope in its title only:
    ``[P1] [Recovered on {host:db-1}] Disk is full``.
    """
    title = _text(body, "title") or _text(body, "alert_title")
    if not title:
        raise Invalid("'title' is missing. Include it in the webhook's payload.")
    plain, said = _datadog_title(title)
    transition = _text(body, "alert_transition") or said["transition"]
    scope = _text(body, "alert_scope") or said["scope"]
    tags = _tags(scope, _text(body, "tags"))
    cycle = _text(body, "alert_cycle_key")
    # Groups of one monitor are problems of their own; a scope tells them apart, or else the cycle.
    known = _text(body, "aggreg_key")
    if not known and cycle and not scope:
        known = cycle
    known = known or digest([_text(body, "alert_id") or plain, sorted(_tags(scope).items())], 16)
    entity = _text(body, "hostname") or _first(tags, _ENTITY_LABELS) or plain
    when = _milliseconds(body.get("date"), now)
    word = _text(body, "alert_priority") or said["priority"] or _text(body, "alert_type")
    severity = severity_of(word)
    # A cycle lasts until the monitor recovers; within it a warning may become an alert.
    run = f"{cycle or _text(body, 'id') or when}:{severity}"
    return [
        Arrival(
            {
                "rule": plain[:500],
                "app": "datadog",
                "entity": entity[:500],
                "severity": severity,
                "title": f"{plain}: {entity}"[:TEXT] if entity != plain else plain[:TEXT],
                "description": (_text(body, "body") or _text(body, "alert_status"))[:TEXT],
                "first_time": when,
                "last_time": max(when, now),
                "run": f"datadog:{known}:{run}"[:500],
                "dedup": {"key": known},
                "rows": [_texts(body)],
            },
            over=transition.lower() == "recovered",
        )
    ]


def _datadog_title(title: str) -> Tuple[str, Dict[str, str]]:
    """Return the monitor's own title, and what Datadog's brackets before it say."""
    said = {"transition": "", "priority": "", "scope": ""}
    while True:
        found = _DATADOG_BRACKET.match(title)
        if not found:
            return title, said
        said.update({name: value for name, value in found.groupdict().items() if value})
        title = title[found.end() :]


def cloudwatch(body: Mapping[str, Any], now: float) -> Any:
    """Read an SNS message that carries a CloudWatch alarm, or the alarm itself.

    Returns arrivals; or a :class:`Confirmation`, when SNS asks to confirm the subscription.
    Raises Invalid. ``INSUFFICIENT_DATA`` is no alert.
    """
    kind = str(body.get("Type", ""))
    if kind == "SubscriptionConfirmation":
        return Confirmation(_text(body, "TopicArn"), _text(body, "SubscribeURL"))
    if kind == "UnsubscribeConfirmation":
        return []
    alarm = body
    if kind == "Notification":
        try:
            alarm = json.loads(str(body.get("Message", "")))
        except (ValueError, RecursionError):
            raise Invalid("'Message' is not the JSON of a CloudWatch alarm.") from None
    if not isinstance(alarm, dict) or not _text(alarm, "AlarmName"):
        raise Invalid("'AlarmName' is missing: this is not a CloudWatch alarm.")
    return _alarm(alarm, now)


def _alarm(alarm: Mapping[str, Any], now: float) -> List[Arrival]:
    state = _text(alarm, "NewStateValue")
    if state not in ("ALARM", "OK", "INSUFFICIENT_DATA"):
        raise Invalid("'NewStateValue' is not ALARM, OK or INSUFFICIENT_DATA.")
    if state == "INSUFFICIENT_DATA":
        return []
    name = _text(alarm, "AlarmName")
    trigger = alarm.get("Trigger") if isinstance(alarm.get("Trigger"), dict) else {}
    given = trigger.get("Dimensions") if isinstance(trigger, dict) else []
    dimensions = {
        str(one.get("name")): str(one.get("value"))
        for one in given or []
        if isinstance(one, dict) and one.get("name")
    }
    known = _text(alarm, "AlarmArn") or f"{_text(alarm, 'AWSAccountId')}:{name}"
    changed = time_of(alarm.get("StateChangeTime"), now)
    finding = {
        "rule": name[:500],
        "app": "cloudwatch",
        "entity": ", ".join(dimensions.values())[:500] or name[:500],
        "severity": "high",
        "title": f"CloudWatch alarm: {name}"[:TEXT],
        "description": (_text(alarm, "AlarmDescription") or _text(alarm, "NewStateReason"))[:TEXT],
        "first_time": changed,
        "last_time": max(changed, now),
        "run": f"cloudwatch:{known}:{alarm.get('StateChangeTime', '')}"[:500],
        "dedup": {"alarm": known},
        "rows": [{**_texts(alarm), **dimensions}],
    }
    return [Arrival(finding, over=state == "OK")]


def _texts(value: Any) -> Dict[str, str]:
    """The plain values of an object, as texts."""
    if not isinstance(value, Mapping):
        return {}
    return {
        str(name)[:200]: str(inner)[:TEXT]
        for name, inner in list(value.items())[:100]
        if isinstance(inner, (str, int, float)) and str(name)
    }


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    return str(value).strip() if isinstance(value, (str, int, float)) else ""


def _first(values: Mapping[str, str], names: Sequence[str]) -> str:
    return next((values[name].strip() for name in names if values.get(name, "").strip()), "")


def _tags(*lists: str) -> Dict[str, str]:
    """``key:value`` tags by key; the first of each key counts."""
    tags: Dict[str, str] = {}
    for part in ",".join(lists).split(","):
        key, colon, value = part.strip().partition(":")
        if colon and key:
            tags.setdefault(key, value)
    return tags


def _milliseconds(value: Any, now: float) -> float:
    text = str(value or "")
    return int(text) / 1000.0 if text.isascii() and text.isdigit() and len(text) < 15 else now


def time_of(value: Any, now: float) -> float:
    """Read RFC 3339 or ``2015-06-03T17:43:27.123+0000``; ``now`` for anything else.

    Digits of a second beyond microseconds, which Go prints, are dropped.
    """
    text = str(value or "").strip().replace("Z", "+00:00")
    head, dot, tail = text.partition(".")
    if dot:
        digits = tail[: len(tail) - len(tail.lstrip("0123456789"))]
        text = f"{head}.{digits[:6].ljust(6, '0')}{tail[len(digits) :]}"
    if len(text) > 5 and text[-5] in "+-" and text[-4:].isdigit():
        text = f"{text[:-2]}:{text[-2:]}"
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return now
    if when.tzinfo is None:
        when = when.replace(tzinfo=timezone.utc)
    # "0001-01-01T00:00:00Z" is how Go prints no time.
    seconds = when.timestamp() if when.year > 1970 else now
    return min(seconds, now)
