"""Requests to one cluster's API server about one object."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Dict, List, Mapping, Tuple, TypeVar, Union
from urllib.parse import quote, urlsplit

from ....outside.transport import Reply, json_headers
from ..executor import (
    ExecutorError,
    NotApplicable,
    Outcome,
    Send,
    answer_or_error,
    answer_or_outcome,
    json_object,
    reason_of,
    refused_outcome,
)
from .objects import (
    KINDS,
    UNEXPECTED_SHAPE,
    StoredTemplate,
    Workload,
    autoscaler_of,
    gitops_conflict,
    history_of,
    refusal_to_touch,
    workload_of,
)

__all__ = ["ClusterLookup", "Conflict", "Server", "Target"]

# ``revisionHistoryLimit`` is 10 unless set; labels may fit those of other objects, too.
MOST_LISTED = 200
FIELD_MANAGER = "incident-management"

# Returns the address and the token of a cluster by its name; raises ExecutorError.
ClusterLookup = Callable[[str], Tuple[str, str]]

_T = TypeVar("_T")

# "the object has been modified", and a ``test`` of a patch that does not hold (``applyJSPatch``).
CONFLICT = 409
CHANGED = (CONFLICT, 422)


class Conflict(Exception):
    """The object is not as it was a moment ago. ``outcome``: of the request if it is not retried.

    A 422 may also be about a permanently invalid request, so it does not count as transient.
    """

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.detail)
        self.outcome = outcome


class Target:
    """The object that an action's arguments name: ``cluster``, ``namespace``, ``kind``,
    ``service``.

    Without ``cluster`` it is in the one of Configuration > Remediation; without ``kind`` it is a
    Deployment. Raises NotApplicable for an unknown kind.
    """

    def __init__(self, arguments: Mapping[str, str]) -> None:
        self.cluster = arguments.get("cluster", "")
        self.kind = arguments.get("kind", "Deployment")
        self.name = arguments["service"]
        self.namespace = quote(arguments["namespace"], safe="")
        if self.kind not in KINDS:
            raise NotApplicable(
                f"The kind '{self.kind}' is not supported; the kinds are: {', '.join(KINDS)}."
            )

    @property
    def path(self) -> str:
        """The object's path in the API."""
        return f"{self.sibling_path(KINDS[self.kind].path)}/{quote(self.name, safe='')}"

    def sibling_path(self, what: str, group: str = "apps/v1") -> str:
        """Return the API path of a resource type in the object's namespace."""
        return f"/apis/{group}/namespaces/{self.namespace}/{what}"


class Server:
    """Reads and changes the object of a :class:`Target`."""

    def __init__(self, place: Target, reach: ClusterLookup, send: Send) -> None:
        self.place = place
        url, self._token = reach(place.cluster)
        self.url = url.rstrip("/")
        self._send = send
        self._host = urlsplit(url).hostname or ""
        self._history: Dict[str, List[StoredTemplate]] = {}

    @property
    def address(self) -> str:
        """The full URL of the object."""
        return self.url + self.place.path

    def workload(self, ignores_gitops: bool = False) -> Workload:
        """Return an object that the app may change. Raises ExecutorError and NotApplicable.

        ``ignores_gitops``: Argo CD and Flux would not revert the change.
        """
        name, kind = self.place.name, self.place.kind
        told = self._got(self.place.path, f"the {kind} {name}")
        refusal = self._read(lambda: refusal_to_touch(told, kind, name))
        if not refusal and not ignores_gitops:
            refusal = self._read(lambda: gitops_conflict(told, name))
        if refusal:
            raise NotApplicable(refusal)
        return self._read(lambda: workload_of(told))

    def history(self, workload: Workload) -> List[StoredTemplate]:
        """Return the templates that Kubernetes keeps of an object; requested once.

        Raises ExecutorError and NotApplicable.
        """
        if workload.uid in self._history:
            return self._history[workload.uid]
        what = KINDS[workload.kind].history
        query = f"?limit={MOST_LISTED}&labelSelector={quote(workload.selector, safe='')}"
        told = self._listed(self.place.sibling_path(what) + query, f"the {what} of {workload.name}")
        found = self._history[workload.uid] = self._read(lambda: history_of(told, workload))
        return found

    def revision(self, workload: Workload) -> int:
        """Return the number of the object's template, valid once its controller has seen it.

        For a StatefulSet and a DaemonSet it is the highest that is kept: their controllers give an
        older template that returns a new number (``getStatefulSetRevisions``,
        ``constructHistory``). Raises ExecutorError and NotApplicable.
        """
        if workload.kind == "Deployment":
            return workload.revision
        return max((kept.revision for kept in self.history(workload)), default=0)

    def autoscaler(self) -> str:
        """Return the name of the object's autoscaler; empty if none. Raises ExecutorError."""
        place = self.place
        path = place.sibling_path("horizontalpodautoscalers", "autoscaling/v2")
        told = self._listed(f"{path}?limit={MOST_LISTED}", f"the autoscalers of {place.name}")
        return self._read(lambda: autoscaler_of(told, place.kind, place.name))

    def patch(self, operations: List[Dict[str, Any]], dry: bool = False) -> Outcome:
        """Send a JSON Patch (RFC 6902). ``done``: the API server has accepted it.

        Raises Conflict if the object has changed since it was read; nothing was done then.
        """
        address = f"{self.address}?fieldManager={FIELD_MANAGER}{'&dryRun=All' if dry else ''}"
        headers = {**json_headers(self._token), "Content-Type": "application/json-patch+json"}
        reply: Union[Reply, Outcome] = answer_or_outcome(
            "Kubernetes", lambda: self._send(address, operations, headers, "PATCH")
        )
        if isinstance(reply, Outcome):
            return reply
        if reply.status == 200:
            return Outcome("done")
        if 400 <= reply.status < 500:
            outcome = refused_outcome("Kubernetes", reply)
            if reply.status in CHANGED:
                raise Conflict(replace(outcome, transient=reply.status == CONFLICT))
            return outcome
        return Outcome("unknown", f"Kubernetes answered {reply.status}: {reason_of(reply)}")

    def _listed(self, path: str, what: str) -> Dict[str, Any]:
        told = self._got(path, what)
        if self._read(lambda: (told.get("metadata") or {}).get("continue")):
            raise NotApplicable(
                f"There are more than {MOST_LISTED} of {what}, or objects with the same labels."
            )
        return told

    def _read(self, read: Callable[[], _T]) -> _T:
        try:
            return read()
        except UNEXPECTED_SHAPE:
            sentence = (
                f"The answer at {self._host} does not come from a Kubernetes API: check its "
                "URL and proxy."
            )
            raise ExecutorError(sentence) from None

    def _got(self, path: str, what: str) -> Dict[str, Any]:
        url, headers = self.url + path, json_headers(self._token)
        reply = answer_or_error("Kubernetes", lambda: self._send(url, None, headers, "GET"))
        answer = json_object(reply.text)
        if reply.status != 200 or answer is None:
            said = f"({reply.status}): {reason_of(reply)}"
            kind = NotApplicable if reply.status == 404 and answer else ExecutorError
            raise kind(f"Kubernetes at {self._host} did not return {what} {said}")
        return answer
