"""Objects that are stanzas: what configs/conf-*, saved/searches and others have in common.

Source: "Access Control List" and "Namespace" in the REST API User Manual.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tools.splunkd_lite.conf import NOBODY, ConfEntry, is_true
from tools.splunkd_lite.errors import SplunkdError, not_found
from tools.splunkd_lite.metadata import format_access
from tools.splunkd_lite.rest.atom import Entry
from tools.splunkd_lite.rest.permission import require
from tools.splunkd_lite.rest.request import RestRequest

if TYPE_CHECKING:
    from tools.splunkd_lite.core import Splunk

__all__ = [
    "CONTROL_PARAMETERS",
    "change_acl",
    "create",
    "readable",
    "remove",
    "settings_of",
    "to_entry",
    "update",
    "visible",
]

# Parameters that steer the request and are not settings of the object.
CONTROL_PARAMETERS = frozenset(
    [
        "name",
        "output_mode",
        "count",
        "offset",
        "search_filter",
        "sort_key",
        "sort_dir",
        "sort_mode",
        "f",
        "summarize",
    ]
)


def visible(splunk: Splunk, request: RestRequest, conf: str) -> list[ConfEntry]:
    """Stanzas of the request's namespace that the caller may read."""
    app, owner = request.context_app, request.context_owner
    if owner not in (NOBODY, "-", request.who.name):
        require(request, "admin_all_objects")
    entries = splunk.conf.entries(conf, app, owner)
    return [each for each in entries if splunk.access.may(request.who, "read", each.acl)]


def readable(splunk: Splunk, request: RestRequest, conf: str, name: str) -> ConfEntry:
    """Raises: SplunkdError: 404, not there or not for the caller."""
    for entry in visible(splunk, request, conf):
        if entry.name == name:
            return entry
    raise not_found(name)


def settings_of(request: RestRequest, *without: str) -> dict[str, str]:
    """The parameters that are settings. In a POST, splunkd takes them from URL and body."""
    skipped = CONTROL_PARAMETERS.union(without)
    return {key: value for key, value in request.params if key not in skipped}


def create(
    splunk: Splunk, request: RestRequest, conf: str, name: str, settings: dict[str, str]
) -> ConfEntry:
    """Raises: SplunkdError: 400, no name; 403; 409, it exists in this app."""
    if not name:
        raise SplunkdError(400, "The following required arguments are missing: name.")
    if name == "default" or any(c in name for c in "\n\r[]") or name != name.strip():
        raise SplunkdError(400, f"The name '{name}' is not allowed.")
    app, owner = request.write_app, request.write_owner
    if owner == NOBODY:
        acl = splunk.conf.metadata.acl(app, conf, name)
        splunk.access.require(request.who, "add", acl, name)
    elif owner != request.who.name:
        require(request, "admin_all_objects")
    splunk.conf.write(conf, name, settings, app, create=True, owner=owner)
    return splunk.conf.entry(conf, name, app, owner)


def update(
    splunk: Splunk, request: RestRequest, conf: str, name: str, settings: dict[str, str]
) -> ConfEntry:
    """Change a stanza where it lives; a change of what another app exports stays in that app."""
    entry = readable(splunk, request, conf, name)
    splunk.access.require(request.who, "write", entry.acl, name)
    app = entry.acl.app
    if app == "system" and request.app not in (None, "-", "system"):
        app = request.write_app
    owner = entry.acl.owner if entry.acl.sharing == "user" else NOBODY
    splunk.conf.write(conf, name, settings, app, create=False, owner=owner)
    return splunk.conf.entry(conf, name, app, owner)


def remove(splunk: Splunk, request: RestRequest, conf: str, name: str) -> None:
    entry = readable(splunk, request, conf, name)
    splunk.access.require(request.who, "add", entry.acl, name)
    owner = entry.acl.owner if entry.acl.sharing == "user" else NOBODY
    splunk.conf.delete(conf, name, entry.acl.app, owner)


def change_acl(splunk: Splunk, request: RestRequest, conf: str, name: str) -> ConfEntry:
    """POST …/acl: share a private object, change who may read and write.

    Raises:
        SplunkdError: 400, ``owner`` or ``sharing`` is missing or wrong.
    """
    entry = readable(splunk, request, conf, name)
    splunk.access.require(request.who, "write", entry.acl, name)
    owner, sharing = request.param("owner"), request.param("sharing")
    if not owner or sharing not in ("user", "app", "global"):
        raise SplunkdError(400, "The arguments owner and sharing (user, app, global) are required.")
    app = entry.acl.app
    if sharing == "user":
        if entry.acl.sharing != "user":
            raise SplunkdError(400, "A shared object cannot be made private here.")
        return entry
    if entry.acl.sharing == "user":
        splunk.access.require(request.who, "add", splunk.conf.metadata.acl(app, conf, name), name)
        splunk.conf.move(conf, name, app, entry.acl.owner, sharing)
    settings = {"owner": owner, "export": "system" if sharing == "global" else "none"}
    if request.has("perms.read") or request.has("perms.write"):
        settings["access"] = format_access(
            _roles(request, "perms.read", entry.acl.read),
            _roles(request, "perms.write", entry.acl.write),
        )
    splunk.conf.write_access(app, conf, name, settings)
    return splunk.conf.entry(conf, name, app)


def _roles(request: RestRequest, name: str, now: tuple[str, ...]) -> tuple[str, ...]:
    if not request.has(name):
        return now
    values = ",".join(request.param_list(name)).split(",")
    return tuple(value.strip() for value in values if value.strip())


def to_entry(
    splunk: Splunk, request: RestRequest, entry: ConfEntry, path: str, extra: dict[str, Any]
) -> Entry:
    """The stanza as a REST entry. ``extra`` overrides what is computed from the settings."""
    content: dict[str, Any] = {
        "disabled": is_true(entry.settings.get("disabled", "0")),
        "eai:appName": entry.acl.app,
        "eai:userName": request.who.name,
        **{key: value for key, value in entry.settings.items() if key != "disabled"},
        **extra,
    }
    writable = splunk.access.may(request.who, "write", entry.acl)
    links = ("list", "_reload", "edit", "remove", *(("disable",) if writable else ()))
    return Entry(entry.name, content, entry.acl, path, links, can_write=writable)
