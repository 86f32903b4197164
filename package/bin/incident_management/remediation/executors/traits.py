"""What the catalogue, plans and steps need to know of each executor, without making one."""

from __future__ import annotations

from typing import Mapping, Tuple

from .kubernetes import OBJECTS

__all__ = [
    "ACCEPTED_ARGUMENTS",
    "ARGUMENT_VALUES",
    "BOUND_FACTS",
    "CHANGE_LOCATION_FACTS",
    "LOCATION_ARGUMENTS",
    "LOCATION_FACTS",
    "NEEDS_INCIDENT_ID",
    "OBJECT_FACTS",
    "REQUIRED_ARGUMENTS",
    "RESTORED_ARGUMENTS",
    "RESULT_FIELDS",
    "RESULT_IDS",
    "STATE_FACTS",
    "same_service",
    "service_of",
]

_KUBERNETES = ("kubernetes", "kubernetes_restart", "kubernetes_scale")

# Every executor, and the arguments that an action must give it.
REQUIRED_ARGUMENTS: Mapping[str, Tuple[str, ...]] = {
    "deploy_api": ("service", "change_id", "to_version"),
    "awx": ("job_template",),
    "ecs": ("cluster", "service", "running", "to_task_definition"),
    "kubernetes": ("namespace", "service", "running", "to_version"),
    "kubernetes_restart": ("namespace", "service"),
    "kubernetes_scale": ("namespace", "service", "least", "most"),
    "lambda": ("service", "alias", "running", "to_version"),
    "launchdarkly": ("project", "environment", "flag", "switch"),
}
_WORKLOAD = {"cluster": "", "namespace": "", "kind": "Deployment", "service": ""}
# The arguments that locate an executor's object, with their defaults; the inverse must have the
# same. A job template of AWX may do anything, so its variables do not count.
LOCATION_ARGUMENTS: Mapping[str, Mapping[str, str]] = {
    "deploy_api": {"service": ""},
    "ecs": {"account": "", "cluster": "", "service": ""},
    "kubernetes": _WORKLOAD,
    "kubernetes_restart": _WORKLOAD,
    "kubernetes_scale": _WORKLOAD,
    "lambda": {"account": "", "service": "", "alias": ""},
    "launchdarkly": {"project": "", "environment": "", "flag": ""},
}
# The arguments that an executor accepts, for those that reject others: a misspelt argument for
# the cluster would mean another cluster.
ACCEPTED_ARGUMENTS: Mapping[str, Tuple[str, ...]] = {
    "ecs": ("account", "cluster", "service", "running", "to_task_definition"),
    "kubernetes": (*_WORKLOAD, "running", "to_version", "revision"),
    "kubernetes_restart": tuple(_WORKLOAD),
    "kubernetes_scale": (*_WORKLOAD, "least", "most", "add", "to_replicas", "replicas"),
    "lambda": ("account", "service", "alias", "running", "to_version", "to_routing"),
    "launchdarkly": ("project", "environment", "flag", "switch", "service"),
}
# The arguments that choose one of two changes: the catalogue sets one, and the inverse must set
# the other.
ARGUMENT_VALUES: Mapping[str, Mapping[str, Tuple[str, ...]]] = {
    "launchdarkly": {"switch": ("off", "on")}
}
# What an inverse must take from the state before, because no other argument has it.
RESTORED_ARGUMENTS: Mapping[str, Mapping[str, str]] = {"lambda": {"to_routing": "$before.routing$"}}
# The facts of a plan's state that an executor also gets, so that it acts on nothing newer.
BOUND_FACTS: Mapping[str, Tuple[str, ...]] = {
    "ecs": ("deployment",),
    "kubernetes": ("revision",),
    "kubernetes_restart": ("revision", "version"),
    "kubernetes_scale": ("replicas", "to_replicas"),
    "lambda": ("revision", "routing"),
    "launchdarkly": ("flag_version",),
}
# The facts that identify the object; an inverse gets them too.
OBJECT_FACTS: Mapping[str, Tuple[str, ...]] = {
    **dict.fromkeys(_KUBERNETES, OBJECTS),
    "ecs": ("cluster_arn",),
    "lambda": ("alias_arn",),
}
_ACCOUNT = {"account": ("account_id",), "region": ("region",)}
# What a change event says about its location, and the facts of the object of which one must match:
# the event's earlier version is useless elsewhere. Executors that are not listed are not compared.
CHANGE_LOCATION_FACTS: Mapping[str, Mapping[str, Tuple[str, ...]]] = {
    "ecs": {"cluster": ("cluster", "cluster_arn"), **_ACCOUNT},
    "kubernetes": {"cluster": ("cluster", "address"), "namespace": ("namespace",)},
    "lambda": {"alias": ("alias", "alias_arn"), **_ACCOUNT},
}
# The facts of the earlier state that an inverse may use: those that always have a valid value (an
# address or an ARN is no valid argument). ``cluster``: only if the action names one.
STATE_FACTS: Mapping[str, Tuple[str, ...]] = {
    "deploy_api": ("service", "version", "previous_version", "change_id"),
    "awx": ("job_template", "playbook", "project", "inventory"),
    "ecs": ("cluster", "service", "version", "account_id", "region"),
    "kubernetes": ("cluster", "namespace", "service", "version", "revision"),
    "kubernetes_restart": ("cluster", "namespace", "service", "version", "revision"),
    "kubernetes_scale": ("cluster", "namespace", "service", "replicas", "to_replicas"),
    "lambda": ("service", "alias", "version", "routing", "revision", "account_id", "region"),
    "launchdarkly": ("project", "environment", "flag", "switched", "flag_version"),
}
# The fields of an executor's result that an inverse may use.
RESULT_FIELDS: Mapping[str, Tuple[str, ...]] = {
    "deploy_api": ("change_id", "version", "previous_version"),
    "awx": ("job",),
    "ecs": (),
    "kubernetes": ("revision",),
    "kubernetes_restart": (),
    "kubernetes_scale": (),
    "lambda": ("revision", "routing"),
    "launchdarkly": ("flag_version",),
}
# The facts that tell where an executor acts. They are unknown for the deploy API and AWX: either
# may be configured under two addresses, and deploy to many places.
LOCATION_FACTS: Mapping[str, Tuple[str, ...]] = {
    **dict.fromkeys(_KUBERNETES, ("address", "namespace")),
    "ecs": ("cluster_arn",),
    "lambda": ("account_id", "region"),
    "launchdarkly": ("project", "environment"),
}
# The executors that get a step's ``incident_id``, which names their AWS session.
NEEDS_INCIDENT_ID = ("ecs", "lambda")
# The field of a result that identifies the change; another value is someone else's change.
RESULT_IDS: Mapping[str, str] = {
    "deploy_api": "change_id", "ecs": "deployment", "lambda": "revision",
    "launchdarkly": "flag_version",
}  # fmt: skip


def service_of(executor: str) -> str:
    """Return a common name for the executors that use the same service."""
    return "kubernetes" if executor in _KUBERNETES else executor


def same_service(one: str, other: str) -> bool:
    """Tell whether two executors use the same service, so that their addresses compare."""
    return service_of(one) == service_of(other)
