"""Builds the first message of an incident's thread in Slack from the incident's current state.

The message keeps its original subject and text. Severity, owner, status, the likely cause and the
last change's author are current.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, List, Mapping, Optional, Sequence

from ..incidents import timeline
from ..incidents.model import ENDED, Entry
from ..incidents.stored_shapes import read_analysis
from ..ports import Document, Stores
from .events import event_of
from .message import (
    STANDING,
    TITLE_LENGTH,
    Message,
    build,
    fields_of,
    one_line,
    plain,
    roles_text,
)

__all__ = ["Marks", "current_message", "marks_of", "newest_analysis", "newest_analysis_id"]

# Events that an incident's current state follows from.
_OPEN = ("opened", "reopened", "acknowledged", "status", "severity")

Marks = List[str]


def marks_of(document: Mapping[str, Any], shown: Sequence[Sequence[str]] = ()) -> Marks:
    """Return the changeable values that a first message shows of an incident.

    The result is the same for an incident's document and for a message's that was made of it. Of a
    document's custom fields those in ``shown`` count (as in :func:`.message.build`).
    """
    known = document.get("fields") or []
    fields = fields_of(document, shown) if isinstance(known, dict) else known
    return [
        one_line(document.get("title"), TITLE_LENGTH),
        *(str(document.get(name) or "") for name in ("severity", "status")),
        *(plain(document.get(name), 80) for name in ("team", "owner")),
        plain(document.get("cause"), 500),
        # Earlier versions stored no fields.
        *(f"{name}={value}" for name, _label, value in sorted(fields) if value),
        # Nothing if there are none, as in documents from before there were roles.
        *filter(None, [roles_text(document.get("roles"))]),
    ]


def newest_analysis_id(entries: Sequence[Entry]) -> str:
    """Return the id of the last analysis on an incident's timeline; "" if there is none."""
    named = (one.data.get("analysis_id") for one in reversed(entries) if one.kind == "analysis")
    return str(next(named, None) or "")


def newest_analysis(stores: Stores, entries: Sequence[Entry]) -> Optional[Document]:
    """Return the last analysis on an incident's timeline, if its document exists."""
    return read_analysis(stores, newest_analysis_id(entries))


def current_message(
    incident: Mapping[str, Any],
    entries: Sequence[Entry],
    first: Mapping[str, Any],
    analysis: Optional[Document],
    web_url: str,
) -> Message:
    """Return the first message with the incident's current state.

    Args:
        incident: the incident's document, and ``entries`` its timeline.
        first: the message as it was sent, with the ``fields`` to show.
        analysis: the newest analysis, if there is one.
        web_url: base URL of Splunk Web, for the link.
    """
    known = [entry.to_document() for entry in timeline.effective(entries)]
    is_over = incident["status"] in ENDED
    turns = [entry for entry in known if event_of(entry) in (ENDED if is_over else _OPEN)]
    shown = first.get("fields") or ()
    told = [
        build(incident, entry, analysis, web_url, shown)
        for entry in [*_taken(known)[-1:], *turns[-1:]]
    ]
    now = told[-1] if told else Message.from_document(first)
    texts = [str(first.get("text") or ""), now.text if is_over else ""]
    return replace(
        now,
        event=STANDING,
        headline=" · ".join(dict.fromkeys(message.headline for message in told)),
        text="\n".join(dict.fromkeys(text for text in texts if text)),
    )


def _taken(entries: Sequence[Document]) -> List[Document]:
    """Return the acknowledgements since the last opening: they stay visible after later events."""
    taken: List[Document] = []
    for entry in entries:
        event = event_of(entry)
        if event == "reopened":
            taken.clear()
        elif event == "acknowledged":
            taken.append(entry)
    return taken
