"""Conclude an analysis: check citations, ask the model if one is set up, reach and store a verdict.

This runs in the REST handler, as the investigation does, so that callers can't supply evidence or
scores of their own. Events are searched with the caller's rights. The model is asked and the
analysis is stored with the app's rights.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from ..incidents import timeline
from ..incidents.act import Act
from ..incidents.errors import IllegalMove
from ..incidents.stored_shapes import read_analysis
from ..incidents.stores import claim_document
from ..masking import mask
from ..ports import Clock, Collection, Searcher, Stores
from .budget import Budget
from .case import CULPRIT_SCORE
from .changes import PLACE_FIELDS, Change
from .citations import Checked, check, counts
from .earlier import earlier_cause
from .investigation import Found
from .llm import answer as model_answer
from .llm.briefing import Question, question
from .llm.calls import Calls, UsedUp
from .llm.model import Answer, Model, ModelUnavailable, request_hash
from .verdict import Verdict, confidence_of, reservation, verdict_of

__all__ = ["Conclusion", "analysis_id_of", "step_of"]

CLAIM_SECONDS = 3000.0
"""A launch that runs longer than this is dead: this exceeds everything that a launch waits for."""

MAX_ATTEMPTS = 3


def analysis_id_of(incident_id: str, sid: str) -> str:
    """Return the analysis's id. It is the same for each launch of the command by one search."""
    digest = hashlib.sha256(f"{incident_id}\0{sid}".encode()).hexdigest()
    return "ANA-" + digest[:10]


def step_of(claims: Collection, incident_id: str, sid: str) -> Optional[str]:
    """Return the current step of a search's analysis, None if no analysis is running."""
    key = analysis_id_of(incident_id, sid)
    for attempt in range(MAX_ATTEMPTS, 0, -1):
        taken = claims.get(_attempt(key, attempt))
        if taken is not None:
            return str(taken["value"].get("step") or "beginning")
    return None


def _attempt(key: str, number: int) -> str:
    return f"analysis:{key}:{number}"


@dataclass
class Conclusion:
    """Concludes analyses. ``model`` returns the model to ask, or raises ModelUnavailable.

    ``searcher`` has the caller's rights. ``everything`` has the app's rights. It is asked only for
    events that ``searcher`` found, and whether events that an earlier analysis cited still exist.
    """

    stores: Stores
    clock: Clock
    searcher: Searcher
    everything: Searcher
    model: Callable[[], Model]
    actor: str
    budget: Budget = field(default_factory=Budget)

    def conclude(
        self, incident: Mapping[str, Any], sid: str, find: Callable[[Callable[[str], None]], Found]
    ) -> Dict[str, Any]:
        """Return the stored analysis document, made now or by an earlier launch of the search.

        Args:
            sid: the search that requests the analysis.
            find: investigates. Only the launch that makes the analysis calls it, with a function
                that records each step (see :func:`step_of`).

        Raises:
            IllegalMove: another launch of the same search is making the analysis.
            NotFound: the incident has no entries.
        """
        incident_id = str(incident["id"])
        key = analysis_id_of(incident_id, sid)
        done = read_analysis(self.stores, key)
        if done is None:
            begun = self._claim(key)
            found = find(begun)
            begun("checking its citations, and asking the model if one is set up")
            done = self._make(key, incident, sid, found)
            self.stores.analyses.save([done])
        self._record_entry(done)
        return done

    def _claim(self, key: str) -> Callable[[str], None]:
        """Claim the work, so that two launches at once do not both ask the model.

        Returns a function that records the current step for callers who wait.
        """
        for attempt in range(1, MAX_ATTEMPTS + 1):
            now = self.clock.now()
            purpose = _attempt(key, attempt)
            taken = claim_document(purpose, now, holder=self.actor)
            if self.stores.claims.insert(taken):
                return lambda step: self.stores.claims.save([{**taken, "value": {"step": step}}])
            held = self.stores.claims.get(purpose) or {}
            if now - float(held.get("time") or now) < CLAIM_SECONDS:
                raise IllegalMove(
                    "Another run of this search is making its analysis. Read it in a minute with "
                    "GET /incidents/{id}/analysis."
                )
        raise IllegalMove(
            f"This search's analysis was started {MAX_ATTEMPTS} times and never finished. Run a "
            "new search."
        )

    def _make(
        self, key: str, incident: Mapping[str, Any], sid: str, found: Found
    ) -> Dict[str, Any]:
        hypotheses = [dict(hypothesis) for hypothesis in found.hypotheses]
        first = [citation for hypothesis in hypotheses for citation in hypothesis["citations"]]
        checked = check(found.citations, self.searcher, first=first, shared=self.everything)
        for hypothesis in hypotheses:
            _hold_to_the_event(hypothesis, checked)
        hypotheses.sort(key=lambda h: -h["score"])
        said, claims = self._ask(incident, found, hypotheses, checked)
        for rank, hypothesis in enumerate(hypotheses, 1):
            _finish(rank, hypothesis, checked)
        verdict, origin = self._with_the_earlier(str(incident["id"]), hypotheses)
        culprit = verdict.culprit
        for hypothesis in hypotheses:
            hypothesis["blamed"] = hypothesis is culprit
        told = counts(checked.citations)
        for status in (model_answer.REJECTED, model_answer.UNCHECKED):
            told[status] += sum(1 for claim in claims if claim["status"] == status)
        return {
            "_key": key,
            "incident_id": str(incident["id"]),
            "time": self.clock.now(),
            "actor": self.actor,
            "sid": sid,
            "onset": found.onset,
            "verdict": verdict.sentence + reservation(found.evidence),
            "cause": verdict.cause,
            "confidence": culprit.get("confidence", ""),
            "change_id": culprit.get("change_id", ""),
            "service": culprit.get("service", ""),
            "version": culprit.get("version", ""),
            "previous_version": culprit.get("previous_version", ""),
            "evidence": found.evidence,
            "citations": [_citation_document(c.to_document()) for c in checked.citations],
            "hypotheses": hypotheses,
            "claims": claims,
            "checked": told,
            "model": said,
            **({"kept_from": origin} if origin else {}),
        }

    def _with_the_earlier(
        self, incident_id: str, hypotheses: List[Dict[str, Any]]
    ) -> Tuple[Verdict, Dict[str, Any]]:
        """Return the verdict, including an earlier cause whose proof this caller may not read.

        If the earlier cause is at least as well founded, it becomes the first hypothesis, and its
        origin (who found it, and when) is returned, too.
        """
        verdict = verdict_of(hypotheses)
        earlier = earlier_cause(self.stores.analyses, incident_id)
        if earlier is None or not earlier.differs(verdict.culprit):
            return verdict, {}
        if not earlier.is_hidden_from(self.searcher, self.everything):
            return verdict, {}
        if not earlier.outweighs(verdict.culprit):
            return verdict._replace(sentence=verdict.sentence + earlier.remark()), {}
        hypotheses.insert(0, earlier.kept())
        for rank, hypothesis in enumerate(hypotheses, 1):
            hypothesis["rank"] = rank
        kept = verdict_of(hypotheses)
        sentence = f"{kept.sentence}{earlier.found_by()} Found now: {verdict.sentence}"
        return kept._replace(sentence=sentence), earlier.origin()

    def _ask(
        self,
        incident: Mapping[str, Any],
        found: Found,
        hypotheses: List[Dict[str, Any]],
        checked: Checked,
    ) -> Tuple[Dict[str, Any], List[Dict[str, Any]]]:
        """Ask the model and add its answer; return the report about the model and its claims."""
        try:
            model = self.model()
            asked = question(incident, found.evidence, hypotheses, checked, self.budget)
            digest = request_hash(model.model_id, asked)
            told = self._answered_before(str(incident["id"]), digest)
            if told is None:
                answer = self._asked(model, asked, str(incident["id"]))
                told = {
                    "asked": True,
                    "model_id": answer.model_id,
                    "input_tokens": answer.input_tokens,
                    "output_tokens": answer.output_tokens,
                    "seconds": round(answer.seconds, 3),
                    "request_sha256": digest,
                    "left_out": asked.left_out,
                    "answer": model_answer.bounded(answer.content, self.budget),
                }
        except (ModelUnavailable, UsedUp) as error:
            return {"asked": False, "detail": str(error)}, []
        content = told["answer"]
        fault = model_answer.summary_fault(content["summary"], hypotheses, checked)
        told["summary"] = model_answer.summary_shown(content["summary"], hypotheses, checked)
        claims = model_answer.apply(content, hypotheses, checked, self.budget)
        told["cause_found"] = content["cause_found"]
        told["detail"] = f"{told['model_id']} {model_answer.account_of(claims)}" + (
            f" Its summary is unreliable: {fault[0].lower()}{fault[1:]}" if fault else ""
        )
        return told, claims

    def _asked(self, model: Model, asked: Question, incident_id: str) -> Answer:
        """Ask the model, if its allowance lets us. Raises ModelUnavailable and UsedUp."""
        calls = Calls(self.stores.claims, model.allowance)
        places = calls.take(incident_id, self.clock.now())
        try:
            return model.ask(asked)
        except ModelUnavailable as error:
            if not error.charged:
                calls.give_back(places)
            raise

    def _answered_before(self, incident_id: str, digest: str) -> Optional[Dict[str, Any]]:
        """Return the stored answer of this model to the same question, so as not to pay twice."""
        query = {"incident_id": incident_id, "model.request_sha256": digest}
        for document in self.stores.analyses.find(query, sort="time:-1", limit=1):
            return {**document["model"], "reused": True}
        return None

    def _record_entry(self, analysis: Mapping[str, Any]) -> None:
        """Write the timeline entry; repeating it changes nothing."""
        incident_id = analysis["incident_id"]
        timeline.record(
            Act(self.stores, self.clock, self.actor),
            incident_id,
            "analysis",
            {
                "analysis_id": analysis["_key"],
                "verdict": analysis["verdict"],
                "cause": analysis["cause"],
                "confidence": analysis.get("confidence", ""),
                "hypotheses": len(analysis["hypotheses"]),
                "model": analysis["model"]["detail"],
                "claims": analysis["checked"],
            },
            once=f"analysis:{analysis['_key']}",
        )


def _hold_to_the_event(hypothesis: Dict[str, Any], checked: Checked) -> None:
    """Replace a hypothesis's statements about a change with those of the change event.

    Remediation takes its arguments from the hypothesis, so they must come from the event as it was
    just fetched.
    """
    if hypothesis["kind"] != "change":
        return
    told = [
        checked.changes[citation]
        for citation in hypothesis["citations"]
        if _can_prove(hypothesis, citation, checked)
    ]
    if not told:
        hypothesis["against"].append(_why_unproved(hypothesis, checked))
        hypothesis["score"] = min(hypothesis["score"], CULPRIT_SCORE / 2)
        return
    change = told[0]
    hypothesis.update(service=change.service, version=change.version)
    hypothesis.update({name: change.place.get(name, "") for name in PLACE_FIELDS})
    ranked = hypothesis["previous_version"]
    hypothesis["previous_version"] = change.previous_version or (
        ranked if _ran_before(ranked, change, checked) else ""
    )


def _why_unproved(hypothesis: Mapping[str, Any], checked: Checked) -> str:
    """Return why no change event proves a hypothesis: not searched for, or not found."""
    for citation in checked.citations:
        cited = citation.kind == "change" and citation.id in hypothesis["citations"]
        if cited and citation.status == "unchecked":
            return f"Its change event was not verified. {citation.reason}"
    return "Its change event could not be found again."


def _ran_before(version: str, change: Change, checked: Checked) -> bool:
    """Return whether a verified change event put this version in place before ``change``."""
    return bool(version) and any(
        other.replaced_by(change) == version for other in checked.changes.values()
    )


def _finish(rank: int, hypothesis: Dict[str, Any], checked: Checked) -> None:
    """Add the rank, the confidence and the full citations to a hypothesis."""
    by_id = {citation.id: citation for citation in checked.citations}
    cited = [by_id[citation_id] for citation_id in hypothesis["citations"] if citation_id in by_id]
    hypothesis["citations"] = [_citation_document(c.to_document()) for c in cited]
    hypothesis["verified"] = any(
        c.status == "verified" and _can_prove(hypothesis, c.id, checked) for c in cited
    )
    hypothesis["rank"] = rank
    hypothesis["confidence"] = confidence_of(hypothesis)


def _can_prove(hypothesis: Mapping[str, Any], citation_id: str, checked: Checked) -> bool:
    """Return whether a citation can prove a hypothesis; a change needs that change's own event."""
    if hypothesis["kind"] != "change":
        return True
    change = checked.changes.get(citation_id)
    return change is not None and change.change_id == hypothesis["change_id"]


def _citation_document(document: Dict[str, Any]) -> Dict[str, Any]:
    """Who had it searched may read the event; those who see the incident perhaps not."""
    quote = mask(str(document.get("quote", "")), emails=False)
    return {**document, "quote": quote, "verified": document.get("status") == "verified"}
