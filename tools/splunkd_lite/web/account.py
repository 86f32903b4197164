"""Signing in and out."""

from __future__ import annotations

import secrets

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tools.splunkd_lite.web import pages
from tools.splunkd_lite.web.session import (
    LOGIN,
    clear_cookies,
    form_key_is_good,
    session_cookie,
    set_cookies,
)

HOME = "/en-US/app/launcher/home"
_LOGIN_COOKIE = "cval"


def safe_return(target: str) -> str:
    """Return where to go after login: a page of this server, or home for anything else."""
    is_local = target.startswith("/en-US/") and "\\" not in target and "//" not in target
    return target if is_local and not target.startswith(LOGIN) else HOME


async def login(request: Request) -> Response:
    """Show the login form; on POST check it against splunkd and open a session.

    ``cval`` is Splunk's guard against login CSRF: a random value that must come back both as a
    cookie and as a form field.
    """
    if request.method == "GET":
        return _form(request, safe_return(request.query_params.get("return_to", HOME)))
    form = await request.form()
    target = safe_return(str(form.get("return_to", HOME)))
    expected = request.cookies.get(_LOGIN_COOKIE, "")
    if not expected or not secrets.compare_digest(expected, str(form.get("cval", ""))):
        return _form(request, target, "The login form had expired. Try again.", 403)
    username, password = str(form.get("username", "")), str(form.get("password", ""))
    key = await request.app.state.splunkd.login(username, password)
    if key is None:
        return _form(request, target, "The user name or the password is wrong.", 401, username)
    session_id, session = request.app.state.sessions.create(username, key)
    response = RedirectResponse(target, status_code=303)
    set_cookies(request, response, session_id, session)
    response.delete_cookie(_LOGIN_COOKIE)
    return response


async def logout(request: Request) -> Response:
    """End the session; the form carries its key, so that another site can't sign anybody out."""
    session = request.app.state.sessions.of(request)
    form = await request.form()
    if session and not form_key_is_good(session, str(form.get("splunk_form_key", ""))):
        return pages.message_page(request, "Not signed out", "The form key was wrong.", 403)
    request.app.state.sessions.drop(request.cookies.get(session_cookie(request), ""))
    response = RedirectResponse(LOGIN, status_code=303)
    clear_cookies(request, response)
    return response


def _form(
    request: Request, return_to: str, error: str = "", status: int = 200, username: str = ""
) -> Response:
    cval = request.cookies.get(_LOGIN_COOKIE) or secrets.token_urlsafe(16)
    response = pages.render(
        request,
        "login.html",
        {"return_to": return_to, "error": error, "cval": cval, "username": username},
        status,
    )
    secure = request.url.scheme == "https"
    response.set_cookie(_LOGIN_COOKIE, cval, httponly=True, samesite="lax", secure=secure)
    return response
