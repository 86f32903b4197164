"""saved/searches and saved/eventtypes.

Source: "Search endpoint descriptions" in the REST API Reference; savedsearches.conf.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tools.splunkd_lite.conf import ConfEntry, is_true
from tools.splunkd_lite.errors import SplunkdError
from tools.splunkd_lite.rest import eai
from tools.splunkd_lite.rest.atom import Entry, Feed
from tools.splunkd_lite.rest.jobs import job_entry, with_search
from tools.splunkd_lite.rest.paging import paged
from tools.splunkd_lite.rest.permission import require
from tools.splunkd_lite.rest.request import RestRequest, RestResponse, whole
from tools.splunkd_lite.rest.router import route
from tools.splunkd_lite.runners.alert_condition import manual_key
from tools.splunkd_lite.runners.saved_search import SavedSearch
from tools.splunkd_lite.timerange import parse_time

if TYPE_CHECKING:
    from tools.splunkd_lite.core import Splunk

_PATH = "saved/searches"
_CONF = "savedsearches"


@route("GET", _PATH)
def list_searches(splunk: Splunk, request: RestRequest) -> Feed:
    found = eai.visible(splunk, request, _CONF)
    return paged("savedsearch", [_entry(splunk, request, each) for each in found], request)


@route("GET", _PATH + "/{name}")
def get_search(splunk: Splunk, request: RestRequest) -> Feed:
    found = eai.readable(splunk, request, _CONF, request.vars["name"])
    return Feed("savedsearch", [_entry(splunk, request, found)])


@route("POST", _PATH)
def create_search(splunk: Splunk, request: RestRequest) -> Feed:
    if not request.param("search").strip():
        raise SplunkdError(400, "The following required arguments are missing: search.")
    settings = _settings(request)
    made = eai.create(splunk, request, _CONF, request.param("name"), settings)
    return Feed("savedsearch", [_entry(splunk, request, made)], status=201)


@route("POST", _PATH + "/{name}")
def update_search(splunk: Splunk, request: RestRequest) -> Feed:
    changed = eai.update(splunk, request, _CONF, request.vars["name"], _settings(request))
    return Feed("savedsearch", [_entry(splunk, request, changed)])


@route("DELETE", _PATH + "/{name}")
def delete_search(splunk: Splunk, request: RestRequest) -> Feed:
    eai.remove(splunk, request, _CONF, request.vars["name"])
    return list_searches(splunk, request)


@route("GET POST", _PATH + "/_reload")
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


@route("POST GET", _PATH + "/{name}/dispatch")
def dispatch(splunk: Splunk, request: RestRequest) -> RestResponse:
    """Run it now. ``dispatch.*`` overrides its settings, ``args.x`` fills ``$args.x$``.

    Raises:
        SplunkdError: 400, the search does not parse, or ``trigger_actions`` (not supported).
    """
    found = eai.readable(splunk, request, _CONF, request.vars["name"])
    if is_true(request.param("trigger_actions", "0")):
        raise SplunkdError(400, "trigger_actions is not supported: let the scheduler run it.")
    overrides = {k: v for k, v in request.params if k.startswith("dispatch.")}
    settings = {**found.settings, **overrides}
    spl = with_search(_fill(settings.get("search", ""), request))
    job = splunk.jobs.dispatch(
        spl,
        request.who,
        found.acl.app,
        settings.get("dispatch.earliest_time"),
        settings.get("dispatch.latest_time"),
        saved_search=found.name,
        owner=found.acl.owner,
        exec_mode="normal",
        scheduled=False,
        now=parse_time(overrides.get("dispatch.now"), splunk.clock.now()),
        max_count=whole(settings.get("dispatch.max_count") or 500_000, "dispatch.max_count"),
    )
    if request.json_wanted:
        return RestResponse.of_json({"sid": job.sid}, 201)
    return RestResponse.of_xml(f"<response>\n  <sid>{job.sid}</sid>\n</response>\n", 201)


@route("GET", _PATH + "/{name}/history")
def history(splunk: Splunk, request: RestRequest) -> Feed:
    """Jobs of this saved search that have not expired, newest first."""
    found = eai.readable(splunk, request, _CONF, request.vars["name"])
    jobs = splunk.jobs.all(found.name, found.acl.app)
    feed = paged("history", [job_entry(splunk, request, job) for job in jobs], request)
    for entry in feed.entries:
        entry.name = entry.content["sid"]
    return feed


@route("GET", _PATH + "/{name}/suppress")
def get_suppress(splunk: Splunk, request: RestRequest) -> Feed:
    found = eai.readable(splunk, request, _CONF, request.vars["name"])
    shelf = _suppressed(splunk)
    until = max([float(shelf.get(key, 0.0)) for key in _keys(splunk, found)], default=0.0)
    left = max(0, round(until - splunk.clock.now()))
    content = {"suppressed": left > 0, "expiration": left}
    return Feed("suppress", [Entry(found.name, content, found.acl, _PATH)])


@route("POST", _PATH + "/{name}/suppress")
def set_suppress(splunk: Splunk, request: RestRequest) -> Feed:
    """``expiration`` is a number of seconds; 0 lifts the suppression.

    It silences the alert as its own throttling does.
    """
    found = eai.readable(splunk, request, _CONF, request.vars["name"])
    splunk.access.require(request.who, "write", found.acl, found.name)
    seconds = _seconds(request.param("expiration"))
    if seconds:
        key = manual_key(found.acl.app, found.name)
        _suppressed(splunk).set(key, splunk.clock.now() + seconds)
    else:
        _lift(splunk, found)
    return get_suppress(splunk, request)


@route("POST", _PATH + "/{name}/acknowledge")
def acknowledge(splunk: Splunk, request: RestRequest) -> Feed:
    """Lift the suppression of an alert, so that it may fire again.

    ``key`` (one result's fields, of an alert that throttles by result) is not supported.

    Raises:
        SplunkdError: 400, ``key`` is given.
    """
    found = eai.readable(splunk, request, _CONF, request.vars["name"])
    splunk.access.require(request.who, "write", found.acl, found.name)
    if request.param("key"):
        raise SplunkdError(400, "Acknowledging a single key is not supported: leave key out.")
    _lift(splunk, found)
    return get_search(splunk, request)


@route("GET", _PATH + "/{name}/scheduled_times")
def scheduled_times(splunk: Splunk, request: RestRequest) -> Feed:
    from cronsim import CronSim

    found = eai.readable(splunk, request, _CONF, request.vars["name"])
    now = splunk.clock.now()
    start = parse_time(request.param("earliest_time", "now"), now) or now
    end = parse_time(request.param("latest_time", "+1h"), now) or now
    times: list[int] = []
    for moment in CronSim(found.settings.get("cron_schedule", "* * * * *"), _local(start)):
        if moment.timestamp() >= end or len(times) >= _MAX_TIMES:
            break
        times.append(int(moment.timestamp()))
    content = {"scheduled_times": times}
    return Feed("scheduled_times", [Entry(found.name, content, found.acl, _PATH)])


_MAX_TIMES = 10_000


def _local(when: float) -> Any:
    import datetime

    return datetime.datetime.fromtimestamp(when).astimezone()


def _suppressed(splunk: Splunk) -> Any:
    return splunk.state("suppressions")


def _keys(splunk: Splunk, found: ConfEntry) -> list[str]:
    """Where silences of that search are kept: asked for, and of its own throttling."""
    search = SavedSearch(found.name, found.acl.app, found.acl.owner or "nobody", found.settings)
    group = search.text("alert.suppress.group_name")
    scope = f"group;{group}" if group else search.id
    own = [key for key in _suppressed(splunk).keys(scope) if key[len(scope) :][:1] in ("", ";")]
    return [manual_key(found.acl.app, found.name), *own]


def _lift(splunk: Splunk, found: ConfEntry) -> None:
    for key in _keys(splunk, found):
        _suppressed(splunk).delete(key)


def _seconds(text: str) -> float:
    match = re.fullmatch(r"(\d+)\s*([smhd]?)", text.strip())
    if match is None:
        raise SplunkdError(400, f"Invalid expiration '{text}': give seconds, or 5m, 2h, 1d.")
    return int(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[match[2]]


def _fill(spl: str, request: RestRequest) -> str:
    for key, value in request.params:
        if key.startswith("args."):
            spl = spl.replace(f"${key}$", value)
    return spl


def _settings(request: RestRequest) -> dict[str, str]:
    """The settings of savedsearches.conf, checked where a wrong one would pass in silence."""
    settings = eai.settings_of(request)
    if "is_scheduled" in settings:
        settings["enableSched"] = "1" if is_true(settings.pop("is_scheduled")) else "0"
    if is_true(settings.get("enableSched", "0")):
        require(request, "schedule_search")
    cron = settings.get("cron_schedule")
    if cron:
        from cronsim import CronSim, CronSimError

        try:
            CronSim(cron, _local(0))
        except CronSimError as error:
            raise SplunkdError(400, f'Invalid cron_schedule="{cron}". {error}') from error
    return settings


def _entry(splunk: Splunk, request: RestRequest, found: ConfEntry) -> Entry:
    settings = found.settings
    actions = [part.strip() for part in settings.get("actions", "").split(",") if part.strip()]
    extra: dict[str, Any] = {
        "actions": settings.get("actions", ""),
        "alert.track": is_true(settings.get("alert.track", "0")),
        "alert.suppress": is_true(settings.get("alert.suppress", "0")),
        "alert.digest_mode": is_true(settings.get("alert.digest_mode", "1")),
        "cron_schedule": settings.get("cron_schedule", ""),
        "description": settings.get("description", ""),
        "dispatch.earliest_time": settings.get("dispatch.earliest_time", ""),
        "dispatch.latest_time": settings.get("dispatch.latest_time", ""),
        "is_scheduled": is_true(settings.get("enableSched", "0")),
        "is_visible": is_true(settings.get("is_visible", "1")),
        "next_scheduled_time": "",
        "qualifiedSearch": with_search(settings.get("search", "")),
        "search": settings.get("search", ""),
        "triggered_alert_count": len(splunk.alerts.all(found.name)),
        **{f"action.{name}": True for name in actions},
    }
    return eai.to_entry(splunk, request, found, _PATH, extra)


@route("GET", "saved/eventtypes")
def list_eventtypes(splunk: Splunk, request: RestRequest) -> Feed:
    found = eai.visible(splunk, request, "eventtypes")
    entries = [eai.to_entry(splunk, request, each, "saved/eventtypes", {}) for each in found]
    return paged("eventtypes", entries, request)
