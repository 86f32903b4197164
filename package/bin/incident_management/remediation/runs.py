"""The attempts of a plan's action and of its inverse, and their names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Optional

from .plan import PlanState

__all__ = ["Run", "action_run", "rollback_in_doubt", "rollback_run"]


@dataclass(frozen=True)
class Run:
    """One attempt of a plan's action or of its inverse. ``kind`` is the timeline kind.

    An action has one attempt. An inverse gets another one after each attempt that changed nothing,
    so that every outcome can be recorded.
    """

    plan_id: str
    kind: str
    number: int = 1

    @property
    def name(self) -> str:
        """The prefix of the ``once`` keys of its entries."""
        return f"{self.kind}:{self.plan_id}{self._suffix(':')}"

    @property
    def claim(self) -> str:
        """The key of the claim that only one process gets, which then runs it."""
        return f"execute:{self.plan_id}" if self.kind == "action" else self.name

    @property
    def request_id(self) -> str:
        """The id by which the executor tells a repeat from a new request."""
        if self.kind == "action":
            return self.plan_id
        return f"{self.plan_id}-undo{self._suffix('-')}"

    def _suffix(self, mark: str) -> str:
        return f"{mark}{self.number}" if self.number > 1 else ""


def action_run(plan: Mapping[str, Any]) -> Run:
    """Return the only attempt of a plan's action."""
    return Run(str(plan["_key"]), "action")


def rollback_run(plan: Mapping[str, Any], state: PlanState) -> Run:
    """Return the rollback attempt that is running, or the next one."""
    return Run(str(plan["_key"]), "rollback", state.rollbacks_failed + 1)


def rollback_in_doubt(plan: Mapping[str, Any], state: PlanState) -> Optional[Run]:
    """Return the rollback attempt of unknown outcome, if there is one."""
    if not state.rollback_in_doubt:
        return None
    return Run(str(plan["_key"]), "rollback", state.rollback_in_doubt)
