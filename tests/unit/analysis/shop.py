"""A shop whose pool was made too small, its incident, and a model that answers what a test says."""

from __future__ import annotations

import json

from incident_management.analysis.budget import Allowance
from incident_management.analysis.conclusion import Conclusion
from incident_management.analysis.investigation import investigate
from incident_management.analysis.llm.model import Answer, ModelUnavailable
from incident_management.incidents import timeline
from incident_management.incidents.act import Act
from tests.fakes.clock import ManualClock
from tests.fakes.stores import FakeStores
from tests.unit.analysis import scenario
from tests.unit.analysis.event_searcher import EventSearcher

NO_ACCOUNT = "No model was asked: no Bedrock account is configured."


class FakeModel:
    """Answers what the test prepared, and keeps what it was asked."""

    model_id = "test.model"

    def __init__(self, answer, **allowance):
        self.answer = answer
        self.allowance = Allowance(**allowance)
        self.asked = []

    def ask(self, question):
        self.asked.append(question)
        content = (
            self.answer(json.loads(question.document)) if callable(self.answer) else self.answer
        )
        return Answer(content, self.model_id, 100, 10, 0.5)


class Shop:
    def __init__(self):
        self.clock = ManualClock(scenario.START + 330)
        self.stores = FakeStores()
        self.searcher = scenario.searcher()
        self.everything = None
        self.incident = scenario.incident()
        opened = {
            "title": "t", "description": "", "severity": "high", "entities": ["orders"],
            "rule": "High Error Rate", "dedup_key": "d", "signals": {"s": 1}, "search": {},
            "first_time": scenario.START, "last_time": scenario.START + 1, "previous": "",
        }  # fmt: skip
        timeline.append(Act(self.stores, self.clock, "test"), self.incident["id"], "opened", opened)

    def find(self, begun=lambda step: None):
        return investigate(self.incident, self.searcher, self.clock, begun=begun).numbered()

    def conclude(self, model=None, found=None, searcher=None, sid="sid-1"):
        def no_model():
            raise ModelUnavailable(NO_ACCOUNT)

        conclusion = Conclusion(
            self.stores,
            self.clock,
            searcher or self.searcher,
            self.everything or searcher or self.searcher,
            (lambda: model) if model else no_model,
            "alice",
        )
        return conclusion.conclude(
            self.incident, sid, (lambda begun: found) if found else self.find
        )

    def release(self, second, change_id, service, version):
        """Add a deploy that says nothing of what it changed."""
        made = scenario.change(second, change_id, service, "deploy", "a release", version=version)
        known = self.searcher
        changes = [*known.changes, made]
        self.searcher = EventSearcher(known.logs, changes, known.topology)

    def kinds(self):
        return [entry.kind for entry in timeline.read(self.stores, self.incident["id"])]


def fair_answer(document):
    pool = next(e for e in document["events"] if "QueuePool" in e["text"])
    return {
        "summary": "The pool of orders was made too small.",
        "cause_found": True,
        "order": ["H1"],
        "claims": [
            {"text": "The pool holds one connection.", "citation_id": pool["id"],
             "quote": "QueuePool limit of size 1", "hypothesis_id": "H1", "stance": "for"},
            {"text": "The disk was full.", "citation_id": pool["id"],
             "quote": "No space left on device"},
            {"text": "Someone said so.", "citation_id": "C999", "quote": "QueuePool"},
        ],
        "hypotheses": [],
    }  # fmt: skip
