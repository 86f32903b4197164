"""What all changes to a Kubernetes object have in common.

One JSON Patch begins with ``test`` operations (RFC 6902, 4.6) for the object's uid, for the label
that allows changes, and for the value it replaces or, for a template, the object's generation. The
API server applies them to the stored object, so a concurrent change is never overwritten, and a
repeated request does nothing. Then the change's effect is awaited.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from typing import Any, Callable, Dict, List, Mapping

from ..executor import (
    ExecutorError,
    NotApplicable,
    Outcome,
    Send,
    base_address,
    failed_before_request,
    request_preview,
)
from .objects import ALLOWED, LABEL, OBJECTS, Workload
from .server import ClusterLookup, Conflict, Server, Target

__all__ = [
    "Change",
    "Operations",
    "change_cause",
    "check_unchanged",
    "later_change",
    "replace_template",
    "replace_value",
]

# ``kubectl rollout history`` shows it; "/" as RFC 6901 writes it.
_CAUSE = "/metadata/annotations/kubernetes.io~1change-cause"
# How long a change's effect is awaited; after that, settle determines its outcome.
WAIT_SECONDS = 20.0
PAUSE_SECONDS = 2.0
# How long the reads before a change may take. After the lease of its run the worker may have sent
# the change itself, and this request would be rejected as if nothing had been done.
LOOK_SECONDS = 30.0
# How long a conflicting change, such as an autoscaler's, is answered with a new attempt.
AGAIN_SECONDS = 10.0

Operations = List[Dict[str, Any]]


class Change(ABC):
    """An executor for one kind of change to one object, see :class:`.server.Target`."""

    # Whether Argo CD and Flux leave it alone.
    ignores_gitops = False

    def __init__(
        self, reach: ClusterLookup, send: Send, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._reach = reach
        self._send = send
        self._sleep = sleep

    @abstractmethod
    def _known(
        self, server: Server, workload: Workload, arguments: Mapping[str, str]
    ) -> Dict[str, str]:
        """Return the object's facts that an approval is bound to.

        Raises ExecutorError and NotApplicable.
        """

    @abstractmethod
    def _operations(
        self, server: Server, workload: Workload, arguments: Mapping[str, str], request_id: str
    ) -> Operations:
        """Return the operations. Raises ExecutorError, and NotApplicable if they must not run."""

    @abstractmethod
    def _found(
        self, server: Server, workload: Workload, arguments: Mapping[str, str], request_id: str
    ) -> Outcome:
        """Return the outcome of the change. Raises ExecutorError."""

    @abstractmethod
    def _shown(self, arguments: Mapping[str, str], request_id: str) -> Operations:
        """Return the operations for people. Templates may hold secrets, so they are only named."""

    def address(self, arguments: Mapping[str, str]) -> str:
        """Return the cluster's URL. Raises ExecutorError for an unknown cluster or kind."""
        return base_address(self._server(arguments).url)

    def facts(self, arguments: Mapping[str, str]) -> Dict[str, Any]:
        """Return the current state. Raises ExecutorError, and NotApplicable if there is nothing to
        do.
        """
        server = self._server(arguments)
        workload = self._workload(server, arguments)
        return {
            "service": arguments["service"],
            "namespace": arguments["namespace"],
            "cluster": server.place.cluster,
            workload.kind.lower(): workload.uid,
            **self._known(server, workload, arguments),
        }

    def execute(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Request the change, and wait up to 20 seconds for its effect."""
        outcome = self._patched(arguments, request_id)
        if outcome.status != "done":
            return outcome
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            outcome = self.settle(arguments, request_id)
            if outcome.status == "unchanged":
                sentence = f"{outcome.detail} Someone or something has reverted the change."
                return Outcome("failed", sentence, certain=False)
            if outcome.status != "unknown" or time.monotonic() >= deadline:
                return outcome
            self._sleep(PAUSE_SECONDS)

    def settle(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Determine the outcome by the object's spec and rollout."""
        try:
            server = self._server(arguments)
            workload = self._workload(server, arguments)
            return self._found(server, workload, arguments, request_id)
        except ExecutorError as error:
            return Outcome("unknown", str(error))

    def preview(self, arguments: Mapping[str, str], request_id: str) -> Dict[str, Any]:
        """Return the request without templates. Raises ExecutorError for an unknown cluster."""
        address = self._server(arguments).address
        return request_preview("PATCH", address, _guarded(self._shown(arguments, request_id)))

    def dry_run(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Have the API server check the request without storing it ("Dry-run", ``dryRun=All``)."""
        self.facts(arguments)
        outcome = self._patched(arguments, request_id, dry=True)
        if outcome.status == "done":
            return Outcome("done", "Kubernetes accepts the request. Nothing was changed.")
        return outcome

    def _patched(self, arguments: Mapping[str, str], request_id: str, dry: bool = False) -> Outcome:
        """Request the change. ``done``: the API server has accepted it.

        If the object has changed since it was read, nothing was done. If the arguments name the
        approved object, it is read again for some seconds, and the change requested again if it is
        still that one.
        """
        began = time.monotonic()
        again = any(name in arguments for name in OBJECTS)
        while True:
            late = not again or time.monotonic() - began >= AGAIN_SECONDS
            try:
                return self._asked(arguments, request_id, dry, began)
            except ExecutorError as error:
                return failed_before_request(error)
            except Conflict as moved:
                if late:
                    return moved.outcome
            self._sleep(PAUSE_SECONDS)

    def _asked(
        self, arguments: Mapping[str, str], request_id: str, dry: bool, began: float
    ) -> Outcome:
        """Read the object and send the patch. Raises ExecutorError and :class:`.Conflict`."""
        server = self._server(arguments)
        workload = self._workload(server, arguments)
        operations = self._operations(server, workload, arguments, request_id)
        if time.monotonic() - began > LOOK_SECONDS:
            sentence = "Kubernetes took too long to report the current state. Nothing was changed."
            raise ExecutorError(sentence)
        return server.patch(_guarded(operations, workload.uid), dry)

    def _server(self, arguments: Mapping[str, str]) -> Server:
        return Server(Target(arguments), self._reach, self._send)

    def _workload(self, server: Server, arguments: Mapping[str, str]) -> Workload:
        """Return the object, which must have the approved uid if given. Raises NotApplicable."""
        workload = server.workload(self.ignores_gitops)
        approved = {arguments[name] for name in OBJECTS if name in arguments}
        if approved and workload.uid not in approved:
            raise NotApplicable(
                f"{workload.name} is not the {workload.kind} that was approved: it was "
                "recreated, or it is in another cluster or namespace."
            )
        return workload


def _guarded(operations: Operations, uid: str = "") -> Operations:
    """Put the tests first. ``uid``: of the object, as another one may have its name now."""
    of_it = [{"op": "test", "path": "/metadata/uid", "value": uid}] if uid else []
    allowed = {"op": "test", "path": f"/metadata/labels/{LABEL}", "value": ALLOWED}
    return [*of_it, allowed, *operations]


def replace_value(path: str, now: Any, then: Any) -> Operations:
    """Return operations that replace a value only if it is still ``now``."""
    return [
        {"op": "test", "path": path, "value": now},
        {"op": "replace", "path": path, "value": then},
    ]


def replace_template(generation: Any, template: Any) -> Operations:
    """Return operations that replace a pod template only if the object's spec is unchanged.

    Each change of the spec raises the generation. The template itself is not compared: the API
    server compares byte by byte with Go's JSON ("&" as "\\u0026"; ``lazyNode.equal`` of
    json-patch).
    """
    return [
        {"op": "test", "path": "/metadata/generation", "value": generation},
        {"op": "replace", "path": "/spec/template", "value": template},
    ]


def change_cause(request_id: str) -> Operations:
    """Return operations that record who made the change.

    They need existing annotations, because JSON Patch does not create the parent.
    """
    cause = f"{request_id} of Incident Management for Splunk"
    return [{"op": "add", "path": _CAUSE, "value": cause}]


def check_unchanged(server: Server, workload: Workload, arguments: Mapping[str, str]) -> None:
    """Raise NotApplicable if an object's template has changed since ``revision``, if given.

    Raises ExecutorError while the controller has not seen a change, as the revision is outdated
    then.
    """
    revision = str(server.revision(workload))
    wanted = arguments.get("revision", revision)
    if revision != wanted:
        raise NotApplicable(
            f"{workload.name} has changed since (revision {revision}, no longer {wanted})."
        )
    if not workload.is_seen:
        raise ExecutorError(f"{workload.name} was changed just now: try again in a moment.")


def later_change(server: Server, workload: Workload, arguments: Mapping[str, str]) -> str:
    """Return how an object's template was changed after the change from ``revision``.

    Empty if it was not, or if the earlier revision is unknown. The controllers number each new
    template one higher than all before. Raises ExecutorError.
    """
    before, now = int(arguments.get("revision", 0)), server.revision(workload)
    if not before or now <= before + 1:
        return ""
    return f"was changed again since: its revision is {now}, and the fix created {before + 1}."
