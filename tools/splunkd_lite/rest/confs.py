"""configs/conf-* and properties.

Source: "Configuration endpoint descriptions" in the REST API Reference. A conf that no app has is
404 under ``properties`` (the SDK asks there whether it exists) and an empty list under ``configs``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.splunkd_lite.conf import ConfEntry
from tools.splunkd_lite.errors import SplunkdError, not_found
from tools.splunkd_lite.metadata import Acl
from tools.splunkd_lite.rest import eai
from tools.splunkd_lite.rest.atom import Entry, Feed
from tools.splunkd_lite.rest.paging import paged
from tools.splunkd_lite.rest.request import RestRequest, RestResponse
from tools.splunkd_lite.rest.router import Answer, route

if TYPE_CHECKING:
    from tools.splunkd_lite.core import Splunk

_HIDDEN = frozenset({"passwords"})


@route("GET", "configs/conf-{conf}")
def list_stanzas(splunk: Splunk, request: RestRequest) -> Feed:
    conf = _conf(request)
    name = request.param("name")
    if name:  # the SDK's Collection.list(name=…) asks for one stanza this way
        return _one(splunk, request, eai.readable(splunk, request, conf, name))
    entries = [_entry(splunk, request, each) for each in eai.visible(splunk, request, conf)]
    return paged(f"conf-{conf}", entries, request)


@route("POST", "configs/conf-{conf}")
def create_stanza(splunk: Splunk, request: RestRequest) -> Feed:
    created = eai.create(
        splunk, request, _conf(request), request.param("name"), eai.settings_of(request)
    )
    return _one(splunk, request, created, 201)


@route("GET POST", "configs/conf-{conf}/_reload")
def reload(splunk: Splunk, request: RestRequest) -> Feed:
    splunk.conf.reload()
    return Feed(f"conf-{_conf(request)}", [])


@route("GET", "configs/conf-{conf}/{name}")
def get_stanza(splunk: Splunk, request: RestRequest) -> Feed:
    found = eai.readable(splunk, request, _conf(request), request.vars["name"])
    return _one(splunk, request, found)


@route("POST", "configs/conf-{conf}/{name}")
def update_stanza(splunk: Splunk, request: RestRequest) -> Feed:
    changed = eai.update(
        splunk, request, _conf(request), request.vars["name"], eai.settings_of(request)
    )
    return _one(splunk, request, changed)


@route("DELETE", "configs/conf-{conf}/{name}")
def delete_stanza(splunk: Splunk, request: RestRequest) -> Feed:
    eai.remove(splunk, request, _conf(request), request.vars["name"])
    entries = [_entry(splunk, request, e) for e in eai.visible(splunk, request, _conf(request))]
    return paged(f"conf-{_conf(request)}", entries, request)


@route("POST", "configs/conf-{conf}/{name}/disable")
@route("POST", "configs/conf-{conf}/{name}/enable")
def switch_stanza(splunk: Splunk, request: RestRequest) -> Feed:
    value = {"disabled": "0" if request.segments[-1] == "enable" else "1"}
    changed = eai.update(splunk, request, _conf(request), request.vars["name"], value)
    return _one(splunk, request, changed)


@route("GET", "configs/conf-{conf}/{name}/acl")
def get_acl(splunk: Splunk, request: RestRequest) -> Feed:
    return get_stanza(splunk, request)


@route("POST", "configs/conf-{conf}/{name}/acl")
def set_acl(splunk: Splunk, request: RestRequest) -> Feed:
    changed = eai.change_acl(splunk, request, _conf(request), request.vars["name"])
    return _one(splunk, request, changed)


# properties


@route("GET", "properties")
def list_files(splunk: Splunk, request: RestRequest) -> Feed:
    names = [name for name in splunk.conf.names() if name not in _HIDDEN]
    entries = [Entry(name, {}, Acl("system"), "properties") for name in names]
    return Feed("properties", entries, per_page=len(entries))


@route("POST", "properties")
def create_file(splunk: Splunk, request: RestRequest) -> RestResponse:
    name = request.param("__conf")
    if not name:
        raise SplunkdError(400, "The argument __conf is required.")
    acl = splunk.conf.metadata.acl(request.write_app, name, "")
    splunk.access.require(request.who, "add", acl, name)
    if splunk.conf.exists(name):
        return RestResponse(303, headers=[("Location", f"/services/properties/{name}")])
    splunk.conf.create_file(name, request.write_app)
    return RestResponse(201, headers=[("Location", f"/services/properties/{name}")])


@route("GET", "properties/{conf}")
def list_names(splunk: Splunk, request: RestRequest) -> Feed:
    conf = _conf(request)
    if not splunk.conf.exists(conf):
        raise SplunkdError(404, f"{conf} does not exist")
    entries = [
        Entry(each.name, {}, each.acl, f"properties/{conf}")
        for each in eai.visible(splunk, request, conf)
    ]
    return Feed(conf, entries, per_page=len(entries))


@route("GET", "properties/{conf}/{name}")
def list_keys(splunk: Splunk, request: RestRequest) -> Feed:
    conf = _conf(request)
    found = eai.readable(splunk, request, conf, request.vars["name"])
    entries = [
        Entry(key, {"$text": value}, found.acl, f"properties/{conf}/{found.name}")
        for key, value in found.settings.items()
    ]
    return Feed(found.name, entries, per_page=len(entries))


@route("GET", "properties/{conf}/{name}/{key}")
def get_key(splunk: Splunk, request: RestRequest) -> RestResponse:
    found = eai.readable(splunk, request, _conf(request), request.vars["name"])
    value = found.settings.get(request.vars["key"])
    if value is None:
        raise not_found(request.vars["key"])
    return RestResponse(200, value.encode(), "text/plain; charset=utf-8")


@route("POST", "properties/{conf}/{name}")
def set_keys(splunk: Splunk, request: RestRequest) -> Answer:
    conf, name = _conf(request), request.vars["name"]
    eai.update(splunk, request, conf, name, eai.settings_of(request))
    return list_keys(splunk, request)


def _conf(request: RestRequest) -> str:
    conf = request.vars["conf"]
    if conf in _HIDDEN:
        raise SplunkdError(403, f"{conf}.conf is reached through storage/passwords only.")
    return conf


def _entry(splunk: Splunk, request: RestRequest, found: ConfEntry) -> Entry:
    return eai.to_entry(splunk, request, found, f"configs/conf-{_conf(request)}", {})


def _one(splunk: Splunk, request: RestRequest, found: ConfEntry, status: int = 200) -> Feed:
    title = f"conf-{_conf(request)}"
    return Feed(title, [_entry(splunk, request, found)], status=status)
