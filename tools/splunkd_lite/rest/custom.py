"""Endpoints that apps add with restmap.conf.

Source: restmap.conf in the Admin manual; "Custom REST endpoints" on dev.splunk.com. A
``[script:…]`` stanza with ``scripttype = persist`` is served by a long-living process; an
``[admin:…]`` stanza lists the ``[admin_external:…]`` handlers under its ``match``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tools.splunkd_lite.conf import is_true
from tools.splunkd_lite.errors import SplunkdError
from tools.splunkd_lite.metadata import Acl
from tools.splunkd_lite.rest.atom import Entry, Feed, render
from tools.splunkd_lite.rest.paging import paged
from tools.splunkd_lite.rest.permission import require
from tools.splunkd_lite.rest.request import RestRequest, RestResponse

if TYPE_CHECKING:
    from tools.splunkd_lite.core import Splunk

__all__ = ["custom_endpoint"]

_ACTIONS = ("_reload", "disable", "enable", "acl", "_acl")


def custom_endpoint(splunk: Splunk, request: RestRequest) -> RestResponse:
    """Answer from an app's handler.

    Raises:
        SplunkdError: 404, no stanza matches; 401 and 403 as the stanza demands.
    """
    script = _longest_match(splunk, request, "script:")
    if script is not None:
        return _script(splunk, request, script)
    admin = _longest_match(splunk, request, "admin:")
    if admin is not None:
        return _admin(splunk, request, admin)
    if request.user is None:
        raise SplunkdError(401, "call not properly authenticated", "WARN")
    raise SplunkdError(404, "Not Found")


def _longest_match(splunk: Splunk, request: RestRequest, prefix: str) -> str | None:
    """The stanza whose ``match`` is the longest beginning of the path."""
    path = "/" + request.rest_path
    found: tuple[int, str] | None = None
    for name, settings in splunk.conf.stanzas("restmap").items():
        if not name.startswith(prefix):
            continue
        match = ("/" + settings.get("match", "").strip("/")).rstrip("/")
        if not match and not _is_member(settings, path):
            continue
        if (path == match or path.startswith(match + "/")) and (
            found is None or len(match) > found[0]
        ):
            found = (len(match), name)
    if found is not None:
        request.path_info = path[found[0] :].strip("/")
    return found[1] if found else None


def _is_member(settings: dict[str, str], path: str) -> bool:
    """A stanza with ``match = /`` has only the paths that begin with one of its members."""
    members = [part.strip() for part in settings.get("members", "").split(",")]
    return path.strip("/").split("/")[0] in members


def _script(splunk: Splunk, request: RestRequest, stanza: str) -> RestResponse:
    settings = splunk.conf.stanzas("restmap")[stanza]
    if settings.get("scripttype") != "persist":
        raise SplunkdError(
            501, f"[{stanza}] of restmap.conf: only scripttype = persist is supported."
        )
    if is_true(settings.get("requireAuthentication", "true")):
        _ = request.who
        _check_capabilities(request, settings)
    answer: RestResponse = splunk.services.persistent.handle(stanza, request)
    return answer


def _check_capabilities(request: RestRequest, settings: dict[str, str]) -> None:
    """``capability`` and ``capability.<method>``; ``or`` between names, as the spec allows."""
    for key in ("capability", f"capability.{request.method.lower()}"):
        wanted = [part.strip() for part in settings.get(key, "").split(" or ") if part.strip()]
        if wanted and not any(request.who.can(name) for name in wanted):
            require(request, wanted[0])


def _admin(splunk: Splunk, request: RestRequest, stanza: str) -> RestResponse:
    """EAI: ``<match>/<handler>[/<name>[/<action>]]``."""
    _ = request.who
    settings = splunk.conf.stanzas("restmap")
    members = [part.strip() for part in settings[stanza].get("members", "").split(",")]
    handler = request.path_info.partition("/")[0]
    external = f"admin_external:{handler}"
    if handler not in members or external not in settings:
        raise SplunkdError(404, "Not Found")
    name, action = _target(request, handler)
    if request.has("_new") or name == "_new":
        raise SplunkdError(404, "Not Found")
    base = request.segments[: request.segments.index(handler) + 1]
    return _call(splunk, request, external, name, action, "/".join(base))


def _target(request: RestRequest, handler: str) -> tuple[str | None, str]:
    """The object's name and the action, from the decoded path segments and the method."""
    tail = request.segments[request.segments.index(handler) + 1 :]
    name = tail[0] if tail else None
    if name in ("_reload", "_sync"):
        return None, "_reload"
    if len(tail) == 2 and tail[1] in _ACTIONS:
        return name, tail[1]
    if len(tail) > 1:
        raise SplunkdError(404, "Not Found")
    if request.method == "GET":
        return name, "list"
    if request.method == "DELETE" and name:
        return name, "remove"
    if request.method in ("POST", "PUT"):
        if name:
            return name, "edit"
        return request.param("name") or None, "create"
    raise SplunkdError(405, "Method Not Allowed")


def _call(
    splunk: Splunk, request: RestRequest, stanza: str, name: str | None, action: str, path: str
) -> RestResponse:
    _check_action(splunk, request, stanza, action)
    params = [(key, value) for key, value in request.params if key not in _STEERING]
    rows = splunk.services.admin_external.call(stanza, action, name, params, request)
    app = request.write_app if request.app else splunk.conf.app_of("restmap", stanza)
    common = {"eai:appName": app, "eai:userName": request.who.name}
    entries = [
        Entry(title, {**common, **_plain(content)}, Acl(app), path) for title, content in rows
    ]
    if action == "list" and name is None:
        feed = paged(path.rpartition("/")[2], entries, request)
    else:
        feed = Feed(path.rpartition("/")[2], entries)
    feed.status = 201 if action == "create" else 200
    return render(feed, request)


_STEERING = frozenset({"output_mode", "name"})
_VERBS = {"list": "get", "edit": "post", "create": "post", "remove": "delete"}


def _check_action(splunk: Splunk, request: RestRequest, stanza: str, action: str) -> None:
    """``handleractions`` names what the handler does; ``capability.<verb>`` who may."""
    settings = splunk.conf.stanzas("restmap")[stanza]
    allowed = [part.strip() for part in settings.get("handleractions", "").split(",")]
    if action in ("list", "edit", "create", "remove", "_reload") and action not in allowed:
        raise SplunkdError(405, "Method Not Allowed")
    verb = _VERBS.get(action, "post")
    wanted = settings.get(f"capability.{verb}") or settings.get("capability") or ""
    names = [part.strip() for part in wanted.split(" or ") if part.strip()]
    if names and not any(request.who.can(each) for each in names):
        require(request, names[0])


def _plain(content: dict[str, Any]) -> dict[str, Any]:
    """The handler's settings without its empty ``eai:acl``: splunkd adds the real one."""
    return {key: value for key, value in content.items() if key != "eai:acl"}
