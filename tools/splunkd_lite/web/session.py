"""Browser sessions of splunkweb.

A session ties a browser's cookie to a splunkd session key and to a CSRF token, as splunkweb does:
the cookie ``splunkd_<port>`` is the session, ``splunkweb_csrf_token_<port>`` is readable by the
page, which sends it back as ``X-Splunk-Form-Key`` (or the form field ``splunk_form_key``) on each
write. The names are those that Splunk's own UI packages use (``@splunk/splunk-utils`` config.js).
Here the cookie is an opaque id: the splunkd session key never reaches the browser.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tools.splunkd_lite.clock import Clock

LOGIN = "/en-US/account/login"
IDLE_SECONDS = 3600.0
"""``tools.sessionTimeout`` of web.conf defaults to 60 minutes."""
MAX_SESSIONS = 1000
"""Beyond this the session that was idle longest is dropped."""


@dataclass
class Session:
    """One signed-in browser."""

    user: str
    splunkd_key: str
    csrf_token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    last_seen: float = 0.0


class Sessions:
    """The sessions of one splunkweb, in memory: a restart signs everybody out."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._by_id: OrderedDict[str, Session] = OrderedDict()
        self._lock = Lock()

    def create(self, user: str, splunkd_key: str) -> tuple[str, Session]:
        """Open a session and return its id (the cookie's value) with it."""
        session = Session(user, splunkd_key, last_seen=self._clock.now())
        session_id = secrets.token_urlsafe(32)
        with self._lock:
            self._by_id[session_id] = session
            while len(self._by_id) > MAX_SESSIONS:
                self._by_id.popitem(last=False)
        return session_id, session

    def get(self, session_id: str) -> Session | None:
        """Return the live session of a cookie, and count this as use; None when there is none."""
        now = self._clock.now()
        with self._lock:
            session = self._by_id.get(session_id)
            if session is None:
                return None
            if now - session.last_seen > IDLE_SECONDS:
                del self._by_id[session_id]
                return None
            session.last_seen = now
            self._by_id.move_to_end(session_id)
            return session

    def drop(self, session_id: str) -> None:
        """End a session; ending one that is gone is fine."""
        with self._lock:
            self._by_id.pop(session_id, None)

    def of(self, request: Request) -> Session | None:
        """Return the session of a request."""
        return self.get(request.cookies.get(session_cookie(request), ""))


def port_of(request: Request) -> int:
    """Return the port the browser used: it is part of the cookies' names."""
    return request.url.port or (443 if request.url.scheme == "https" else 80)


def session_cookie(request: Request) -> str:
    """Return the name of the session cookie."""
    return f"splunkd_{port_of(request)}"


def csrf_cookie(request: Request) -> str:
    """Return the name of the cookie that hands the page its CSRF token."""
    return f"splunkweb_csrf_token_{port_of(request)}"


def set_cookies(request: Request, response: Response, session_id: str, session: Session) -> None:
    """Give the browser its session and its CSRF token."""
    secure = request.url.scheme == "https"
    response.set_cookie(
        session_cookie(request), session_id, httponly=True, samesite="lax", secure=secure
    )
    response.set_cookie(
        csrf_cookie(request), session.csrf_token, httponly=False, samesite="lax", secure=secure
    )


def clear_cookies(request: Request, response: Response) -> None:
    """Take both cookies away."""
    response.delete_cookie(session_cookie(request))
    response.delete_cookie(csrf_cookie(request))


def form_key_is_good(session: Session, presented: str) -> bool:
    """Say whether a write carries this session's CSRF token."""
    return secrets.compare_digest(session.csrf_token.encode(), presented.encode())


def to_login(request: Request) -> Response:
    """Send the browser to the login page, to come back here afterwards."""
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"{LOGIN}?return_to={quote(here, safe='')}", status_code=303)
