"""The management port's application: authentication, routing, rendering."""

from __future__ import annotations

import base64
import sqlite3
import traceback
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

import anyio.to_thread
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route as StarletteRoute

from tools.splunkd_lite.access import User
from tools.splunkd_lite.errors import SplunkdError, is_disk_full
from tools.splunkd_lite.rest import (  # noqa: F401 - importing them registers their endpoints
    accounts,
    alerts,
    apps,
    cluster,
    confs,
    data,
    eventtypes,
    faults,
    forms,
    jobs,
    kvstore,
    loggers,
    passwords,
    receivers,
    saved,
    saved_runs,
    server,
    tokens,
)
from tools.splunkd_lite.rest.atom import Feed, error_response, render
from tools.splunkd_lite.rest.custom import custom_endpoint
from tools.splunkd_lite.rest.permission import require
from tools.splunkd_lite.rest.request import RestRequest, RestResponse, split_path
from tools.splunkd_lite.rest.router import find, has_endpoint

if TYPE_CHECKING:
    from tools.splunkd_lite.core import Splunk

__all__ = ["Rest"]

MAX_BODY = 800 * 1024 * 1024  # server.conf [httpServer] max_content_length is 2 GB; ours is less
WORKERS = 200  # app processes call back while their own request is being handled
_FORM_TYPES = ("application/x-www-form-urlencoded", "")
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"]


class Rest:
    """Answers REST requests, over HTTP or in process."""

    def __init__(self, splunk: Splunk) -> None:
        self._splunk = splunk

    def asgi(self) -> Starlette:
        routes = [StarletteRoute("/{path:path}", self._serve, methods=_METHODS)]
        return Starlette(routes=routes)

    def dispatch(self, request: RestRequest) -> RestResponse:
        """Answer one request; refusals become responses."""
        try:
            return self._answer(request)
        except SplunkdError as error:
            return error_response(error, request.json_wanted or _is_kv(request))
        except (OSError, sqlite3.OperationalError) as error:
            if not is_disk_full(error):
                raise
            text = f"The disk is full: {error}. Nothing was stored; free some space and repeat."
            self._splunk.messages.post("disk_full", "error", text)
            return error_response(SplunkdError(507, text), request.json_wanted)

    async def _serve(self, http: Request) -> Response:
        anyio.to_thread.current_default_thread_limiter().total_tokens = WORKERS
        body = await http.body()
        answer = await run_in_threadpool(self._from_http, http, body)
        headers = {"Cache-Control": "no-store", "Vary": "Cookie, Authorization"}
        if answer.stream is not None:
            response: Response = StreamingResponse(
                answer.stream, answer.status, headers, answer.content_type
            )
        else:
            response = Response(answer.body, answer.status, headers, answer.content_type)
        for name, value in answer.headers:
            response.headers.append(name, value)
        return response

    def _from_http(self, http: Request, body: bytes) -> RestResponse:
        try:
            if len(body) > MAX_BODY:
                raise SplunkdError(413, f"The request is larger than {MAX_BODY} bytes.")
            request = self._parse(http, body)
        except SplunkdError as error:
            return error_response(error, "output_mode=json" in http.url.query)
        try:
            return self.dispatch(request)
        except Exception:  # noqa: BLE001 - the server's edge: a bug must be logged and answered
            self._splunk.log("HttpListener", "ERROR", traceback.format_exc())
            refusal = SplunkdError(500, "Internal Server Error, see splunkd.log.")
            return error_response(refusal, request.json_wanted)

    def _parse(self, http: Request, body: bytes) -> RestRequest:
        raw_path = http.scope.get("raw_path", http.url.path.encode()).decode("latin-1")
        raw_path = raw_path.partition("?")[0]
        owner, app, segments = split_path(raw_path)
        kind = http.headers.get("content-type", "").partition(";")[0].strip().lower()
        # splunkd's own endpoints take a form whatever type is declared (solnlib relies on it).
        is_form = kind in _FORM_TYPES or has_endpoint(segments)
        is_form = is_form and not _raw_body(segments)
        try:
            query = parse_qsl(http.url.query, keep_blank_values=True, errors="strict")
            text = body.decode() if is_form else ""
            form = parse_qsl(text, keep_blank_values=True, max_num_fields=100_000)
        except ValueError as error:
            raise SplunkdError(400, f"The parameters cannot be decoded: {error}") from error
        token = self._token(http)
        return RestRequest(
            method=http.method,
            path=unquote(raw_path),
            owner=owner,
            app=app,
            rest_path="/".join(segments),
            segments=segments,
            query=query,
            form=form,
            body=body,
            headers=list(http.headers.items()),
            user=self._user(token),
            token=token,
            remote=http.client.host if http.client else "",
        )

    def _user(self, token: str) -> User | None:
        """Who a session key or an authentication token stands for."""
        if not token:
            return None
        name = self._splunk.tokens.user_of(token)
        if name is not None:
            return self._splunk.access.user(name)
        return self._splunk.access.user_of(token)

    def _token(self, http: Request) -> str:
        """The session key, from the header or the cookie; Basic credentials log in."""
        scheme, _, value = http.headers.get("authorization", "").partition(" ")
        value = value.strip()
        if scheme.lower() in ("splunk", "bearer"):
            return value
        if scheme.lower() == "basic":
            try:
                name, _, password = base64.b64decode(value).decode().partition(":")
            except ValueError as error:
                raise SplunkdError(401, "call not properly authenticated", "WARN") from error
            return self._splunk.access.authenticate(name, password)
        return http.cookies.get(f"splunkd_{self._splunk.mgmt_port}", "")

    def _answer(self, request: RestRequest) -> RestResponse:
        found = find(request)
        if found is None:
            return custom_endpoint(self._splunk, request)
        if not found.public and request.user is None:
            raise SplunkdError(401, "call not properly authenticated", "WARN")
        if found.capability:
            require(request, found.capability)
        answer = found.handler(self._splunk, request)
        return render(answer, request) if isinstance(answer, Feed) else answer


def _is_kv(request: RestRequest) -> bool:
    return request.segments[:3] == ("storage", "collections", "data")


def _raw_body(segments: tuple[str, ...]) -> bool:
    return segments[:1] == ("receivers",) or segments[:3] == ("storage", "collections", "data")
