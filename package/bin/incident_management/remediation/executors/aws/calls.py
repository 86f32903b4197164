"""Call an AWS service, and turn boto3's errors into sentences for people."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Callable, ContextManager, Dict, FrozenSet, Mapping, TypeVar, Union

from ....masking import mask
from ..executor import ExecutorError, NotApplicable, Outcome, failed_before_request

__all__ = ["PAUSE_SECONDS", "Calls", "InAccounts", "code_of", "location_of_arn"]

_T = TypeVar("_T")
_Seen = TypeVar("_Seen")

# The pause between two attempts, and how long a busy service is asked again.
PAUSE_SECONDS = 2.0
BUSY_SECONDS = 10.0
# How long the reads before a request may take. After the lease of its run the worker may have sent
# the request itself.
LOOK_SECONDS = 30.0

# After these certainly nothing was done. Other errors may come after the request was executed, such
# as a TLS error while the answer is read.
REFUSED_STATUSES = range(400, 500)
NOT_SENT = (
    "ConnectTimeoutError", "EndpointConnectionError", "InvalidProxiesConfigError",
    "InvalidRegionError", "NoCredentialsError", "ParamValidationError", "ProxyConnectionError",
)  # fmt: skip
# What botocore's parser and ours raise for JSON of an unexpected shape.
UNEXPECTED_SHAPE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
# "Common Error Types" of AWS's API references, and what IAM says of temporary keys.
KEYS = frozenset({
    "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException",
})  # fmt: skip
NEW_KEYS = "Enter the account's keys again under Configuration > AWS accounts."


class InAccounts:
    """An executor that acts in the account that an action names, in its region.

    Args:
        connect: gives a context manager with a boto3 client for an action's arguments.
        where: returns their place for people.
        region: returns their region. All three raise ExecutorError.
    """

    def __init__(
        self,
        connect: Callable[[Mapping[str, str]], ContextManager[Any]],
        where: Callable[[Mapping[str, str]], str],
        region: Callable[[Mapping[str, str]], str],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._connect = connect
        self._where = where
        self._region = region
        self._sleep = sleep

    def address(self, arguments: Mapping[str, str]) -> str:
        """Return the region; the object's ARN names its account."""
        return self._region(arguments)


@dataclass(frozen=True)
class Calls:
    """One service: its name for people, and its error codes.

    ``busy`` codes mean that it is overloaded, which soon passes. ``missing`` codes mean that
    nothing has the requested name.
    """

    name: str
    busy: FrozenSet[str]
    missing: FrozenSet[str] = frozenset()

    def read(self, ask: Callable[[], _T]) -> _T:
        """Send a read-only request, or parse an answer. Raises ExecutorError and NotApplicable."""
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        try:
            return ask()
        except ClientError as error:
            kind = NotApplicable if code_of(error) in self.missing else ExecutorError
            raise kind(self._error_text(error)) from None
        except BotoCoreError as error:
            # Its text may hold the proxy with its password, so only the kind is told.
            raise ExecutorError(f"{self.name} can't be reached ({type(error).__name__}).") from None
        except (ResponseParserError, *UNEXPECTED_SHAPE):
            raise ExecutorError(self._strange) from None

    def attempt(self, act: Callable[[], _T]) -> Union[_T, Outcome]:
        """Check something, then change it; if there is no answer, return the outcome.

        The outcome is ``unknown`` only if the request may have arrived.
        """
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        try:
            return act()
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            if status not in REFUSED_STATUSES:
                return Outcome("unknown", self._error_text(error))
            return Outcome("failed", self._error_text(error), transient=self.is_busy(error))
        except BotoCoreError as error:
            kind = type(error).__name__
            if kind in NOT_SENT:
                return Outcome(
                    "failed", f"{self.name} could not be reached ({kind}).", transient=True
                )
            return Outcome("unknown", f"{self.name} did not answer ({kind}).")
        except (ResponseParserError, *UNEXPECTED_SHAPE):
            return Outcome("unknown", self._strange)
        except ExecutorError as error:
            return failed_before_request(error)

    def retry_while_busy(
        self,
        read_approved: Callable[[], _Seen],
        act: Callable[[_Seen], _T],
        sleep: Callable[[float], None],
    ) -> _T:
        """Look, then act; repeat both for some seconds while the service is busy.

        A busy service has done nothing. Raises as boto3 does, and ExecutorError.
        """
        from botocore.exceptions import ClientError

        began = time.monotonic()
        while True:
            late = time.monotonic() - began >= BUSY_SECONDS
            try:
                seen = read_approved()
                if time.monotonic() - began > LOOK_SECONDS:
                    raise ExecutorError(
                        f"{self.name} took too long to report the current state. Nothing "
                        "was changed."
                    )
                return act(seen)
            except ClientError as error:
                if late or not self.is_busy(error):
                    raise
            except ExecutorError as error:
                if late or isinstance(error, NotApplicable):
                    raise
            sleep(PAUSE_SECONDS)

    def is_busy(self, error: Any) -> bool:
        """Tell whether a ClientError means that the same request may be sent again soon."""
        return code_of(error) in self.busy

    @property
    def _strange(self) -> str:
        return f"The answer does not come from {self.name}: check endpoint and proxy."

    def _error_text(self, error: Any) -> str:
        said = error.response.get("Error", {})
        text = mask(" ".join(str(said.get("Message") or "").split()))[:300]
        code = code_of(error) or "an error"
        more = f" {NEW_KEYS}" if code in KEYS else ""
        return f"{self.name} rejected the request with {code}: {text}{more}"


def code_of(error: Any) -> str:
    """Return the error code of a ClientError; empty if there is none."""
    return str(error.response.get("Error", {}).get("Code") or "")


def location_of_arn(arn: str) -> Dict[str, str]:
    """Return the ``account_id`` and ``region`` of an ARN. Raises LookupError if it is invalid."""
    parts = arn.split(":")
    return {"account_id": parts[4], "region": parts[3]}
