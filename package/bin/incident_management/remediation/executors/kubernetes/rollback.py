"""Roll an object back to an earlier version, as ``kubectl rollout undo`` does.

As in kubectl's ``rollback.go``, the pod template of an earlier ReplicaSet or ControllerRevision
replaces the object's.
"""

from __future__ import annotations

from typing import Dict, Mapping

from ..executor import NotApplicable, Outcome
from .change import (
    Change,
    Operations,
    change_cause,
    check_unchanged,
    later_change,
    replace_template,
)
from .objects import StoredTemplate, Workload
from .server import Server

__all__ = ["Rollback"]


class Rollback(Change):
    """Arguments: ``running`` (the version that the change deployed), ``to_version`` and, if it must
    still be current, ``revision``: the approved one, or for an inverse the one that the fix
    created.

    A version is the label ``app.kubernetes.io/version`` of the pod template, else the tag of its
    image: of the only container, or of the one with the object's name.
    """

    def _known(
        self, server: Server, workload: Workload, arguments: Mapping[str, str]
    ) -> Dict[str, str]:
        target = _target(server, workload, arguments)
        return {
            "version": workload.version,
            "revision": str(server.revision(workload)),
            _KEEPER[workload.kind]: target.keeper,
        }

    def _operations(
        self, server: Server, workload: Workload, arguments: Mapping[str, str], request_id: str
    ) -> Operations:
        then = _target(server, workload, arguments).whole
        cause = change_cause(request_id) if workload.is_annotated else []
        return [*replace_template(workload.generation, then), *cause]

    def _found(
        self, server: Server, workload: Workload, arguments: Mapping[str, str], request_id: str
    ) -> Outcome:
        name, version = workload.name, workload.version
        if version == arguments["running"]:
            return Outcome("unchanged", f"{name} runs {version}.")
        if version != arguments["to_version"]:
            told = version or "an unknown version"
            return Outcome("failed", f"{name} now runs {told}.", certain=False)
        if workload.left:
            return Outcome("unknown", f"{name} is rolling back to {version}: {workload.left}.")
        again = later_change(server, workload, arguments)
        if again:
            return Outcome("failed", f"{name} runs {version}, but {again}", certain=False)
        revision = str(server.revision(workload))
        return Outcome("done", f"{name} runs {version}.", {"revision": revision})

    def _shown(self, arguments: Mapping[str, str], request_id: str) -> Operations:
        name, running, version = (arguments[one] for one in ("service", "running", "to_version"))
        now, then = (
            f"(the current template of {name}, with {running})",
            f"(the earlier template of {name}, with {version})",
        )
        return [*replace_template(now, then), *change_cause(request_id)]


# Under which name a fact says what keeps the former template.
_KEEPER = {
    "Deployment": "to_replica_set",
    "StatefulSet": "to_controller_revision",
    "DaemonSet": "to_controller_revision",
}


def _target(server: Server, workload: Workload, arguments: Mapping[str, str]) -> StoredTemplate:
    """Return the newest earlier template of the requested version. Raises NotApplicable."""
    name, version, running = workload.name, arguments["to_version"], workload.version
    if running != arguments["running"]:
        what = running or "an unknown version"
        raise NotApplicable(f"{name} runs {what}, no longer {arguments['running']}.")
    if running == version:
        raise NotApplicable(f"{name} already runs {running}. There is nothing to do.")
    if workload.rolls:
        raise NotApplicable(workload.rolls)
    check_unchanged(server, workload, arguments)
    fitting = [one for one in server.history(workload) if one.version == version]
    if not fitting:
        raise NotApplicable(
            f"Kubernetes no longer keeps version {version} of {name} (revisionHistoryLimit)."
        )
    return max(fitting, key=lambda one: one.revision)
