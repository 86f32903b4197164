"""A Kubernetes API server with one Deployment, and its controller, as strict as a real one.

Of ``apps/v1`` it knows the three requests that the executor makes. JSON Patch follows RFC 6902: all
of it or nothing, 422 where a test fails, as ``applyJSPatch`` of the API server.
"""

from __future__ import annotations

import copy
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from incident_management.notify.transport import Reply

URL = "https://k8s.example:6443"
DEPLOYMENT = "/apis/apps/v1/namespaces/shop/deployments/checkout"
REPLICA_SETS = "/apis/apps/v1/namespaces/shop/replicasets"
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


class Cluster:
    """``history`` are the templates that ran, the newest is the Deployment's. It is a ``Send``.

    ``fails``: what the next PATCH raises, before it is done or, with ``after``, then. ``stuck``:
    the controller does nothing. Each look at the Deployment lets the controller do one step.
    """

    def __init__(self, *history: dict[str, Any]) -> None:
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
        self.deployment: dict[str, Any] = {
            "kind": "Deployment",
            "metadata": {
                "name": "checkout", "namespace": "shop", "uid": "uid-1", "generation": 0,
                "labels": {"incident-management": "allowed"}, "annotations": {},
            },
            "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "checkout"}}},
            "status": {},
        }  # fmt: skip
        for one in history or (template("r7"), template("r8", pool=1)):
            self.deploy(one)
            for _step in range(3):
                self.control()

    @property
    def version(self) -> str:
        env = self.deployment["spec"]["template"]["spec"]["containers"][0]["env"]
        return f"pool {env[0]['value']}"

    def deploy(self, one: dict[str, Any]) -> None:
        """Somebody applies a template."""
        self.deployment["spec"]["template"] = copy.deepcopy(one)
        self.deployment["metadata"]["generation"] += 1

    def control(self) -> None:
        """Do what the controller does next: see the change, make new pods, take the old away."""
        meta, status = self.deployment["metadata"], self.deployment["status"]
        if status.get("observedGeneration", 0) < meta["generation"]:
            status.update(observedGeneration=meta["generation"], updatedReplicas=0, replicas=2)
            status["availableReplicas"] = 2
            self.keep(self.deployment["spec"]["template"])
        elif status["updatedReplicas"] < 2:
            status.update(updatedReplicas=2, replicas=3)
        else:
            status.update(replicas=2, availableReplicas=2)

    def keep(self, one: dict[str, Any]) -> None:
        """Number the ReplicaSet of a template anew, or make it."""
        newest = max((int(rs["metadata"]["annotations"][REVISION]) for rs in self.replica_sets),
                     default=0)  # fmt: skip
        name = f"checkout-{sum(map(ord, json.dumps(one, sort_keys=True))):x}"
        found = [rs for rs in self.replica_sets if rs["metadata"]["name"] == name]
        kept = copy.deepcopy(one)
        kept["metadata"]["labels"]["pod-template-hash"] = name
        owner = {"uid": "uid-1", "controller": True}
        about = {"name": name, "annotations": {}, "ownerReferences": [owner]}
        made: dict[str, Any] = {"metadata": about, "spec": {"template": kept}}
        if not found:
            self.replica_sets.append(made)
        mine = found[0] if found else made
        if mine["metadata"]["annotations"].get(REVISION) == str(newest):
            return  # Scaling makes no new revision.
        mine["metadata"]["annotations"][REVISION] = str(newest + 1)
        self.deployment["metadata"]["annotations"][REVISION] = str(newest + 1)

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
        if (method, path) == ("GET", DEPLOYMENT):
            assert not query and body is None
            if not self.stuck:
                self.control()
            return 200, copy.deepcopy(self.deployment)
        if (method, path) == ("GET", REPLICA_SETS):
            assert query == {"limit": ["200"], "labelSelector": ["app=checkout"]}
            listed = {"kind": "ReplicaSetList", "metadata": {}, "items": self.replica_sets}
            return 200, copy.deepcopy(listed)
        if (method, path) == ("PATCH", DEPLOYMENT):
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
        changed = copy.deepcopy(self.deployment)
        for operation in body:
            if not applied(changed, operation):
                return 422, failure(f"error in test for path: '{operation['path']}': test failed")
        if dry:
            self.dry += 1
            return 200, changed
        if changed["spec"]["template"] != self.deployment["spec"]["template"]:
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
        return last in document and bool(document[last] == operation["value"])
    assert operation["op"] == "add" or last in document, "only what is there can be replaced"
    assert operation["op"] in ("add", "replace")
    document[last] = copy.deepcopy(operation["value"])
    return True


def failure(message: str) -> dict[str, Any]:
    return {"kind": "Status", "status": "Failure", "message": message}
