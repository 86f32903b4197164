"""Decide which cause is blamed, with which confidence, and what the evidence may lack."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, NamedTuple, Sequence

from ..masking import mask
from .budget import shorten
from .case import CULPRIT_SCORE, ONLY_NEAR

__all__ = ["Verdict", "confidence_of", "reservation", "verdict_of"]

NO_CAUSE = "No cause in this evidence."
LONGEST_REASON = 300
SUSPECTED = "suspected for its time and place alone"


class Verdict(NamedTuple):
    """The result of an analysis.

    Attributes:
        culprit: the blamed hypothesis, {} for none.
        cause: the text that is shown wherever the incident is.
        sentence: the whole verdict.
    """

    culprit: Dict[str, Any]
    cause: str
    sentence: str


def confidence_of(hypothesis: Mapping[str, Any]) -> str:
    """Return ``high``, ``medium`` or ``low``; low means not proved, or only near in time and
    place.
    """
    if not hypothesis["verified"] or hypothesis["score"] < CULPRIT_SCORE:
        return "low"
    if ONLY_NEAR in hypothesis["against"]:
        return "low"
    return "high" if hypothesis["score"] >= 0.75 else "medium"


def verdict_of(hypotheses: Sequence[Dict[str, Any]]) -> Verdict:
    """Blame the best of the finished hypotheses, if it is good enough and proved."""
    for hypothesis in hypotheses:
        if hypothesis["source"] != "ranking" or hypothesis["score"] < CULPRIT_SCORE:
            continue
        if not hypothesis["verified"]:
            continue
        cause = hypothesis["cause"].rstrip(".")
        if ONLY_NEAR in hypothesis["against"]:
            said = f"Not proved, but check this first (low confidence): {cause}. {ONLY_NEAR}"
            return Verdict(hypothesis, f"{cause} ({SUSPECTED})", said)
        said = f"Most likely cause ({hypothesis['confidence']} confidence): {cause}."
        said += _why(hypothesis)
        advice = f" {hypothesis['advice']}" if hypothesis.get("advice") else ""
        # Beside a confident verdict, a lead would only distract.
        lead = "" if hypothesis["confidence"] == "high" else _lead(hypotheses)
        return Verdict(hypothesis, hypothesis["cause"], said + advice + lead)
    return Verdict({}, "", NO_CAUSE + _lead(hypotheses))


def _why(hypothesis: Mapping[str, Any]) -> str:
    """Return what connects a change to the errors, and when it came."""
    if hypothesis["kind"] != "change":
        return ""
    came = [reason for reason in hypothesis["for"] if reason.startswith("It came")]
    ties = [reason for reason in hypothesis["for"] if "he errors " in reason and ": " in reason]
    return "".join(f" {shorten(reason, LONGEST_REASON)}" for reason in [*ties[:1], *came])


def _lead(hypotheses: Sequence[Mapping[str, Any]]) -> str:
    """Name the nearest change without visible content: it is no cause, but worth a look."""
    for hypothesis in hypotheses:
        if hypothesis.get("near") and hypothesis["verified"]:
            when = hypothesis["for"][0] if hypothesis["for"] else ""
            return f" Also check: {hypothesis['cause'].rstrip('.')}. {when} {ONLY_NEAR}"
    return ""


def reservation(evidence: List[Dict[str, Any]]) -> str:
    """Return what the evidence may lack, as the end of a verdict; "" if nothing is known to be
    missing.
    """
    reasons = list(dict.fromkeys(reason for part in evidence for reason in part["incomplete"]))
    if not reasons:
        return ""
    more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
    return f" The evidence may be incomplete: {shorten(mask(reasons[0]), 300)}{more}"
