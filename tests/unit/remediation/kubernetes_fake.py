"""A Kubernetes API server with one workload, and its controller, as strict as a real one.

Of ``apps/v1`` and ``autoscaling/v2`` it knows the requests that the executors make. JSON Patch
follows RFC 6902: all of it or nothing, 422 where a test fails, as ``applyJSPatch`` of the API
server. What may be changed by a patch, and what a controller keeps of each kind, follows the
published source: ``ValidateStatefulSetUpdate``, ``getStatefulSetRevisions``, ``constructHistory``.
"""

from __future__ import annotations

import copy
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from incident_management.outside.transport import Reply

URL = "https://k8s.example:6443"
DEPLOYMENT = "/apis/apps/v1/namespaces/shop/deployments/checkout"
REPLICA_SETS = "/apis/apps/v1/namespaces/shop/replicasets"
REVISIONS = "/apis/apps/v1/namespaces/shop/controllerrevisions"
AUTOSCALERS = "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers"
REVISION = "deployment.kubernetes.io/revision"
JSON_PATCH = "application/json-patch+json"


def template(version: str, pool: int = 20, label: bool = True) -> dict[str, Any]:
    labels = {"app": "checkout", **({"app.kubernetes.io/version": version} if label else {})}
    return {
        "metadata": {"creationTimestamp": None, "labels": labels},
        "spec": {
            "containers": [
                {
                    "name": "checkout",
                    "image": f"registry.example:5000/shop/checkout:{version}@sha256:{'0' * 64}",
                    "env": [{"name": "POOL_SIZE", "value": str(pool)}],
                },
                {"name": "proxy", "image": "envoy:v1"},
            ]
        },
    }


# The fields of a status that say how many pods are new, there, and available.
COUNTED = {
    "Deployment": ("updatedReplicas", "replicas", "availableReplicas"),
    "StatefulSet": ("updatedReplicas", "replicas", "readyReplicas"),
    "DaemonSet": ("updatedNumberScheduled", "currentNumberScheduled", "numberAvailable"),
}


class Cluster:
    """``history`` are the templates that ran, the newest is the workload's. It is a ``Send``.

    ``fails``: what the next PATCH raises, before it is done or, with ``after``, then. ``stuck``:
    the controller does nothing. Each look at the workload lets the controller do one step.
    ``replica_sets`` are what keeps the templates: of other kinds, ControllerRevisions.
    """

    def __init__(self, *history: dict[str, Any], kind: str = "Deployment") -> None:
        self.kind = kind
        self.path = f"/apis/apps/v1/namespaces/shop/{kind.lower()}s/checkout"
        self.token = "t"
        self.fails: Exception | None = None
        self.after = False
        self.stuck = False
        self.patched = 0
        self.dry = 0
        self.answers: dict[tuple[str, str], tuple[int, Any]] = {}
        self.before_patch: Any = None
        self.after_patch: Any = None
        self.replica_sets: list[dict[str, Any]] = []
        self.autoscaled: list[tuple[str, str]] = []
        self.deployment: dict[str, Any] = {
            "kind": kind,
            "metadata": {
                "name": "checkout", "namespace": "shop", "uid": "uid-1", "generation": 0,
                "labels": {"incident-management": "allowed"},
            },
            "spec": {"selector": {"matchLabels": {"app": "checkout"}}},
            "status": {},
        }  # fmt: skip
        spec = self.deployment["spec"]
        if kind != "DaemonSet":
            spec["replicas"] = 2
        if kind == "Deployment":
            self.deployment["metadata"]["annotations"] = {}
        else:
            rolling = {"partition": 0} if kind == "StatefulSet" else {"maxUnavailable": 1}
            spec["updateStrategy"] = {"type": "RollingUpdate", "rollingUpdate": rolling}
        for one in history or (template("r7"), template("r8", pool=1)):
            self.deploy(one)
            for _step in range(3):
                self.control()

    @property
    def version(self) -> str:
        env = self.deployment["spec"]["template"]["spec"]["containers"][0]["env"]
        return f"pool {env[0]['value']}"

    @property
    def pods(self) -> int:
        """How many there are to be."""
        return int(self.deployment["spec"].get("replicas", 2))

    def deploy(self, one: dict[str, Any]) -> None:
        """Somebody applies a template."""
        self.deployment["spec"]["template"] = copy.deepcopy(one)
        self.deployment["metadata"]["generation"] += 1

    def scale(self, pods: int) -> None:
        """Somebody asks for so many pods."""
        self.deployment["spec"]["replicas"] = pods
        self.deployment["metadata"]["generation"] += 1

    def control(self) -> None:
        """Do what the controller does next: see the change, make new pods, take the old away."""
        meta, status = self.deployment["metadata"], self.deployment["status"]
        new, there, able = COUNTED[self.kind]
        if self.kind == "DaemonSet":
            status["desiredNumberScheduled"] = self.pods
        if status.get("observedGeneration", 0) < meta["generation"]:
            status["observedGeneration"] = meta["generation"]
            if self.keep(self.deployment["spec"]["template"]):
                status.update({new: 0, there: status.get(there, self.pods)})
                status[able] = status[there]
        elif status[new] != self.pods:
            status[new] = self.pods
            if self.kind == "Deployment":
                status[there] = max(status[there], self.pods + 1)
            else:
                status[able] = max(0, min(status[able], self.pods - 1))
        else:
            status.update({there: self.pods, able: self.pods})

    def keep(self, one: dict[str, Any]) -> bool:
        """Number what keeps a template anew, or make it; False: it is the newest already."""
        newest = max(map(self.number, self.replica_sets), default=0)
        name = f"checkout-{sum(map(ord, json.dumps(one, sort_keys=True))):x}"
        found = [rs for rs in self.replica_sets if rs["metadata"]["name"] == name]
        mine = found[0] if found else self.kept(name, one)
        if not found:
            self.replica_sets.append(mine)
        elif self.number(mine) == newest:
            return False  # Scaling makes no new revision.
        if self.kind == "Deployment":
            mine["metadata"]["annotations"][REVISION] = str(newest + 1)
            self.deployment["metadata"]["annotations"][REVISION] = str(newest + 1)
        else:
            mine["revision"] = newest + 1
        return True

    def kept(self, name: str, one: dict[str, Any]) -> dict[str, Any]:
        """Make a ReplicaSet or a ControllerRevision of a template."""
        kept = copy.deepcopy(one)
        owner = {"uid": "uid-1", "controller": True}
        about: dict[str, Any] = {"name": name, "ownerReferences": [owner]}
        if self.kind == "Deployment":
            kept["metadata"]["labels"]["pod-template-hash"] = name
            about["annotations"] = {REVISION: "0"}
            return {"metadata": about, "spec": {"template": kept}}
        patch = {"spec": {"template": {**kept, "$patch": "replace"}}}
        return {"metadata": about, "data": patch, "revision": 0}

    def number(self, kept: dict[str, Any]) -> int:
        if self.kind == "Deployment":
            return int(kept["metadata"]["annotations"][REVISION])
        return int(kept["revision"])

    def __call__(self, url: str, body: Any, headers: Any, method: str) -> Reply:
        assert headers["Authorization"] == f"Bearer {self.token}"
        assert url.startswith(URL)
        parts = urlsplit(url)
        query = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        status, answer = self.answers.get((method, parts.path)) or self.answer(
            method, parts.path, query, body, headers
        )
        return Reply(status, {}, json.dumps(answer))

    def answer(self, method: str, path: str, query: Any, body: Any, headers: Any) -> Any:
        if (method, path) == ("GET", self.path):
            assert not query and body is None
            if not self.stuck:
                self.control()
            return 200, copy.deepcopy(self.deployment)
        if method == "GET" and path == (REPLICA_SETS if self.kind == "Deployment" else REVISIONS):
            assert query == {"limit": ["200"], "labelSelector": ["app=checkout"]}
            kind = "ReplicaSetList" if path == REPLICA_SETS else "ControllerRevisionList"
            return 200, listed(kind, self.replica_sets)
        if (method, path) == ("GET", AUTOSCALERS):
            assert query == {"limit": ["200"]}
            return 200, listed("HorizontalPodAutoscalerList", map(autoscaler, self.autoscaled))
        if (method, path) == ("PATCH", self.path):
            if headers.get("Content-Type") != JSON_PATCH:
                return 415, failure("the body of the request was in an unknown format")
            return self.patch(query, body)
        return 404, failure(f"{path} not found")

    def patch(self, query: Any, body: Any) -> Any:
        assert query.pop("fieldManager") == ["incident-management"]
        dry = query.pop("dryRun", None)
        assert not query and dry in (None, ["All"])
        if self.before_patch:
            self.before_patch()
        if self.fails and not self.after:
            raise self.fails
        changed, was = copy.deepcopy(self.deployment), self.deployment["spec"]
        for operation in body:
            if not applied(changed, operation):
                return 422, failure(f"error in test for path: '{operation['path']}': test failed")
        if dry:
            self.dry += 1
            return 200, changed
        may = {"template", "replicas"} if self.kind != "DaemonSet" else {"template"}
        assert may >= {one for one in changed["spec"] if changed["spec"][one] != was[one]}
        if changed["spec"] != was:
            changed["metadata"]["generation"] += 1
        self.deployment = changed
        self.patched += 1
        if self.after_patch:
            self.after_patch()
        if self.fails:
            raise self.fails
        return 200, copy.deepcopy(changed)


def applied(document: Any, operation: Any) -> bool:
    """Apply one operation of RFC 6902; False where its test fails."""
    assert set(operation) == {"op", "path", "value"}
    *way, last = [
        step.replace("~1", "/").replace("~0", "~") for step in operation["path"].split("/")[1:]
    ]
    for step in way:
        document = document[step]
    if operation["op"] == "test":
        sent = json.dumps(operation["value"], sort_keys=True)
        return last in document and as_go_writes(document[last]) == sent
    assert operation["op"] == "add" or last in document, "only what is there can be replaced"
    assert operation["op"] in ("add", "replace")
    document[last] = copy.deepcopy(operation["value"])
    return True


def as_go_writes(value: Any) -> str:
    """Return what the API server compares with what was sent, byte by byte in texts.

    ``lazyNode.equal`` of json-patch v4, on what ``encoding/json`` wrote.
    """
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    for one in "&<>\u2028\u2029":
        text = text.replace(one, f"\\u{ord(one):04x}")
    return text


def listed(kind: str, items: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {}, "items": copy.deepcopy(list(items))}


def autoscaler(of: tuple[str, str]) -> dict[str, Any]:
    kind, name = of
    target = {"apiVersion": "apps/v1", "kind": kind, "name": name}
    return {"metadata": {"name": f"{name}-hpa"}, "spec": {"scaleTargetRef": target}}


def failure(message: str) -> dict[str, Any]:
    return {"kind": "Status", "status": "Failure", "message": message}
