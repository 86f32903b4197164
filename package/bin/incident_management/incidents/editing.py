"""Manual corrections, and withdrawal: an incident is never deleted, and its timeline goes on.

``expected`` is the version (:func:`version`) that the editor has seen. If two editors change the
same version, one wins: each inserts a claim named after the version before writing. Other entries
(a signal, a note) may still arrive in between; they are added, not lost.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Dict, Iterator, Mapping, Optional, Sequence

from . import timeline
from .act import Act
from .canonical import digest
from .errors import Invalid
from .field_values import describe_changes
from .fold import EDITABLE
from .model import SEVERITIES, Incident
from .routing.values import user_name
from .signal import TEXT_CHARACTERS, TITLE_CHARACTERS, show_hidden_characters
from .stores import claim_document

__all__ = [
    "FIELDS",
    "Outdated",
    "already_applied",
    "edit",
    "editing",
    "resume_withdrawal",
    "version",
    "withdraw",
]

FIELDS = (*EDITABLE, "entities", "severity", "fields")
VERSION_DIGITS = 32
# An editor that has written nothing after this many seconds was killed; another may take its place.
EDITING_SECONDS = 60.0
ATTEMPTS = 20
WITHDRAWN = "Withdrawn"


class Outdated(Exception):
    """The incident is not, or no longer, the version that the editor has seen."""


def version(head: Sequence[str]) -> str:
    """Return the name of an incident's version, which changes with every timeline entry."""
    return digest(sorted(head), VERSION_DIGITS)


@contextmanager
def editing(act: Act, incident_id: str, expected: str) -> Iterator[None]:
    """Hold the exclusive right to change one version of an incident.

    Raises:
        Outdated: the incident has changed, or another editor holds this version.
    """
    key = _claim(act, incident_id, expected)
    try:
        if version(timeline.current(act.stores, incident_id).head) != expected:
            raise Outdated(f"{incident_id} has changed since you read it. Reload it first.")
        yield
    finally:
        # The entry is written: a later claim of the same version finds that the incident has
        # changed.
        act.stores.claims.delete(key)


def _claim(act: Act, incident_id: str, expected: str) -> str:
    now = act.clock.now()
    for attempt in range(ATTEMPTS):
        key = f"edit:{incident_id}:{expected}:{attempt}"
        claim = claim_document(key, now, holder=act.actor)
        if act.stores.claims.insert(claim):
            return key
        known = act.stores.claims.get(key)
        if known is None or now - float(known["time"]) < EDITING_SECONDS:
            break
    raise Outdated(f"Another user is changing {incident_id}. Reload it first.")


def edit(act: Act, incident_id: str, changes: Mapping[str, Any]) -> Incident:
    """Set title, description, severity, owner, team, entities (a list of texts) or fields.

    ``fields`` are values of custom fields as :meth:`.routing.custom_fields.CustomFields.checked`
    returns them; an empty value removes the field's value. Values that are already set are not
    written again.

    Raises:
        NotFound: there is no such incident.
        Invalid: an unknown field or severity, an empty title, or a text that is too long.
    """
    _check(changes)
    incident = timeline.current(act.stores, incident_id)
    for kind, data in _news(act.actor, incident, changes).items():
        timeline.append(act, incident_id, kind, data, act.part(kind))
    return timeline.refresh(act.stores, incident_id)


def already_applied(act: Act, incident_id: str, changes: Mapping[str, Any]) -> Optional[Incident]:
    """Return the incident if it already has all values that :func:`edit` would set; else None.

    A repeated request then gets the same answer as the first, whichever version the editor has
    seen.
    """
    incident = timeline.current(act.stores, incident_id)
    return None if _news(act.actor, incident, changes) else incident


def _news(actor: str, incident: Incident, changes: Mapping[str, Any]) -> Dict[str, Dict[str, Any]]:
    """Return the data of the entries to write for the changes, by entry kind."""
    seen = {
        name: show_hidden_characters(changes[name])
        for name in ("title", "description")
        if name in changes
    }
    if "owner" in changes:
        seen["owner"] = user_name(changes["owner"])
    changes = {**changes, **seen}
    now = incident.to_document()
    edited: Dict[str, Any] = {
        name: changes[name]
        for name in (*EDITABLE, "entities")
        if name in changes and changes[name] != now[name]
    }
    severity = changes.get("severity", incident.severity)
    is_other = severity != incident.severity
    risen = {"from": incident.severity, "to": severity, "reason": f"set by {actor}"}
    fields = _changed(incident.fields, changes.get("fields") or {})
    news = {"edited": edited, "severity": risen if is_other else {}, "fields": fields}
    return {kind: data for kind, data in news.items() if data}


def _changed(now: Mapping[str, str], wanted: Mapping[str, str]) -> Dict[str, Any]:
    """Return the data of a ``fields`` entry; empty if nothing changes."""
    new = {name: value for name, value in wanted.items() if value != now.get(name, "")}
    if not new:
        return {}
    data = {"set": new, "was": {name: now[name] for name in new if name in now}}
    # Searches can't list fields whose names they don't know, so the text describes the changes.
    return {**data, "text": describe_changes(data)}


def withdraw(act: Act, incident_id: str, reason: str = "") -> Incident:
    """Close an incident that should not have been opened. A repeat changes nothing."""
    incident = timeline.current(act.stores, incident_id)
    why = WITHDRAWN.lower()
    if incident.is_open:
        said = {"reason": why, "resolution": _resolution(reason)}
        data = {"from": incident.status, "to": "resolved", **said}
        incident = timeline.record(act, incident_id, "status", data)
    if incident.status != "closed":
        data = {"from": incident.status, "to": "closed", "reason": why}
        timeline.append(act, incident_id, "status", data)
    return timeline.refresh(act.stores, incident_id)


def resume_withdrawal(act: Act, incident_id: str, reason: str) -> Optional[Incident]:
    """Return the incident if :func:`withdraw` was done, or finish a cut-off one; else None."""
    incident = timeline.current(act.stores, incident_id)
    if incident.status == "closed":
        return incident
    is_begun = incident.status == "resolved" and incident.resolution == _resolution(reason)
    return withdraw(act, incident_id, reason) if is_begun else None


def _resolution(reason: str) -> str:
    return f"{WITHDRAWN}: {reason}" if reason else WITHDRAWN


def _check(changes: Mapping[str, Any]) -> None:
    for name in changes:
        if name not in FIELDS:
            raise Invalid(
                f"'{name}' is not a field that can be set; use one of {', '.join(FIELDS)}."
            )
    if "title" in changes and not changes["title"].strip():
        raise Invalid("'title' must not be empty.")
    if "severity" in changes and changes["severity"] not in SEVERITIES:
        raise Invalid(f"'{changes['severity']}' is not a severity; use {', '.join(SEVERITIES)}.")
    if len(changes.get("title", "")) > TITLE_CHARACTERS:
        raise Invalid(f"A title can have at most {TITLE_CHARACTERS} characters.")
    if len(changes.get("description", "")) > TEXT_CHARACTERS:
        raise Invalid(f"A description can have at most {TEXT_CHARACTERS} characters.")
