"""The context that every remediation step works in, and how each of them writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from ..incidents import timeline
from ..incidents.act import Act
from ..incidents.canonical import digest
from ..incidents.errors import NotFound
from ..incidents.model import Entry, Incident
from ..incidents.stored_shapes import read_analysis
from ..incidents.stores import claim_document
from ..ports import Clock, Document, Stores
from .auto_resolve import stays_open
from .catalogue import Catalogue
from .executors.executor import Executor, ExecutorError, Executors
from .plan import PlanState, is_readable, plan_state
from .raising_search import RaisingSearch
from .runs import rollback_run

__all__ = ["SYSTEM", "Context", "Refused"]

SYSTEM = "incident_management"
# Attempts to save a plan's status while others change it, or a member does not see it yet.
MOST_LOOKS = 10


class Refused(Exception):
    """A safety check refuses; the text is one sentence for the person who asked.

    Attributes:
        code: the name of the rule.
        ends: ``void`` or ``expired`` when the refusal ends the plan, else empty.
        transient: the obstacle goes away without anyone acting, so a retry can help.
    """

    def __init__(self, sentence: str, code: str, ends: str = "") -> None:
        super().__init__(sentence)
        self.code = code
        self.ends = ends
        self.transient = code in ("executor", "run_in_progress")


@dataclass
class Context:
    """Stores, clock, catalogue and executors.

    Attributes:
        has_capability: whether a user (first argument) has a capability now; raises SplunkError
            when splunkd can't tell.
        holder: this process's name in claims.
        has_ended: whether another holder has certainly ended, so that its claims need no waiting.
        raising: makes the search that can judge recovery; None where no forecast is needed.
        users_with: the users with a capability, preferred ones first; None when that is unknown.
    """

    stores: Stores
    clock: Clock
    catalogue: Catalogue
    executors: Executors
    has_capability: Callable[[str, str], bool]
    holder: str = SYSTEM
    has_ended: Callable[[str], bool] = lambda holder: False
    raising: Optional[Callable[[], RaisingSearch]] = None
    users_with: Callable[[str], Optional[Sequence[str]]] = lambda capability: None

    def load(self, plan_id: str) -> Tuple[Document, List[Entry], PlanState]:
        """Return a plan, its incident's entries, and its state.

        Raises NotFound, also when the incident is gone, and Refused for a malformed plan, which is
        neither approved nor executed.
        """
        plan = self.stores.plans.get(plan_id)
        if plan is None:
            raise NotFound(f"There is no plan {plan_id}. List an incident's plans with do=status.")
        if not is_readable(plan):
            sentence = f"{plan_id} was edited by hand and is malformed: propose it again."
            raise Refused(sentence, "unreadable")
        entries = timeline.read(self.stores, plan["incident_id"])
        if not entries:
            raise timeline.not_found(plan["incident_id"])
        return plan, entries, plan_state(plan, entries, self.clock.now())

    def incident(self, incident_id: str) -> Tuple[Incident, List[Entry]]:
        """Return an incident as its entries describe it, and the entries. Raises NotFound."""
        entries = timeline.read(self.stores, incident_id)
        if not entries:
            raise timeline.not_found(incident_id)
        return timeline.fold(entries), entries

    def surviving_incident(self, incident_id: str) -> Tuple[Incident, List[Entry]]:
        """Return an incident, or the one it was merged into, with its entries. Raises NotFound."""
        incident, entries = self.incident(incident_id)
        passed = {incident_id}
        while incident.merged_into and incident.merged_into not in passed:
            passed.add(incident.merged_into)
            incident, entries = self.incident(incident.merged_into)
        return incident, entries

    def executor(self, name: str) -> Executor:
        """Return an executor. Raises ExecutorError when it is unknown or not configured."""
        if name not in self.executors:
            known = ", ".join(self.executors)
            raise ExecutorError(f"There is no executor '{name}'; the executors are: {known}.")
        return self.executors[name]()

    def facts(self, name: str, arguments: Mapping[str, str]) -> Dict[str, Any]:
        """Return an executor's facts on its target, and its ``address``. Raises ExecutorError."""
        executor = self.executor(name)
        return {**executor.facts(arguments), "address": executor.address(arguments)}

    def address(self, name: str, arguments: Mapping[str, str]) -> str:
        """Return the address an executor would use, without a request. Raises ExecutorError."""
        return self.executor(name).address(arguments)

    def append(
        self, plan: Mapping[str, Any], kind: str, data: Mapping[str, Any], actor: str, once: str
    ) -> Entry:
        """Write an entry about a plan on its incident's timeline."""
        data = {"plan_id": plan["_key"], **data}
        act = Act(self.stores, self.clock, actor)
        return timeline.append(act, plan["incident_id"], kind, data, once)

    def refresh(self, plan: Mapping[str, Any]) -> PlanState:
        """Update the incident's and the plan's documents from the entries; returns the state."""
        timeline.refresh(self.stores, plan["incident_id"])
        for _look in range(MOST_LOOKS):
            current, _entries, state = self.load(plan["_key"])
            status = self._document_status(current, state)
            if current["status"] == status:
                break
            current.update(status=status, updated_at=self.clock.now())
            # Checked again: others may have started and saved something before this is saved.
            self.stores.plans.save([current])
        return state

    def _document_status(self, plan: Mapping[str, Any], state: PlanState) -> str:
        """Return the status for a plan's document: not finished before everything is done."""
        may_be_undone = state.done_at and not state.rollback_started_at
        if may_be_undone and self.stores.claims.get(rollback_run(plan, state).claim):
            return "rolling_back"  # It was started without an entry yet: the worker settles it.
        if state.status == "recovered" and plan["status"] != "recovered":
            # It is finished once its incident is resolved too; until then the worker processes it.
            is_kept, _why = stays_open(plan, state, *self.surviving_incident(plan["incident_id"]))
            return "recovered" if is_kept else "resolving"
        return state.status

    def refuse(
        self, incident_id: str, plan: Optional[Mapping[str, Any]], refusal: Refused, actor: str
    ) -> None:
        """Write a refusal on the timeline; the same refusal only once a minute."""
        plan_id = str(plan["_key"]) if plan else ""
        data = {"plan_id": plan_id, "reason": str(refusal), "code": refusal.code}
        if refusal.ends:
            data["ends"] = refusal.ends
        minute = int(self.clock.now() // 60)
        once = f"refused:{digest([plan_id, str(refusal), actor, minute], 24)}"
        timeline.record(Act(self.stores, self.clock, actor), incident_id, "refused", data, once)
        if plan:
            self.refresh(plan)

    def claim(self, key: str, value: Mapping[str, Any], purpose: str = "") -> bool:
        """Insert a claim. Returns False when someone already holds it."""
        return self.stores.claims.insert(
            claim_document(key, self.clock.now(), value, purpose=purpose, holder=self.holder)
        )

    def is_begun(self, plan_id: str) -> bool:
        """Tell whether a plan's claim is held by an execution, not by a rejection."""
        claim = self.stores.claims.get(f"execute:{plan_id}")
        return claim is not None and not claim["value"].get("rejected")

    def newest_analysis(self, entries: List[Entry]) -> Optional[Document]:
        """Return the newest analysis of an incident, with its id as ``analysis_id``."""
        for entry in reversed(entries):
            if entry.kind == "analysis":
                key = str(entry.data.get("analysis_id", ""))
                document = read_analysis(self.stores, key)
                if document is not None:
                    found: Dict[str, Any] = {**document, "analysis_id": key}
                    return found
        return None
