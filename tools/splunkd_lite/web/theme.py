"""Light or dark."""

from __future__ import annotations

from starlette.requests import Request

COOKIE = "lite_theme"


def theme_of(request: Request) -> str:
    """Return ``light`` or ``dark``: the query string's wish, else the user's choice."""
    chosen = request.query_params.get("theme") or request.cookies.get(COOKIE, "")
    return "dark" if chosen == "dark" else "light"
