"""Roll a service of Amazon ECS back to an earlier task definition.

``UpdateService`` with a ``taskDefinition`` sets what the service should run. A repeat for the same
one starts no deployment ("By default, deployments aren't forced", ``forceNewDeployment``), so a
request may be repeated although ECS knows no request ids. The rolling deployment then runs on:
``rolloutState`` is its progress, and ``FAILED`` one that the deployment circuit breaker stopped
("UpdateService" and "Deployment" in the Amazon ECS API Reference).

``UpdateService`` does not name the deployment that it replaces: ECS has no compare-and-set. So the
service is read right before, and the answer shows a concurrent deployment that was replaced.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ....masking import mask
from ..executor import ExecutorError, NotApplicable, Outcome
from .calls import PAUSE_SECONDS, Calls, InAccounts, location_of_arn

__all__ = ["Ecs"]

# The app changes only services with this tag.
TAG, ALLOWED = "incident-management", "allowed"
# How long a deployment is awaited; after that, settle determines its outcome.
WAIT_SECONDS = 20.0
# "Request throttling for the Amazon ECS API": with the status 400, and soon over.
ECS = Calls("Amazon ECS", busy=frozenset({"ThrottlingException"}))


@dataclass(frozen=True)
class _Deployment:
    """One of a service's deployments; ``revision`` is its task definition, such as ``web:41``.

    ``state`` is its ``rolloutState``, which ECS leaves out behind a Classic Load Balancer.
    """

    id: str
    status: str
    revision: str
    state: str
    reason: str
    tasks: int
    wanted_tasks: int


@dataclass(frozen=True)
class _Service:
    """A service. ``cluster_arn``: such as ``arn:aws:ecs:eu-west-1:123456789012:cluster/prod``."""

    deployments: List[_Deployment]
    cluster_arn: str

    @property
    def newest(self) -> _Deployment:
        """The current deployment: PRIMARY is "the most recent deployment"."""
        found = self.deployments
        return next((one for one in found if one.status == "PRIMARY"), found[0])


class Ecs(InAccounts):
    """Services in the account that an action names (``account``), in its region.

    Arguments: ``cluster``, ``service``, ``running`` (the task definition that the change deployed)
    and ``to_task_definition``, both as ``family:revision``. ``deployment``, if given, is the id of
    the deployment to replace, and ``cluster_arn`` the expected ARN of the cluster.
    """

    def facts(self, arguments: Mapping[str, str]) -> Dict[str, Any]:
        """Return what the service runs, and its deployment.

        Raises ExecutorError, and NotApplicable if the service must not be rolled back.
        """
        with self._connect(arguments) as client:
            service = self._service(client, arguments)
            _as_approved(service, arguments)
            wanted, running = arguments["to_task_definition"], service.newest.revision
            name = arguments["service"]
            if running.partition(":")[0] != wanted.partition(":")[0]:
                raise NotApplicable(
                    f"{wanted} belongs to another family than {running}, which {name} runs."
                )
            asked = {"taskDefinition": wanted}
            status = ECS.read(
                lambda: client.describe_task_definition(**asked)["taskDefinition"].get("status")
            )
            if status != "ACTIVE":
                raise NotApplicable(f"The task definition {wanted} is no longer active.")
        return {
            "service": name,
            "cluster": arguments["cluster"],
            "version": running,
            "deployment": service.newest.id,
            "cluster_arn": service.cluster_arn,
            **location_of_arn(service.cluster_arn),
        }

    def execute(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Set the earlier task definition, and wait up to 20 seconds until it runs.

        Nothing is requested if the deployment is not the approved one. A deployment that someone
        starts between that check and the request is replaced. The answer shows it, and then the fix
        counts as failed, so that people check it.
        """
        found = ECS.attempt(lambda: self._asked_for(arguments))
        if isinstance(found, Outcome):
            return found
        seen, answer = found
        replaced = _replaced(seen, answer, arguments)
        return replaced or self._awaited(arguments, answer.newest.id)

    def _asked_for(self, arguments: Mapping[str, str]) -> Tuple[_Service, _Service]:
        """Send the request, and return the service as it was before and as answered.

        Raises as boto3 does, and ExecutorError.
        """
        with self._connect(arguments) as client:

            def read_approved() -> _Service:
                seen = self._service(client, arguments)
                _as_approved(seen, arguments)
                return seen

            def ask(seen: _Service) -> Tuple[_Service, _Service]:
                answer = client.update_service(**_update(arguments))
                return seen, _service_of(_storable([answer["service"]])[0])

            return ECS.retry_while_busy(read_approved, ask, self._sleep)

    def settle(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Determine the outcome by what the service runs and its deployment's progress."""
        return self._became(arguments)

    def preview(self, arguments: Mapping[str, str], request_id: str) -> Dict[str, Any]:
        """Return the request in boto3's form."""
        return {
            "method": "UpdateService",
            "url": f"Amazon ECS in {self._where(arguments)}",
            "headers": {"Authorization": "AWS Signature Version 4 (with the configured account)"},
            "body": _update(arguments),
        }

    def dry_run(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Raise ExecutorError: ECS has no check mode."""
        raise ExecutorError("Amazon ECS has no check mode; do=preview shows the request.")

    def _became(self, arguments: Mapping[str, str], made: Optional[str] = None) -> Outcome:
        try:
            with self._connect(arguments) as client:
                return _became(self._service(client, arguments), arguments, made)
        except ExecutorError as error:
            return Outcome("unknown", str(error))

    def _awaited(self, arguments: Mapping[str, str], made: str) -> Outcome:
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            outcome = self._became(arguments, made)
            if outcome.status == "unchanged":
                # The change is asked for; an answer of a moment ago may not show it yet.
                outcome = Outcome("unknown", outcome.detail)
            if outcome.status != "unknown":
                return outcome
            if time.monotonic() >= deadline:
                return replace(outcome, result={"deployment": made})
            self._sleep(PAUSE_SECONDS)

    def _service(self, client: Any, arguments: Mapping[str, str]) -> _Service:
        """Return a service that the app may change. Raises ExecutorError and NotApplicable."""
        cluster, name = arguments["cluster"], arguments["service"]
        asked = {"cluster": cluster, "services": [name], "include": ["TAGS"]}
        found = ECS.read(lambda: _storable(client.describe_services(**asked)["services"]))
        if len(found) != 1 or ECS.read(lambda: found[0].get("status")) != "ACTIVE":
            raise NotApplicable(f"The cluster {cluster} has no active service {name}.")
        tags = ECS.read(lambda: [(one.get("key"), one.get("value")) for one in _tags(found[0])])
        if (TAG, ALLOWED) not in tags:
            raise NotApplicable(
                f"{name} lacks the tag {TAG} = {ALLOWED}, so no action may change it."
            )
        kind = ECS.read(lambda: (found[0].get("deploymentController") or {}).get("type", "ECS"))
        if kind != "ECS" or not found[0].get("deployments"):
            raise NotApplicable(f"{name} is not deployed by ECS itself, but by {str(kind)[:100]}.")
        service = ECS.read(lambda: _service_of(found[0]))
        wanted = arguments.get("cluster_arn", service.cluster_arn)
        if service.cluster_arn != wanted:
            raise NotApplicable(f"{name} runs in {service.cluster_arn}, no longer in {wanted}.")
        return service


def _storable(services: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """Return the services. Raises ValueError if they contain a lone surrogate."""
    json.dumps(services, default=str, ensure_ascii=False).encode("utf-8")
    return list(services)


def _tags(service: Mapping[str, Any]) -> List[Mapping[str, Any]]:
    return list(service.get("tags") or [])


def _service_of(service: Mapping[str, Any]) -> _Service:
    """Parse a service. Raises LookupError and the like if it is invalid."""
    found = [_deployment_of(one) for one in service["deployments"]]
    if not found:
        raise LookupError("no deployment")
    return _Service(found, _arn_of(service))


def _arn_of(service: Mapping[str, Any]) -> str:
    """Return its cluster's ARN. Raises ValueError and the like if it is invalid."""
    arn = str(service["clusterArn"])
    if len(arn) > 400 or not all(location_of_arn(arn).values()):
        raise ValueError("no cluster")
    return arn


def _deployment_of(told: Mapping[str, Any]) -> _Deployment:
    texts = [told["id"], told["taskDefinition"]]
    texts += [told.get(name) or "" for name in ("status", "rolloutState", "rolloutStateReason")]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("not a text")
    # ``arn:aws:ecs:…:task-definition/web:41`` -> ``web:41``
    number, (revision, status, state, reason) = texts[0], (texts[1].rpartition("/")[2], *texts[2:])
    tasks, wanted = told.get("runningCount") or 0, told.get("desiredCount") or 0
    return _Deployment(number, status, revision, state, reason, int(tasks), int(wanted))


def _as_approved(service: _Service, arguments: Mapping[str, str]) -> None:
    """Raise NotApplicable if a service does not run what is to be replaced."""
    name, newest = arguments["service"], service.newest
    if newest.revision == arguments["to_task_definition"]:
        raise NotApplicable(f"{name} already runs {newest.revision}. There is nothing to do.")
    if newest.revision != arguments["running"]:
        raise NotApplicable(f"{name} runs {newest.revision}, no longer {arguments['running']}.")
    if newest.id != arguments.get("deployment", newest.id):
        raise NotApplicable(_redeployed_sentence(name, newest, arguments))


def _redeployed_sentence(name: str, newest: _Deployment, arguments: Mapping[str, str]) -> str:
    return (
        f"{name} was redeployed in the meantime, by {newest.id}, no longer "
        f"{arguments['deployment']}."
    )[:300]


def _replaced(seen: _Service, answer: _Service, arguments: Mapping[str, str]) -> Optional[Outcome]:
    """Return a failure that names a concurrent deployment which the request replaced, or None.

    A service that is updated keeps the deployments that still have tasks ("ACTIVE").
    """
    known = {one.id for one in (*seen.deployments, answer.newest)}
    between = [one for one in answer.deployments if one.id not in known]
    if not between:
        return None
    detail = (
        f"{arguments['service']} was deployed by someone else at the same moment "
        f"({between[0].revision} by {between[0].id}), and "
        f"{arguments['to_task_definition']} has replaced it. Check which of them should "
        "run."
    )
    return Outcome("failed", detail[:500], certain=False)


def _became(service: _Service, arguments: Mapping[str, str], made: Optional[str]) -> Outcome:
    """Judge a service after a request to run another task definition.

    ``made``: the deployment that the request created, if known: an answer right after the request
    may still show an earlier one of the same task definition that failed.
    """
    name, wanted = arguments["service"], arguments["to_task_definition"]
    newest = service.newest
    # Of the newest deployment it counts how it goes, not that an earlier one like it has failed.
    like_it = [one for one in service.deployments if one.revision == wanted]
    tried = [newest] if newest.revision == wanted else like_it
    stopped = [one for one in tried if one.state == "FAILED" and made in (None, one.id)]
    if stopped:
        why = mask(stopped[0].reason)[:300]
        detail = f"The deployment of {wanted} to {name} failed: {why}"
        return Outcome("failed", detail.strip(), certain=False)
    if newest.revision == arguments["running"]:
        if newest.id != arguments.get("deployment", newest.id):
            return Outcome("failed", _redeployed_sentence(name, newest, arguments), certain=False)
        return Outcome("unchanged", f"{name} still runs {newest.revision}.")
    if newest.revision != wanted:
        detail = f"{name} now runs {newest.revision}, which was deployed in the meantime."
        return Outcome("failed", detail[:300], certain=False)
    if not _is_complete(service):
        tasks = f"{newest.tasks} of {newest.wanted_tasks} tasks"
        return Outcome("unknown", f"{name} is rolling back to {wanted}: {tasks} run it.")
    return Outcome("done", f"{name} runs {wanted}.", {"deployment": made or newest.id})


def _is_complete(service: _Service) -> bool:
    """Tell whether the newest deployment is complete."""
    newest = service.newest
    if newest.state:
        return newest.state == "COMPLETED"
    return len(service.deployments) == 1 and newest.tasks == newest.wanted_tasks


def _update(arguments: Mapping[str, str]) -> Dict[str, str]:
    return {
        "cluster": arguments["cluster"],
        "service": arguments["service"],
        "taskDefinition": arguments["to_task_definition"],
    }
