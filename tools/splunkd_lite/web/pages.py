"""The pages: home, the search page, dashboards, and pages that an app brings itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.templating import Jinja2Templates

from tools.splunkd_lite.conf import is_true
from tools.splunkd_lite.web import ucc
from tools.splunkd_lite.web.apps import (
    SEARCH_VIEW,
    App,
    Dashboard,
    NavItem,
    PageError,
    ScriptedDashboard,
)
from tools.splunkd_lite.web.session import Session, to_login
from tools.splunkd_lite.web.theme import theme_of

_TEMPLATES = Jinja2Templates(directory=Path(__file__).resolve().parent / "templates")


def render(
    request: Request, template: str, values: dict[str, Any] | None = None, status: int = 200
) -> HTMLResponse:
    """Render a template with what every page needs."""
    session: Session | None = request.app.state.sessions.of(request)
    context = {
        "theme": theme_of(request),
        "user": session.user if session else "",
        "form_key": session.csrf_token if session else "",
        "server_name": request.app.state.splunk.server_name,
        **(values or {}),
    }
    return _TEMPLATES.TemplateResponse(request, template, context, status_code=status)


def message_page(request: Request, title: str, text: str, status: int) -> Response:
    """Show one sentence, for a page that can't be shown."""
    return render(request, "message.html", {"title": title, "text": text}, status)


def script_json(value: Any) -> str:
    """Return JSON that is safe inside a <script type="application/json"> element."""
    return json.dumps(value).replace("<", "\\u003c")


async def home(request: Request) -> Response:
    """List the apps that the user can open."""
    session = request.app.state.sessions.of(request)
    if session is None:
        return to_login(request)
    entries = await request.app.state.splunkd.entries("/services/apps/local", session.splunkd_key)
    apps_dir = _apps_dir(request)
    apps = []
    for entry in entries:
        content = entry.get("content", {})
        if not (apps_dir / entry["name"]).is_dir():
            continue
        app = App(apps_dir, entry["name"])
        if content.get("disabled") in (True, "1", 1) or not app.has_navigation():
            continue
        apps.append(
            {
                "name": app.name,
                "label": content.get("label") or app.name,
                "description": content.get("description") or "",
                "version": content.get("version") or "",
                "icon": app.static_file("appIcon_2x.png") is not None,
            }
        )
    return render(request, "home.html", {"apps": apps})


async def app_root(request: Request) -> Response:
    """Open an app at its default view."""
    if request.app.state.sessions.of(request) is None:
        return to_login(request)
    app = App(_apps_dir(request), request.path_params["app"])
    view = app.navigation().default_view
    if not _may_read(request, app, view):
        view = next((item.view for item in _readable(request, app) if item.view), SEARCH_VIEW)
    return RedirectResponse(f"/en-US/app/{app.name}/{view}", status_code=303)


async def app_view(request: Request) -> Response:
    """Show one view of an app: the search page, a dashboard or the app's own page."""
    if request.app.state.sessions.of(request) is None:
        return to_login(request)
    name = request.path_params["view"]
    if name == SEARCH_VIEW:
        return await _search_page(request)
    app = App(_apps_dir(request), request.path_params["app"])
    view = app.view(name)
    if not _may_read(request, app, name):
        raise PageError(404, f'Your roles may not read the view "{name}" of "{app.name}".')
    if isinstance(view, Dashboard):
        return await _dashboard_page(request, app, name, view)
    if isinstance(view, ScriptedDashboard):
        values = await _chrome(request, app, name)
        return render(request, "scripted.html", {**values, "view": view})
    _check_templates_allowed(request, view.template)
    return HTMLResponse(ucc.expand(view.template.read_text(encoding="utf-8"), app.name))


def _check_templates_allowed(request: Request, template: Path) -> None:
    """Refuse an app's template where an administrator has switched these off.

    web-features.conf.spec 10.4: "blocks custom app Mako templates in the
    $SPLUNK_HOME/etc/apps/<app>/appserver/templates [...] directories", whatever they hold. What
    Splunk Web then answers is unverified.
    """
    switch = "deactivate_custom_mako_templates"
    conf = request.app.state.splunk.conf
    if is_true(conf.get("web-features", "feature:appserver_security", switch, "false")):
        raise PageError(
            404,
            f"{template.name} is a template of an app's own, which {switch} in web-features.conf "
            "forbids.",
        )


async def chrome(request: Request) -> Response:
    """Return the bars at the top as a fragment, for pages that an app brings itself."""
    if request.app.state.sessions.of(request) is None:
        return Response(status_code=401)
    app = App(_apps_dir(request), request.path_params["app"])
    values = await _chrome(request, app, request.path_params["view"])
    return render(request, "bars.html", values)


async def _chrome(request: Request, app: App, active: str) -> dict[str, Any]:
    """Return what the app bar shows."""
    session = request.app.state.sessions.of(request)
    path = f"/services/apps/local/{app.name}"
    entries = await request.app.state.splunkd.entries(path, session.splunkd_key)
    label = entries[0].get("content", {}).get("label") if entries else None
    return {
        "app": app.name,
        "app_label": label or app.name,
        "app_icon": app.static_file("appIcon.png") is not None,
        "nav": _readable(request, app),
        "active": active,
    }


def _may_read(request: Request, app: App, view: str) -> bool:
    """Say whether the user may read a view, by the app's ``metadata`` (``[views]``)."""
    if view == SEARCH_VIEW:
        return True
    splunk = request.app.state.splunk
    user = splunk.access.user(request.app.state.sessions.of(request).user)
    return bool(splunk.access.may(user, "read", splunk.conf.metadata.acl(app.name, "views", view)))


def _readable(request: Request, app: App) -> list[NavItem]:
    """Return the app's navigation without what the user may not read."""
    items = app.navigation().items
    return [item for item in items if not item.view or _may_read(request, app, item.view)]


async def _search_page(request: Request) -> Response:
    app = App(_apps_dir(request), request.path_params["app"])
    values = await _chrome(request, app, SEARCH_VIEW)
    query = request.query_params
    values["search"] = script_json(
        {
            "app": app.name,
            "q": query.get("q", ""),
            "earliest": query.get("earliest", "-24h@h"),
            "latest": query.get("latest", "now"),
        }
    )
    return render(request, "search.html", values)


async def _dashboard_page(request: Request, app: App, name: str, view: Dashboard) -> Response:
    values = await _chrome(request, app, name)
    # A view that names its theme is shown in it, as in Splunk; ?theme= is for looking at both.
    chosen = request.query_params.get("theme") or view.theme or theme_of(request)
    theme = "dark" if chosen == "dark" else "light"
    state, reason = request.app.state.bundle.state()
    tokens = {k[5:]: v for k, v in request.query_params.items() if k.startswith("form.")}
    values |= {
        "title": view.label,
        "description": view.description,
        "theme": theme,
        "state": state,
        "reason": reason,
        "dashboard": script_json(
            {"definition": view.definition, "theme": theme, "tokens": tokens, "app": app.name}
        ),
    }
    return render(request, "dashboard.html", values)


def _apps_dir(request: Request) -> Path:
    return Path(request.app.state.splunk.home) / "etc" / "apps"
