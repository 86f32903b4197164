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
# Which arguments say where an executor's object is, and what goes without them: what undoes must
# name the same. A job template of AWX may do anything, so none of its variables does.
LOCATION_ARGUMENTS: Mapping[str, Mapping[str, str]] = {
    "deploy_api": {"service": ""},
    "ecs": {"account": "", "cluster": "", "service": ""},
    "kubernetes": _WORKLOAD,
    "kubernetes_restart": _WORKLOAD,
    "kubernetes_scale": _WORKLOAD,
    "lambda": {"account": "", "service": "", "alias": ""},
    "launchdarkly": {"project": "", "environment": "", "flag": ""},
}
# All that an executor takes, of those that take no others: a cluster whose argument is misspelt
# would be another one.
ACCEPTED_ARGUMENTS: Mapping[str, Tuple[str, ...]] = {
    "ecs": ("account", "cluster", "service", "running", "to_task_definition"),
    "kubernetes": (*_WORKLOAD, "running", "to_version", "revision"),
    "kubernetes_restart": tuple(_WORKLOAD),
    "kubernetes_scale": (*_WORKLOAD, "least", "most", "add", "to_replicas", "replicas"),
    "lambda": ("account", "service", "alias", "running", "to_version", "to_routing"),
    "launchdarkly": ("project", "environment", "flag", "switch", "service"),
}
# The arguments that say which of two things is done: the catalogue names it, and what undoes it
# must name the other one.
ARGUMENT_VALUES: Mapping[str, Mapping[str, Tuple[str, ...]]] = {
    "launchdarkly": {"switch": ("off", "on")}
}
# What undoes an action must take from the state before, as its other arguments don't tell it.
RESTORED_ARGUMENTS: Mapping[str, Mapping[str, str]] = {"lambda": {"to_routing": "$before.routing$"}}
# What of a plan's state an executor is told as well, so that it acts on nothing newer.
BOUND_FACTS: Mapping[str, Tuple[str, ...]] = {
    "ecs": ("deployment",),
    "kubernetes": ("revision",),
    "kubernetes_restart": ("revision", "version"),
    "kubernetes_scale": ("replicas", "to_replicas"),
    "lambda": ("revision", "routing"),
    "launchdarkly": ("flag_version",),
}
# What of it names the very object; whoever undoes a plan is told that, too.
OBJECT_FACTS: Mapping[str, Tuple[str, ...]] = {
    **dict.fromkeys(_KUBERNETES, OBJECTS),
    "ecs": ("cluster_arn",),
    "lambda": ("alias_arn",),
}
_ACCOUNT = {"account": ("account_id",), "region": ("region",)}
# What a change event says of its place, and which facts of the object one of that must be: its
# version before is of no use elsewhere. Of what acts on whatever was changed nothing is asked.
CHANGE_LOCATION_FACTS: Mapping[str, Mapping[str, Tuple[str, ...]]] = {
    "ecs": {"cluster": ("cluster", "cluster_arn"), **_ACCOUNT},
    "kubernetes": {"cluster": ("cluster", "address"), "namespace": ("namespace",)},
    "lambda": {"alias": ("alias", "alias_arn"), **_ACCOUNT},
}
# What an inverse may take of the state before: facts that always have a value, and one that may be
# an argument (an address or an ARN may not). ``cluster``: where the action names one.
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
# And of what an executor answers when it is done.
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
# Which facts of what an executor acts on say where that is. Of the deploy API and AWX nobody can
# tell: one of either may be set under two addresses, and deploy to many places.
LOCATION_FACTS: Mapping[str, Tuple[str, ...]] = {
    **dict.fromkeys(_KUBERNETES, ("address", "namespace")),
    "ecs": ("cluster_arn",),
    "lambda": ("account_id", "region"),
    "launchdarkly": ("project", "environment"),
}
# Who is told which incident a step is for, as ``incident_id``: the name of a session shows it.
NEEDS_INCIDENT_ID = ("ecs", "lambda")
# What of an answer names the change that was made; another one is somebody else's.
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
