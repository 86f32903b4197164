"""``/en-US/splunkd/__raw/…``: the way from a page to splunkd, with the user's own rights."""

from __future__ import annotations

import json

import httpx
from starlette.requests import Request
from starlette.responses import Response

from tools.splunkd_lite.web.expose import judge
from tools.splunkd_lite.web.session import form_key_is_good

MAX_BODY_BYTES = 20_000_000
_PREFIX = b"/en-US/splunkd/__raw"
_SAFE_METHODS = ("GET", "HEAD")
# What certainly arrives. Splunk Web's Python proxy (appserver/mrsparkle/controllers/proxy.py, of
# which copies are public) passes no header on but the body's type; what splunkd's own passes is not
# known.
_SENT = {"accept", "content-type"}
_NOT_RETURNED = {
    "connection",
    "content-encoding",
    "content-length",
    "keep-alive",
    "set-cookie",
    "transfer-encoding",
}


async def forward(request: Request) -> Response:
    """Pass a request on to splunkd and its answer back.

    401 without a session, 403 for a write without the form key, 404 for an endpoint that is not
    exposed (see ``expose``), 413 beyond MAX_BODY_BYTES, each with splunkd's JSON error shape.
    """
    session = request.app.state.sessions.of(request)
    if session is None:
        return _refuse(401, "There is no session: sign in first.")
    raw: bytes = request.scope["raw_path"]
    target = raw[len(_PREFIX) :].decode("ascii")
    verdict = judge(
        request.app.state.splunk.conf, request.method, "/" + request.path_params["path"]
    )
    if not verdict.exposed:
        return _refuse(404, verdict.reason)
    key = request.headers.get("x-splunk-form-key", "")
    is_write = request.method not in _SAFE_METHODS
    if is_write and verdict.needs_form_key and not form_key_is_good(session, key):
        return _refuse(403, "The X-Splunk-Form-Key header is missing or is not this session's.")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return _refuse(413, f"The request is larger than {MAX_BODY_BYTES} bytes.")
    if request.url.query:
        target += f"?{request.url.query}"
    headers = [(k, v) for k, v in request.headers.items() if k.lower() in _SENT]
    try:
        answer = await request.app.state.splunkd.send(
            request.method, target, session.splunkd_key, headers, body
        )
    except httpx.HTTPError as error:
        return _refuse(503, f"splunkd did not answer: {type(error).__name__}.")
    response = Response(answer.content, status_code=answer.status_code)
    for name, value in answer.headers.multi_items():
        if name.lower() not in _NOT_RETURNED:
            response.headers.append(name, value)
    return response


def _refuse(status: int, text: str) -> Response:
    body = json.dumps({"messages": [{"type": "ERROR", "text": text}]})
    return Response(body, status, media_type="application/json")
