"""Puts a service of Amazon ECS back to the task definition that it ran before.

``UpdateService`` with a ``taskDefinition`` says what the service is to run. Asked again for the
same it starts no deployment ("By default, deployments aren't forced", ``forceNewDeployment``), so a
request may be repeated, though ECS knows no request ids. A rolling deployment then goes on by
itself: ``rolloutState`` says how far it is, and ``FAILED`` is what the deployment circuit breaker
stopped ("UpdateService" and "Deployment" in the Amazon ECS API Reference).
"""

from __future__ import annotations

import time
from typing import Any, Callable, ContextManager, Dict, List, Mapping

from ..masking import mask
from .executor import ExecutorError, Outcome, Unfit

__all__ = ["Ecs"]

# A service without this tag is none of the app's business.
TAG, ALLOWED = "incident-management", "allowed"
# A deployment is waited for so long before its end is left to be found out later.
WAIT_SECONDS = 20.0
PAUSE_SECONDS = 2.0
# Of these certainly nothing was done; others may have come after something was, as a TLS error
# while the answer is read.
REFUSED_STATUSES = range(400, 500)
NOT_SENT = (
    "ConnectTimeoutError", "EndpointConnectionError", "InvalidProxiesConfigError",
    "InvalidRegionError", "NoCredentialsError", "ParamValidationError", "ProxyConnectionError",
)  # fmt: skip
# What botocore's parser ends with on JSON of another shape than ECS's
STRANGE = (AttributeError, TypeError, RecursionError)
NO_ANSWER_OF_ECS = "What answered is not Amazon ECS: see endpoint and proxy."


class Ecs:
    """The services of one account and region.

    Arguments: ``cluster``, ``service``, ``running`` (the task definition that the change put
    there) and ``to_task_definition``, both as ``family:revision``. ``connect`` gives a boto3 client
    for as long as it is needed; it raises ExecutorError.
    """

    def __init__(
        self,
        connect: Callable[[], ContextManager[Any]],
        region: str,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._connect = connect
        self._region = region
        self._sleep = sleep

    def facts(self, arguments: Mapping[str, str]) -> Dict[str, Any]:
        """Return what the service runs, and by which deployment.

        Raises ExecutorError, and Unfit where the service is not to be put back.
        """
        with self._connect() as client:
            service = self._service(client, arguments)
            newest, wanted = _newest(service), arguments["to_task_definition"]
            running = _named(newest["taskDefinition"])
            name = arguments["service"]
            if running == wanted:
                raise Unfit(f"{name} runs {running} already: there is nothing to do.")
            if running != arguments["running"]:
                raise Unfit(f"{name} runs {running}, no longer {arguments['running']}.")
            if running.partition(":")[0] != wanted.partition(":")[0]:
                raise Unfit(f"{wanted} is of another family than {running}, which {name} runs.")
            asked = {"taskDefinition": wanted}
            found = _asked(lambda: client.describe_task_definition(**asked))
            if found["taskDefinition"].get("status") != "ACTIVE":
                raise Unfit(f"The task definition {wanted} is not active any more.")
        return {
            "service": name,
            "cluster": arguments["cluster"],
            "version": running,
            "deployment": newest["id"],
        }

    def execute(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Ask for the former task definition, and wait a little for it to run."""
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        try:
            with self._connect() as client:
                client.update_service(**_update(arguments))
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            refused = status in REFUSED_STATUSES
            return Outcome("failed" if refused else "unknown", _said(error))
        except BotoCoreError as error:
            kind = type(error).__name__
            if kind in NOT_SENT:
                return Outcome("failed", f"Amazon ECS was not reached ({kind}).")
            return Outcome("unknown", f"Amazon ECS gave no answer ({kind}).")
        except (ResponseParserError, *STRANGE):
            return Outcome("unknown", NO_ANSWER_OF_ECS)
        except ExecutorError as error:
            return Outcome("failed", str(error))
        return self._awaited(arguments)

    def settle(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Look at what the service runs, and how far its deployment is."""
        try:
            with self._connect() as client:
                return _became(self._service(client, arguments), arguments)
        except ExecutorError as error:
            return Outcome("unknown", str(error))

    def preview(self, arguments: Mapping[str, str], request_id: str) -> Dict[str, Any]:
        """Return the request as boto3 takes it."""
        return {
            "method": "UpdateService",
            "url": f"Amazon ECS in {self._region}",
            "headers": {"Authorization": "AWS Signature Version 4 (with the account that is set)"},
            "body": _update(arguments),
        }

    def rehearse(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Raise ExecutorError: ECS has no such request."""
        raise ExecutorError("Amazon ECS has no check mode; do=preview shows what it is asked.")

    def _awaited(self, arguments: Mapping[str, str]) -> Outcome:
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            outcome = self.settle(arguments, "")
            if outcome.status == "unchanged":
                # The change is asked for; an answer of a moment ago may not show it yet.
                outcome = Outcome("unknown", outcome.detail)
            if outcome.status != "unknown" or time.monotonic() >= deadline:
                return outcome
            self._sleep(PAUSE_SECONDS)

    def _service(self, client: Any, arguments: Mapping[str, str]) -> Dict[str, Any]:
        """Return a service that may be touched. Raises ExecutorError and Unfit."""
        cluster, name = arguments["cluster"], arguments["service"]
        asked = {"cluster": cluster, "services": [name], "include": ["TAGS"]}
        found = _asked(lambda: client.describe_services(**asked)).get("services")
        if found is None:
            # botocore takes any 200 for an answer, a proxy's login page too.
            raise ExecutorError(NO_ANSWER_OF_ECS)
        if len(found) != 1 or found[0].get("status") != "ACTIVE":
            raise Unfit(f"The cluster {cluster} has no active service {name}.")
        service: Dict[str, Any] = found[0]
        tags = {tag.get("key"): tag.get("value") for tag in service.get("tags") or []}
        if tags.get(TAG) != ALLOWED:
            raise Unfit(f"{name} lacks the tag {TAG} = {ALLOWED}, so nothing is done to it.")
        kind = (service.get("deploymentController") or {}).get("type", "ECS")
        if kind != "ECS" or not service.get("deployments"):
            raise Unfit(f"{name} is not deployed by ECS itself, but by {kind}.")
        return service


def _became(service: Mapping[str, Any], arguments: Mapping[str, str]) -> Outcome:
    """Judge a service that was asked to run another task definition."""
    name, wanted = arguments["service"], arguments["to_task_definition"]
    newest = _newest(service)
    running = _named(newest["taskDefinition"])
    # Of the newest deployment it counts how it goes, not that an earlier one like it has failed.
    tried = [newest] if running == wanted else _deployments(service, wanted)
    stopped = [one for one in tried if one.get("rolloutState") == "FAILED"]
    if stopped:
        why = mask(str(stopped[0].get("rolloutStateReason") or ""))[:300]
        detail = f"The deployment of {wanted} to {name} has failed: {why}"
        return Outcome("failed", detail.strip(), certain=False)
    if running == arguments["running"]:
        return Outcome("unchanged", f"{name} still runs {running}.")
    if running != wanted:
        detail = f"{name} has moved on to {running} in the meantime."
        return Outcome("failed", detail, certain=False)
    if not _is_complete(service, newest):
        tasks = f"{newest.get('runningCount', 0)} of {newest.get('desiredCount', 0)} tasks"
        return Outcome("unknown", f"{name} is being put back to {wanted}: {tasks} run it.")
    return Outcome("done", f"{name} runs {wanted}.", {"deployment": newest["id"]})


def _is_complete(service: Mapping[str, Any], newest: Mapping[str, Any]) -> bool:
    """Tell whether a deployment is through. Behind a Classic Load Balancer ECS does not say so."""
    state = newest.get("rolloutState")
    if state:
        return state == "COMPLETED"
    alone = len(service["deployments"]) == 1
    return alone and newest.get("runningCount") == newest.get("desiredCount")


def _newest(service: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the deployment that is wanted: PRIMARY is "the most recent deployment"."""
    found: List[Dict[str, Any]] = service["deployments"]
    return next((one for one in found if one.get("status") == "PRIMARY"), found[0])


def _deployments(service: Mapping[str, Any], wanted: str) -> List[Mapping[str, Any]]:
    return [one for one in service["deployments"] if _named(one["taskDefinition"]) == wanted]


def _named(arn: str) -> str:
    """``arn:aws:ecs:…:task-definition/web:41`` -> ``web:41``."""
    return arn.rpartition("/")[2]


def _update(arguments: Mapping[str, str]) -> Dict[str, str]:
    return {
        "cluster": arguments["cluster"],
        "service": arguments["service"],
        "taskDefinition": arguments["to_task_definition"],
    }


def _asked(ask: Callable[[], Dict[str, Any]]) -> Dict[str, Any]:
    """Ask what changes nothing. Raises ExecutorError."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    try:
        return ask()
    except ClientError as error:
        raise ExecutorError(_said(error)) from None
    except BotoCoreError as error:
        # Its text may hold the proxy with its password, so only the kind is told.
        raise ExecutorError(f"Amazon ECS can't be asked ({type(error).__name__}).") from None
    except (ResponseParserError, *STRANGE):
        raise ExecutorError(NO_ANSWER_OF_ECS) from None


def _said(error: Any) -> str:
    said = error.response.get("Error", {})
    text = mask(" ".join(str(said.get("Message") or "").split()))[:300]
    return f"Amazon ECS refused with {said.get('Code', 'an error')}: {text}"
