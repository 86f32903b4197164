"""Puts an alias of an AWS Lambda function back to the version that it pointed to before.

``UpdateAlias`` takes a ``RevisionId``: "Only update the alias if the revision ID matches the ID
that's specified." So whoever moves the alias meanwhile is not overwritten, and a request that was
carried out and is sent again is refused. A canary sends a part of the calls to a second version
(``RoutingConfig``), which "AdditionalVersionWeights={}" ends ("UpdateAlias", "Create an alias" and
"weighted alias" in AWS's documentation).

An alias that has provisioned concurrency does not move at once: Lambda sends calls to the version
of before, as a weight on the alias, until the other one has its share.
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

# A function without this tag is none of the app's business. Its versions and aliases have none.
TAG, ALLOWED = "incident-management", "allowed"
# An alias with provisioned concurrency is waited for so long before its end is found out later.
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
    """What Lambda says of an alias; ``revision`` changes with each change to it."""

    arn: str
    routing: Routing
    revision: str

    @property
    def function_arn(self) -> str:
        return self.arn.rpartition(":")[0]


class Lambda(InAccounts):
    """Functions of the account that an action names (``account``), in its region.

    Arguments: ``service`` (the function's name), ``alias``, ``running`` (the version that the
    change put there) and ``to_version``; what undoes that takes ``to_routing``, too: where the
    calls went before, as ``41,42=0.1``. Of the state that an approval was given for, or that a fix
    left: ``revision``, ``routing`` and ``alias_arn``.
    """

    def facts(self, arguments: Mapping[str, str]) -> Dict[str, Any]:
        """Return where the alias sends its calls, and what becomes of provisioned concurrency.

        Raises ExecutorError, and Unfit where the alias is not to be put back.
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
        """Move the alias, unless somebody else has since; wait a little where it moves slowly."""
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
        """Look at where the alias sends its calls."""
        try:
            with self._connect(arguments) as client:
                return _became(self._alias(client, arguments), arguments)
        except ExecutorError as error:
            return Outcome("unknown", str(error))

    def preview(self, arguments: Mapping[str, str], request_id: str) -> Dict[str, Any]:
        """Return the request as boto3 takes it."""
        return {
            "method": "UpdateAlias",
            "url": f"AWS Lambda in {self._where(arguments)}",
            "headers": {"Authorization": "AWS Signature Version 4 (with the configured account)"},
            "body": _update(
                arguments, arguments.get("revision", "(the alias's revision at that moment)")
            ),
        }

    def dry_run(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Look up what can be known beforehand: ``UpdateAlias`` has no dry run.

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
        """Move the alias, and return what it is then, or how that ended otherwise.

        Raises as boto3 does, and ExecutorError.
        """
        from botocore.exceptions import ClientError

        with self._connect(arguments) as client:

            def look() -> _Alias:
                seen = self._alias(client, arguments)
                _as_approved(seen, arguments)
                return seen

            def move(seen: _Alias) -> _Alias:
                answer = client.update_alias(**_update(arguments, seen.revision))
                return _alias_of(answer, arguments, client)

            try:
                return LAMBDA.retry_while_busy(look, move, self._sleep)
            except ClientError as error:
                if code_of(error) != MOVED:
                    raise
        return self._overtaken(arguments, request_id)

    def _overtaken(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Judge an alias that somebody has changed between the look and the request.

        That may have been the app: whoever settles a run that looks dead sends it again.
        """
        found = self.settle(arguments, request_id)
        if found.status == "failed":
            return replace(found, detail=f"{found.detail} Nothing was done.", certain=True)
        return _asked_for(found)

    def _alias(self, client: Any, arguments: Mapping[str, str]) -> _Alias:
        """Return an alias that may be touched. Raises ExecutorError and Unfit."""
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
    """Read what Lambda says of an alias. Raises LookupError and the like for what is none."""
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
    """Return where the calls are to go."""
    return Routing.parsed(arguments.get("to_routing") or arguments["to_version"])


def _named(arguments: Mapping[str, str]) -> str:
    return f"The alias {arguments['alias']} of {arguments['service']}"


def _as_approved(alias: _Alias, arguments: Mapping[str, str]) -> None:
    """Raise Unfit where an alias does not send its calls where they are to be taken from."""
    name, routing = _named(arguments), alias.routing
    if routing == _target(arguments):
        raise NotApplicable(f"{name} already points to {routing.told}. There is nothing to do.")
    if not routing.version.isdigit():
        raise NotApplicable(f"{name} points to {routing.told}, which has no earlier version.")
    meant = {arguments["running"], arguments["to_version"]}
    if arguments["running"] not in routing.versions or not set(routing.versions) <= meant:
        raise NotApplicable(
            f"{name} points to {routing.told}, no longer to {arguments['running']}."
        )
    if alias.revision != arguments.get("revision", alias.revision):
        raise NotApplicable(f"{_changed(alias, arguments)}.")


def _changed(alias: _Alias, arguments: Mapping[str, str]) -> str:
    return f"{_named(arguments)} was changed in the meantime and now points to {alias.routing.told}"


def _became(alias: _Alias, arguments: Mapping[str, str]) -> Outcome:
    """Judge an alias that was asked to send its calls elsewhere."""
    name, routing, target = _named(arguments), alias.routing, _target(arguments)
    if routing == target:
        left = {"revision": alias.revision, "routing": str(routing)}
        return Outcome("done", f"{name} points to {routing.told}.", left)
    if _is_untouched(alias, arguments):
        return Outcome("unchanged", f"{name} still points to {routing.told}.")
    if _is_on_its_way(routing, target, arguments):
        detail = f"{name} is moving to {target.told}. For now it points to {routing.told}."
        return Outcome("unknown", detail)
    return Outcome("failed", f"{_changed(alias, arguments)}.", certain=False)


def _asked_for(found: Outcome) -> Outcome:
    """Take what is unchanged for not known: an answer of a moment ago may not show it yet."""
    return replace(found, status="unknown") if found.status == "unchanged" else found


def _is_untouched(alias: _Alias, arguments: Mapping[str, str]) -> bool:
    if "revision" in arguments:
        return alias.revision == arguments["revision"]
    return str(alias.routing) == arguments["running"]


def _is_on_its_way(routing: Routing, target: Routing, arguments: Mapping[str, str]) -> bool:
    """Tell whether an alias still sends calls to the version of before, as Lambda has it do.

    Not one that had pointed to that version all the time: its weights are somebody's.
    """
    before = Routing.parsed(arguments.get("routing") or arguments["running"])
    return (
        before.version != target.version == routing.version
        and not target.weights
        and set(routing.weights) == {before.version}
    )


def _usable(client: Any, service: str, version: str) -> None:
    """Raise Unfit where a version can't take calls, or is gone; ExecutorError where not yet."""
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
    """Return in a sentence what becomes of provisioned concurrency; empty where there is none."""

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
