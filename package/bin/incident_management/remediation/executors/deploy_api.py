"""The executor that speaks to a deployment service; docs/REMEDIATION.md has its contract."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional
from urllib.parse import quote, urlsplit

from ...outside.transport import Reply, json_headers
from .executor import (
    ExecutorError,
    Outcome,
    Send,
    answer_or_error,
    answer_or_outcome,
    base_address,
    json_object,
    reason_of,
    refused_outcome,
    request_preview,
)

__all__ = ["DeployApi"]


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

    def address(self, arguments: Mapping[str, str]) -> str:
        """Return the base URL."""
        return base_address(self._url)

    def facts(self, arguments: Mapping[str, str]) -> Dict[str, Any]:
        """Return the service's version, previous version and current change."""
        service = arguments["service"]
        reply = answer_or_error("The deploy API", lambda: self._raw("GET", service, "", None))
        answer = json_object(reply.text) or {}
        if reply.status != 200 or not answer.get("version") or not answer.get("change_id"):
            raise ExecutorError(
                f"The deploy API at {self._host} did not return the version and the "
                f"change that {service} runs ({reply.status}): {reason_of(reply)}"
            )
        told = str(answer.get("service") or service)
        if told.lower() != service.lower():
            raise ExecutorError(
                f"The deploy API at {self._host} answered for {told} instead of "
                f"{service}. Nothing is done to another service."
            )
        names = ("service", "version", "previous_version", "change_id")
        return {name: str(answer.get(name) or "") for name in names}

    def execute(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Request the rollback."""
        body, service = _body(arguments, request_id), arguments["service"]
        reply = answer_or_outcome(
            "The deploy API", lambda: self._raw("POST", service, "/rollback", body)
        )
        if isinstance(reply, Outcome):
            return reply
        if reply.status < 300:
            return _accepted(reply, arguments)
        if not 400 <= reply.status < 500:
            # A redirect, too: 303 is what an API may answer that has done what it was asked for.
            return Outcome("unknown", f"The deploy API answered {reply.status}: {reason_of(reply)}")
        return refused_outcome("The deploy API", reply)

    def settle(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Determine the outcome by what the service runs."""
        try:
            facts = self.facts(arguments)
        except ExecutorError as error:
            return Outcome("unknown", str(error))
        service = arguments["service"]
        if facts["change_id"] == arguments["change_id"]:
            return Outcome("unchanged", f"{service} still runs {facts['version']}.")
        if facts["version"] == arguments["to_version"]:
            return Outcome("done", f"{service} runs {facts['version']}.", facts)
        detail = f"{service} now runs {facts['version']}, which was deployed in the meantime."
        return Outcome("failed", detail, certain=False)

    def preview(self, arguments: Mapping[str, str], request_id: str) -> Dict[str, Any]:
        """Return the rollback request."""
        url = self._url_of(arguments["service"], "/rollback")
        return request_preview("POST", url, _body(arguments, request_id))

    def dry_run(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Raise ExecutorError: the deploy API has no check mode."""
        raise ExecutorError("The deploy API has no check mode; do=preview shows the request.")

    def _url_of(self, service: str, path: str) -> str:
        return f"{self._url}/v1/services/{quote(service, safe='')}{path}"

    def _raw(
        self, method: str, service: str, path: str, body: Optional[Mapping[str, Any]]
    ) -> Reply:
        return self._send(self._url_of(service, path), body, json_headers(self._token), method)


def _body(arguments: Mapping[str, str], request_id: str) -> Dict[str, Any]:
    return {
        "change_id": arguments["change_id"],
        "to_version": arguments["to_version"],
        "request_id": request_id,
    }


def _accepted(reply: Reply, arguments: Mapping[str, str]) -> Outcome:
    """Judge an accepted request: it is done only if the service says what it runs."""
    service, version = arguments["service"], arguments["to_version"]
    answer = json_object(reply.text) or {}
    if reply.status != 200 or answer.get("version") != version:
        sentence = (
            f"The deploy API answered {reply.status}, but did not confirm that {service} "
            f"runs {version}: "
        )
        return Outcome("unknown", sentence + reason_of(reply))
    if not answer.get("change_id"):  # Without it there would be no way back.
        sentence = f"The deploy API did not return the change by which {service} runs {version}."
        return Outcome("unknown", sentence)
    names = ("change_id", "version", "previous_version")
    result = {name: str(answer.get(name) or "") for name in names}
    return Outcome("done", f"{service} runs {version}.", result)
