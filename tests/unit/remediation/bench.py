"""An incident with an analysis, a service that runs a bad change, and everything that can fail."""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, List, Optional, Set, Tuple

from incident_management.incidents import timeline
from incident_management.incidents.act import Act
from incident_management.ports import SearchFailed
from incident_management.remediation.catalogue import Catalogue
from incident_management.remediation.context import Context
from incident_management.remediation.executors.executor import ExecutorError, Outcome
from incident_management.remediation.raising_search import CannotJudge, Grid, Rerun
from incident_management.remediation.verify import Verifier
from tests.fakes import FakeSearcher, FakeStores, ManualClock

INCIDENT = "INC-20260101-AAAAAA"

STANZAS = {
    "rollback_change": {
        "label": "Roll back the change",
        "executor": "deploy_api",
        "argument.service": "$analysis.service$",
        "argument.service.type": "name",
        "argument.change_id": "$analysis.change_id$",
        "argument.change_id.type": "name",
        "argument.to_version": "$analysis.previous_version$",
        "argument.to_version.type": "version",
        "preconditions": "runs_the_change, returns_to_previous, not_there_yet",
        "blast_radius": "$service$ restarts with $to_version$.",
        "inverse": "reapply_change",
        "cooldown": "30m",
        "approval_ttl": "30m",
        "verify_delay": "15s",
        "verify_window": "60s",
        "verify_limit": "10m",
        "min_samples": "10",
    },
    "reapply_change": {
        "label": "Put the change back",
        "executor": "deploy_api",
        "inverse_only": "1",
        "argument.service": "$plan.service$",
        "argument.change_id": "$result.change_id$",
        "argument.to_version": "$before.version$",
        "argument.to_version.type": "version",
        "preconditions": "runs_the_change, not_there_yet",
        "blast_radius": "$service$ restarts.",
    },
}


class Crash(BaseException):
    """The process is killed here."""


class FakeDeployApi:
    """Runs versions. ``script`` holds what the next executions do; then they succeed.

    ``"die before"`` and ``"die after"`` kill the process, ``"lose"`` acts and loses the answer,
    an Outcome is given without acting. ``executed`` lists the request ids that changed something.
    """

    def __init__(self) -> None:
        self.services: Dict[str, Dict[str, str]] = {
            "checkout": {
                "service": "checkout",
                "version": "r8",
                "previous_version": "r7",
                "change_id": "CHG-8",
            }
        }
        self.script: List[Any] = []
        self.executed: List[str] = []
        self.answers: Dict[str, Dict[str, str]] = {}
        self.down = False
        self.changes = 8

    def address(self, arguments):
        return "https://deploy.example"

    def facts(self, arguments):
        if self.down:
            raise ExecutorError("The deploy API can't be reached: it is down.")
        return dict(self.services[arguments["service"]])

    def deploy(self, version, service="checkout"):
        """Somebody else releases something."""
        known = self.services[service]
        self.changes += 1
        known.update(
            previous_version=known["version"], version=version, change_id=f"CHG-{self.changes}"
        )

    def execute(self, arguments, request_id):
        step = self.script.pop(0) if self.script else "act"
        if isinstance(step, Outcome):
            return step
        if step == "die before":
            raise Crash
        if request_id not in self.answers:
            if arguments["change_id"] != self.services[arguments["service"]]["change_id"]:
                return Outcome(
                    "failed", "The deploy API rejected the request with 409: it has moved on."
                )
            self.deploy(arguments["to_version"], arguments["service"])
            self.executed.append(request_id)
            self.answers[request_id] = dict(self.services[arguments["service"]])
        if step == "die after":
            raise Crash
        if step == "lose":
            return Outcome("unknown", "The connection broke.")
        return Outcome(
            "done", f"checkout runs {arguments['to_version']}.", self.answers[request_id]
        )

    def settle(self, arguments, request_id):
        if self.down:
            return Outcome("unknown", "The deploy API can't be reached: it is down.")
        if request_id in self.answers:
            runs = self.services[arguments["service"]]["version"]
            if runs != arguments["to_version"]:
                return Outcome("failed", f"checkout now runs {runs}.", certain=False)
            return Outcome("done", "It had been done.", self.answers[request_id])
        return Outcome("unchanged", "checkout still runs what it ran.")


class FakeRaisingSearch:
    """Finds ``broken`` entities in windows that end before ``fixed_at``, then ``after``."""

    def __init__(self) -> None:
        self.broken = ["checkout"]
        self.after: List[str] = []
        self.fixed_at = 0.0
        self.error = ""
        self.unable = ""
        self.asked_in = Grid()
        self.events: Dict[str, int] = {}
        self.windows: List[Any] = []

    def grid(self, search, at):
        if self.unable:
            raise CannotJudge(self.unable)
        return self.asked_in

    def run(self, search, earliest, latest):
        if self.unable:
            raise CannotJudge(self.unable)
        if self.error:
            raise SearchFailed(self.error)
        self.windows.append((earliest, latest))
        found = self.broken if latest <= self.fixed_at else self.after
        rows = [{"entity": e} for e in found]
        return Rerun("search errors | stats count by entity", "entity", rows, self.events)


class Bench:
    """Everything wired up; time only moves when told to."""

    def __init__(self, stores: Any = None) -> None:
        self.stores: Any = stores or FakeStores()
        self.plan = ""
        self.clock = ManualClock()
        self.api = FakeDeployApi()
        self.executor: Any = self.api
        self.stanzas = {name: dict(values) for name, values in STANZAS.items()}
        self.samples = 100
        self.silent: List[str] = []
        self.taken_away: Set[Tuple[str, str]] = set()
        self.approvers: Optional[List[str]] = None
        self.searcher = FakeSearcher({"stats count": self.count})
        self.raising = FakeRaisingSearch()
        self.open()
        self.analyse()

    def count(self, asked: str, *_times: str) -> List[Dict[str, str]]:
        """Count the events of the entities that a search names."""
        names = {name for name in re.findall(r'"([^"]+)"', asked) if name not in self.silent}
        return [{"entity": name, "count": str(self.samples)} for name in sorted(names)]

    @property
    def context(self) -> Context:
        """Made anew each time, as by a process that was just started."""
        catalogue = Catalogue.from_stanzas(self.stanzas)
        return Context(
            self.stores,
            self.clock,
            catalogue,
            self.executors(),
            self.may,
            "sh1",
            users_with={"incident_approve": self.approvers}.get,
        )

    def executors(self) -> Dict[str, Callable[[], Any]]:
        """How each executor is made, by its name in the catalogue."""
        return {"deploy_api": lambda: self.executor}

    def may(self, user: str, capability: str) -> bool:
        """Say what splunkd says of a user's rights."""
        return (user, capability) not in self.taken_away

    def verifier(self) -> Verifier:
        return Verifier(self.context, self.searcher, self.raising)

    def does_not_help(self) -> None:
        """Let the worker find that what was wrong is wrong still."""
        self.raising.fixed_at, self.raising.after = self.clock.now(), ["checkout"]
        self.clock.advance(90)
        self.verifier().run()

    def write(
        self, kind: str, incident: str = INCIDENT, actor: str = "tester", **data: Any
    ) -> None:
        timeline.append(Act(self.stores, self.clock, actor), incident, kind, data)
        timeline.refresh(self.stores, incident)

    def open(self, incident: str = INCIDENT) -> None:
        self.write(
            "opened",
            incident,
            title="High Error Rate: checkout",
            severity="high",
            entities=["checkout"],
            signals={"a": 7},
            rule="High Error Rate",
            search={"name": "High Error Rate", "app": "incident_management", "owner": "nobody"},
        )

    def analyse(self, incident: str = INCIDENT, key: str = "ANA-1", **changes: Any) -> None:
        top = {
            "rank": 1,
            "blamed": True,
            "cause": "CHG-8 set pool_size to 1",
            "change_id": "CHG-8",
            "service": "checkout",
            "version": "r8",
            "previous_version": "r7",
            "citations": ["C1"],
            **changes,
        }
        citations = [{"id": "C1", "quote": "QueuePool limit", "status": "verified"}]
        self.stores.analyses.save(
            [{"_key": key, "incident_id": incident, "hypotheses": [top], "citations": citations}]
        )
        self.write("analysis", incident, analysis_id=key, verdict="cause", cause=top["cause"])

    def kinds(self, incident: str = INCIDENT) -> List[str]:
        """The timeline in short: kind, and what of it."""
        short = []
        for entry in timeline.effective(timeline.read(self.stores, incident)):
            data = entry.data
            word = data.get("phase") or data.get("outcome") or data.get("decision") or ""
            if entry.kind == "status":
                word = data["to"]
            if entry.kind == "refused":
                word = data.get("code", "")
            short.append(f"{entry.kind} {word}".strip())
        return short[2:]

    def status(self) -> str:
        return timeline.fold(timeline.read(self.stores, INCIDENT)).status
