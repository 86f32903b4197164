"""Apply a model's answer: check each claim, add its hypotheses, let it change the order a little.

Code limits the influence of the model. It can't remove evidence or a hypothesis, change a score,
name a change that no event reported, or make one of its own hypotheses the culprit. So a log line
that manipulates the model only produces a claim that is shown as rejected.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, Dict, List, Mapping, Sequence

from ..budget import Budget, shorten
from ..citations import Checked, holds_quote
from ..evidence import masked_line
from .claims import QUOTED, REJECTED, UNCHECKED
from .support import Evidence

__all__ = [
    "QUOTED",
    "REJECTED",
    "UNCHECKED",
    "account_of",
    "apply",
    "bounded",
    "summary_fault",
    "summary_shown",
]

ORDER_BONUS = 0.05
"""The most that a model's order can add to a hypothesis when sorting, in score."""

MODEL_SCORE = 0.3
"""Score of a hypothesis that the model alone brings up: listed, never blamed."""

MAX_NEW_HYPOTHESES = 5
LONGEST_QUOTE = 400
_ID = re.compile(r"[A-Za-z]{1,4}\d{1,6}")
NO_QUOTE = "None of its claims has a quote that supports it."
NOT_CHECKED = "Its quotes were found, but code can't check what it claims."


def summary_fault(summary: str, hypotheses: Sequence[Mapping[str, Any]], checked: Checked) -> str:
    """Return, as a sentence, what a summary names that the evidence does not hold; "" for nothing.

    ``hypotheses`` are those of the ranking, because a model's own statements prove nothing.
    """
    return Evidence(checked, hypotheses).fault_of_names(summary)


def summary_shown(summary: str, hypotheses: Sequence[Mapping[str, Any]], checked: Checked) -> str:
    """Return the text that people see of a summary, see :meth:`.support.Evidence.shown`."""
    return Evidence(checked, hypotheses).shown(summary)


def apply(
    content: Mapping[str, Any], hypotheses: List[Dict[str, Any]], checked: Checked, budget: Budget
) -> List[Dict[str, Any]]:
    """Add the answer's claims and hypotheses to ``hypotheses``, reorder them, and return all
    claims.

    Malformed parts of the answer are left out.
    """
    known = {hypothesis["id"]: hypothesis for hypothesis in hypotheses}
    evidence = Evidence(checked, hypotheses)
    claims = [
        _checked_claim(claim, checked, evidence, budget)
        for claim in _different(content.get("claims"))[: budget.answer_claims]
    ]
    for claim in claims:
        hypothesis = known.get(claim["hypothesis_id"])
        if hypothesis is not None:
            hypothesis.setdefault("claims", []).append(claim)
    added = _new_hypotheses(content, checked, evidence, budget)
    hypotheses.extend(added)
    _reorder(content.get("order"), hypotheses)
    return claims + [claim for hypothesis in added for claim in hypothesis["claims"]]


def _checked_claim(
    claim: Mapping[str, Any], checked: Checked, evidence: Evidence, budget: Budget
) -> Dict[str, Any]:
    citation_id, quote = _id(claim.get("citation_id")), _text(claim.get("quote"), LONGEST_QUOTE)
    text = _text(claim.get("text"), budget.answer_characters)
    event = checked.events.get(citation_id)
    doubt = ""
    if event is None or not checked.is_verified(citation_id):
        reason = f"It cites {citation_id or 'nothing'}, which is no event of the evidence."
    elif not holds_quote(event.raw, quote):
        reason = f"Its quote is not in {citation_id}."
    else:
        reason = evidence.fault_of_quote(quote) or evidence.fault_of_text(text, event)
        doubt = "" if reason else evidence.doubt_of_text(text, quote, event)
    stance = claim.get("stance")
    return {
        "text": evidence.shown(text),
        "citation_id": citation_id,
        "quote": masked_line(quote),
        "hypothesis_id": _id(claim.get("hypothesis_id")),
        "stance": stance if stance in ("for", "against") else "",
        "status": REJECTED if reason else UNCHECKED if doubt else QUOTED,
        "reason": reason or doubt,
        "source": "model",
    }


def _new_hypotheses(
    content: Mapping[str, Any], checked: Checked, evidence: Evidence, budget: Budget
) -> List[Dict[str, Any]]:
    added = []
    causes = _different(content.get("hypotheses"), "cause")[:MAX_NEW_HYPOTHESES]
    for place, document in enumerate(causes, 1):
        claims = [
            _checked_claim(claim, checked, evidence, budget)
            for claim in _different(document.get("claims"))[: budget.cause_claims]
        ]
        cause = _text(document.get("cause"), budget.answer_characters)
        if not cause:
            continue
        fault = evidence.fault_of_names(cause)
        quoted = [] if fault else [claim for claim in claims if claim["status"] == QUOTED]
        added.append(
            {
                "id": f"M{place}",
                "kind": "model",
                "cause": evidence.shown(cause),
                "score": MODEL_SCORE if quoted else 0.0,
                "for": [claim["text"] for claim in quoted],
                "against": [] if quoted else [fault or _why_unsupported(claims)],
                "citations": list(dict.fromkeys(claim["citation_id"] for claim in quoted)),
                "claims": claims,
                "source": "model",
            }
        )
    return added


def _why_unsupported(claims: Sequence[Mapping[str, Any]]) -> str:
    return NOT_CHECKED if any(one["status"] == UNCHECKED for one in claims) else NO_QUOTE


def account_of(claims: Sequence[Mapping[str, Any]]) -> str:
    """Return one sentence with the number of claims by result."""
    if not claims:
        return "made no claims."
    many = "1 claim" if len(claims) == 1 else f"{len(claims)} claims"
    count = Counter(claim["status"] for claim in claims)
    return (
        f"made {many}: {count[QUOTED]} quote found, {count[UNCHECKED]} not checked, "
        f"{count[REJECTED]} rejected."
    )


def _reorder(order: Any, hypotheses: List[Dict[str, Any]]) -> None:
    """Sort by score plus a small bonus for the hypotheses that the model puts first, with a
    quote.
    """
    wanted: Sequence[Any] = order if isinstance(order, list) else []
    places = {_id(item): place for place, item in enumerate(wanted)}

    def weight(hypothesis: Mapping[str, Any]) -> float:
        backed = any(
            claim["status"] == QUOTED and claim["stance"] == "for"
            for claim in hypothesis.get("claims", [])
        )
        place = places.get(hypothesis["id"])
        bonus = ORDER_BONUS / (1 + place) if backed and place is not None else 0.0
        return float(hypothesis["score"]) + bonus

    hypotheses.sort(key=weight, reverse=True)


def bounded(content: Mapping[str, Any], budget: Budget) -> Dict[str, Any]:
    """Return the known parts of an answer, each cut to its limit, to be used and stored."""
    order, longest = content.get("order"), budget.answer_characters
    wanted = order[:20] if isinstance(order, list) else []
    return {
        "summary": _text(content.get("summary"), longest),
        "cause_found": content.get("cause_found") is not False,
        "order": [_id(one) for one in wanted],
        "claims": _bounded_claims(content.get("claims"), budget.answer_claims, longest),
        "hypotheses": [
            {
                "cause": _text(one.get("cause"), longest),
                "claims": _bounded_claims(one.get("claims"), budget.cause_claims, longest),
            }
            for one in _objects(content.get("hypotheses"))[:MAX_NEW_HYPOTHESES]
        ],
    }


def _bounded_claims(value: Any, most: int, longest: int) -> List[Dict[str, str]]:
    return [
        {
            "text": _text(claim.get("text"), longest),
            "citation_id": _id(claim.get("citation_id")),
            "quote": _text(claim.get("quote"), LONGEST_QUOTE),
            "hypothesis_id": _id(claim.get("hypothesis_id")),
            "stance": _text(claim.get("stance"), 10),
        }
        for claim in _different(value)[:most]
    ]


def _different(value: Any, name: str = "") -> List[Mapping[str, Any]]:
    """Return the objects of a list without repetitions; ``by`` one of their values if it is
    named.
    """
    found: Dict[str, Mapping[str, Any]] = {}
    for item in _objects(value):
        found.setdefault(repr(item.get(name) if name else sorted(item.items(), key=repr)), item)
    return list(found.values())


def _objects(value: Any) -> List[Mapping[str, Any]]:
    """Return the objects of a list, and none if it is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: Any, limit: int) -> str:
    return shorten(value, limit) if isinstance(value, str) else ""


def _id(value: Any) -> str:
    """Return the id of a citation or a hypothesis, or "" if it does not look like one."""
    return value if isinstance(value, str) and _ID.fullmatch(value) else ""
