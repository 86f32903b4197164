"""saved/eventtypes.

Source: "Search endpoints" in the REST API Reference; eventtypes.conf.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.splunkd_lite.conf import ConfEntry
from tools.splunkd_lite.errors import SplunkdError
from tools.splunkd_lite.rest import eai
from tools.splunkd_lite.rest.atom import Entry, Feed
from tools.splunkd_lite.rest.forms import with_form
from tools.splunkd_lite.rest.paging import paged
from tools.splunkd_lite.rest.request import RestRequest
from tools.splunkd_lite.rest.router import route

if TYPE_CHECKING:
    from tools.splunkd_lite.core import Splunk

_PATH, _CONF = "saved/eventtypes", "eventtypes"


@route("GET", _PATH)
def list_eventtypes(splunk: Splunk, request: RestRequest) -> Feed:
    found = eai.visible(splunk, request, _CONF)
    return paged("eventtypes", [_entry(splunk, request, each) for each in found], request)


@route("GET", _PATH + "/{name}")
@route("GET", _PATH + "/{name}/acl")
def get_eventtype(splunk: Splunk, request: RestRequest) -> Feed:
    found = eai.readable(splunk, request, _CONF, request.vars["name"])
    return Feed("eventtypes", [with_form(_entry(splunk, request, found))])


@route("POST", _PATH)
def create_eventtype(splunk: Splunk, request: RestRequest) -> Feed:
    """Raises: SplunkdError: 400, no search, or one that is a pipeline."""
    settings = eai.settings_of(request)
    if not settings.get("search", "").strip():
        raise SplunkdError(400, "The following required arguments are missing: search.")
    _check(settings)
    made = eai.create(splunk, request, _CONF, request.param("name"), settings)
    return Feed("eventtypes", [_entry(splunk, request, made)], status=201)


@route("POST", _PATH + "/{name}")
def update_eventtype(splunk: Splunk, request: RestRequest) -> Feed:
    settings = eai.settings_of(request)
    _check(settings)
    changed = eai.update(splunk, request, _CONF, request.vars["name"], settings)
    return Feed("eventtypes", [_entry(splunk, request, changed)])


@route("POST", _PATH + "/{name}/disable")
@route("POST", _PATH + "/{name}/enable")
def switch_eventtype(splunk: Splunk, request: RestRequest) -> Feed:
    value = {"disabled": "0" if request.segments[-1] == "enable" else "1"}
    changed = eai.update(splunk, request, _CONF, request.vars["name"], value)
    return Feed("eventtypes", [_entry(splunk, request, changed)])


@route("POST", _PATH + "/{name}/acl")
def set_acl(splunk: Splunk, request: RestRequest) -> Feed:
    changed = eai.change_acl(splunk, request, _CONF, request.vars["name"])
    return Feed("eventtypes", [_entry(splunk, request, changed)])


@route("DELETE", _PATH + "/{name}")
def delete_eventtype(splunk: Splunk, request: RestRequest) -> Feed:
    eai.remove(splunk, request, _CONF, request.vars["name"])
    return list_eventtypes(splunk, request)


def _check(settings: dict[str, str]) -> None:
    """An event type is a search without a pipe or a subsearch (eventtypes.conf)."""
    if "|" in settings.get("search", ""):
        raise SplunkdError(400, "Eventtype search string cannot be a search pipeline.")
    priority = settings.get("priority", "1")
    if not priority.isdigit() or not 1 <= int(priority) <= 10:
        raise SplunkdError(400, f"Invalid priority '{priority}': give a number from 1 to 10.")


def _entry(splunk: Splunk, request: RestRequest, found: ConfEntry) -> Entry:
    return eai.to_entry(splunk, request, found, _PATH, {})
