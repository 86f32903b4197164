"""Strict parsing of Deployments, StatefulSets and DaemonSets as an API server returns them.

Anything that does not match the API reference of ``apps/v1`` raises one of
:data:`UNEXPECTED_SHAPE`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Tuple

from ....masking import mask

__all__ = [
    "ALLOWED",
    "KINDS",
    "LABEL",
    "OBJECTS",
    "UNEXPECTED_SHAPE",
    "Kind",
    "StoredTemplate",
    "Workload",
    "autoscaler_of",
    "gitops_conflict",
    "history_of",
    "refusal_to_touch",
    "workload_of",
]

# The app changes only objects with this label.
LABEL, ALLOWED = "incident-management", "allowed"
# "Recommended Labels" of Kubernetes.
VERSION_LABEL = "app.kubernetes.io/version"
REVISION = "deployment.kubernetes.io/revision"
# Which the Deployment's controller adds to each ReplicaSet's template.
HASH_LABEL = "pod-template-hash"
# Argo CD and Flux revert changes of their objects that are not in their repository.
GITOPS_MARKS = (
    ("argocd.argoproj.io/", "Argo CD"),
    ("kustomize.toolkit.fluxcd.io/", "Flux"),
    ("helm.toolkit.fluxcd.io/", "Flux"),
)
UNEXPECTED_SHAPE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


@dataclass(frozen=True)
class Kind:
    """A kind of workload: its path, where its history is kept, and when its rollout is done.

    ``left`` returns what a rollout waits for, as ``rollout_status.go`` of kubectl does; empty when
    it is done. An exceeded deadline is no end, because that condition may be from the rollout
    before.
    """

    path: str
    history: str
    history_kind: str
    left: Callable[[Workload], str]


@dataclass(frozen=True)
class StoredTemplate:
    """A pod template that ran: the object that keeps it, its number and its version.

    ``version`` is empty if unknown.
    """

    keeper: str
    revision: int
    version: str
    whole: Dict[str, Any]


@dataclass(frozen=True)
class Workload:
    """An object's spec and rollout status. ``revision`` is 0 if unknown.

    ``drops_volumes``: Kubernetes deletes the volumes of pods when it scales down.
    """

    kind: str
    name: str
    uid: str
    template: Dict[str, Any]
    version: str
    revision: int
    selector: str
    generation: int
    observed: int
    wanted: int
    updated: int
    total: int
    available: int
    strategy: str
    partition: int
    is_annotated: bool
    drops_volumes: bool

    @property
    def is_seen(self) -> bool:
        """Whether its controller has seen the last change."""
        return 0 < self.observed >= self.generation

    @property
    def left(self) -> str:
        """What its rollout waits for; empty when it is done."""
        return (
            KINDS[self.kind].left(self)
            if self.is_seen
            else "its controller has not seen the change yet"
        )

    @property
    def rolls(self) -> str:
        """Why a new template would not reach all pods; empty if it would."""
        if self.strategy == "OnDelete":
            return f"The pods of {self.name} change only when someone deletes them (OnDelete)."
        if self.partition:
            return (
                f"{self.name} is being rolled out in steps (its partition is "
                f"{self.partition}): someone is working on it."
            )
        return ""


def _deployment_left(one: Workload) -> str:
    if one.updated < one.wanted:
        return f"{one.updated} of {one.wanted} pods are updated"
    if one.total > one.updated:
        return f"{one.total - one.updated} old pods remain"
    if one.available < one.updated:
        return f"{one.available} of {one.updated} pods are available"
    return ""


def _set_left(one: Workload) -> str:
    if one.updated < one.wanted:
        return f"{one.updated} of {one.wanted} pods are updated"
    if one.available < one.wanted:
        return f"{one.available} of {one.wanted} pods are available"
    return ""


KINDS: Mapping[str, Kind] = {
    "Deployment": Kind("deployments", "replicasets", "ReplicaSetList", _deployment_left),
    "StatefulSet": Kind("statefulsets", "controllerrevisions", "ControllerRevisionList", _set_left),
    "DaemonSet": Kind("daemonsets", "controllerrevisions", "ControllerRevisionList", _set_left),
}
# Under which facts stands an object's uid, which no other has, in whichever cluster.
OBJECTS = tuple(kind.lower() for kind in KINDS)
# Of each kind, the fields of its status that say how many pods are new, there, and available.
_COUNTED: Mapping[str, Tuple[str, str, str]] = {
    "Deployment": ("updatedReplicas", "replicas", "availableReplicas"),
    # kubectl, too, takes those that are ready.
    "StatefulSet": ("updatedReplicas", "replicas", "readyReplicas"),
    "DaemonSet": ("updatedNumberScheduled", "currentNumberScheduled", "numberAvailable"),
}


def refusal_to_touch(told: Mapping[str, Any], kind: str, name: str) -> str:
    """Return why the app must not change an object; empty if it may."""
    if told["kind"] != kind or told["metadata"]["name"] != name:
        raise ValueError("another thing")
    metadata = told["metadata"]
    if (metadata.get("labels") or {}).get(LABEL) != ALLOWED:
        return f"{name} lacks the label {LABEL}={ALLOWED}, so no action may change it."
    if metadata.get("deletionTimestamp"):
        return f"{name} is being deleted."
    if told["spec"].get("paused"):
        return f"The rollout of {name} is paused: someone is working on it."
    return ""


def gitops_conflict(told: Mapping[str, Any], name: str) -> str:
    """Return which GitOps tool would revert a change of an object; empty if none is known."""
    metadata = told["metadata"]
    marks = (*(metadata.get("labels") or {}), *(metadata.get("annotations") or {}))
    for mark, keeper in GITOPS_MARKS:
        if any(str(one).startswith(mark) for one in marks):
            return (
                f"{name} is managed by {keeper}, which would revert the change: make the "
                "change there."
            )
    return ""


def workload_of(told: Mapping[str, Any]) -> Workload:
    metadata, spec, status = told["metadata"], told["spec"], told.get("status") or {}
    kind, name = _text(told["kind"]), _text(metadata["name"])
    template = dict(spec["template"])
    strategy = spec.get("updateStrategy") or {}
    if kind == "DaemonSet":
        wanted = _whole(status.get("desiredNumberScheduled", 0))
    else:
        wanted = _whole(spec.get("replicas", 1))
    return Workload(
        kind,
        name,
        _text(metadata["uid"]),
        template,
        _version_of(template, name),
        _number(metadata),
        _selector_of(spec["selector"]),
        _whole(metadata["generation"]),
        _whole(status.get("observedGeneration", 0)),
        wanted,
        *_counted(kind, status),
        _text(strategy.get("type", "")),
        _whole((strategy.get("rollingUpdate") or {}).get("partition", 0)),
        bool(metadata.get("annotations")),
        (spec.get("persistentVolumeClaimRetentionPolicy") or {}).get("whenScaled") == "Delete",
    )


def _counted(kind: str, status: Mapping[str, Any]) -> Tuple[int, int, int]:
    new, there, available = (_whole(status.get(one, 0)) for one in _COUNTED[kind])
    return new, there, available


def history_of(told: Mapping[str, Any], workload: Workload) -> List[StoredTemplate]:
    """Return the templates that an object's own ReplicaSets or ControllerRevisions keep."""
    if told["kind"] != KINDS[workload.kind].history_kind:
        raise ValueError("another thing")
    mine = [one for one in told["items"] if _is_owned(one, workload.uid)]
    return [_kept(one, workload) for one in mine]


def _kept(told: Mapping[str, Any], workload: Workload) -> StoredTemplate:
    metadata = told["metadata"]
    if workload.kind == "Deployment":
        revision, whole = _number(metadata), _unhashed(told["spec"]["template"])
    else:
        # "data" is the strategic merge patch that kubectl would send (``getPatch`` of the
        # controllers): the whole template, and that it takes the other's place.
        revision, whole = _whole(told["revision"]), dict(told["data"]["spec"]["template"])
        if whole.pop("$patch", "") != "replace":
            raise ValueError("not a whole template")
    return StoredTemplate(
        _text(metadata["name"]), revision, _version_of(whole, workload.name), whole
    )


def autoscaler_of(told: Mapping[str, Any], kind: str, name: str) -> str:
    """Return the name of the autoscaler that sets an object's number of pods; empty if none."""
    if told["kind"] != "HorizontalPodAutoscalerList":
        raise ValueError("another thing")
    for one in told["items"]:
        target = one["spec"]["scaleTargetRef"]
        if (target["kind"], target["name"]) == (kind, name):
            return _text(one["metadata"]["name"])
    return ""


def _is_owned(kept: Mapping[str, Any], uid: str) -> bool:
    owners = kept["metadata"].get("ownerReferences") or []
    return any(owner.get("uid") == uid and owner.get("controller") is True for owner in owners)


def _number(metadata: Mapping[str, Any]) -> int:
    return int(_text((metadata.get("annotations") or {}).get(REVISION, "0")))


def _version_of(template: Mapping[str, Any], name: str) -> str:
    """Return a template's version: its version label, else its image's tag."""
    label = (template["metadata"].get("labels") or {}).get(VERSION_LABEL)
    return mask(_text(label or _tag(template["spec"]["containers"], name)))[:100]


def _unhashed(template: Mapping[str, Any]) -> Dict[str, Any]:
    """Return a ReplicaSet's template as its Deployment had it, without the hash label."""
    metadata = template["metadata"]
    labels = {k: v for k, v in (metadata.get("labels") or {}).items() if k != HASH_LABEL}
    return {**template, "metadata": {**metadata, "labels": labels}}


def _tag(containers: List[Mapping[str, Any]], name: str) -> str:
    """Return the tag of ``registry:5000/shop/checkout:1.4@sha256:…``; empty if there is none."""
    named = [one for one in containers if len(containers) == 1 or one["name"] == name]
    if not named:
        return ""
    image = _text(named[0]["image"]).partition("@")[0].rpartition("/")[2]
    return image.partition(":")[2]


def _selector_of(selector: Mapping[str, Any]) -> str:
    """Return the label selector of the objects that keep the history of a workload."""
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
