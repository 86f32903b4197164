"""From a persistent handler's request to a route and back.

A route is a function from :class:`Request` to :class:`Response`, registered by :func:`route` with
the one capability that it needs and the schemas of what it takes and gives. The capability is
checked with the caller's own token, and the request against the schemas, before the route runs;
errors become ``application/problem+json``. The same schemas make the OpenAPI document
(:mod:`.openapi`).

The request and the reply are those of splunkd's persistent REST handlers: see "Custom REST
endpoints" in Splunk's developer documentation.
"""

from __future__ import annotations

import base64
import importlib
import json
import re
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping, Optional, Pattern, Tuple, Type

from ..incidents.errors import Contended, Forbidden, IllegalMove, Invalid, NotFound
from ..ports import SearchFailed
from ..splunk import log
from ..splunk.configuration.settings import SettingsError
from ..splunk.session import SplunkError
from . import ROUTES
from .backend import Backend
from .gone import OF_AN_INCIDENT, was_deleted
from .idempotency import HEADER as IDEMPOTENCY_HEADER
from .idempotency import once
from .messages import BODY_BYTES, Problem, Request, Response, parse_body, problem_body
from .schema import Schema, check, convert

__all__ = [
    "REFUSALS",
    "Problem",
    "Request",
    "Response",
    "Route",
    "all_routes",
    "answer_with",
    "dispatch",
    "problem_of",
    "route",
    "routes_of",
]

PREFIX = "/incident_management/v1"
BODY_METHODS = ("POST", "PUT", "PATCH")
# In a body these stand for the headers, which Splunk Web's proxy may keep back: the one of its
# Python part (appserver/mrsparkle/controllers/proxy.py, of which copies are public) passes none on.
HEADERS_IN_BODY = {"if_match": "if-match", "idempotency_key": IDEMPOTENCY_HEADER}
RETRY_SECONDS = 5
# splunkd's and Splunk Web's own arguments, on any route.
SPLUNKS_ARGUMENTS = ("output_mode", "_")
# Splunk's examples of persistent handlers have a "payload" for POST and PUT alone, its SDK tests
# PATCH from Splunk 10 on (splunk-sdk-python, tests/system/test_cre_apps.py).
NOTHING_TO_CHANGE = (
    "The PATCH has no field to change. If you sent one, splunkd dropped it: use PUT."
)

# The library's errors, whose texts are written for people, and their HTTP statuses.
_STATUSES: Dict[Type[Exception], int] = {
    Contended: 503,  # Nothing was decided, or it will be finished.
    NotFound: 404,
    Forbidden: 403,
    IllegalMove: 409,
    Invalid: 400,
    SettingsError: 500,
    SearchFailed: 502,
    SplunkError: 502,
}
REFUSALS = tuple(_STATUSES)

Handler = Callable[[Request], Response]


@dataclass(frozen=True)
class Route:
    """One method of one path.

    ``body``: schema of the JSON request body (None: no body), at most ``body_bytes`` long;
    ``body_required``: the body is required although none of its fields is; ``query``: schema by
    argument; ``answers``: schema by status, where a text names another content type and a tuple
    lists several; ``problems``: error statuses beyond those of every route; ``headers``: optional
    request headers, description by name.
    """

    method: str
    path: str
    pattern: Pattern[str]
    capability: str
    handler: Handler
    body: Optional[Schema] = None
    body_required: bool = False
    query: Mapping[str, Schema] = field(default_factory=dict)
    answers: Mapping[int, Any] = field(default_factory=dict)
    problems: Tuple[int, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body_bytes: int = BODY_BYTES

    @property
    def needs_body(self) -> bool:
        return self.body_required or bool(self.body and self.body.get("required"))


_routes: List[Route] = []


def route(
    method: str, path: str, capability: str, *, slashes: bool = False, **declared: Any
) -> Callable[[Handler], Handler]:
    """Register a function as a route; ``{name}`` in the path takes one segment.

    With ``slashes`` it takes several: a saved search's name may hold a slash, and the path comes
    decoded. ``declared`` are the other fields of :class:`Route`.
    """
    taken = ".+" if slashes else "[^/]+"
    pattern = re.compile(re.sub(r"\{(\w+)\}", rf"(?P<\1>{taken})", path))

    def register(handler: Handler) -> Handler:
        _routes.append(Route(method, path, pattern, capability, handler, **declared))
        return handler

    return register


def routes_of(segment: str) -> List[Route]:
    """Return the routes below one first path segment, importing the modules that have them."""
    for module in ROUTES.get(segment, ()):
        importlib.import_module(f"{__package__}.{module}")
    return [known for known in _routes if known.path.split("/")[1] == segment]


def all_routes() -> List[Route]:
    """Return every route, in the order of the path's first segments."""
    return [known for segment in ROUTES for known in routes_of(segment)]


def dispatch(raw: Mapping[str, Any], backend: Backend) -> Dict[str, Any]:
    """Answer one request of splunkd's; never raises."""
    try:
        response = _answer(raw, backend)
        return _reply(response.status, response.body, response.content_type, response.headers)
    except Problem as problem:
        if problem.status >= 500:
            name = f"{raw.get('method')} {_path(raw)}"
            log.get("rest").error("%s answered %d: %s", name, problem.status, problem.detail)
        return _refuse(problem)
    except Exception:  # noqa: BLE001 - a handler that raises would leave its caller waiting
        name = f"{raw.get('method')} {_path(raw)}"
        log.get("rest").exception("%s failed", name)
        return _refuse(Problem(500, f"{name} failed. See incident_management_rest.log."))


def _answer(raw: Mapping[str, Any], backend: Backend) -> Response:
    method, path = str(raw.get("method", "")).upper(), _path(raw)
    found, params = _find(method, path)
    if not (raw.get("session") or {}).get("authtoken"):
        raise Problem(401, "The request has no session. Log in first.")
    try:
        caller = backend.session(raw, system=False)
        user, capabilities = backend.capabilities(caller)
        if found.capability not in capabilities:
            text = f"{method} {path} needs the capability {found.capability}, which {user} lacks."
            raise Problem(403, text)
        query = _query(raw)
        system = backend.session(raw, system=True)
        body, headers = _sent(raw, found)
        request = Request(
            method=method,
            path=path,
            params=params,
            query=query,
            body=body,
            user=user,
            capabilities=capabilities,
            user_session=caller,
            system_session=system,
            backend=backend,
            headers=headers,
            args=_arguments(query, found),
        )
        with system.kept_open():
            if method == "POST" and IDEMPOTENCY_HEADER in request.headers:
                return once(request, lambda marked: _run(found, marked))
            return _run(found, request)
    except REFUSALS as error:
        raise problem_of(error) from error


def _run(found: Route, request: Request) -> Response:
    """Call the route, and turn the library's errors into Problems."""
    of_an_incident = found.path.startswith(OF_AN_INCIDENT)
    try:
        if of_an_incident and request.method != "GET":
            was_deleted(request)  # A change to an incident that is leaving would be lost.
        return found.handler(request)
    except REFUSALS as error:
        if of_an_incident and isinstance(error, NotFound):
            was_deleted(request)
        raise problem_of(error) from error


def _sent(raw: Mapping[str, Any], found: Route) -> Tuple[Dict[str, Any], Dict[str, str]]:
    """Return the body, checked against the route's schema, and the headers by lower-case name."""
    headers = {str(name).lower(): str(value) for name, value in raw.get("headers") or []}
    if found.method not in BODY_METHODS:
        return {}, headers
    encoded = raw.get("payload_base64")  # the bytes as they came: passPayload = base64
    payload = raw.get("payload") if encoded is None else base64.b64decode(encoded)
    body = parse_body(payload, found.body_bytes)
    for name, header in HEADERS_IN_BODY.items():
        if isinstance(body.get(name), str):
            headers.setdefault(header, body.pop(name))
    if found.method == "PATCH" and not body:
        raise Problem(400, NOTHING_TO_CHANGE)
    if body or found.needs_body:
        check(body, found.body or {"type": "object", "additionalProperties": False})
    return body, headers


def _query(raw: Mapping[str, Any]) -> Dict[str, str]:
    """Return the query by name. Reject an argument that is given twice: only one would count."""
    query: Dict[str, str] = {}
    for name, value in raw.get("query") or []:
        if name in query and name not in SPLUNKS_ARGUMENTS:
            known = f"The argument '{str(name)[:60]}' is given twice"
            raise Invalid(f"{known}. Give several values once, separated by commas.")
        query[str(name)] = str(value)
    return query


def _arguments(query: Mapping[str, str], found: Route) -> Dict[str, Any]:
    """Check the query. Reject unknown names: most often they are misspelled filters."""
    arguments = {}
    for name, value in query.items():
        if name in found.query:
            arguments[name] = convert(value, found.query[name], name)
        elif name not in SPLUNKS_ARGUMENTS:
            known = ", ".join(found.query) or "none"
            raise Invalid(f"Unknown argument '{name[:60]}'. Known arguments: {known}.")
    return arguments


def problem_of(error: Exception) -> Problem:
    """Return the HTTP problem for an error of the library, whose text is written for people."""
    status = next(status for kind, status in _STATUSES.items() if isinstance(error, kind))
    if isinstance(error, SplunkError):
        if error.status == 401:
            return Problem(401, "splunkd does not know this session. Log in again.")
        if error.status in (0, 503, 504):
            status = 503
    # The same request may be retried.
    again = {"Retry-After": str(RETRY_SECONDS)} if status == 503 else {}
    more = {"fields": error.fields} if isinstance(error, Invalid) and error.fields else {}
    return Problem(status, str(error), again, more)


def _path(raw: Mapping[str, Any]) -> str:
    """Return the path below the handler's ``match``, with one leading slash and none at the end."""
    info = raw.get("path_info")
    if info is None:
        rest = "/" + str(raw.get("rest_path", "")).strip("/")
        info = rest[len(PREFIX) :] if rest.startswith(PREFIX) else rest
    return "/" + str(info).strip("/")


def _find(method: str, path: str) -> Tuple[Route, Dict[str, str]]:
    matching = []
    for known in routes_of(path.split("/")[1]):
        match = known.pattern.fullmatch(path)
        if match:
            matching.append((known, match.groupdict()))
    if not matching:
        raise Problem(404, f"Unknown path {path[:200]}. GET /openapi.json lists the routes.")
    for known, params in matching:
        if known.method == method:
            return known, params
    allowed = ", ".join(sorted(known.method for known, _params in matching))
    raise Problem(405, f"{path[:200]} supports {allowed}, not {method}.", {"Allow": allowed})


def _refuse(problem: Problem) -> Dict[str, Any]:
    """Return the error response, with secrets that the error may quote masked."""
    # Imported here: it takes 50 ms to compile, which the first alert should not wait for.
    from ..masking import mask

    said = problem.more.get("fields") or {}
    if said:
        problem.more["fields"] = {name: mask(text, emails=False) for name, text in said.items()}
    return answer_with(problem, mask(problem.detail, emails=False))


def answer_with(problem: Problem, detail: str) -> Dict[str, Any]:
    """Return a problem in the form that splunkd takes from a handler. Imports nothing."""
    body = {**problem.more, **problem_body(problem.status, detail)}
    return _reply(problem.status, body, "application/problem+json", problem.headers)


def _reply(status: int, body: Any, kind: str, headers: Mapping[str, str]) -> Dict[str, Any]:
    payload = body
    if "json" in kind:
        payload = json.dumps(body, ensure_ascii=False, allow_nan=False)
        # A lone surrogate, from a path that was not UTF-8, can't be encoded.
        payload = payload.encode("utf-8", "replace").decode("utf-8")
    return {
        "status": status,
        "headers": {"Content-Type": kind, "Cache-Control": "no-store", **headers},
        "payload": payload,
    }
