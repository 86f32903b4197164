"""saved/searches.

Source: "Search endpoint descriptions" in the REST API Reference; savedsearches.conf.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tools.splunkd_lite.conf import ConfEntry, is_true
from tools.splunkd_lite.errors import SplunkdError
from tools.splunkd_lite.rest import alert_fields, eai
from tools.splunkd_lite.rest.atom import Entry, Feed
from tools.splunkd_lite.rest.forms import with_form
from tools.splunkd_lite.rest.jobs import with_search
from tools.splunkd_lite.rest.paging import paged
from tools.splunkd_lite.rest.permission import require
from tools.splunkd_lite.rest.request import RestRequest
from tools.splunkd_lite.rest.router import route
from tools.splunkd_lite.runners.errors import RunnerError
from tools.splunkd_lite.schedule import next_time

if TYPE_CHECKING:
    from tools.splunkd_lite.core import Splunk

_PATH = "saved/searches"
_CONF = "savedsearches"
_READ_ONLY = frozenset({"next_scheduled_time", "qualifiedSearch", "triggered_alert_count"})


@route("GET", _PATH)
def list_searches(splunk: Splunk, request: RestRequest) -> Feed:
    found = eai.visible(splunk, request, _CONF)
    return paged("savedsearch", [_entry(splunk, request, each) for each in found], request)


@route("GET", _PATH + "/{name}")
def get_search(splunk: Splunk, request: RestRequest) -> Feed:
    found = eai.readable(splunk, request, _CONF, request.vars["name"])
    return Feed("savedsearch", [with_form(_entry(splunk, request, found))])


@route("POST", _PATH)
def create_search(splunk: Splunk, request: RestRequest) -> Feed:
    if not request.param("search").strip():
        raise SplunkdError(400, "The following required arguments are missing: search.")
    settings = _settings(request, {})
    made = eai.create(splunk, request, _CONF, request.param("name"), settings)
    return Feed("savedsearch", [_entry(splunk, request, made)], status=201)


@route("POST", _PATH + "/{name}")
def update_search(splunk: Splunk, request: RestRequest) -> Feed:
    settings = _settings(request, _stored(splunk, request))
    changed = eai.update(splunk, request, _CONF, request.vars["name"], settings)
    return Feed("savedsearch", [_entry(splunk, request, changed)])


@route("DELETE", _PATH + "/{name}")
def delete_search(splunk: Splunk, request: RestRequest) -> Feed:
    eai.remove(splunk, request, _CONF, request.vars["name"])
    return list_searches(splunk, request)


@route("GET POST", _PATH + "/_reload")
@route("GET POST", _PATH + "/{name}/_reload")
def reload_searches(splunk: Splunk, request: RestRequest) -> Feed:
    splunk.conf.reload()
    return Feed("savedsearch", [])


@route("POST", _PATH + "/{name}/disable")
@route("POST", _PATH + "/{name}/enable")
def switch_search(splunk: Splunk, request: RestRequest) -> Feed:
    value = {"disabled": "0" if request.segments[-1] == "enable" else "1"}
    changed = eai.update(splunk, request, _CONF, request.vars["name"], value)
    return Feed("savedsearch", [_entry(splunk, request, changed)])


@route("GET", _PATH + "/{name}/acl")
def get_search_acl(splunk: Splunk, request: RestRequest) -> Feed:
    return get_search(splunk, request)


@route("POST", _PATH + "/{name}/acl")
def set_search_acl(splunk: Splunk, request: RestRequest) -> Feed:
    changed = eai.change_acl(splunk, request, _CONF, request.vars["name"])
    return Feed("savedsearch", [_entry(splunk, request, changed)])


def _settings(request: RestRequest, stored: dict[str, str]) -> dict[str, str]:
    """The settings of savedsearches.conf, checked where a wrong one would pass in silence."""
    settings = {k: v for k, v in eai.settings_of(request).items() if k not in _READ_ONLY}
    if "is_scheduled" in settings:
        settings["enableSched"] = "1" if is_true(settings.pop("is_scheduled")) else "0"
    if is_true(settings.get("enableSched", "0")):
        require(request, "schedule_search")
    cron = settings.get("cron_schedule")
    if cron:
        _check_cron(cron)
    settings.update(alert_fields.to_conf(settings))
    for name in alert_fields.NAMES:
        settings.pop(name, None)
    alert_fields.check({**stored, **settings})
    return settings


def _check_cron(cron: str) -> None:
    from cronsim import CronSim, CronSimError

    try:
        CronSim(cron, datetime.datetime.fromtimestamp(0).astimezone())
    except CronSimError as error:
        raise SplunkdError(400, f'Invalid cron_schedule="{cron}". {error}') from error


def _stored(splunk: Splunk, request: RestRequest) -> dict[str, str]:
    """The settings that the search has, the defaults of the conf included."""
    return dict(eai.readable(splunk, request, _CONF, request.vars["name"]).settings)


def _entry(splunk: Splunk, request: RestRequest, found: ConfEntry) -> Entry:
    settings = found.settings
    actions = [part.strip() for part in settings.get("actions", "").split(",") if part.strip()]
    extra: dict[str, Any] = {
        "actions": settings.get("actions", ""),
        # `auto` reads false, as recorded; the reference has it as a third value.
        "alert.track": is_true(settings.get("alert.track", "auto")),
        "alert.suppress": is_true(settings.get("alert.suppress", "0")),
        "alert.digest_mode": is_true(settings.get("alert.digest_mode", "1")),
        "cron_schedule": settings.get("cron_schedule", ""),
        "description": settings.get("description", ""),
        "dispatch.earliest_time": settings.get("dispatch.earliest_time", ""),
        "dispatch.latest_time": settings.get("dispatch.latest_time", ""),
        "is_scheduled": is_true(settings.get("enableSched", "0")),
        "is_visible": is_true(settings.get("is_visible", "1")),
        "next_scheduled_time": _next_time(splunk, settings),
        "qualifiedSearch": with_search(settings.get("search", "")),
        "search": settings.get("search", ""),
        "triggered_alert_count": len(splunk.alerts.all(found.name)),
        **alert_fields.from_conf(settings),
        **{f"action.{name}": True for name in actions},
    }
    return eai.to_entry(splunk, request, found, _PATH, extra)


def _next_time(splunk: Splunk, settings: Mapping[str, str]) -> str:
    """When the scheduler will run it next, as text in UTC; "" if it will not."""
    cron = settings.get("cron_schedule", "")
    on = is_true(settings.get("enableSched", "0")) and not is_true(settings.get("disabled", "0"))
    if not cron or not on:
        return ""
    try:
        following = next_time(cron, splunk.clock.now(), splunk.options.cron_pace)
    except RunnerError:  # a conf file edited by hand; the scheduler complains of it
        return ""
    moment = datetime.datetime.fromtimestamp(following, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")
