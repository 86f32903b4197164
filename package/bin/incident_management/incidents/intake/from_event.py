"""Opens an incident about one event of a search, with the searcher's own rights.

The event is read from its search (``search/v2/jobs/{sid}/events`` with ``offset`` and ``count``,
see "Search endpoint descriptions" in Splunk's REST API Reference) and sent as a signal, so routing,
suppression and the analysis work as for any other. The dedup key is the event itself: opening it
twice, by any user, gives one incident.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Protocol, Sequence

from ...splunk.session import API, APP, SplunkError, path_of
from ..canonical import digest
from ..errors import Invalid
from ..field_values import parse_values
from ..model import SEVERITIES
from ..signal import TITLE_CHARACTERS

__all__ = ["RULE", "SEVERITIES", "OpenFailed", "open_from_event"]

RULE = "Opened from an event"
# OpenTelemetry calls a service service.name.
ENTITY_FIELDS = ("service", "service.name", "dest", "host")


class OpenFailed(Exception):
    """No incident was opened; the text says why."""


class Requests(Protocol):
    """The part of :class:`incident_management.splunk.session.Session` that is needed."""

    def get(self, path: str, **query: Any) -> Any: ...

    def post(self, path: str, form: Any = None, json_body: Any = None) -> Any: ...


def open_from_event(
    session: Requests, sid: str, offset: int, severity: str, title: str, user: str, fields: str = ""
) -> Dict[str, Any]:
    """Open an incident about an event; return a row with the incident and the outcome.

    Args:
        fields: custom field values, as :func:`..field_values.parse_values` reads them.
    Raises:
        OpenFailed: there is no such event, a value does not fit its field, or the API refused.
    """
    values = _checked(session, fields) if fields.strip() else {}
    finding = finding_of(event_at(session, sid, offset), sid, severity, title, user)
    if values:
        finding["fields"] = values
    try:
        answer = session.post(f"{API}/signals", json_body={"signals": [finding]})
    except SplunkError as error:
        raise OpenFailed(f"No incident was opened: {error.message}") from error
    outcome = answer["outcomes"][0]
    return {
        "incident": outcome["incident_id"],
        "what": "known" if outcome["what"] == "duplicate" else outcome["what"],
        "title": finding["title"],
        "severity": severity,
        "entity": finding["entity"],
    }


def _checked(session: Requests, fields: str) -> Dict[str, str]:
    """Return custom field values in their stored form.

    Raises:
        OpenFailed: a value does not fit its field. Ingest would drop it, but here the user can
            correct it.
    """
    from ..routing import CustomField, CustomFields

    try:
        known = session.get(f"{API}/fields")["fields"]
        return CustomFields(tuple(CustomField(**one) for one in known)).checked(
            parse_values(fields)
        )
    except (SplunkError, Invalid) as error:
        raise OpenFailed(f"No incident was opened: {error}") from error


def event_at(session: Requests, sid: str, offset: int) -> Mapping[str, Any]:
    """Return one event of a search. Raises OpenFailed."""
    path = "/services/search/v2/jobs/" + path_of(sid, "events")
    try:
        answer = session.get(path, offset=offset, count=1)
    except SplunkError as error:
        why = error.message
        if error.status == 404:
            why = "it no longer exists, or you may not see it. Run the search again."
        raise OpenFailed(f"The search {sid[:200]} can't be read: {why}") from error
    found: Sequence[Mapping[str, Any]] = (answer or {}).get("results") or []
    if not found:
        raise OpenFailed(
            f"The search {sid[:200]} has no event at {offset}. Run a search that returns events, "
            "not statistics."
        )
    return found[0]


def finding_of(
    event: Mapping[str, Any], sid: str, severity: str, title: str, user: str
) -> Dict[str, Any]:
    """Return the finding for an event, as the JSON of ``POST /signals``."""
    raw = _text(event, "_raw")
    entity = next((text for name in ENTITY_FIELDS if (text := _text(event, name).strip())), "")
    mark = digest([raw, *(_text(event, name) for name in ("_time", "index", "host", "source"))], 40)
    first_line = next((line.strip() for line in raw.splitlines() if line.strip()), "")
    names = ("_time", "index", "host", "source", "sourcetype", "service", "service.name")
    return {
        "rule": RULE,
        "app": APP,
        "owner": user,
        "entity": (entity or "unknown")[:1000],
        "severity": severity,
        "title": (title.strip() or first_line or f"An event of {sid}")[:TITLE_CHARACTERS],
        "description": raw[:10_000],
        "sid": sid[:1000],
        "run": mark,
        "dedup": {"event": mark},
        "group": False,
        "rows": [{name: _text(event, name) for name in (*names, "_raw") if _text(event, name)}],
    }


def _text(event: Mapping[str, Any], name: str) -> str:
    value = event.get(name)
    first = value[0] if isinstance(value, list) and value else value
    return "" if first is None else str(first)
