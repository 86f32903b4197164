"""Implement ``| aianalyze``: request an analysis from the REST handler and return it as rows."""

from __future__ import annotations

import re
import time
from typing import Any, Callable, Dict, Iterator, Mapping, Sequence

from ..splunk.session import API, Session, SplunkError, path_of
from ..utc import to_the_second
from .budget import shorten
from .llm.claims import QUOTED, UNCHECKED

__all__ = ["FIELDS", "AnalysisFailed", "analyze", "rows"]

INCIDENT_ID = re.compile(r"INC-\d{8}-[0-9A-Z]{4,12}")

FIELDS = (
    "row", "rank", "cause", "confidence", "score", "for", "against", "citations", "detail",
    "verified", "source", "change_id", "service", "version", "previous_version", "incident",
    "analysis_id",
)  # fmt: skip
"""Columns of every row, in order. ``row`` is ``verdict`` or ``hypothesis``."""

MOST_FOUND, LONGEST_FOUND = 5, 300
"""Sentences of each finder in the verdict's row, and characters of one; the pages have all."""
BUSY_TRIES = 120
BUSY_PAUSE_SECONDS = 5.0
"""Another launch of the same search is at it: wait for it instead of paying twice. Its searches and
the model may take ten minutes."""


class AnalysisFailed(Exception):
    """The analysis failed; the text is one sentence for the user who ran the search."""


def analyze(
    incident_id: str, session: Session, sid: str, sleep: Callable[[float], None] = time.sleep
) -> Dict[str, Any]:
    """Analyse an incident with the rights of the session, and return the stored analysis.

    ``sid`` names the search that this is part of: calling twice for one ``sid`` gives one analysis.

    Raises:
        AnalysisFailed: no such incident, a missing capability, or splunkd can't be reached.
    """
    if not INCIDENT_ID.fullmatch(incident_id.upper()):
        raise AnalysisFailed(
            f"'{incident_id[:60]}' is not an incident's id; it looks like INC-20260131-A1B2C3."
        )
    path = f"{API}/incidents/{path_of(incident_id.upper())}/analysis"
    for _ in range(BUSY_TRIES):
        try:
            result: Dict[str, Any] = session.post(path, json_body={"sid": sid})
            return result
        except SplunkError as error:
            if error.status != 409:
                raise AnalysisFailed(error.message) from error
        sleep(BUSY_PAUSE_SECONDS)
    raise AnalysisFailed(
        "Another run of this search is still analysing the incident. Try again later."
    )


def rows(analysis: Mapping[str, Any]) -> Iterator[Dict[str, Any]]:
    """Yield the verdict's row, then one row a hypothesis, each with all of :data:`FIELDS`."""
    citations = analysis["citations"]
    model = analysis["model"]
    yield _row(
        analysis,
        row="verdict",
        cause=analysis["verdict"],
        confidence=analysis.get("confidence", ""),
        change_id=analysis["change_id"],
        service=analysis["service"],
        version=analysis["version"],
        previous_version=analysis["previous_version"],
        source=model.get("model_id") or "ranking",
        verified=f"{sum(map(_is_verified, citations))} of {len(citations)}",
        detail=list(_details(analysis)),
    )
    for hypothesis in analysis["hypotheses"]:
        yield _row(
            analysis,
            row="hypothesis",
            **{
                key: hypothesis.get(key, "")
                for key in ("rank", "cause", "change_id", "service", "version", "previous_version",
                            "confidence", "for", "against", "source")
            },
            score=f"{hypothesis['score']:.2f}",
            verified=_state(hypothesis),
            citations=[_citation(citation) for citation in hypothesis["citations"]],
            detail=[_claim(claim) for claim in hypothesis.get("claims", [])],
        )  # fmt: skip


def _details(analysis: Mapping[str, Any]) -> Iterator[str]:
    """Yield the next step, the model's answer, and what was found and not found."""
    evidence = analysis.get("evidence", ())
    failures: Sequence[str] = next(
        (f["found"] for f in evidence if f["finder"] == "first_failure"), []
    )
    if failures and analysis.get("onset"):
        yield f"Began {to_the_second(analysis['onset'])}. {shorten(failures[0], LONGEST_FOUND)}"
    yield f"Next: {_next(analysis)}"
    model = analysis["model"]
    yield model["detail"]
    if model.get("summary"):
        yield f"Model summary (not checked): {model['summary']}"
    for heading, part in (("Found", "found"), ("Not found", "not_found")):
        for finding in evidence:
            for said in finding[part][:MOST_FOUND]:
                if said not in failures[:1]:
                    yield f"{heading}: {shorten(said, LONGEST_FOUND)}"


def _next(analysis: Mapping[str, Any]) -> str:
    """Return the next step as one sentence."""
    change, fix = analysis["change_id"], f"| remediate incident={analysis['incident_id']}"
    if change and analysis.get("confidence") == "low":
        return f"ask the author of {change} before you roll it back; {fix} proposes a fix."
    if change:
        return f"{fix} proposes a fix."
    advice = [h.get("advice") for h in analysis["hypotheses"] if h.get("blamed")]
    if advice and advice[0]:
        return str(advice[0])
    return (
        "read what was logged right before the errors began, and ask the owners of the services "
        "that these depend on. Changes that are not indexed are unknown here."
    )


def _is_verified(citation: Mapping[str, Any]) -> bool:
    return citation.get("status") == "verified"


def _row(analysis: Mapping[str, Any], **values: Any) -> Dict[str, Any]:
    row: Dict[str, Any] = dict.fromkeys(FIELDS, "")
    row.update(incident=analysis["incident_id"], analysis_id=analysis["_key"], **values)
    return row


def _state(hypothesis: Mapping[str, Any]) -> str:
    """Return a hypothesis's state. Of a model's hypothesis, code can only verify the quotes."""
    found = "quote found" if hypothesis["source"] == "model" else "yes"
    return found if hypothesis["verified"] else "no"


def _citation(citation: Mapping[str, Any]) -> str:
    status = citation.get("status", "unchecked")
    state = status if status == "verified" else f"{status}: {citation.get('reason', '')}"
    return f"{citation.get('id', '')} ({state}) {citation.get('quote', '')}"


def _claim(claim: Mapping[str, Any]) -> str:
    states = {QUOTED: "quote found", UNCHECKED: f"not checked: {claim['reason']}"}
    state = states.get(claim["status"], f"rejected: {claim['reason']}")
    return f"{claim['text']} [{claim['citation_id']}, {state}]"
