"""Roll an alias of an AWS Lambda function back to the version it pointed to before.

``UpdateAlias`` takes a ``RevisionId``: "Only update the alias if the revision ID matches the ID
that's specified." So a concurrent change of the alias is not overwritten, and a repeated request is
rejected. A canary sends a part of the calls to a second version (``RoutingConfig``), which
"AdditionalVersionWeights={}" ends ("UpdateAlias", "Create an alias" and "weighted alias" in AWS's
documentation).

An alias with provisioned concurrency does not move at once: Lambda sends calls to the earlier
version, as a weight on the alias, until the new version has its capacity.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from typing import Any, Dict, Mapping, Union

from ..executor import ExecutorError, NotApplicable, Outcome
from .calls import PAUSE_SECONDS, Calls, InAccounts, code_of, location_of_arn
from .routing import Routing, routing_of

__all__ = ["Lambda"]

# The app changes only functions with this tag; versions and aliases have no tags.
TAG, ALLOWED = "incident-management", "allowed"
# How long a slow alias is awaited; after that, settle determines its outcome.
WAIT_SECONDS = 20.0
# 409: "another operation is in progress".
LAMBDA = Calls(
    "AWS Lambda",
    busy=frozenset({"ResourceConflictException", "TooManyRequestsException"}),
    missing=frozenset({"ResourceNotFoundException"}),
)
MOVED = "PreconditionFailedException"
NO_CONCURRENCY = "ProvisionedConcurrencyConfigNotFoundException"
# "Lambda function states": one that was idle for long is made ready by its first call.
READY = ("Active", "Inactive")


@dataclass(frozen=True)
class _Alias:
    """An alias as Lambda returns it; ``revision`` changes with each change to it."""

    arn: str
    routing: Routing
    revision: str

    @property
    def function_arn(self) -> str:
        return self.arn.rpartition(":")[0]


class Lambda(InAccounts):
    """Functions in the account that an action names (``account``), in its region.

    Arguments: ``service`` (the function's name), ``alias``, ``running`` (the version that the
    change deployed) and ``to_version``. The inverse takes ``to_routing`` too: where the calls went
    before, such as ``41,42=0.1``. ``revision``, ``routing`` and ``alias_arn`` are those that were
    approved, or that a fix left.
    """

    def facts(self, arguments: Mapping[str, str]) -> Dict[str, Any]:
        """Return where the alias sends its calls, and the effect on provisioned concurrency.

        Raises ExecutorError, and NotApplicable if the alias must not be rolled back.
        """
        with self._connect(arguments) as client:
            alias = self._alias(client, arguments)
            _as_approved(alias, arguments)
            for version in _target(arguments).versions:
                _usable(client, arguments["service"], version)
            return {
                "service": arguments["service"],
                "alias": arguments["alias"],
                "alias_arn": alias.arn,
                "version": alias.routing.version,
                "routing": str(alias.routing),
                "revision": alias.revision,
                "provisioned": _provisioned(client, arguments),
                **location_of_arn(alias.arn),
            }

    def execute(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Move the alias, unless it was changed meanwhile; wait up to 20 seconds if it moves
        slowly.
        """
        alias = LAMBDA.attempt(lambda: self._updated(arguments, request_id))
        if isinstance(alias, Outcome):
            return alias
        deadline = time.monotonic() + WAIT_SECONDS
        outcome = _became(alias, arguments)
        while outcome.status == "unknown" and time.monotonic() < deadline:
            self._sleep(PAUSE_SECONDS)
            outcome = self.settle(arguments, request_id)
        return _asked_for(outcome)

    def settle(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Determine the outcome by where the alias sends its calls."""
        try:
            with self._connect(arguments) as client:
                return _became(self._alias(client, arguments), arguments)
        except ExecutorError as error:
            return Outcome("unknown", str(error))

    def preview(self, arguments: Mapping[str, str], request_id: str) -> Dict[str, Any]:
        """Return the request in boto3's form."""
        return {
            "method": "UpdateAlias",
            "url": f"AWS Lambda in {self._where(arguments)}",
            "headers": {"Authorization": "AWS Signature Version 4 (with the configured account)"},
            "body": _update(
                arguments, arguments.get("revision", "(the alias's revision at that moment)")
            ),
        }

    def dry_run(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Check what can be checked beforehand: ``UpdateAlias`` has no dry run.

        Raises ExecutorError.
        """
        self.facts(arguments)
        versions = " and ".join(_target(arguments).versions)
        detail = (
            f"{_named(arguments)} is unchanged since it was proposed, the function has "
            f"the required tag, and version {versions} exists. AWS Lambda has no check "
            "mode: only the real run shows whether the account may move the alias."
        )
        return Outcome("done", detail)

    def _updated(self, arguments: Mapping[str, str], request_id: str) -> Union[_Alias, Outcome]:
        """Move the alias, and return its new state, or else the outcome.

        Raises as boto3 does, and ExecutorError.
        """
        from botocore.exceptions import ClientError

        with self._connect(arguments) as client:

            def read_approved() -> _Alias:
                seen = self._alias(client, arguments)
                _as_approved(seen, arguments)
                return seen

            def move(seen: _Alias) -> _Alias:
                answer = client.update_alias(**_update(arguments, seen.revision))
                return _alias_of(answer, arguments, client)

            try:
                return LAMBDA.retry_while_busy(read_approved, move, self._sleep)
            except ClientError as error:
                if code_of(error) != MOVED:
                    raise
        return self._overtaken(arguments, request_id)

    def _overtaken(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Judge an alias that was changed between the check and the request.

        The app itself may have done that: settling a run that looks interrupted sends it again.
        """
        found = self.settle(arguments, request_id)
        if found.status == "failed":
            return replace(found, detail=f"{found.detail} Nothing was done.", certain=True)
        return _asked_for(found)

    def _alias(self, client: Any, arguments: Mapping[str, str]) -> _Alias:
        """Return an alias that the app may change. Raises ExecutorError and NotApplicable."""
        service = arguments["service"]
        asked = {"FunctionName": service, "Name": arguments["alias"]}
        found = LAMBDA.read(lambda: _alias_of(client.get_alias(**asked), arguments, client))
        if found.arn != arguments.get("alias_arn", found.arn):
            raise NotApplicable(
                f"{_named(arguments)} is {found.arn}, no longer {arguments['alias_arn']}."
            )
        tags = LAMBDA.read(lambda: dict(client.list_tags(Resource=found.function_arn)["Tags"]))
        if tags.get(TAG) != ALLOWED:
            sentence = f"{service} lacks the tag {TAG} = {ALLOWED}, so no action may change it."
            raise NotApplicable(sentence)
        return found


def _alias_of(told: Mapping[str, Any], arguments: Mapping[str, str], client: Any) -> _Alias:
    """Parse an alias. Raises LookupError and the like if it is invalid."""
    arn, revision = told["AliasArn"], told["RevisionId"]
    if not isinstance(revision, str) or not 0 < len(revision) <= 100:
        raise ValueError("no revision")
    parts = arn.split(":")
    named = [parts[3], *parts[5:]]
    if (
        named != [client.meta.region_name, "function", arguments["service"], arguments["alias"]]
        or len(arn) > 400
    ):
        raise ValueError("another alias")
    json.dumps([arn, revision], ensure_ascii=False).encode("utf-8")
    return _Alias(arn, routing_of(told), revision)


def _target(arguments: Mapping[str, str]) -> Routing:
    """Return where the calls should go."""
    return Routing.parsed(arguments.get("to_routing") or arguments["to_version"])


def _named(arguments: Mapping[str, str]) -> str:
    return f"The alias {arguments['alias']} of {arguments['service']}"


def _as_approved(alias: _Alias, arguments: Mapping[str, str]) -> None:
    """Raise NotApplicable if an alias does not send its calls where the plan expects."""
    name, routing = _named(arguments), alias.routing
    if routing == _target(arguments):
        raise NotApplicable(f"{name} already points to {routing.in_words}. There is nothing to do.")
    if not routing.version.isdigit():
        raise NotApplicable(f"{name} points to {routing.in_words}, which has no earlier version.")
    meant = {arguments["running"], arguments["to_version"]}
    if arguments["running"] not in routing.versions or not set(routing.versions) <= meant:
        raise NotApplicable(
            f"{name} points to {routing.in_words}, no longer to {arguments['running']}."
        )
    if alias.revision != arguments.get("revision", alias.revision):
        raise NotApplicable(f"{_changed(alias, arguments)}.")


def _changed(alias: _Alias, arguments: Mapping[str, str]) -> str:
    now = alias.routing.in_words
    return f"{_named(arguments)} was changed in the meantime and now points to {now}"


def _became(alias: _Alias, arguments: Mapping[str, str]) -> Outcome:
    """Judge an alias after a request to move it."""
    name, routing, target = _named(arguments), alias.routing, _target(arguments)
    if routing == target:
        left = {"revision": alias.revision, "routing": str(routing)}
        return Outcome("done", f"{name} points to {routing.in_words}.", left)
    if _is_untouched(alias, arguments):
        return Outcome("unchanged", f"{name} still points to {routing.in_words}.")
    if _is_on_its_way(routing, target, arguments):
        detail = f"{name} is moving to {target.in_words}. For now it points to {routing.in_words}."
        return Outcome("unknown", detail)
    return Outcome("failed", f"{_changed(alias, arguments)}.", certain=False)


def _asked_for(found: Outcome) -> Outcome:
    """Turn ``unchanged`` into ``unknown``: an answer right after a request may be outdated."""
    return replace(found, status="unknown") if found.status == "unchanged" else found


def _is_untouched(alias: _Alias, arguments: Mapping[str, str]) -> bool:
    if "revision" in arguments:
        return alias.revision == arguments["revision"]
    return str(alias.routing) == arguments["running"]


def _is_on_its_way(routing: Routing, target: Routing, arguments: Mapping[str, str]) -> bool:
    """Tell whether Lambda is still moving an alias, with a weight for the earlier version.

    That does not apply to an alias that already pointed to the target: its weights are a person's.
    """
    before = Routing.parsed(arguments.get("routing") or arguments["running"])
    return (
        before.version != target.version == routing.version
        and not target.weights
        and set(routing.weights) == {before.version}
    )


def _usable(client: Any, service: str, version: str) -> None:
    """Raise NotApplicable if a version is gone or can't be called, ExecutorError if not yet."""
    asked = {"FunctionName": service, "Qualifier": version}

    def state() -> str:
        told = client.get_function_configuration(**asked)
        if told["Version"] != version:
            raise ValueError("another version")
        return str(told.get("State") or "Active")

    try:
        found = LAMBDA.read(state)
    except NotApplicable as error:
        raise NotApplicable(f"{service} no longer has version {version}. {error}") from None
    if found == "Pending":
        raise ExecutorError(f"Version {version} of {service} is not ready yet.")
    if found not in READY:
        raise NotApplicable(
            f"Version {version} of {service} can't be called: its state is {found[:40]!a}."
        )


def _provisioned(client: Any, arguments: Mapping[str, str]) -> str:
    """Return the effect on provisioned concurrency as a sentence; empty if there is none."""

    def has(qualifier: str) -> bool:
        asked = {"FunctionName": arguments["service"], "Qualifier": qualifier}
        return LAMBDA.read(lambda: _has_concurrency(client, asked))

    running, wanted = arguments["running"], arguments["to_version"]
    if has(arguments["alias"]):
        return "Its provisioned concurrency moves with the alias, which takes minutes."
    if has(running) and not has(wanted):
        return f"Version {running} has provisioned concurrency, {wanted} has none: it starts cold."
    return ""


def _has_concurrency(client: Any, asked: Mapping[str, str]) -> bool:
    from botocore.exceptions import ClientError

    try:
        told = client.get_provisioned_concurrency_config(**asked)
    except ClientError as error:
        if code_of(error) == NO_CONCURRENCY:
            return False
        raise
    return int(told["RequestedProvisionedConcurrentExecutions"]) > 0


def _update(arguments: Mapping[str, str], revision: str) -> Dict[str, Any]:
    target = _target(arguments)
    return {
        "FunctionName": arguments["service"],
        "Name": arguments["alias"],
        "FunctionVersion": target.version,
        "RoutingConfig": {"AdditionalVersionWeights": dict(target.weights)},
        "RevisionId": revision,
    }
