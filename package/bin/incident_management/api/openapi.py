"""The OpenAPI 3.1 document, generated from the routes, and the same as an HTML page.

``GET /openapi.json`` and ``GET /docs``. Both need ``incident_read``, like every route that only
reads.
"""

from __future__ import annotations

import html
import json
import re
from http import HTTPStatus
from typing import Any, Dict, List, Mapping

from .gone import OF_AN_INCIDENT
from .router import BODY_METHODS, PREFIX, Request, Response, Route, all_routes, route
from .schema import COMPONENTS, any_object, resolved
from .shapes import PROBLEM

__all__ = ["document"]

# Error statuses that every route may return.
COMMON = (400, 401, 403, 500, 502, 503)
# splunkd itself rejects a caller without a session or any of the app's capabilities, in its own
# format.
SPLUNKD_ANSWERS = (401, 403)
# The page runs nothing and loads nothing.
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
INTRODUCTION = (
    "Incidents, their signals, timelines, analyses and plans. Authenticate as for any splunkd "
    "endpoint: `Authorization: Bearer <token>` or `Splunk <session key>`. Each route names the "
    "capability it needs. Errors are problem details (RFC 9457). Times are epoch seconds."
)


@route("GET", "/openapi.json", capability="incident_read", answers={200: any_object()})
def get_document(_request: Request) -> Response:
    """Return this API as an OpenAPI 3.1 document."""
    return Response(document())


@route("GET", "/docs", capability="incident_read", answers={200: "text/html"})
def get_page(_request: Request) -> Response:
    """Return this API as an HTML page."""
    return Response(
        page(document()),
        headers={"Content-Security-Policy": PAGE_POLICY},
        content_type="text/html; charset=utf-8",
    )


def document() -> Dict[str, Any]:
    """Return the OpenAPI document of all routes."""
    paths: Dict[str, Dict[str, Any]] = {}
    for known in all_routes():
        paths.setdefault(known.path, {})[known.method.lower()] = _operation(known)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Incident Management for Splunk",
            "version": "1",
            "description": INTRODUCTION,
        },
        "servers": [{"url": "/services" + PREFIX}],
        "security": [{"token": []}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(COMPONENTS.items())),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(known: Route) -> Dict[str, Any]:
    summary, _, more = _documentation(known).partition("\n\n")
    operation: Dict[str, Any] = {
        "operationId": "_".join([known.method.lower(), *re.findall(r"\w+", known.path)]),
        "summary": summary,
        "tags": [known.path.split("/")[1]],
        "parameters": _parameters(known),
        "responses": _answers(known),
        "x-capability": known.capability,
        "description": f"{more}\n\nNeeds `{known.capability}`.".strip(),
    }
    if known.body is not None and known.method in BODY_METHODS:
        operation["requestBody"] = {
            "required": known.needs_body,
            "content": {"application/json": {"schema": known.body}},
        }
    return operation


def _documentation(known: Route) -> str:
    """Return the route's docstring with joined lines and Markdown code marks."""
    paragraphs = (known.handler.__doc__ or "").strip().split("\n\n")
    joined = "\n\n".join(" ".join(part.split()) for part in paragraphs)
    return re.sub(r"``([^`]*)``", r"`\1`", joined)


def _parameters(known: Route) -> List[Dict[str, Any]]:
    named = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,100}$"},
        }
        for name in re.findall(r"\{(\w+)\}", known.path)
    ]
    asked = [
        {"name": name, "in": "query", "required": False, "schema": schema}
        for name, schema in known.query.items()
    ]
    sent = dict(known.headers)
    if known.method == "POST":
        sent["Idempotency-Key"] = (
            "A unique text of your own: a repeat within 24 hours returns the first response."
        )
    headers = [
        {
            "name": name,
            "in": "header",
            "required": False,
            "description": about,
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        }
        for name, about in sent.items()
    ]
    return [*named, *asked, *headers]


def _answers(known: Route) -> Dict[str, Any]:
    answers: Dict[str, Any] = {}
    for status, given in known.answers.items():
        content: Dict[str, Any] = {}
        for schema in given if isinstance(given, tuple) else (given,):
            kind = schema if isinstance(schema, str) else "application/json"
            content[kind] = {"schema": {"type": "string"} if isinstance(schema, str) else schema}
        answers[str(status)] = {"description": HTTPStatus(status).phrase, "content": content}
        if "If-Match" in known.headers or known.path == "/incidents/{id}":
            answers[str(status)]["headers"] = {"ETag": {"schema": {"type": "string"}}}
    for status in problems_of(known):
        content = {"application/problem+json": {"schema": PROBLEM}}
        if status in SPLUNKD_ANSWERS:
            content["text/xml"] = {"schema": {"type": "string"}}
        answers[str(status)] = {"description": HTTPStatus(status).phrase, "content": content}
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            about = "Seconds to wait before you send the same request again."
            answers[str(status)]["headers"] = {
                "Retry-After": {"schema": {"type": "string"}, "description": about}
            }
    return dict(sorted(answers.items()))


def problems_of(known: Route) -> List[int]:
    """Return the statuses of the errors that a route may answer with."""
    more = set(known.problems)
    if "{" in known.path:
        more.add(404)
    if known.path.startswith(OF_AN_INCIDENT):
        more.add(410)
    if known.method in BODY_METHODS:
        more.add(413)
    if known.method == "POST":
        more.add(409)
    if "If-Match" in known.headers:
        more |= {409, 412}
    return sorted({*COMMON, *more})


def page(described: Mapping[str, Any]) -> str:
    """Return the document as one page of HTML that needs nothing from elsewhere."""
    sections = []
    by_tag: Dict[str, List[str]] = {}
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            by_tag.setdefault(operation["tags"][0], []).append(_shown(method, path, operation))
    for tag, operations in sorted(by_tag.items()):
        sections.append(f"<h2 id='{_safe(tag)}'>{_safe(tag)}</h2>{''.join(operations)}")
    links = " · ".join(f"<a href='#{_safe(tag)}'>{_safe(tag)}</a>" for tag in sorted(by_tag))
    schemas = "".join(
        f"<details id='schema-{_safe(name)}'><summary><code>{_safe(name)}</code></summary>"
        f"{_json(schema)}</details>"
        for name, schema in described["components"]["schemas"].items()
    )
    info = described["info"]
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{_safe(info['title'])}: API</title><style>{_STYLE}</style></head><body><main>"
        f"<h1>{_safe(info['title'])}: API</h1><p>{_marked(info['description'])}</p>"
        f"<p>Base path: <code>{_safe(described['servers'][0]['url'])}</code>. "
        "Machine-readable: <a href='openapi.json'>openapi.json</a>.</p>"
        f"<nav>{links}</nav>{''.join(sections)}<h2>Schemas</h2>{schemas}</main></body></html>"
    )


def _shown(method: str, path: str, operation: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{_safe(one['name'])}</code></td><td>{_safe(one['in'])}</td>"
        f"<td>{_safe(_kind(one['schema']))}</td>"
        f"<td>{_safe(one.get('description') or one['schema'].get('description', ''))}</td></tr>"
        for one in operation["parameters"]
    )
    table = f"<table><tbody>{rows}</tbody></table>" if rows else ""
    body = operation.get("requestBody")
    sent = f"<h4>Body</h4>{_json(body['content']['application/json']['schema'])}" if body else ""
    answers = "".join(
        f"<li><b>{_safe(status)}</b> {_safe(answer['description'])}{_link(answer)}</li>"
        for status, answer in operation["responses"].items()
    )
    return (
        f"<details><summary><b class='{method}'>{method.upper()}</b> <code>{_safe(path)}</code> "
        f"{_marked(operation['summary'])}</summary><p>{_marked(operation['description'])}</p>"
        f"{table}{sent}<h4>Responses</h4><ul>{answers}</ul></details>"
    )


def _link(answer: Mapping[str, Any]) -> str:
    for content in answer["content"].values():
        reference = content["schema"].get("$ref", "")
        if reference:
            name = _safe(reference.rpartition("/")[2])
            return f": <a href='#schema-{name}'>{name}</a>"
    return ""


def _kind(schema: Mapping[str, Any]) -> str:
    chosen = resolved(dict(schema))
    if "enum" in chosen:
        return ", ".join(chosen["enum"])
    kind = chosen.get("type", "")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _json(value: Any) -> str:
    return f"<pre>{_safe(json.dumps(value, indent=2))}</pre>"


def _marked(value: str) -> str:
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", _safe(value))


def _safe(value: Any) -> str:
    return html.escape(str(value), quote=True)


_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:0;color:#1a1c20;background:#fff}"
    "main{max-width:60rem;margin:0 auto;padding:1rem}code,pre{font-family:ui-monospace,monospace}"
    "details{border:1px solid #d5d8de;border-radius:4px;margin:.4rem 0;padding:.4rem .6rem}"
    "summary{cursor:pointer}pre{overflow:auto;background:#f4f5f7;padding:.6rem}"
    "td{padding:.15rem .8rem .15rem 0;vertical-align:top}b.get{color:#005a9c}b.post{color:#1a6b2c}"
    "b.put,b.patch{color:#8a5200}b.delete{color:#a3201b}"
    "@media(prefers-color-scheme:dark){body{background:#16181c;color:#e4e6ea}"
    "pre{background:#22252b}details{border-color:#3a3e46}a{color:#7fb8f0}b.get{color:#7fb8f0}"
    "b.post{color:#7fcf8f}b.put,b.patch{color:#e0b060}b.delete{color:#f08a85}}"
)
