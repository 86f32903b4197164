"""What all that is done to an object of Kubernetes has in common.

One JSON Patch, which begins with ``test`` of the object, of the label that allows it, and of what
it replaces, of a template by the object's generation (RFC 6902, 4.6). The API server applies these
to what is stored at that moment: nobody's change in between is undone, and a repeated request does
nothing. Then its effect is waited for.
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
# A change is waited for so long before its end is left to be found out later.
WAIT_SECONDS = 20.0
PAUSE_SECONDS = 2.0
# The looks before a change may take so long. Once the lease of its run is over, whoever finds out
# what became of that may have asked for it: this request would be refused as if nothing was done.
LOOK_SECONDS = 30.0
# What has changed in between, as an autoscaler does it, is looked at and asked for again so long.
AGAIN_SECONDS = 10.0

Operations = List[Dict[str, Any]]


class Change(ABC):
    """An executor: one kind of change to one object, see :class:`.server.Target`."""

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
        """Return what of the object an approval is given for. Raises ExecutorError, and Unfit."""

    @abstractmethod
    def _operations(
        self, server: Server, workload: Workload, arguments: Mapping[str, str], request_id: str
    ) -> Operations:
        """Return what is changed. Raises ExecutorError, and Unfit where it is not to be."""

    @abstractmethod
    def _found(
        self, server: Server, workload: Workload, arguments: Mapping[str, str], request_id: str
    ) -> Outcome:
        """Tell what became of the change. Raises ExecutorError."""

    @abstractmethod
    def _shown(self, arguments: Mapping[str, str], request_id: str) -> Operations:
        """Return what is changed, for people; templates may hold secrets, so they are named."""

    def address(self, arguments: Mapping[str, str]) -> str:
        """Return the cluster's URL. Raises ExecutorError for one that is not set, or a kind."""
        return base_address(self._server(arguments).url)

    def facts(self, arguments: Mapping[str, str]) -> Dict[str, Any]:
        """Return what is so now. Raises ExecutorError, and Unfit where nothing is to be done."""
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
        """Ask for the change, and wait a little for its effect."""
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
        """Look at what the object is to run, and how far that is."""
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
        """Ask for the change. ``done``: the API server has taken it.

        Where the object has changed since it was looked at, nothing was done: if it is told which
        one was approved, it is looked at anew for some seconds, and asked again if it still is.
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
        """Look, and ask. Raises ExecutorError, and Moved as :meth:`.server.Server.patch` does."""
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
        """Return the object that was approved, by its uid where that is told. Raises Unfit."""
        workload = server.workload(self.ignores_gitops)
        approved = {arguments[name] for name in OBJECTS if name in arguments}
        if approved and workload.uid not in approved:
            raise NotApplicable(
                f"{workload.name} is not the {workload.kind} that was approved: it was "
                "recreated, or it is in another cluster or namespace."
            )
        return workload


def _guarded(operations: Operations, uid: str = "") -> Operations:
    """Put the tests first; ``uid``: of the object, which may be another one of its name."""
    of_it = [{"op": "test", "path": "/metadata/uid", "value": uid}] if uid else []
    allowed = {"op": "test", "path": f"/metadata/labels/{LABEL}", "value": ALLOWED}
    return [*of_it, allowed, *operations]


def replace_value(path: str, now: Any, then: Any) -> Operations:
    """Return what replaces a value only while it is what it was."""
    return [
        {"op": "test", "path": path, "value": now},
        {"op": "replace", "path": path, "value": then},
    ]


def replace_template(generation: Any, template: Any) -> Operations:
    """Return what replaces a pod template only while nobody has changed its object's spec.

    Each change of that raises the generation. The template itself is not compared: the API server
    does so byte by byte, as Go writes texts ("&" as "\\u0026"; ``lazyNode.equal`` of json-patch).
    """
    return [
        {"op": "test", "path": "/metadata/generation", "value": generation},
        {"op": "replace", "path": "/spec/template", "value": template},
    ]


def change_cause(request_id: str) -> Operations:
    """Return what says who changed it, where there are annotations: JSON Patch makes none."""
    cause = f"{request_id} of Incident Management for Splunk"
    return [{"op": "add", "path": _CAUSE, "value": cause}]


def check_unchanged(server: Server, workload: Workload, arguments: Mapping[str, str]) -> None:
    """Raise Unfit where an object's template was changed since ``revision``, where that is given.

    ExecutorError while its controller has not seen a change: until then the revision is that of
    before.
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
    """Say that somebody changed an object's template after it was changed from ``revision``.

    Empty where nobody did, or where the revision of before is not known. The controllers number
    each new template one higher than all before. Raises ExecutorError.
    """
    before, now = int(arguments.get("revision", 0)), server.revision(workload)
    if not before or now <= before + 1:
        return ""
    return f"was changed again since: its revision is {now}, and the fix created {before + 1}."
