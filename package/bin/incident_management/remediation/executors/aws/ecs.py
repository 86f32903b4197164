"""Puts a service of Amazon ECS back to the task definition that it ran before.

``UpdateService`` with a ``taskDefinition`` says what the service is to run. Asked again for the
same it starts no deployment ("By default, deployments aren't forced", ``forceNewDeployment``), so a
request may be repeated, though ECS knows no request ids. A rolling deployment then goes on by
itself: ``rolloutState`` says how far it is, and ``FAILED`` is what the deployment circuit breaker
stopped ("UpdateService" and "Deployment" in the Amazon ECS API Reference).

``UpdateService`` names no deployment that it replaces: ECS has no compare-and-set. So the service
is looked at right before, and its answer shows whom the request may have undone in between.
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

# A service without this tag is none of the app's business.
TAG, ALLOWED = "incident-management", "allowed"
# A deployment is waited for so long before its end is left to be found out later.
WAIT_SECONDS = 20.0
# "Request throttling for the Amazon ECS API": with the status 400, and soon over.
ECS = Calls("Amazon ECS", busy=frozenset({"ThrottlingException"}))


@dataclass(frozen=True)
class _Deployment:
    """One of a service's deployments; ``revision`` is its task definition, as ``web:41``.

    ``state`` is its ``rolloutState``; behind a Classic Load Balancer ECS tells none.
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
    """``cluster_arn``: as ``arn:aws:ecs:eu-west-1:123456789012:cluster/prod``."""

    deployments: List[_Deployment]
    cluster_arn: str

    @property
    def newest(self) -> _Deployment:
        """The deployment that is wanted: PRIMARY is "the most recent deployment"."""
        found = self.deployments
        return next((one for one in found if one.status == "PRIMARY"), found[0])


class Ecs(InAccounts):
    """Services of the account that an action names (``account``), in its region.

    Arguments: ``cluster``, ``service``, ``running`` (the task definition that the change put
    there) and ``to_task_definition``, both as ``family:revision``; ``deployment``, where it is
    told, is the id of the one to be replaced, and ``cluster_arn`` what the cluster must be in full.
    """

    def facts(self, arguments: Mapping[str, str]) -> Dict[str, Any]:
        """Return what the service runs, and by which deployment.

        Raises ExecutorError, and Unfit where the service is not to be put back.
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
        """Ask for the former task definition, and wait a little for it to run.

        Nothing is asked for where another deployment runs than that of the approval. One that
        somebody makes between that look and the request is replaced: the answer shows it, and then
        the fix counts as failed, so that people look.
        """
        found = ECS.attempt(lambda: self._asked_for(arguments))
        if isinstance(found, Outcome):
            return found
        seen, answer = found
        replaced = _replaced(seen, answer, arguments)
        return replaced or self._awaited(arguments, answer.newest.id)

    def _asked_for(self, arguments: Mapping[str, str]) -> Tuple[_Service, _Service]:
        """Ask for it, and return the service as it was seen before, and that of the answer.

        Raises as boto3 does, and ExecutorError.
        """
        with self._connect(arguments) as client:

            def look() -> _Service:
                seen = self._service(client, arguments)
                _as_approved(seen, arguments)
                return seen

            def ask(seen: _Service) -> Tuple[_Service, _Service]:
                answer = client.update_service(**_update(arguments))
                return seen, _service_of(_storable([answer["service"]])[0])

            return ECS.retry_while_busy(look, ask, self._sleep)

    def settle(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Look at what the service runs, and how far its deployment is."""
        return self._became(arguments)

    def preview(self, arguments: Mapping[str, str], request_id: str) -> Dict[str, Any]:
        """Return the request as boto3 takes it."""
        return {
            "method": "UpdateService",
            "url": f"Amazon ECS in {self._where(arguments)}",
            "headers": {"Authorization": "AWS Signature Version 4 (with the configured account)"},
            "body": _update(arguments),
        }

    def dry_run(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Raise ExecutorError: ECS has no such request."""
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
        """Return a service that may be touched. Raises ExecutorError and Unfit."""
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
    """Return what is told. Raises ValueError where it holds half a character (a surrogate)."""
    json.dumps(services, default=str, ensure_ascii=False).encode("utf-8")
    return list(services)


def _tags(service: Mapping[str, Any]) -> List[Mapping[str, Any]]:
    return list(service.get("tags") or [])


def _service_of(service: Mapping[str, Any]) -> _Service:
    """Read what ECS says of a service. Raises LookupError and the like for what is none."""
    found = [_deployment_of(one) for one in service["deployments"]]
    if not found:
        raise LookupError("no deployment")
    return _Service(found, _arn_of(service))


def _arn_of(service: Mapping[str, Any]) -> str:
    """Return its cluster's ARN. Raises ValueError and the like for what is none."""
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
    """Raise Unfit where a service does not run what is to be replaced."""
    name, newest = arguments["service"], service.newest
    if newest.revision == arguments["to_task_definition"]:
        raise NotApplicable(f"{name} already runs {newest.revision}. There is nothing to do.")
    if newest.revision != arguments["running"]:
        raise NotApplicable(f"{name} runs {newest.revision}, no longer {arguments['running']}.")
    if newest.id != arguments.get("deployment", newest.id):
        raise NotApplicable(_deployed_anew(name, newest, arguments))


def _deployed_anew(name: str, newest: _Deployment, arguments: Mapping[str, str]) -> str:
    return (
        f"{name} was redeployed in the meantime, by {newest.id}, no longer "
        f"{arguments['deployment']}."
    )[:300]


def _replaced(seen: _Service, answer: _Service, arguments: Mapping[str, str]) -> Optional[Outcome]:
    """Say whose deployment the request took the place of, None where it is the one seen before it.

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
    """Judge a service that was asked to run another task definition.

    ``made``: the deployment that the request has just made, where its answer told: an answer of a
    moment ago may still show an earlier one of the same, that failed.
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
            return Outcome("failed", _deployed_anew(name, newest, arguments), certain=False)
        return Outcome("unchanged", f"{name} still runs {newest.revision}.")
    if newest.revision != wanted:
        detail = f"{name} now runs {newest.revision}, which was deployed in the meantime."
        return Outcome("failed", detail[:300], certain=False)
    if not _is_complete(service):
        tasks = f"{newest.tasks} of {newest.wanted_tasks} tasks"
        return Outcome("unknown", f"{name} is rolling back to {wanted}: {tasks} run it.")
    return Outcome("done", f"{name} runs {wanted}.", {"deployment": made or newest.id})


def _is_complete(service: _Service) -> bool:
    """Tell whether the newest deployment is through."""
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
