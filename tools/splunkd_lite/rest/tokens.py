"""authorization/tokens.

Source: "Access endpoint descriptions" in the REST API Reference; who may do what by the
capabilities ``edit_tokens_own``, ``edit_tokens_all``, ``list_tokens_own``, ``list_tokens_all``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.splunkd_lite.errors import SplunkdError, not_found
from tools.splunkd_lite.metadata import Acl
from tools.splunkd_lite.rest.atom import Entry, Feed
from tools.splunkd_lite.rest.paging import paged
from tools.splunkd_lite.rest.permission import require
from tools.splunkd_lite.rest.request import RestRequest
from tools.splunkd_lite.rest.router import route
from tools.splunkd_lite.timerange import parse_time
from tools.splunkd_lite.tokens import Token

if TYPE_CHECKING:
    from tools.splunkd_lite.core import Splunk

_PATH = "authorization/tokens"


@route("GET", _PATH)
def list_tokens(splunk: Splunk, request: RestRequest) -> Feed:
    who, asked = request.who, request.param("username")
    if not who.can("list_tokens_all"):
        require(request, "list_tokens_own")
        asked = who.name
    found = [each for each in splunk.tokens.all() if asked in ("", each.user)]
    return paged("tokens", [_entry(each) for each in found], request)


@route("GET", _PATH + "/{name}")
def get_token(splunk: Splunk, request: RestRequest) -> Feed:
    return Feed("tokens", [_entry(_own(splunk, request, "list"))])


@route("POST", _PATH)
def create_token(splunk: Splunk, request: RestRequest) -> Feed:
    """``name`` is the user, ``expires_on`` and ``not_before`` are times such as ``+30d``.

    Raises:
        SplunkdError: 400, no user or audience; 403, somebody else's.
    """
    name, audience = request.param("name"), request.param("audience")
    if not name or not audience:
        raise SplunkdError(400, "The arguments name and audience are required.")
    require(request, "edit_tokens_own" if name == request.who.name else "edit_tokens_all")
    now = splunk.clock.now()
    expires = parse_time(request.param("expires_on") or None, now) or 0.0
    if expires and expires <= now:
        raise SplunkdError(400, "The time of expires_on is in the past.")
    start = parse_time(request.param("not_before") or None, now) or 0.0
    token, secret = splunk.tokens.create(name, audience, expires, start)
    content = {"id": token.id, "token": secret}
    return Feed("tokens", [Entry("tokens", content, Acl("system"), _PATH)], status=201)


@route("POST", _PATH + "/{name}")
def switch_token(splunk: Splunk, request: RestRequest) -> Feed:
    """``status`` is ``enabled`` or ``disabled``."""
    token = _own(splunk, request, "edit")
    status = request.param("status")
    if status not in ("enabled", "disabled"):
        raise SplunkdError(400, f"Invalid status '{status}': use enabled or disabled.")
    return Feed("tokens", [_entry(splunk.tokens.switch(token.id, status == "disabled"))])


@route("DELETE", _PATH + "/{name}")
def delete_token(splunk: Splunk, request: RestRequest) -> Feed:
    """One token by ``id``, or all of the user in the path."""
    for token in _chosen(splunk, request):
        splunk.tokens.delete(token.id)
    return Feed("tokens", [])


def _chosen(splunk: Splunk, request: RestRequest) -> list[Token]:
    name = request.vars["name"]
    if name in (token.id for token in splunk.tokens.all()):
        return [_own(splunk, request, "edit")]
    require(request, "edit_tokens_own" if name == request.who.name else "edit_tokens_all")
    wanted = request.param("id")
    found = [t for t in splunk.tokens.all() if t.user == name and wanted in ("", t.id)]
    if not found:
        raise not_found(wanted or name)
    return found


def _own(splunk: Splunk, request: RestRequest, verb: str) -> Token:
    for token in splunk.tokens.all():
        if token.id == request.vars["name"]:
            own = token.user == request.who.name
            require(request, f"{verb}_tokens_{'own' if own else 'all'}")
            return token
    raise not_found(request.vars["name"])


def _entry(token: Token) -> Entry:
    content = {
        "claims": {
            "aud": token.audience,
            "exp": int(token.expires),
            "iat": int(token.issued),
            "nbr": int(token.not_before),
            "sub": token.user,
        },
        "lastUsed": 0,
        "status": "disabled" if token.disabled else "enabled",
    }
    return Entry(token.id, content, Acl("system", token.user), _PATH)
