"""Read the body of ``POST /incidents/{id}/analysis``: what an investigation found.

The body was made by this app's command, but with the rights of a person, who could have written it
by hand. So every field is checked here, and nothing in it is believed before its citations are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping

from ..incidents.errors import Invalid
from .evidence import Citation

__all__ = ["Submission", "read"]

MAX_CITATIONS = 200
MAX_FINDINGS = 30
MAX_HYPOTHESES = 20
MAX_SENTENCES = 50
LONGEST_TEXT = 2000

_TEXTS = (
    "id", "kind", "cause", "change_id", "change_kind", "service", "version", "previous_version",
    "advice",
)  # fmt: skip


@dataclass
class Submission:
    """A checked body. ``sid`` is the search that investigated; ``onset`` is epoch seconds."""

    sid: str
    onset: float
    evidence: List[Dict[str, Any]]
    hypotheses: List[Dict[str, Any]]
    citations: List[Citation]


def read(body: Mapping[str, Any]) -> Submission:
    """Check a body. Raises Invalid with one sentence that names the field."""
    citations = []
    for document in _objects(body, "citations", MAX_CITATIONS):
        try:
            citations.append(Citation.from_document(document))
        except ValueError as error:
            raise Invalid(str(error)) from error
    ids = [citation.id for citation in citations]
    if not all(ids) or len(set(ids)) != len(ids):
        raise Invalid("Each citation needs an id of its own.")
    sid = body.get("sid")
    if not isinstance(sid, str) or not 0 < len(sid) <= 300:
        raise Invalid("The field 'sid' must name the search that investigated.")
    return Submission(
        sid=sid,
        onset=_number(body, "onset"),
        evidence=[_finding(f) for f in _objects(body, "evidence", MAX_FINDINGS)],
        hypotheses=[_hypothesis(h, ids) for h in _objects(body, "hypotheses", MAX_HYPOTHESES)],
        citations=citations,
    )


def _finding(document: Mapping[str, Any]) -> Dict[str, Any]:
    finding: Dict[str, Any] = {
        key: _text(document, key, LONGEST_TEXT) for key in ("finder", "looked_for")
    }
    for key in ("found", "not_found", "incomplete", "searches", "citations"):
        finding[key] = _texts(document, key)
    return finding


def _hypothesis(document: Mapping[str, Any], citation_ids: List[str]) -> Dict[str, Any]:
    hypothesis: Dict[str, Any] = {key: _text(document, key, LONGEST_TEXT) for key in _TEXTS}
    if not hypothesis["id"] or hypothesis["kind"] not in ("change", "condition"):
        raise Invalid("A hypothesis needs an id, and the kind change or condition.")
    hypothesis["score"] = min(1.0, max(0.0, _number(document, "score")))
    for key in ("for", "against"):
        hypothesis[key] = _texts(document, key)
    hypothesis["citations"] = [c for c in _texts(document, "citations") if c in citation_ids]
    hypothesis["source"] = "ranking"
    return hypothesis


def _objects(body: Mapping[str, Any], name: str, most: int) -> List[Mapping[str, Any]]:
    value = body.get(name)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Invalid(f"The field '{name}' must be a list of objects.")
    if len(value) > most:
        raise Invalid(f"The field '{name}' may hold at most {most} objects.")
    return value


def _text(document: Mapping[str, Any], name: str, longest: int) -> str:
    value = document.get(name, "")
    if not isinstance(value, str) or len(value) > longest:
        raise Invalid(f"The field '{name}' must be a text of at most {longest} characters.")
    return value


def _texts(document: Mapping[str, Any], name: str) -> List[str]:
    value = document.get(name, [])
    if (
        not isinstance(value, list)
        or len(value) > MAX_SENTENCES
        or not all(isinstance(item, str) for item in value)
    ):
        raise Invalid(f"The field '{name}' must be a list of at most {MAX_SENTENCES} texts.")
    return [item[:LONGEST_TEXT] for item in value]


def _number(document: Mapping[str, Any], name: str) -> float:
    value = document.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
        raise Invalid(f"The field '{name}' must be a number.")
    return float(value)
