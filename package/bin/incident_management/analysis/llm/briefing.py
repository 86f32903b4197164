"""Build the question to the model: evidence as one JSON document, masked and within the budget."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence

from ...masking import mask
from ..budget import Budget, shorten
from ..citations import Checked
from ..evidence import READ_LIMIT, visible

__all__ = ["ANSWER_SCHEMA", "TOOL", "Question", "question"]

TOOL = "report_analysis"
SENTENCE = 500
"""Longest text of a finding, a hypothesis or the incident, in characters."""
PROMPTS = Path(__file__).resolve().parent / "prompts"

_CLAIM = {
    "type": "object",
    "properties": {
        "text": {"type": "string", "description": "One statement of fact."},
        "citation_id": {"type": "string", "description": "Id of one event, such as C3."},
        "quote": {"type": "string", "description": "Copied from that event's text."},
        "hypothesis_id": {"type": "string", "description": "Such as H1, when it bears on one."},
        "stance": {"type": "string", "enum": ["for", "against"]},
    },
    "required": ["text", "citation_id", "quote"],
}

ANSWER_SCHEMA: Dict[str, Any] = {
    "type": "object",
    "properties": {
        "summary": {"type": "string"},
        "cause_found": {"type": "boolean"},
        "order": {"type": "array", "items": {"type": "string"}},
        "claims": {"type": "array", "items": _CLAIM},
        "hypotheses": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "cause": {"type": "string"},
                    "claims": {"type": "array", "items": _CLAIM},
                },
                "required": ["cause", "claims"],
            },
        },
    },
    "required": ["summary", "cause_found", "order", "claims", "hypotheses"],
}
"""JSON schema of the tool's input, which is the model's answer."""


@dataclass(frozen=True)
class Question:
    """The system text and the document to send; ``left_out`` counts events beyond the budget."""

    system: str
    document: str
    left_out: int


def question(
    incident: Mapping[str, Any],
    evidence: Sequence[Mapping[str, Any]],
    hypotheses: Sequence[Mapping[str, Any]],
    checked: Checked,
    budget: Budget,
) -> Question:
    """Build the question from verified evidence; events that were not found again are not sent."""
    document: Dict[str, Any] = {
        "incident": {
            key: _clean(incident.get(key), SENTENCE)
            for key in ("id", "title", "description", "severity", "entities")
        },
        "evidence": [
            {key: _clean(f.get(key), SENTENCE) for key in ("looked_for", "found", "not_found")}
            for f in evidence
        ],
        "hypotheses": [
            {
                key: _clean(h.get(key), SENTENCE)
                for key in ("id", "cause", "score", "for", "against")
            }
            for h in hypotheses[: budget.hypotheses]
        ],
        "events": [],
    }
    _fit(document, budget.characters // 2)
    room = budget.characters - _size(document)
    events = _events(checked, budget)
    for event in events:
        room -= _size(event)
        if room < 0 or len(document["events"]) >= budget.events:
            break
        document["events"].append(event)
    system = (PROMPTS / "investigate.md").read_text(encoding="utf-8")
    return Question(system, _text(document), len(events) - len(document["events"]))


def _text(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False)


def _size(document: Any) -> int:
    return len(_text(document)) + 2


def _fit(document: Dict[str, Any], characters: int) -> None:
    """Leave out the last findings, then the weakest hypotheses, until the document fits."""
    for part in ("evidence", "hypotheses"):
        while _size(document) > characters and document[part]:
            document[part].pop()


def _events(checked: Checked, budget: Budget) -> List[Dict[str, Any]]:
    found = []
    for citation in checked.citations:
        event = checked.events.get(citation.id)
        if event is None or citation.status != "verified":
            continue
        found.append(
            {
                "id": citation.id,
                "kind": citation.kind,
                "time": datetime.fromtimestamp(event.time, timezone.utc).isoformat(),
                "entity": mask(visible(event.entity)),
                "text": shorten(_masked(event.raw), budget.event_characters),
            }
        )
    return found


def _masked(raw: str) -> str:
    """Mask an event; of a very long one only the beginning and the end, more is never sent."""
    if len(raw) <= 2 * READ_LIMIT:
        return mask(visible(raw))
    return mask(visible(raw[:READ_LIMIT])) + mask(visible(raw[-READ_LIMIT:]))


def _clean(value: Any, longest: int) -> Any:
    """Mask and shorten a value and everything in it."""
    if isinstance(value, str):
        return shorten(mask(visible(value)), longest)
    if isinstance(value, (list, tuple)):
        return [_clean(item, longest) for item in value[:20]]
    return value if isinstance(value, (int, float, bool)) else None
