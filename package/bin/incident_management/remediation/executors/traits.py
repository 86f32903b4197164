"""What the catalogue, plans and steps need to know of each executor, without making one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Optional, Tuple

from .kubernetes import OBJECTS

__all__ = ["TRAITS", "Traits", "same_service", "service_of", "traits_of"]

Names = Tuple[str, ...]


@dataclass(frozen=True)
class Traits:
    """What is fixed about one executor.

    Attributes:
        required: the arguments that an action must give it.
        accepted: the arguments that it accepts; None: any. It is set where a misspelt argument
            would mean another object.
        choices: arguments that choose one of two changes, with the two values. The catalogue sets
            one, and the inverse must set the other.
        located_by: the arguments that locate its object, with their defaults. The inverse must
            have the same. Empty for AWX, whose job template may do anything.
        restored: the arguments that an inverse must take from the state before, because no other
            argument has them.
        bound_facts: the facts of a plan's state that it also gets, so that it acts on nothing
            newer.
        object_facts: the facts that identify the object. An inverse gets them too.
        change_location: what a change event says about its location, with the facts of the object
            of which one must match: the event's earlier version is useless elsewhere. Empty: not
            compared.
        state_facts: the facts of the earlier state that an inverse may use: those that always have
            a valid value (an address or an ARN is no valid argument). ``cluster`` may be used only
            if the action names one.
        result_fields: the fields of its result that an inverse may use.
        location_facts: the facts that tell where it acts. Empty for the deploy API and AWX: either
            may be configured under two addresses, and deploy to many places.
        result_id: the field of a result that identifies the change. Another value is someone
            else's change.
        service: a common name of the executors that use the same service; empty: its own name.
        needs_incident_id: whether it gets a step's ``incident_id``, which names its AWS session.
    """

    required: Names = ()
    accepted: Optional[Names] = None
    choices: Mapping[str, Names] = field(default_factory=dict)
    located_by: Mapping[str, str] = field(default_factory=dict)
    restored: Mapping[str, str] = field(default_factory=dict)
    bound_facts: Names = ()
    object_facts: Names = ()
    change_location: Mapping[str, Names] = field(default_factory=dict)
    state_facts: Names = ()
    result_fields: Names = ()
    location_facts: Names = ()
    result_id: str = ""
    service: str = ""
    needs_incident_id: bool = False


_ACCOUNT = {"account": ("account_id",), "region": ("region",)}
_WORKLOAD = {"cluster": "", "namespace": "", "kind": "Deployment", "service": ""}


def _kubernetes(*required: str, accepted: Names = (), **traits: Any) -> Traits:
    """Return the traits of an executor that changes a workload of Kubernetes."""
    return Traits(
        required=("namespace", "service", *required),
        accepted=(*_WORKLOAD, *accepted),
        located_by=_WORKLOAD,
        object_facts=OBJECTS,
        location_facts=("address", "namespace"),
        service="kubernetes",
        **traits,
    )


# Every executor, in the order in which people are told of them.
TRAITS: Mapping[str, Traits] = {
    "deploy_api": Traits(
        required=("service", "change_id", "to_version"),
        located_by={"service": ""},
        state_facts=("service", "version", "previous_version", "change_id"),
        result_fields=("change_id", "version", "previous_version"),
        result_id="change_id",
    ),
    "awx": Traits(
        required=("job_template",),
        state_facts=("job_template", "playbook", "project", "inventory"),
        result_fields=("job",),
    ),
    "ecs": Traits(
        required=("cluster", "service", "running", "to_task_definition"),
        accepted=("account", "cluster", "service", "running", "to_task_definition"),
        located_by={"account": "", "cluster": "", "service": ""},
        bound_facts=("deployment",),
        object_facts=("cluster_arn",),
        change_location={"cluster": ("cluster", "cluster_arn"), **_ACCOUNT},
        state_facts=("cluster", "service", "version", "account_id", "region"),
        location_facts=("cluster_arn",),
        result_id="deployment",
        needs_incident_id=True,
    ),
    "kubernetes": _kubernetes(
        *("running", "to_version"),
        accepted=("running", "to_version", "revision"),
        bound_facts=("revision",),
        change_location={"cluster": ("cluster", "address"), "namespace": ("namespace",)},
        state_facts=("cluster", "namespace", "service", "version", "revision"),
        result_fields=("revision",),
    ),
    "kubernetes_restart": _kubernetes(
        bound_facts=("revision", "version"),
        state_facts=("cluster", "namespace", "service", "version", "revision"),
    ),
    "kubernetes_scale": _kubernetes(
        *("least", "most"),
        accepted=("least", "most", "add", "to_replicas", "replicas"),
        bound_facts=("replicas", "to_replicas"),
        state_facts=("cluster", "namespace", "service", "replicas", "to_replicas"),
    ),
    "lambda": Traits(
        required=("service", "alias", "running", "to_version"),
        accepted=("account", "service", "alias", "running", "to_version", "to_routing"),
        located_by={"account": "", "service": "", "alias": ""},
        restored={"to_routing": "$before.routing$"},
        bound_facts=("revision", "routing"),
        object_facts=("alias_arn",),
        change_location={"alias": ("alias", "alias_arn"), **_ACCOUNT},
        state_facts=(
            *("service", "alias", "version", "routing", "revision"),
            *("account_id", "region"),
        ),
        result_fields=("revision", "routing"),
        location_facts=("account_id", "region"),
        result_id="revision",
        needs_incident_id=True,
    ),
    "launchdarkly": Traits(
        required=("project", "environment", "flag", "switch"),
        accepted=("project", "environment", "flag", "switch", "service"),
        choices={"switch": ("off", "on")},
        located_by={"project": "", "environment": "", "flag": ""},
        bound_facts=("flag_version",),
        state_facts=("project", "environment", "flag", "switched", "flag_version"),
        result_fields=("flag_version",),
        location_facts=("project", "environment"),
        result_id="flag_version",
    ),
}
_UNKNOWN = Traits()


def traits_of(executor: Optional[str]) -> Traits:
    """Return an executor's traits; of an unknown one or none, as in a plan of an earlier version,
    traits that say nothing.
    """
    return TRAITS.get(executor or "", _UNKNOWN)


def service_of(executor: str) -> str:
    """Return a common name for the executors that use the same service."""
    return traits_of(executor).service or executor


def same_service(one: str, other: str) -> bool:
    """Tell whether two executors use the same service, so that their addresses compare."""
    return service_of(one) == service_of(other)
