"""A bench whose actions are about a cluster of Kubernetes."""

from __future__ import annotations

from functools import partial

from incident_management.remediation.executors.kubernetes import Restart, Rollback, Scale
from tests.unit.remediation.bench import Bench
from tests.unit.remediation.kubernetes_fake import URL

KINDS = ("Deployment", "StatefulSet", "DaemonSet")
ARGUMENTS = {"namespace": "shop", "service": "checkout", "running": "r8", "to_version": "r7"}
BACK = {
    "label": "Put the Deployment back", "executor": "kubernetes", "argument.namespace": "shop",
    "argument.service": "$analysis.service$", "argument.running": "$analysis.version$",
    "argument.running.type": "version", "argument.to_version": "$analysis.previous_version$",
    "argument.to_version.type": "version", "blast_radius": "$service$ runs $to_version$.",
    "inverse": "forth",
}  # fmt: skip
FORTH = {
    **BACK, "label": "Put it forth", "inverse": "", "inverse_only": "1",
    "argument.service": "$plan.service$", "argument.running": "$plan.to_version$",
    "argument.to_version": "$plan.running$",
    "argument.revision": "$result.revision$", "argument.revision.type": "integer",
}  # fmt: skip
RESTART = {
    "label": "Restart", "executor": "kubernetes_restart", "argument.namespace": "shop",
    "argument.service": "$analysis.service$", "blast_radius": "The pods of $service$ start anew.",
}  # fmt: skip
MORE = {
    **RESTART, "label": "Add pods", "executor": "kubernetes_scale", "argument.add": "2",
    "argument.add.type": "integer", "argument.least": "1", "argument.least.type": "integer",
    "argument.most": "6", "argument.most.type": "integer", "inverse": "as_before",
    "blast_radius": "$service$ has $to_replicas$ pods instead of $replicas$.",
}  # fmt: skip
AS_BEFORE = {
    **{name: value for name, value in MORE.items() if not name.startswith("argument.add")},
    "label": "As many as before", "inverse": "", "inverse_only": "1",
    "argument.service": "$plan.service$",
    "argument.replicas": "$before.to_replicas$", "argument.replicas.type": "integer",
    "argument.to_replicas": "$before.replicas$", "argument.to_replicas.type": "integer",
}  # fmt: skip


def kubernetes(cluster, kind=Rollback):
    """Return an executor of a cluster, which it knows by any name."""
    return kind(lambda _name: (f"{URL}/", "t"), cluster, sleep=lambda seconds: None)


class Sailing(Bench):
    """Its actions put what is in a cluster back, restart it and scale it."""

    def __init__(self, cluster):
        super().__init__()
        self.cluster = cluster
        kind = {"argument.kind": cluster.kind} if cluster.kind != "Deployment" else {}
        stanzas = {
            "back": BACK, "forth": FORTH, "restart": RESTART, "more": MORE, "as_before": AS_BEFORE
        }  # fmt: skip
        self.stanzas = {name: {**values, **kind} for name, values in stanzas.items()}

    def executors(self):
        kinds = {
            "kubernetes": Rollback, "kubernetes_restart": Restart, "kubernetes_scale": Scale
        }  # fmt: skip
        return {name: partial(kubernetes, self.cluster, kind) for name, kind in kinds.items()}
