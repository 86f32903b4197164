"""Switches a feature flag of LaunchDarkly off, or on, in one environment.

From LaunchDarkly's REST API documentation: "Updates using JSON patch" may "test that certain
preconditions are met before applying the patch", and "Updates with comments" wraps one; "Update
feature flag" takes ``dryRun``. The patch tests the version of the flag's settings in that
environment, which each change there raises: what somebody has changed meanwhile, also its rules, is
not overwritten, and a request that was carried out and is sent again is refused. "The value of the
Authorization header must be your access token", without ``Bearer``.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Optional, Union
from urllib.parse import quote, urlsplit

from ...outside.transport import Reply, json_headers
from .executor import (
    ExecutorError,
    NotApplicable,
    Outcome,
    Send,
    answer_or_error,
    answer_or_outcome,
    base_address,
    failed_before_request,
    json_object,
    reason_of,
    refused_outcome,
    request_preview,
)

__all__ = ["LaunchDarkly"]

# "Versioning": without it, the token's own version counts; the one before ends with 2026.
API_VERSION = "20240415"
# The app changes only flags with this tag.
TAG = "incident-management"
# "HTTP status error response codes": a concurrent request ("Retry your request"), and the rate
# limit, which begins anew every ten seconds. A request is sent again for so long.
AGAIN = (409, 429)
WAIT_SECONDS = 20.0
PAUSE_SECONDS = 2.0
API = "/api/v2"
SWITCHED: Mapping[str, bool] = {"on": True, "off": False}


@dataclass(frozen=True)
class _Flag:
    """A flag's settings in one environment; ``version`` counts their changes."""

    is_on: bool
    version: int

    @property
    def word(self) -> str:
        return "on" if self.is_on else "off"


class LaunchDarkly:
    """One account. Arguments: ``project``, ``environment`` and ``flag`` (keys), ``switch``.

    ``switch`` is ``off`` or ``on``. ``flag_version``, if given, is the version of the settings that
    was approved, or that a fix left.
    """

    def __init__(
        self, url: str, token: str, send: Send, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        # As people copy it from LaunchDarkly's manual, whose examples begin so.
        base = url.rstrip("/")
        self._url = base[: -len(API)] if base.endswith(API) else base
        self._token = token
        self._send = send
        self._sleep = sleep
        self._host = urlsplit(url).hostname or ""

    def address(self, arguments: Mapping[str, str]) -> str:
        """Return the base URL."""
        return base_address(self._url)

    def facts(self, arguments: Mapping[str, str]) -> Dict[str, Any]:
        """Return the flag's state and the version of its settings.

        Raises ExecutorError, and NotApplicable if it must not be switched.
        """
        wanted = _wanted(arguments)
        found = self._flag(arguments)
        name = _named(arguments)
        if found.is_on == wanted:
            raise NotApplicable(f"The {name} is already {found.word}. There is nothing to do.")
        if str(found.version) != arguments.get("flag_version", str(found.version)):
            raise NotApplicable(_changed(arguments, found))
        return {
            **{key: arguments[key] for key in ("project", "environment", "flag")},
            "switched": found.word,
            "flag_version": str(found.version),
        }

    def execute(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Switch the flag; LaunchDarkly answers once that is done."""
        return self._patched(arguments, request_id)

    def settle(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Determine the outcome by the flag's state."""
        try:
            wanted, found = _wanted(arguments), self._flag(arguments)
        except ExecutorError as error:
            return Outcome("unknown", str(error))
        if found.is_on == wanted:
            return _done(arguments, found)
        if str(found.version) == arguments.get("flag_version", str(found.version)):
            return Outcome("unchanged", f"The {_named(arguments)} is still {found.word}.")
        return Outcome("failed", _changed(arguments, found), certain=False)

    def preview(self, arguments: Mapping[str, str], request_id: str) -> Dict[str, Any]:
        """Return the request. Raises NotApplicable for an invalid ``switch``."""
        body = _body(arguments, request_id, arguments.get("flag_version"))
        shown = request_preview("PATCH", self._address(arguments), body)
        return {**shown, "headers": {"Authorization": "(the configured token)"}}

    def dry_run(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Have LaunchDarkly check the request: "validated but not persisted" (``dryRun``)."""
        self.facts(arguments)
        outcome = self._patched(arguments, request_id, "?dryRun=true")
        if outcome.status == "done":
            return Outcome("done", "LaunchDarkly accepts the request. Nothing was changed.")
        return outcome

    def _patched(self, arguments: Mapping[str, str], request_id: str, more: str = "") -> Outcome:
        try:
            version = arguments.get("flag_version") or str(self._flag(arguments).version)
            body = _body(arguments, request_id, version)
        except ExecutorError as error:
            return failed_before_request(error)
        reply = self._answered(arguments, body, more)
        if isinstance(reply, Outcome):
            return reply
        if 400 <= reply.status < 500:
            return refused_outcome("LaunchDarkly", reply)
        if reply.status == 200:
            found = _read(reply, arguments)
            if found is not None and found.is_on == _wanted(arguments):
                return _done(arguments, found)
        return Outcome("unknown", f"LaunchDarkly answered {reply.status}: {reason_of(reply)}")

    def _answered(
        self, arguments: Mapping[str, str], body: Mapping[str, Any], more: str
    ) -> Union[Reply, Outcome]:
        """Send a patch, and repeat it for some seconds while LaunchDarkly asks for a retry."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            reply = answer_or_outcome(
                "LaunchDarkly", lambda: self._asked("PATCH", arguments, body, more)
            )
            late = time.monotonic() >= deadline
            if isinstance(reply, Outcome) or reply.status not in AGAIN or late:
                return reply
            self._sleep(PAUSE_SECONDS)

    def _flag(self, arguments: Mapping[str, str]) -> _Flag:
        """Return a flag that the app may switch. Raises ExecutorError and NotApplicable."""
        name = _named(arguments)
        only = f"?env={quote(arguments['environment'], safe='')}"
        reply = answer_or_error("LaunchDarkly", lambda: self._asked("GET", arguments, None, only))
        if reply.status == 404:
            raise NotApplicable(f"LaunchDarkly has no {name} for this token: {reason_of(reply)}")
        found = _read(reply, arguments) if reply.status == 200 else None
        if found is None:
            raise ExecutorError(
                f"LaunchDarkly at {self._host} did not return the state of the {name} "
                f"({reply.status}): {reason_of(reply)}"
            )
        whole = json_object(reply.text) or {}
        tags = whole.get("tags")
        if not isinstance(tags, list) or TAG not in tags:
            raise NotApplicable(f"The {name} lacks the tag {TAG}, so no action may change it.")
        if whole.get("archived") is not False:
            raise NotApplicable(f"The {name} is archived.")
        return found

    def _address(self, arguments: Mapping[str, str]) -> str:
        project, flag = (quote(arguments[name], safe="") for name in ("project", "flag"))
        return f"{self._url}{API}/flags/{project}/{flag}"

    def _asked(
        self, method: str, arguments: Mapping[str, str], body: Optional[Any], more: str = ""
    ) -> Reply:
        headers = {
            **json_headers(), "Authorization": self._token, "LD-API-Version": API_VERSION
        }  # fmt: skip
        return self._send(f"{self._address(arguments)}{more}", body, headers, method)


def _wanted(arguments: Mapping[str, str]) -> bool:
    """Return whether the flag is to be on. Raises NotApplicable for an invalid word."""
    word = arguments["switch"]
    if word not in SWITCHED:
        raise NotApplicable(f"The argument switch is '{word[:40]}': set it to off or on.")
    return SWITCHED[word]


def _named(arguments: Mapping[str, str]) -> str:
    return f"flag {arguments['flag']} of {arguments['project']}/{arguments['environment']}"


def _changed(arguments: Mapping[str, str], found: _Flag) -> str:
    return (
        f"The settings of the {_named(arguments)} were changed in the meantime: their version is "
        f"{found.version}, no longer {arguments['flag_version']}, and it is {found.word}."
    )


def _done(arguments: Mapping[str, str], found: _Flag) -> Outcome:
    result = {"flag_version": str(found.version)}
    return Outcome("done", f"The {_named(arguments)} is {found.word}.", result)


def _read(reply: Reply, arguments: Mapping[str, str]) -> Optional[_Flag]:
    """Return the flag's settings from an answer; None if it is about anything else."""
    whole = json_object(reply.text) or {}
    environments = whole.get("environments")
    if whole.get("key") != arguments["flag"] or not isinstance(environments, dict):
        return None
    settings = environments.get(arguments["environment"])
    if not isinstance(settings, dict):
        return None
    is_on, version = settings.get("on"), settings.get("version")
    if not isinstance(is_on, bool) or type(version) is not int or not 0 < version < 10**15:
        return None
    return _Flag(is_on, version)


def _body(arguments: Mapping[str, str], request_id: str, version: Optional[str]) -> Dict[str, Any]:
    """Return the patch. Raises NotApplicable for an invalid ``switch``."""
    wanted = _wanted(arguments)
    settings = f"/environments/{arguments['environment']}"
    tests: List[Dict[str, Any]] = [
        {"op": "test", "path": f"{settings}/on", "value": not wanted},
    ]
    if version is not None:
        tests.insert(0, {"op": "test", "path": f"{settings}/version", "value": int(version)})
    replaced = {"op": "replace", "path": f"{settings}/on", "value": wanted}
    comment = f"{request_id} of Incident Management for Splunk"
    return {"comment": comment, "patch": [*tests, replaced]}
