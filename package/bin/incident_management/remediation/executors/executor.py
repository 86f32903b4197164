"""What every executor is: it says what is so now, acts, and can be asked later.

A request carries its plan's id, so whoever receives it can tell a repeat from a new one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping, Optional, Protocol, Union
from urllib.parse import urlsplit

from ...masking import mask
from ...outside.transport import NoAnswer, NotSent, Reply

__all__ = [
    "Body",
    "Executor",
    "ExecutorError",
    "Executors",
    "NotApplicable",
    "Outcome",
    "Send",
    "answer_or_error",
    "answer_or_outcome",
    "base_address",
    "failed_before_request",
    "json_object",
    "reason_of",
    "refused_outcome",
    "request_preview",
]

# Of what a service says, so much is looked at.
READ_CHARACTERS = 20_000
TOO_MANY_REQUESTS = 429


class ExecutorError(Exception):
    """The executor can't be used or asked just now; nothing was changed."""


class NotApplicable(ExecutorError):
    """What an action is about is not, or no more, as it must be; trying again is of no use."""


@dataclass(frozen=True)
class Outcome:
    """How an execution ended: ``done``, ``failed`` or ``unknown``.

    ``result``: what the request has made, also where it is ``unknown`` how that goes on.
    ``certain``: a ``failed`` one certainly changed nothing. ``transient``: nor did this one, for a
    reason that goes by itself, so the same request may be sent again. Who only asks may also find
    ``unchanged``: it was not done, or not yet.
    """

    status: str
    detail: str = ""
    result: Dict[str, Any] = field(default_factory=dict)
    certain: bool = True
    transient: bool = False


class Executor(Protocol):
    """One way to act."""

    def address(self, arguments: Mapping[str, str]) -> str:
        """Return whom it would speak to about these: a :func:`base_address`, a region.

        Asks nobody. A fix is approved for that address; it is made, found out about, proved and
        undone there alone.

        Raises:
            ExecutorError: what it needs is not set.
        """

    def facts(self, arguments: Mapping[str, str]) -> Dict[str, Any]:
        """Return what is so now, for preconditions and the state's hash.

        Raises:
            ExecutorError: it can't be asked.
        """

    def execute(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Act once. Never raises for what the other side does."""

    def settle(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Find out what became of a request that nobody saw the answer of. Changes nothing.

        ``unchanged``: everything is as before the request, and the same request may be sent again.
        ``unknown``: it can't be told yet.
        """

    def preview(self, arguments: Mapping[str, str], request_id: str) -> Dict[str, Any]:
        """Return the request that :meth:`execute` would make, without secrets; makes none.

        As :func:`request_preview` does.
        """

    def dry_run(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Act in a mode that reports what would be changed.

        Raises:
            ExecutorError: it has none, or not for this.
        """


Executors = Mapping[str, Callable[[], Executor]]
Body = Union[Mapping[str, Any], List[Dict[str, Any]], None]
# Makes one HTTP request of an URL, a JSON body, headers and a method, as send_json does.
Send = Callable[[str, Body, Mapping[str, str], str], Reply]


def answer_or_error(service: str, ask: Callable[[], Reply]) -> Reply:
    """Make a request that changes nothing. Raises ExecutorError where it gets no answer."""
    try:
        return ask()
    except (NotSent, NoAnswer) as error:
        raise ExecutorError(f"{service} can't be reached: {error}") from None


def answer_or_outcome(service: str, ask: Callable[[], Reply]) -> Union[Reply, Outcome]:
    """Make a request that acts; without an answer, return how that ended.

    ``unknown`` is only what may have arrived.
    """
    try:
        return ask()
    except NotSent as error:
        return Outcome("failed", f"{service} could not be reached: {error}", transient=True)
    except ExecutorError as error:
        return Outcome("failed", str(error))
    except NoAnswer as error:
        return Outcome("unknown", str(error))


def refused_outcome(service: str, reply: Reply) -> Outcome:
    """Return how a request ended that was answered with a status of 400 to 499."""
    detail = f"{service} rejected the request with {reply.status}: {reason_of(reply)}"
    return Outcome("failed", detail, transient=reply.status == TOO_MANY_REQUESTS)


def failed_before_request(error: ExecutorError) -> Outcome:
    """Return how a request ended that the look before it kept from being made."""
    return Outcome("failed", str(error), transient=not isinstance(error, NotApplicable))


def base_address(url: str) -> str:
    """Return a base URL without secrets, and alike however it is spelled."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    host = host.lower().removesuffix({"https": ":443", "http": ":80"}.get(parts.scheme, ""))
    return mask(parts._replace(netloc=f"{user}{at}{host}").geturl().rstrip("/"))


def request_preview(method: str, url: str, body: Body) -> Dict[str, Any]:
    """Return a request for people: ``method, url, headers, body``, with secrets masked."""
    return {
        "method": method,
        "url": mask(url),
        "headers": {"Authorization": "Bearer (the configured token)"},
        "body": _masked(body),
    }


def _masked(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _masked(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_masked(one) for one in value]
    return mask(value) if isinstance(value, str) else value


def json_object(text: str) -> Optional[Dict[str, Any]]:
    """Return the JSON object of an answer, None where it is none that could be stored.

    As one with half a character (a lone surrogate) or with a number that is none (NaN).
    """
    try:
        answer = json.loads(text)
        json.dumps(answer, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def reason_of(reply: Reply) -> str:
    """Return why a service says no, at most 300 characters, without secrets: people read it."""
    answer = json_object(reply.text) or {}
    text = answer.get("detail") or answer.get("error") or answer.get("message") or reply.text
    return mask(" ".join(str(text)[:READ_CHARACTERS].split()))[:300] or "no reason given."
