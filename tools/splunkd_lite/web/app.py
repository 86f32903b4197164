"""splunkweb of the stand-in: the ASGI app of the web port.

Paths are Splunk's: ``/en-US/account/login``, ``/en-US/app/<app>/<view>``, ``/en-US/static/…``,
``/en-US/splunkd/__raw/…``. Everything a page shows comes from splunkd over the management port,
with the rights of the user who signed in; nothing is made up here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import httpx
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from tools.splunkd_lite.clock import Clock
from tools.splunkd_lite.errors import SplunkdError
from tools.splunkd_lite.web import account, assets, pages, proxy, ucc
from tools.splunkd_lite.web.apps import SEARCH_VIEW, PageError
from tools.splunkd_lite.web.session import Sessions, to_login
from tools.splunkd_lite.web.splunkd import Splunkd, SplunkdRefusedError
from tools.splunkd_lite.web.studio import Bundle

LOCALE = "/en-US"
_HEADERS = {
    "X-Frame-Options": "SAMEORIGIN",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
_POLICY = (
    "default-src 'self'; script-src 'self'{scripts}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
# Splunk's dashboard packages compile JSON Schemas (ajv), and UCC's page has an inline script.
_APP_PAGE_SCRIPTS = " 'unsafe-eval' 'unsafe-inline'"


class Splunk(Protocol):
    """The parts of the stand-in's core that splunkweb uses."""

    home: Path
    clock: Clock
    conf: Any
    access: Any
    server_name: str

    @property
    def mgmt_uri(self) -> str: ...


def create_app(splunk: Splunk) -> Starlette:
    """Make the ASGI app of the web port; it connects to ``splunk.mgmt_uri`` when first used."""
    splunkd = Splunkd(splunk)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await splunkd.close()

    app = Starlette(
        routes=_routes(),
        lifespan=lifespan,
        middleware=[Middleware(BaseHTTPMiddleware, dispatch=_add_headers)],
        exception_handlers={
            PageError: _page_error,
            SplunkdError: _page_error,
            SplunkdRefusedError: _page_error,
            httpx.HTTPError: _unreachable,
            HTTPException: _http_error,
        },
    )
    app.state.splunk = splunk
    app.state.splunkd = splunkd
    app.state.sessions = Sessions(splunk.clock)
    app.state.bundle = Bundle()
    return app


def _routes() -> list[Route]:
    every = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
    return [
        Route("/", _to_home),
        Route("/en-US", _to_home),
        Route("/en-US/", _to_home),
        Route("/en-US/account/login", account.login, methods=["GET", "POST"]),
        Route("/en-US/account/logout", account.logout, methods=["POST"]),
        Route("/app/{path:path}", _to_locale),
        Route("/static/{path:path}", _to_locale),
        Route("/en-US/app/launcher/home", pages.home),
        Route("/en-US/app/{app}", pages.app_root),
        Route("/en-US/app/{app}/", pages.app_root),
        Route("/en-US/app/{app}/{view}", pages.app_view),
        Route("/en-US/chrome/{app}/{view}", pages.chrome),
        Route("/en-US/config", ucc.config),
        Route("/en-US/i18ncatalog", ucc.i18n_catalog),
        Route("/en-US/static/{path:path}", assets.serve),
        Route("/en-US/splunkd/__raw/{path:path}", proxy.forward, methods=every),
        Route("/favicon.ico", assets.favicon),
    ]


async def _to_home(_request: Request) -> Response:
    return RedirectResponse(f"{LOCALE}/app/launcher/home", status_code=303)


async def _to_locale(request: Request) -> Response:
    """Links of an app name no locale, as ``/app/search/search``; Splunk Web adds it."""
    return RedirectResponse(
        str(request.url.replace(path=LOCALE + request.url.path, scheme="", netloc="")), 303
    )


async def _add_headers(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    response = await call_next(request)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    policy = _POLICY.format(scripts=_APP_PAGE_SCRIPTS if _is_app_page(request.url.path) else "")
    response.headers.setdefault("Content-Security-Policy", policy)
    if not request.url.path.startswith("/en-US/static/"):
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def _is_app_page(path: str) -> bool:
    """Say whether Splunk's own packages run there: not on home and the search page, our own."""
    own = ("/launcher/home", f"/{SEARCH_VIEW}")
    return path.startswith("/en-US/app/") and not path.endswith(own)


async def _page_error(request: Request, error: Exception) -> Response:
    status = getattr(error, "status", 500)
    if status == 401:
        return to_login(request)
    return pages.message_page(request, "This page can't be shown", str(error), status)


async def _unreachable(request: Request, error: Exception) -> Response:
    text = f"splunkd did not answer on its management port: {type(error).__name__}."
    return pages.message_page(request, "No answer from splunkd", text, 503)


async def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    text = f"There is nothing at {request.url.path} (status {status})."
    return pages.message_page(request, "Not found", text, status)
