"""data/indexes, data/inputs, data/modular-inputs, data/ui/views.

Source: "Introspection endpoint descriptions", "Input endpoint descriptions" and "Knowledge endpoint
descriptions" in the REST API Reference.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from tools.splunkd_lite.conf import ConfEntry, is_true
from tools.splunkd_lite.errors import SplunkdError, not_found
from tools.splunkd_lite.metadata import Acl
from tools.splunkd_lite.rest import eai
from tools.splunkd_lite.rest.atom import Entry, Feed
from tools.splunkd_lite.rest.forms import with_form
from tools.splunkd_lite.rest.paging import paged
from tools.splunkd_lite.rest.permission import require
from tools.splunkd_lite.rest.request import RestRequest
from tools.splunkd_lite.rest.router import route

if TYPE_CHECKING:
    from tools.splunkd_lite.core import Splunk

_SYSTEM = Acl("system", "system", "system")
_FILE_INPUTS = ("monitor",)

# Indexes


@route("GET", "data/indexes")
def list_indexes(splunk: Splunk, request: RestRequest) -> Feed:
    names = sorted(splunk.conf.stanzas("indexes"))
    visible = [n for n in names if request.who.may_search(n) or request.who.can("indexes_edit")]
    return paged("indexes", [_index(splunk, name) for name in visible], request)


@route("GET", "data/indexes/{name}")
def get_index(splunk: Splunk, request: RestRequest) -> Feed:
    name = request.vars["name"]
    if name not in splunk.conf.stanzas("indexes"):
        raise not_found(name)
    return Feed("indexes", [_index(splunk, name)])


@route("POST", "data/indexes", capability="indexes_edit")
def create_index(splunk: Splunk, request: RestRequest) -> Feed:
    name = request.param("name")
    if not name or not name.replace("_", "").replace("-", "").isalnum() or name != name.lower():
        raise SplunkdError(400, f"The index name '{name}' is not allowed.")
    if request.write_app not in splunk.conf.apps():
        raise SplunkdError(404, f"Application does not exist or is disabled: {request.write_app}")
    if name in splunk.conf.stanzas("indexes"):
        raise SplunkdError(409, f"Index name={name} already exists")
    settings = eai.settings_of(request, "datatype")
    if request.param("datatype") == "metric":
        settings["datatype"] = "metric"
    splunk.conf.write("indexes", name, settings, request.write_app, create=True)
    return Feed("indexes", [_index(splunk, name)], status=201)


@route("POST", "data/indexes/{name}", capability="indexes_edit")
def update_index(splunk: Splunk, request: RestRequest) -> Feed:
    get_index(splunk, request)
    name = request.vars["name"]
    app = splunk.conf.app_of("indexes", name)
    splunk.conf.write("indexes", name, eai.settings_of(request), app, create=False)
    return get_index(splunk, request)


@route("DELETE", "data/indexes/{name}", capability="indexes_edit")
def delete_index(splunk: Splunk, request: RestRequest) -> Feed:
    get_index(splunk, request)
    name = request.vars["name"]
    splunk.conf.delete("indexes", name, splunk.conf.app_of("indexes", name))
    return list_indexes(splunk, request)


@route("POST", "data/indexes/{name}/disable", capability="indexes_edit")
@route("POST", "data/indexes/{name}/enable", capability="indexes_edit")
def switch_index(splunk: Splunk, request: RestRequest) -> Feed:
    get_index(splunk, request)
    name = request.vars["name"]
    value = {"disabled": "false" if request.segments[-1] == "enable" else "true"}
    app = splunk.conf.app_of("indexes", name)
    splunk.conf.write("indexes", name, value, app, create=False)
    return get_index(splunk, request)


def _index(splunk: Splunk, name: str) -> Entry:
    settings = splunk.conf.stanzas("indexes")[name]
    oldest, newest = splunk.indexes.span(name)
    content: dict[str, Any] = {
        **settings,
        "disabled": is_true(settings.get("disabled", "false")),
        "datatype": settings.get("datatype", "event"),
        "defaultDatabase": "main",
        "isInternal": name.startswith("_"),
        "totalEventCount": splunk.indexes.count(name),
        "currentDBSizeMB": splunk.indexes.size(name) // 2**20,
        "minTime": "" if oldest is None else _iso(oldest),
        "maxTime": "" if newest is None else _iso(newest),
    }
    return Entry(name, content, _SYSTEM, "data/indexes")


def _iso(when: float) -> str:
    return datetime.datetime.fromtimestamp(when, datetime.timezone.utc).isoformat()


# Inputs


@route("GET", "data/modular-inputs")
def modular_kinds(splunk: Splunk, request: RestRequest) -> Feed:
    entries = [
        Entry(kind, _scheme_content(scheme), _SYSTEM, "data/modular-inputs", ("list",))
        for kind, scheme in _schemes(splunk).items()
    ]
    return paged("modular-inputs", entries, request)


@route("GET", "data/modular-inputs/{name}")
def modular_kind(splunk: Splunk, request: RestRequest) -> Feed:
    scheme = _schemes(splunk).get(request.vars["name"])
    if scheme is None:
        raise not_found(request.vars["name"])
    entry = Entry(
        request.vars["name"], _scheme_content(scheme), _SYSTEM, "data/modular-inputs", ("list",)
    )
    return Feed("modular-inputs", [entry])


@route("GET", "data/inputs")
def input_kinds(splunk: Splunk, request: RestRequest) -> Feed:
    kinds = [*_FILE_INPUTS, *_schemes(splunk)]
    entries = [Entry(kind, {}, _SYSTEM, "data/inputs", ("create", "list")) for kind in kinds]
    return Feed("inputs", entries)


@route("GET", "data/inputs/{kind}")
def list_inputs(splunk: Splunk, request: RestRequest) -> Feed:
    kind = _kind(splunk, request)
    found = [e for e in eai.visible(splunk, request, "inputs") if _is_kind(e, kind)]
    return paged(kind, [_input(splunk, request, each) for each in found], request)


@route("GET POST", "data/inputs/{kind}/_reload")
def reload_inputs(splunk: Splunk, request: RestRequest) -> Feed:
    splunk.conf.reload()
    return Feed(_kind(splunk, request), [])


@route("GET", "data/inputs/{kind}/{name}")
def get_input(splunk: Splunk, request: RestRequest) -> Feed:
    kind = _kind(splunk, request)
    stanza = f"{kind}://{request.vars['name']}"
    found = eai.readable(splunk, request, "inputs", stanza)
    return Feed(kind, [with_form(_input(splunk, request, found))])


@route("POST", "data/inputs/{kind}")
def create_input(splunk: Splunk, request: RestRequest) -> Feed:
    """Inputs are shared in their app: they have no owner."""
    kind = _kind(splunk, request)
    _require_edit(request, kind)
    name = request.param("name")
    if not name:
        raise SplunkdError(400, "The following required arguments are missing: name.")
    _validate(splunk, kind, request, creating=True)
    request.owner = "nobody"
    settings = eai.settings_of(request)
    made = eai.create(splunk, request, "inputs", f"{kind}://{name}", settings)
    return Feed(kind, [_input(splunk, request, made)], status=201)


@route("POST", "data/inputs/{kind}/{name}")
def update_input(splunk: Splunk, request: RestRequest) -> Feed:
    kind = _kind(splunk, request)
    _require_edit(request, kind)
    _validate(splunk, kind, request, creating=False)
    stanza = f"{kind}://{request.vars['name']}"
    changed = eai.update(splunk, request, "inputs", stanza, eai.settings_of(request))
    return Feed(kind, [_input(splunk, request, changed)])


@route("DELETE", "data/inputs/{kind}/{name}")
def delete_input(splunk: Splunk, request: RestRequest) -> Feed:
    kind = _kind(splunk, request)
    _require_edit(request, kind)
    eai.remove(splunk, request, "inputs", f"{kind}://{request.vars['name']}")
    return list_inputs(splunk, request)


@route("POST", "data/inputs/{kind}/{name}/disable")
@route("POST", "data/inputs/{kind}/{name}/enable")
def switch_input(splunk: Splunk, request: RestRequest) -> Feed:
    kind = _kind(splunk, request)
    _require_edit(request, kind)
    value = {"disabled": "0" if request.segments[-1] == "enable" else "1"}
    changed = eai.update(splunk, request, "inputs", f"{kind}://{request.vars['name']}", value)
    return Feed(kind, [_input(splunk, request, changed)])


def _schemes(splunk: Splunk) -> dict[str, dict[str, Any]]:
    schemes: dict[str, dict[str, Any]] = splunk.services.use_modular_inputs().schemes()
    return schemes


def _kind(splunk: Splunk, request: RestRequest) -> str:
    kind = request.vars["kind"]
    if kind not in (*_FILE_INPUTS, *_schemes(splunk)):
        raise SplunkdError(404, "Not Found")
    return kind


def _is_kind(entry: ConfEntry, kind: str) -> bool:
    return entry.name.startswith(f"{kind}://")


def _require_edit(request: RestRequest, kind: str) -> None:
    """inputs of the file system need ``edit_monitor``; modular ones an administrator."""
    require(request, "edit_monitor" if kind in _FILE_INPUTS else "admin_all_objects")


def _validate(splunk: Splunk, kind: str, request: RestRequest, creating: bool) -> None:
    """Arguments must be in the scheme; required ones must be there."""
    if kind in _FILE_INPUTS:
        return
    arguments = {arg["name"]: arg for arg in _schemes(splunk)[kind].get("args", [])}
    given = eai.settings_of(request)
    for key in given:
        if key not in arguments and key not in _COMMON:
            raise SplunkdError(400, f"Argument '{key}' is not supported by this handler.")
    need = "required_on_create" if creating else "required_on_edit"
    missing = [n for n, arg in arguments.items() if is_true(arg.get(need)) and n not in given]
    missing = [name for name in missing if name != "name"]
    if missing:
        raise SplunkdError(400, f"The following required arguments are missing: {missing[0]}.")
    name = request.param("name") if creating else request.vars["name"]
    stored = splunk.conf.stanzas("inputs").get(f"{kind}://{name}", {})
    splunk.services.use_modular_inputs().validate(kind, name, {**stored, **given})


_COMMON = frozenset(
    [
        "disabled",
        "host",
        "index",
        "interval",
        "source",
        "sourcetype",
        "python.version",
        "python.required",
        "start_by_shell",
    ]
)


def _scheme_content(scheme: dict[str, Any]) -> dict[str, Any]:
    arguments = {
        arg["name"]: {key: value for key, value in arg.items() if key != "name"}
        for arg in scheme.get("args", [])
    }
    return {
        "title": scheme.get("title", ""),
        "description": scheme.get("description", ""),
        "streaming_mode": scheme.get("streaming_mode", "xml"),
        "endpoint": {"args": arguments},
    }


def _input(splunk: Splunk, request: RestRequest, found: ConfEntry) -> Entry:
    kind, _, name = found.name.partition("://")
    # An input inherits from the stanza of its kind, as from [default] (inputs.conf).
    of_kind = splunk.conf.stanzas("inputs").get(kind, {})
    defaults = {"index": "default", "host": splunk.server_name, **of_kind}
    defaults.pop("disabled", None)
    extra = {key: value for key, value in defaults.items() if key not in found.settings}
    entry = eai.to_entry(splunk, request, found, f"data/inputs/{kind}", extra)
    entry.name = name
    return entry


# Views


@route("GET", "data/ui/views/{name}")
def get_view(splunk: Splunk, request: RestRequest) -> Feed:
    name, app = request.vars["name"], request.write_app
    if not name.replace("_", "").replace("-", "").isalnum():
        raise not_found(name)
    for kind in ("local", "default"):
        path = splunk.conf.etc / "apps" / app / kind / "data" / "ui" / "views" / f"{name}.xml"
        acl = splunk.conf.metadata.acl(app, "views", name)
        if path.exists() and splunk.access.may(request.who, "read", acl):
            content = {"eai:data": path.read_text(encoding="utf-8"), "eai:appName": app}
            return Feed("views", [Entry(name, content, acl, "data/ui/views")])
    raise not_found(name)


@route("GET", "data/ui/times")
def list_times(splunk: Splunk, request: RestRequest) -> Feed:
    """Presets of the time range picker."""
    found = eai.visible(splunk, request, "times")
    entries = [eai.to_entry(splunk, request, each, "data/ui/times", {}) for each in found]
    return paged("times", entries, request)
