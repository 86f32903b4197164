"""Restart the pods of an object, some at a time, as ``kubectl rollout restart`` does.

As in kubectl's ``objectrestarter.go``, an annotation makes the pod template a new one. It names the
plan, so the outcome can be determined later. Argo CD and Flux leave an annotation alone that is not
in their repository.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping

from ..executor import ExecutorError, NotApplicable, Outcome
from .change import (
    Change,
    Operations,
    change_cause,
    check_unchanged,
    later_change,
    replace_template,
)
from .objects import Workload
from .server import Server

__all__ = ["Restart"]

RESTARTED = "incident-management/restarted-by"


class Restart(Change):
    """Has no arguments of its own. ``revision`` and ``version`` are those that were approved: an
    object that changed since is not restarted.
    """

    ignores_gitops = True

    def _known(
        self, server: Server, workload: Workload, arguments: Mapping[str, str]
    ) -> Dict[str, str]:
        if workload.rolls:
            raise NotApplicable(workload.rolls)
        check_unchanged(server, workload, arguments)
        return {"version": workload.version, "revision": str(server.revision(workload))}

    def _operations(
        self, server: Server, workload: Workload, arguments: Mapping[str, str], request_id: str
    ) -> Operations:
        if _restarted_by(workload) == request_id:
            raise NotApplicable(f"{workload.name} was already restarted by {request_id}.")
        self._known(server, workload, arguments)
        metadata = workload.template["metadata"]
        annotations = {**(metadata.get("annotations") or {}), RESTARTED: request_id}
        then = {**workload.template, "metadata": {**metadata, "annotations": annotations}}
        cause = change_cause(request_id) if workload.is_annotated else []
        return [*replace_template(workload.generation, then), *cause]

    def _found(
        self, server: Server, workload: Workload, arguments: Mapping[str, str], request_id: str
    ) -> Outcome:
        name, version = workload.name, arguments.get("version", workload.version)
        if workload.version != version:
            told = workload.version or "an unknown version"
            return Outcome("failed", f"{name} now runs {told}.", certain=False)
        if _restarted_by(workload) != request_id:
            revision = arguments.get("revision", "")
            if not workload.is_seen:
                raise ExecutorError(f"{name} was changed just now.")
            if revision and str(server.revision(workload)) != revision:
                sentence = f"{name} has changed since, but not by {request_id}."
                return Outcome("failed", sentence, certain=False)
            return Outcome("unchanged", f"{name} was not restarted.")
        if workload.left:
            return Outcome("unknown", f"{name} is being restarted: {workload.left}.")
        again = later_change(server, workload, arguments)
        if again:
            return Outcome("failed", f"{name} was restarted, but {again}", certain=False)
        return Outcome("done", f"All pods of {name} were restarted.")

    def _shown(self, arguments: Mapping[str, str], request_id: str) -> Operations:
        name = arguments["service"]
        then = f"(the current template with {RESTARTED}: {request_id})"
        return [
            *replace_template(f"(the current template of {name})", then),
            *change_cause(request_id),
        ]


def _restarted_by(workload: Workload) -> str:
    annotations: Mapping[str, Any] = workload.template["metadata"].get("annotations") or {}
    return str(annotations.get(RESTARTED, ""))
