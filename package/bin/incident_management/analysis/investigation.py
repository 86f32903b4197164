"""Investigate an incident: run every evidence finder, then rank what they found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping

from ..ports import Clock, Searcher, SearchFailed
from ..splunk.searching import spl
from .budget import shorten
from .case import Case, Hypothesis
from .causes.ranking import rank_within
from .changes import PLACE_FIELDS
from .evidence import Citation, Finding, masked_line
from .finders import first_failure, new_errors, recent_changes, topology, volume
from .scope import Scope

__all__ = ["Found", "Investigation", "investigate"]

FINDERS = (topology, first_failure, new_errors, recent_changes, volume)
"""In this order: each may use what those before it found."""


LONGEST_TEXT = 2000
"""Characters that are kept of one sentence: a change may say anything of itself."""


RANKING_SECONDS = 30.0
"""For all changes together; 500 ordinary ones take less than five."""


@dataclass
class Found:
    """The result of an investigation, to conclude from and to store.

    Attributes:
        onset: epoch seconds.
        evidence: one document for each finding.
        hypotheses: the best first. Both name citations by their ids ``C1``, ``C2`` and so on.
    """

    onset: float
    evidence: List[Dict[str, Any]]
    hypotheses: List[Dict[str, Any]]
    citations: List[Citation]


@dataclass
class Investigation:
    """The findings, and the hypotheses ranked from them, the best first."""

    incident_id: str
    onset: float
    findings: List[Finding] = field(default_factory=list)
    hypotheses: List[Hypothesis] = field(default_factory=list)

    def numbered(self) -> Found:
        """Return the result with its citations numbered."""
        book = _CitationBook()
        evidence = [
            {**finding.to_document(), "citations": book.add(finding.citations)}
            for finding in self.findings
        ]
        hypotheses = [
            _hypothesis_document(place, hypothesis, book)
            for place, hypothesis in enumerate(self.hypotheses, 1)
        ]
        return Found(self.onset, evidence, hypotheses, book.citations)


def investigate(
    incident: Mapping[str, Any],
    searcher: Searcher,
    clock: Clock,
    begun: Callable[[str], None] = lambda _step: None,
) -> Investigation:
    """Gather evidence on an incident with the searcher's rights, and rank its causes.

    If a search of a finder fails or can't be written, its finding says so, and the other finders
    continue.

    Args:
        incident: the incident's document.
        begun: is called with the name of each step when it begins.
    """
    scope = Scope(incident, searcher, clock.now())
    findings = []
    for finder in FINDERS:
        begun(f"looking for {finder.LOOKS_FOR}")
        try:
            findings.append(finder.find(scope))
        except (SearchFailed, spl.Unsearchable) as error:
            findings.append(Finding(finder.NAME, finder.LOOKS_FOR, incomplete=[str(error)]))
    case = Case(
        onset=scope.onset,
        early_errors=scope.early_errors,
        entities=scope.entities,
        patterns=scope.patterns,
        failing=scope.failing,
        changes=scope.changes,
        depends_on=scope.depends_on,
        volume_ratio=scope.volume_ratio,
        ordinary_ratio=scope.ordinary_ratio,
        text=" ".join(str(incident.get(key) or "") for key in ("title", "description")),
    )
    hypotheses, left_out = rank_within(case, RANKING_SECONDS)
    if left_out:
        about = next(one for one in findings if one.finder == recent_changes.NAME)
        about.incomplete.append(
            f"{len(left_out)} of {len(case.changes)} changes were not judged, those with the most "
            f"text: {RANKING_SECONDS:.0f} seconds were over. The first is {left_out[0].label()}."
        )
    return Investigation(str(incident.get("id", "")), scope.onset, findings, hypotheses)


class _CitationBook:
    """Numbers citations; equal ones get the same number."""

    def __init__(self) -> None:
        self.citations: List[Citation] = []
        self._ids: Dict[str, str] = {}

    def add(self, citations: List[Citation]) -> List[str]:
        ids = []
        for citation in citations:
            key = citation.identity()
            if key not in self._ids:
                self._ids[key] = citation.id = f"C{len(self.citations) + 1}"
                self.citations.append(citation)
            ids.append(self._ids[key])
        return ids


def _hypothesis_document(place: int, hypothesis: Hypothesis, book: _CitationBook) -> Dict[str, Any]:
    return {
        "id": f"H{place}",
        "rank": place,
        "kind": hypothesis.kind,
        "cause": _sentence(hypothesis.cause),
        "score": hypothesis.score,
        "for": [_sentence(reason) for reason in hypothesis.reasons_for],
        "against": [_sentence(reason) for reason in hypothesis.reasons_against],
        "citations": book.add(hypothesis.citations),
        "change_id": hypothesis.change_id,
        "change_kind": hypothesis.change_kind,
        "service": hypothesis.service,
        "version": hypothesis.version,
        "previous_version": hypothesis.previous_version,
        **{name: hypothesis.place.get(name, "") for name in PLACE_FIELDS},
        "advice": hypothesis.advice,
        "source": hypothesis.source,
        "near": hypothesis.near,
    }


def _sentence(text: str) -> str:
    return shorten(masked_line(text), LONGEST_TEXT)
