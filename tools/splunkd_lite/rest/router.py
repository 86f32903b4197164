"""Which function answers which endpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, TypeVar, Union

from tools.splunkd_lite.errors import SplunkdError
from tools.splunkd_lite.rest.atom import Feed
from tools.splunkd_lite.rest.request import RestRequest, RestResponse

if TYPE_CHECKING:
    from tools.splunkd_lite.core import Splunk

__all__ = ["Answer", "Handler", "Route", "find", "has_endpoint", "route"]

Answer = Union[Feed, RestResponse]
Handler = Callable[["Splunk", RestRequest], Answer]
SomeHandler = TypeVar("SomeHandler", bound=Handler)


@dataclass(frozen=True)
class Route:
    """``pattern`` has literal segments, ``{name}`` for one segment and ``pre{name}`` for a tail."""

    method: str
    pattern: tuple[str, ...]
    handler: Handler
    capability: str
    public: bool

    def match(self, segments: tuple[str, ...]) -> dict[str, str] | None:
        if len(segments) != len(self.pattern):
            return None
        found = {}
        for want, have in zip(self.pattern, segments, strict=True):
            literal, brace, name = want.partition("{")
            if not brace:
                if have != literal:
                    return None
            elif not have.startswith(literal) or len(have) == len(literal):
                return None
            else:
                found[name.rstrip("}")] = have[len(literal) :]
        return found


_ROUTES: list[Route] = []


def route(
    methods: str, pattern: str, capability: str = "", public: bool = False
) -> Callable[[SomeHandler], SomeHandler]:
    """Register a handler. ``methods`` is like ``GET POST``; ``capability`` is checked first."""

    def register(handler: SomeHandler) -> SomeHandler:
        for method in methods.split():
            segments = tuple(part for part in pattern.split("/") if part)
            _ROUTES.append(Route(method, segments, handler, capability, public))
        return handler

    return register


def find(request: RestRequest) -> Route | None:
    """The route of a request with its variables filled in; None if no endpoint has that path.

    Literal patterns win over variables.

    Raises:
        SplunkdError: 405, the endpoint exists but not for this method.
    """
    candidates = []
    for each in _ROUTES:
        values = each.match(request.segments)
        if values is not None:
            candidates.append((len(values), each, values))
    if not candidates:
        return None
    fewest = min(count for count, _, _ in candidates)
    for count, each, values in candidates:
        if count == fewest and each.method == request.method:
            request.vars = values
            return each
    raise SplunkdError(405, "Method Not Allowed")


def has_endpoint(segments: tuple[str, ...]) -> bool:
    """True if splunkd itself answers that path, for whatever method."""
    return any(each.match(segments) is not None for each in _ROUTES)
