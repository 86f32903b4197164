"""What every executor implements: report the current state, act, and determine outcomes later.

A request carries its plan's id, so the service can tell a repeat from a new request.
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
    """The executor can't be used or reached right now; nothing was changed."""


class NotApplicable(ExecutorError):
    """The target is not, or no longer, in the required state; a retry does not help."""


@dataclass(frozen=True)
class Outcome:
    """How an execution ended: ``done``, ``failed`` or ``unknown``.

    ``settle`` may also return ``unchanged``: the request was not executed, or not yet.

    Attributes:
        result: what the request created, even if its outcome is ``unknown``.
        certain: a ``failed`` request certainly changed nothing.
        transient: it certainly changed nothing, for a reason that goes away without anyone acting,
            so the same request may be sent again.
    """

    status: str
    detail: str = ""
    result: Dict[str, Any] = field(default_factory=dict)
    certain: bool = True
    transient: bool = False


class Executor(Protocol):
    """One way to act on a service."""

    def address(self, arguments: Mapping[str, str]) -> str:
        """Return the address it would use for these arguments: a :func:`base_address`, or a region.

        Makes no request. A fix is approved for this address; it is executed, settled, verified and
        rolled back only there.

        Raises:
            ExecutorError: a required setting is missing.
        """

    def facts(self, arguments: Mapping[str, str]) -> Dict[str, Any]:
        """Return the target's current state, for preconditions and the state hash.

        Raises:
            ExecutorError: the service can't be reached.
        """

    def execute(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Act once. Never raises for what the service does."""

    def settle(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Determine the outcome of a request whose answer was lost. Changes nothing.

        ``unchanged``: everything is as before the request, which may be sent again. ``unknown``:
        the outcome can't be determined yet.
        """

    def preview(self, arguments: Mapping[str, str], request_id: str) -> Dict[str, Any]:
        """Return the request that :meth:`execute` would send, without secrets; sends nothing.

        The format is that of :func:`request_preview`.
        """

    def dry_run(self, arguments: Mapping[str, str], request_id: str) -> Outcome:
        """Act in a mode that only reports what would change.

        Raises:
            ExecutorError: there is no such mode, or not for this target.
        """


Executors = Mapping[str, Callable[[], Executor]]
Body = Union[Mapping[str, Any], List[Dict[str, Any]], None]
# Makes one HTTP request of an URL, a JSON body, headers and a method, as send_json does.
Send = Callable[[str, Body, Mapping[str, str], str], Reply]


def answer_or_error(service: str, ask: Callable[[], Reply]) -> Reply:
    """Send a request that changes nothing. Raises ExecutorError if there is no answer."""
    try:
        return ask()
    except (NotSent, NoAnswer) as error:
        raise ExecutorError(f"{service} can't be reached: {error}") from None


def answer_or_outcome(service: str, ask: Callable[[], Reply]) -> Union[Reply, Outcome]:
    """Send a request that acts; if there is no answer, return its outcome.

    The outcome is ``unknown`` only if the request may have arrived.
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
    """Return the outcome of a request that was answered with a status of 400 to 499."""
    detail = f"{service} rejected the request with {reply.status}: {reason_of(reply)}"
    return Outcome("failed", detail, transient=reply.status == TOO_MANY_REQUESTS)


def failed_before_request(error: ExecutorError) -> Outcome:
    """Return the outcome of a request that was not sent, because of the check before it."""
    return Outcome("failed", str(error), transient=not isinstance(error, NotApplicable))


def base_address(url: str) -> str:
    """Return a base URL without secrets, in a normalized spelling."""
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
    """Return the JSON object in an answer; None if there is none that can be stored.

    A lone surrogate or NaN can't be stored.
    """
    try:
        answer = json.loads(text)
        json.dumps(answer, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def reason_of(reply: Reply) -> str:
    """Return a service's reason for a rejection, at most 300 characters, with secrets masked."""
    answer = json_object(reply.text) or {}
    text = answer.get("detail") or answer.get("error") or answer.get("message") or reply.text
    return mask(" ".join(str(text)[:READ_CHARACTERS].split()))[:300] or "no reason given."
