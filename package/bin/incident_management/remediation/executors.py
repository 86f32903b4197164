"""What carries an action out. Each executor says what is so now, acts, and can be asked later.

A request carries its plan's id, so whoever receives it can tell a repeat from a new one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Mapping, Optional, Protocol, Tuple
from urllib.parse import quote, urlsplit

from ..notify.channel import NotConfigured
from ..notify.senders import network_of
from ..notify.transport import (
    BadUrl,
    NoAnswer,
    NotSent,
    Reply,
    checked_url,
    json_headers,
    send_json,
)
from ..splunk.settings import SHARED_PARTS, Settings, SettingsError

__all__ = ["NEEDED_ARGUMENTS", "DeployApi", "Executor", "ExecutorError", "Outcome", "executors"]

# Every executor, and the arguments that an action must give it.
NEEDED_ARGUMENTS: Mapping[str, Tuple[str, ...]] = {
    "deploy_api": ("service", "change_id", "to_version"),
}


class ExecutorError(Exception):
    """The executor can't be used or asked just now; nothing was changed."""


@dataclass(frozen=True)
class Outcome:
    """How an execution ended: ``done``, ``failed`` or ``unknown``.

    ``certain``: a ``failed`` one certainly changed nothing. Who only asks may also find
    ``unchanged``: it was not done, or not yet.
    """

    status: str
    detail: str = ""
    result: Dict[str, Any] = field(default_factory=dict)
    certain: bool = True


class Executor(Protocol):
    """One way to act."""

    def facts(self, arguments: Mapping[str, str]) -> Dict[str, Any]:
        """Return what is so now, for preconditions and the state's hash.

        Raises:
            ExecutorError: it can't be asked.
        """

    def execute(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Act once. Never raises for what the other side does."""

    def settle(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Find out what became of a request that nobody saw the answer of. Changes nothing.

        ``unchanged``: everything is as before the request. ``unknown``: it can't be told yet.
        """


Executors = Mapping[str, Callable[[], Executor]]
Body = Optional[Mapping[str, str]]
# Makes one HTTP request of an URL, a JSON body, headers and a method, as send_json does.
Send = Callable[[str, Body, Mapping[str, str], str], Reply]


class DeployApi:
    """A deployment service's HTTP API.

    ``GET {url}/v1/services/{service}`` answers ``service, version, previous_version, change_id,
    healthy``. ``POST {url}/v1/services/{service}/rollback`` takes ``change_id`` (the change that
    the service runs now), ``to_version`` and ``request_id``, and answers 200 with the new change
    once the service runs that version; the same ``request_id`` again answers the same and does
    nothing.
    """

    def __init__(self, url: str, token: str, send: Send) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._send = send
        self._host = urlsplit(url).hostname or ""

    def facts(self, arguments: Mapping[str, str]) -> Dict[str, Any]:
        """Return the service's version, previous version and the change it runs."""
        reply = self._request("GET", arguments["service"])
        answer = _object(reply.text) or {}
        if reply.status != 200 or not answer.get("version") or not answer.get("change_id"):
            raise ExecutorError(
                f"The deploy API at {self._host} does not tell the version and the change that "
                f"{arguments['service']} runs ({reply.status}): {_reason(reply)}"
            )
        return {
            name: str(answer.get(name) or "")
            for name in ("service", "version", "previous_version", "change_id")
        }

    def execute(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Ask for the rollback."""
        body = {
            "change_id": arguments["change_id"],
            "to_version": arguments["to_version"],
            "request_id": request_id,
        }
        try:
            reply = self._raw("POST", arguments["service"], "/rollback", body)
        except NotSent as error:
            return Outcome("failed", f"The deploy API was not reached: {error}")
        except ExecutorError as error:
            return Outcome("failed", str(error))
        except NoAnswer as error:
            return Outcome("unknown", str(error))
        if reply.status < 300:
            return _accepted(reply, arguments)
        if not 400 <= reply.status < 500:
            # A redirect, too: 303 is what an API may answer that has done what it was asked for.
            return Outcome("unknown", f"The deploy API answered {reply.status}: {_reason(reply)}")
        return Outcome("failed", f"The deploy API refused with {reply.status}: {_reason(reply)}")

    def settle(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Look at what the service runs."""
        try:
            facts = self.facts(arguments)
        except ExecutorError as error:
            return Outcome("unknown", str(error))
        service = arguments["service"]
        if facts["change_id"] == arguments["change_id"]:
            return Outcome("unchanged", f"{service} still runs {facts['version']}.")
        if facts["version"] == arguments["to_version"]:
            return Outcome("done", f"{service} runs {facts['version']}.", facts)
        detail = f"{service} has moved on to {facts['version']} in the meantime."
        return Outcome("failed", detail, certain=False)

    def _request(self, method: str, service: str) -> Reply:
        try:
            return self._raw(method, service, "", None)
        except (NotSent, NoAnswer) as error:
            raise ExecutorError(f"The deploy API can't be asked: {error}") from None

    def _raw(self, method: str, service: str, path: str, body: Body) -> Reply:
        url = f"{self._url}/v1/services/{quote(service, safe='')}{path}"
        return self._send(url, body, json_headers(self._token), method)


def executors(settings: Callable[[], Settings]) -> Executors:
    """Return, by name, functions that make an executor or raise ExecutorError.

    ``settings`` reads the app's settings, secrets included; it is called only when an executor is
    needed.
    """

    def deploy_api() -> Executor:
        try:
            known = settings().need("remediation", *SHARED_PARTS)
        except SettingsError as error:
            raise ExecutorError(str(error)) from None
        chosen = known.remediation
        if not chosen.deploy_api_url or not chosen.deploy_api_token:
            raise ExecutorError(
                "No deploy API is set: set its URL and token under Configuration > Remediation."
            )
        try:
            network = network_of(known)
            url = checked_url(chosen.deploy_api_url, "The deploy API's URL")
        except (NotConfigured, BadUrl) as error:
            raise ExecutorError(str(error)) from None

        def send(url: str, body: Body, headers: Mapping[str, str], method: str) -> Reply:
            try:
                return send_json(network, url, body, headers, method)
            except BadUrl as error:
                raise ExecutorError(str(error)) from None

        return DeployApi(url, chosen.deploy_api_token, send)

    return {"deploy_api": deploy_api}


def _accepted(reply: Reply, arguments: Mapping[str, str]) -> Outcome:
    """Judge a request that was not refused: done is only what the service says it runs."""
    service, version = arguments["service"], arguments["to_version"]
    answer = _object(reply.text) or {}
    if reply.status != 200 or answer.get("version") != version:
        sentence = (
            f"The deploy API answered {reply.status}, but not that {service} runs {version}: "
        )
        return Outcome("unknown", sentence + _reason(reply))
    if not answer.get("change_id"):  # Without it there would be no way back.
        sentence = f"The deploy API did not answer by which change {service} runs {version}."
        return Outcome("unknown", sentence)
    names = ("change_id", "version", "previous_version")
    result = {name: str(answer.get(name) or "") for name in names}
    return Outcome("done", f"{service} runs {version}.", result)


def _object(text: str) -> Optional[Dict[str, Any]]:
    try:
        answer = json.loads(text)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _reason(reply: Reply) -> str:
    answer = _object(reply.text) or {}
    text = answer.get("detail") or answer.get("error") or reply.text
    return " ".join(str(text).split())[:300] or "no reason given."
