"""The request, response and problem (RFC 9457) of a route."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Dict, FrozenSet, List, Mapping, Optional, Sequence

from ..incidents.act import Act
from ..incidents.errors import Invalid
from ..incidents.grouping import Topology
from ..incidents.routing import Routing
from ..ports import Clock, Searcher, Stores
from ..splunk.nul import json_without_nul
from .backend import Backend

if TYPE_CHECKING:
    from ..remediation.raising_search import RaisingSearch

__all__ = ["Problem", "Request", "Response", "parse_body"]

BODY_BYTES = 1_000_000
BODY_DEPTH = 20
WHOLE_DIGITS = 300
TOO_DEEP = f"The body is nested deeper than {BODY_DEPTH} levels."
_ONE_KIND = bytes.maketrans(b"[]", b"{}")
_NO_BRACKETS = bytes(set(range(256)) - set(b'{}[]"\\'))
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class Problem(Exception):
    """An answer that is an error; ``detail`` is one sentence for the caller.

    ``more``: members of the answer besides, for programs (RFC 9457, section 3.2).
    """

    def __init__(
        self,
        status: int,
        detail: str,
        headers: Mapping[str, str] = {},
        more: Mapping[str, Any] = {},
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers)
        self.more = dict(more)


@dataclass(frozen=True)
class Response:
    """JSON and its HTTP status; with another ``content_type``, ``body`` is the text itself.

    ``kept`` is what a repeat with the same Idempotency-Key gets, where that must differ (a secret
    that is shown once). ``unfinished``: a part failed as with a 5xx, so a repeat runs again.
    """

    body: Any
    status: int = 200
    headers: Dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    kept: Any = None
    unfinished: bool = False


@dataclass(frozen=True)
class Request:
    """One call of a route, its caller already allowed.

    ``params`` are the parts of the path, ``query`` the last value of each query argument as text,
    ``args`` the same as the route's schema has them, ``body`` the JSON object that was sent and
    fits the schema, ``headers`` by lower-case name. ``stores`` and ``system_session`` have the
    app's own rights; ``user_session`` and ``searcher`` the caller's.

    ``mark`` stands for the request and its repeats with the same ``Idempotency-Key``, which began
    at ``began`` (epoch seconds): what is written under it is there once. Empty without a key.
    """

    method: str
    path: str
    params: Dict[str, str]
    query: Dict[str, str]
    body: Dict[str, Any]
    user: str
    capabilities: FrozenSet[str]
    user_session: Any
    system_session: Any
    backend: Backend
    headers: Mapping[str, str] = field(default_factory=dict)
    args: Mapping[str, Any] = field(default_factory=dict)
    mark: str = ""
    began: float = 0.0

    @property
    def stores(self) -> Stores:
        return self.backend.stores(self.system_session)

    @property
    def clock(self) -> Clock:
        return self.backend.clock

    @property
    def act(self) -> Act:
        """The act of this request, which its repeats share."""
        return Act(self.stores, self.clock, self.user, self.mark)

    @property
    def searcher(self) -> Searcher:
        return self.backend.searcher(self.user_session)

    @property
    def system_searcher(self) -> Searcher:
        return self.backend.searcher(self.system_session)

    def settings(self) -> Any:
        """Return splunk.configuration.settings.Settings, secrets included. Raises SplunkError."""
        return self.backend.settings(self.system_session)

    def follow_up_systems(self) -> Mapping[str, bool]:
        """Return settings.follow_up_systems; reads no secret. Raises SplunkError."""
        return self.backend.follow_up_systems(self.system_session)

    def routing(self) -> Routing:
        return self.backend.routing(self.system_session)

    def who_has(self, capability: str) -> Optional[Sequence[str]]:
        return self.backend.who_has(self.system_session, capability)

    def problems(self) -> Sequence[str]:
        """Return one sentence for each configuration error. Raises SplunkError."""
        return self.backend.problems(self.system_session)

    def topology(self) -> Topology:
        return self.backend.topology(self.system_session)

    def raising(self) -> RaisingSearch:
        """Return what reruns the search that raised an incident, with the app's own rights."""
        return self.backend.raising(self.system_session)

    def text(self, name: str, default: str = "", required: bool = False) -> str:
        """Return a text of the body, stripped. Raises Invalid when it is required and blank."""
        value = str(self.body.get(name, default)).strip()
        if required and not value:
            raise Invalid(f"'{name}' is empty.")
        return value

    def texts(self, name: str) -> List[str]:
        """Return a list of texts of the body, stripped, without the blank ones."""
        return [part.strip() for part in self.body.get(name, []) if part.strip()]


def parse_body(payload: Any, most: int = BODY_BYTES) -> Dict[str, Any]:
    """Return the JSON object of a request; empty for no body.

    Raises Problem: 413 beyond ``most`` bytes, 400 for anything but an object of at most 20 levels
    in UTF-8.
    """
    given = payload
    if not isinstance(payload, bytes):
        # A lone surrogate is kept here and rejected below.
        given = str(payload or "").encode("utf-8", "surrogatepass")
    if len(given) > most:
        raise Problem(413, f"The body is larger than {most} bytes. Split the request.")
    if not given.strip():
        return {}
    given = json_without_nul(given)
    try:
        text = given.decode("utf-8")
        value = json.loads(text, parse_constant=_no_constant, parse_float=_finite, parse_int=_whole)
        if _SURROGATE.search(given):
            # An escape may be a lone surrogate, which no storage accepts.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeDecodeError as error:
        raise Problem(400, f"The body is not UTF-8: byte {error.start + 1} is invalid.") from None
    except UnicodeEncodeError:
        raise Problem(
            400, "The body has an escape of half a character, a lone surrogate."
        ) from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}: {error.msg}"
        raise Problem(400, f"The body is not valid JSON: {place}.") from None
    except ValueError as error:
        raise Problem(400, f"The body is not valid JSON: {error}.") from None
    except RecursionError:
        raise Problem(400, TOO_DEEP) from None
    if not isinstance(value, dict):
        raise Problem(400, "The body must be a JSON object.")
    if not _surely_flat(given, BODY_DEPTH) and _deeper_than(value, BODY_DEPTH):
        raise Problem(400, TOO_DEEP)
    return value


def problem_body(status: int, detail: str) -> Dict[str, Any]:
    """Return the members of an ``application/problem+json`` answer (RFC 9457, section 3.1)."""
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits[:20]} is out of range")
    return number


def _whole(digits: str) -> int:
    # A longer integer does not fit a float.
    if len(digits) > WHOLE_DIGITS:
        raise ValueError(f"{digits[:20]}… is out of range")
    return int(digits)


def _surely_flat(given: bytes, levels: int) -> bool:
    """Return whether the brackets of some JSON alone show that it is nested no deeper.

    False also where a string has a bracket or an escape: then the value has to be checked.
    """
    brackets = given.translate(_ONE_KIND, _NO_BRACKETS).replace(b'""', b"")
    if b'"' in brackets or b"\\" in brackets:
        return False
    for _level in range(levels):
        brackets = brackets.replace(b"{}", b"")
    return not brackets


def _deeper_than(value: Any, levels: int) -> bool:
    layer = [value]
    for _level in range(levels):
        layer = [
            inner
            for outer in layer
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) is dict or type(inner) is list
        ]
        if not layer:
            return False
    return True
