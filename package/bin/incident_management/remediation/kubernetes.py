"""Puts a Deployment of Kubernetes back to the version that it ran before.

As ``kubectl rollout undo`` does (``rollback.go`` of kubectl): the pod template of an earlier
ReplicaSet takes the place of the Deployment's, by one JSON Patch. It begins with a ``test`` of the
label that allows it and one of the template that was read (RFC 6902, 4.6). The API server applies
these to what is stored at that moment: nobody's change in between is undone, and a repeated request
does nothing. How far a rollout is follows ``rollout_status.go``, but that its deadline is exceeded
is no end: that condition may still be of the rollout before.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping
from urllib.parse import quote, urlsplit

from ..masking import mask
from ..notify.transport import NoAnswer, NotSent, Reply, json_headers
from .executor import (
    ExecutorError,
    Outcome,
    Send,
    Unfit,
    answer_or_outcome,
    object_of,
    reason_of,
    shown_request,
)

__all__ = ["Kubernetes"]

# A Deployment without this label is none of the app's business.
LABEL, ALLOWED = "incident-management", "allowed"
# "Recommended Labels" of Kubernetes.
VERSION_LABEL = "app.kubernetes.io/version"
REVISION = "deployment.kubernetes.io/revision"
CAUSE = "kubernetes.io~1change-cause"  # kubectl rollout history shows it; "/" as RFC 6901 writes it
# Which the Deployment's controller adds to each ReplicaSet's template.
HASH_LABEL = "pod-template-hash"
# Who these belong to puts back what is not in its repository: Argo CD, Flux.
KEPT_BY = (
    ("argocd.argoproj.io/", "Argo CD"),
    ("kustomize.toolkit.fluxcd.io/", "Flux"),
    ("helm.toolkit.fluxcd.io/", "Flux"),
)
# ``revisionHistoryLimit`` is 10 unless set.
MOST_REPLICA_SETS = 200
# A rollout is waited for so long before its end is left to be found out later.
WAIT_SECONDS = 20.0
PAUSE_SECONDS = 2.0
STRANGE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


@dataclass(frozen=True)
class _Template:
    """A pod template, which version it is (empty: nobody can tell), and whose."""

    owner: str
    revision: int
    version: str
    whole: Dict[str, Any]


@dataclass(frozen=True)
class _Deployment:
    """What a Deployment is to run, and how far its rollout is."""

    uid: str
    template: _Template
    selector: str
    generation: int
    observed: int
    wanted: int
    updated: int
    total: int
    available: int

    @property
    def left(self) -> str:
        """What its rollout waits for; empty when it is through."""
        if self.observed < self.generation:
            return "it is not begun"
        if self.updated < self.wanted:
            return f"{self.updated} of {self.wanted} pods are new"
        if self.total > self.updated:
            return f"{self.total - self.updated} old pods are still there"
        if self.available < self.updated:
            return f"{self.available} of {self.updated} pods are available"
        return ""


class Kubernetes:
    """The Deployments of one cluster, by the address of its API and a service account's token.

    Arguments: ``namespace``, ``service`` (the Deployment), ``running`` (the version that the change
    put there), ``to_version`` and, where it must still be the same, ``revision``: that which was
    approved, or for an inverse that which the fix made. A version is the label
    ``app.kubernetes.io/version`` of the pod template, else the tag of its image: of the only
    container, or of that named as the Deployment.
    """

    def __init__(
        self, url: str, token: str, send: Send, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._send = send
        self._sleep = sleep
        self._host = urlsplit(url).hostname or ""

    def facts(self, arguments: Mapping[str, str]) -> Dict[str, Any]:
        """Return what the Deployment runs, and what it would be put back to.

        Raises ExecutorError, and Unfit where it is not to be put back.
        """
        deployment = self._deployment(arguments)
        target = self._target(deployment, arguments)
        return {
            "service": arguments["service"],
            "namespace": arguments["namespace"],
            "version": deployment.template.version,
            "deployment": deployment.uid,
            "revision": str(deployment.template.revision),
            "to_replica_set": target.owner,
        }

    def execute(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Put the earlier template in place, and wait a little for it to run."""
        outcome = self._patched(arguments, request_id)
        if outcome.status != "done":
            return outcome
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            outcome = self.settle(arguments, request_id)
            if outcome.status == "unchanged":
                again = f"{arguments['service']} runs {arguments['running']} again"
                sentence = f"{again}: somebody or something has put it back."
                return Outcome("failed", sentence, certain=False)
            if outcome.status != "unknown" or time.monotonic() >= deadline:
                return outcome
            self._sleep(PAUSE_SECONDS)

    def settle(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Look at what the Deployment is to run, and how far its rollout is."""
        try:
            deployment = self._deployment(arguments)
        except ExecutorError as error:
            return Outcome("unknown", str(error))
        name, version = arguments["service"], deployment.template.version
        if version == arguments["running"]:
            return Outcome("unchanged", f"{name} still runs {version}.")
        if version != arguments["to_version"]:
            told = version or "a version that it does not tell"
            return Outcome("failed", f"{name} has moved on to {told}.", certain=False)
        if deployment.left:
            return Outcome("unknown", f"{name} is put back to {version}: {deployment.left}.")
        revision = str(deployment.template.revision)
        return Outcome("done", f"{name} runs {version}.", {"revision": revision})

    def preview(self, arguments: Mapping[str, str], request_id: str) -> Dict[str, Any]:
        """Return the request; templates may hold secrets, so they are only named."""
        name, running, version = (arguments[one] for one in ("service", "running", "to_version"))
        patch = _patch(f"(of {running}, as it is)", f"(of {version}, as {name} ran it)", request_id)
        return shown_request("PATCH", self._address(arguments), patch)

    def rehearse(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Have the API server check the request without storing it ("Dry-run", ``dryRun=All``)."""
        self.facts(arguments)
        outcome = self._patched(arguments, request_id, "&dryRun=All")
        if outcome.status == "done":
            return Outcome("done", "Kubernetes would take it: nothing was changed.")
        return outcome

    def _patched(self, arguments: Mapping[str, str], request_id: str, more: str = "") -> Outcome:
        """Ask for the earlier template. ``done``: the API server has taken it."""
        try:
            deployment = self._deployment(arguments)
            target = self._target(deployment, arguments)
        except ExecutorError as error:
            return Outcome("failed", str(error))
        then = _unhashed(target.whole)
        patch = _patch(deployment.template.whole, then, request_id, deployment.uid)
        address = f"{self._address(arguments)}?fieldManager=incident-management{more}"
        headers = {**json_headers(self._token), "Content-Type": "application/json-patch+json"}
        reply = answer_or_outcome(
            "Kubernetes", lambda: self._send(address, patch, headers, "PATCH")
        )
        if isinstance(reply, Outcome):
            return reply
        if reply.status == 200:
            return Outcome("done")
        said = f"{reply.status}: {reason_of(reply)}"
        if 400 <= reply.status < 500:
            return Outcome("failed", f"Kubernetes refused with {said}")
        return Outcome("unknown", f"Kubernetes answered {said}")

    def _deployment(self, arguments: Mapping[str, str]) -> _Deployment:
        """Return a Deployment that may be touched. Raises ExecutorError and Unfit."""
        name = arguments["service"]
        told = self._got(self._address(arguments), f"the Deployment {name}")
        refusal = self._read(lambda: _not_ours(told, name))
        if refusal:
            raise Unfit(refusal)
        return self._read(lambda: _deployment_of(told))

    def _target(self, deployment: _Deployment, arguments: Mapping[str, str]) -> _Template:
        """Return the newest earlier template of the version that is wanted. Raises Unfit."""
        name, version = arguments["service"], arguments["to_version"]
        running = deployment.template.version
        if running != arguments["running"]:
            what = running or "a version that nobody can tell"
            raise Unfit(f"{name} runs {what}, no longer {arguments['running']}.")
        if running == version:
            raise Unfit(f"{name} runs {running} already: there is nothing to do.")
        revision = str(deployment.template.revision)
        wanted = arguments.get("revision", revision)
        if revision != wanted:
            raise Unfit(f"{name} was changed since (revision {revision}, no longer {wanted}).")
        if deployment.observed < deployment.generation:
            # Until its controller has seen a change, the revision is that of before.
            raise ExecutorError(f"{name} was changed just now: try again in a moment.")
        address = f"{self._namespace(arguments)}/replicasets?limit={MOST_REPLICA_SETS}"
        selector = quote(deployment.selector, safe="")
        told = self._got(f"{address}&labelSelector={selector}", f"the ReplicaSets of {name}")
        kept = self._read(lambda: _owned(told, deployment.uid, name))
        fitting = [one for one in kept if one.version == version]
        if not fitting:
            raise Unfit(
                f"Kubernetes keeps no ReplicaSet of {name} with the version {version} any more "
                "(revisionHistoryLimit)."
            )
        return max(fitting, key=lambda one: one.revision)

    def _read(self, read: Callable[[], Any]) -> Any:
        try:
            return read()
        except STRANGE:
            sentence = f"What answered at {self._host} is no Kubernetes API: see its URL and proxy."
            raise ExecutorError(sentence) from None

    def _got(self, address: str, what: str) -> Dict[str, Any]:
        try:
            reply: Reply = self._send(address, None, json_headers(self._token), "GET")
        except (NotSent, NoAnswer) as error:
            raise ExecutorError(f"Kubernetes can't be asked: {error}") from None
        answer = object_of(reply.text)
        if reply.status != 200 or answer is None:
            said = f"({reply.status}): {reason_of(reply)}"
            kind = Unfit if reply.status == 404 and answer else ExecutorError
            raise kind(f"Kubernetes at {self._host} does not give {what} {said}")
        return answer

    def _address(self, arguments: Mapping[str, str]) -> str:
        return f"{self._namespace(arguments)}/deployments/{quote(arguments['service'], safe='')}"

    def _namespace(self, arguments: Mapping[str, str]) -> str:
        return f"{self._url}/apis/apps/v1/namespaces/{quote(arguments['namespace'], safe='')}"


def _patch(now: Any, then: Any, request_id: str, uid: str = "") -> List[Dict[str, Any]]:
    """Return the JSON Patch; ``uid``: of the Deployment, which may be another one of its name."""
    of_it = [{"op": "test", "path": "/metadata/uid", "value": uid}] if uid else []
    allowed = {"op": "test", "path": f"/metadata/labels/{LABEL}", "value": ALLOWED}
    cause = f"{request_id} of Incident Management for Splunk"
    return [
        *of_it,
        allowed,
        {"op": "test", "path": "/spec/template", "value": now},
        {"op": "replace", "path": "/spec/template", "value": then},
        # There are annotations: the controller keeps the revision in one.
        {"op": "add", "path": f"/metadata/annotations/{CAUSE}", "value": cause},
    ]


def _not_ours(told: Mapping[str, Any], name: str) -> str:
    """Say why a Deployment is not to be touched; empty where it may be."""
    if told["kind"] != "Deployment" or told["metadata"]["name"] != name:
        raise ValueError("another thing")
    metadata, spec = told["metadata"], told["spec"]
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    if labels.get(LABEL) != ALLOWED:
        return f"{name} lacks the label {LABEL}={ALLOWED}, so nothing is done to it."
    if metadata.get("deletionTimestamp"):
        return f"{name} is being deleted."
    if spec.get("paused"):
        return f"The rollout of {name} is paused: somebody is at work on it."
    for mark, keeper in KEPT_BY:
        if any(str(one).startswith(mark) for one in (*labels, *annotations)):
            return f"{name} is kept by {keeper}, which would put the change back: undo it there."
    return ""


def _deployment_of(told: Mapping[str, Any]) -> _Deployment:
    metadata, spec, status = told["metadata"], told["spec"], told.get("status") or {}
    numbers = ("updatedReplicas", "replicas", "availableReplicas")
    return _Deployment(
        _text(metadata["uid"]),
        _template_of(told, _text(metadata["name"])),
        _selector_of(spec["selector"]),
        _whole(metadata["generation"]),
        _whole(status.get("observedGeneration", 0)),
        _whole(spec.get("replicas", 1)),
        *(_whole(status.get(name, 0)) for name in numbers),
    )


def _owned(told: Mapping[str, Any], uid: str, name: str) -> List[_Template]:
    """Return the templates of a Deployment's own ReplicaSets. Raises Unfit for too many."""
    if told["kind"] != "ReplicaSetList":
        raise ValueError("another thing")
    if (told.get("metadata") or {}).get("continue"):
        raise Unfit(f"More than {MOST_REPLICA_SETS} ReplicaSets have the labels of {name}'s.")
    return [_template_of(one, name) for one in told["items"] if _is_owned(one, uid)]


def _is_owned(replica_set: Mapping[str, Any], uid: str) -> bool:
    owners = replica_set["metadata"].get("ownerReferences") or []
    return any(owner.get("uid") == uid and owner.get("controller") is True for owner in owners)


def _template_of(told: Mapping[str, Any], name: str) -> _Template:
    metadata, whole = told["metadata"], dict(told["spec"]["template"])
    revision = int(_text((metadata.get("annotations") or {}).get(REVISION, "0")))
    label = (whole["metadata"].get("labels") or {}).get(VERSION_LABEL)
    version = _text(label or _tag(whole["spec"]["containers"], name))
    return _Template(_text(metadata["name"]), revision, mask(version)[:100], whole)


def _unhashed(template: Mapping[str, Any]) -> Dict[str, Any]:
    """Return a ReplicaSet's template as its Deployment had it."""
    metadata = template["metadata"]
    labels = {k: v for k, v in (metadata.get("labels") or {}).items() if k != HASH_LABEL}
    return {**template, "metadata": {**metadata, "labels": labels}}


def _tag(containers: List[Mapping[str, Any]], name: str) -> str:
    """Return the tag of ``registry:5000/shop/checkout:1.4@sha256:…``; empty where there is none."""
    named = [one for one in containers if len(containers) == 1 or one["name"] == name]
    if not named:
        return ""
    image = _text(named[0]["image"]).partition("@")[0].rpartition("/")[2]
    return image.partition(":")[2]


def _selector_of(selector: Mapping[str, Any]) -> str:
    """Return what finds a Deployment's ReplicaSets; they are told apart by their owner."""
    return ",".join(
        f"{_text(k)}={_text(v)}" for k, v in (selector.get("matchLabels") or {}).items()
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _whole(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise TypeError("not a number of things")
    return value
