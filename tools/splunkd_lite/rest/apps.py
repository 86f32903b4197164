"""apps/local.

Source: "Application endpoint descriptions" in the REST API Reference.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tools.splunkd_lite.conf import is_true
from tools.splunkd_lite.errors import not_found
from tools.splunkd_lite.metadata import Acl
from tools.splunkd_lite.rest.atom import Entry, Feed
from tools.splunkd_lite.rest.paging import paged
from tools.splunkd_lite.rest.request import RestRequest
from tools.splunkd_lite.rest.router import route

if TYPE_CHECKING:
    from tools.splunkd_lite.core import Splunk


@route("GET", "apps/local")
def list_apps(splunk: Splunk, request: RestRequest) -> Feed:
    names = [n for n in splunk.conf.apps(enabled_only=False) if _visible(splunk, request, n)]
    return paged("localapps", [_entry(splunk, name) for name in names], request)


@route("GET", "apps/local/{name}")
def get_app(splunk: Splunk, request: RestRequest) -> Feed:
    name = request.vars["name"]
    installed = name in splunk.conf.apps(enabled_only=False)
    if not installed or not _visible(splunk, request, name):
        raise not_found(name)
    return Feed("localapps", [_entry(splunk, name)])


@route("POST", "apps/local", capability="install_apps")
def install(splunk: Splunk, request: RestRequest) -> Feed:
    """``name`` is a path on the server, with ``filename=true``, as the CLI sends it."""
    names = splunk.install([Path(request.param("name"))])
    return Feed("localapps", [_entry(splunk, name) for name in names], status=201)


@route("POST", "apps/local/{name}/disable", capability="edit_local_apps")
@route("POST", "apps/local/{name}/enable", capability="edit_local_apps")
def switch(splunk: Splunk, request: RestRequest) -> Feed:
    get_app(splunk, request)
    state = "enabled" if request.segments[-1] == "enable" else "disabled"
    splunk.conf.write("app", "install", {"state": state}, request.vars["name"], create=False)
    return get_app(splunk, request)


@route("GET", "apps/local/{name}/_reload")
@route("GET POST", "apps/local/_reload")
def reload(splunk: Splunk, request: RestRequest) -> Feed:
    splunk.conf.reload()
    return Feed("localapps", [])


def _visible(splunk: Splunk, request: RestRequest, name: str) -> bool:
    return splunk.access.may(request.who, "read", splunk.conf.metadata.acl(name, "", ""))


def _entry(splunk: Splunk, name: str) -> Entry:
    def setting(stanza: str, key: str, default: str = "") -> str:
        return splunk.conf.get("app", stanza, key, default, app=name) or default

    acl = splunk.conf.metadata.acl(name, "", "")
    content = {
        "author": setting("launcher", "author"),
        "build": setting("install", "build", "1"),
        "check_for_updates": True,
        "configured": is_true(setting("install", "is_configured", "1")),
        "core": name in ("search", "splunk_httpinput"),
        "description": setting("launcher", "description"),
        "disabled": not splunk.conf.app_enabled(name),
        "label": setting("ui", "label", name),
        "managed_by_deployment_client": False,
        "show_in_nav": True,
        "state_change_requires_restart": False,
        "version": setting("launcher", "version"),
        "visible": is_true(setting("ui", "is_visible", "1")),
    }
    return Entry(name, content, Acl(name, "nobody", "app", acl.read, acl.write), "apps/local")
