"""saved/searches/{name}: dispatch, history, suppress, acknowledge, scheduled_times.

Sources: "Search endpoints" in the REST API Reference; savedsearches.conf.spec, ``dispatchAs``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tools.splunkd_lite.access import User
from tools.splunkd_lite.alerting import acting_user
from tools.splunkd_lite.conf import ConfEntry, is_true
from tools.splunkd_lite.errors import SplunkdError
from tools.splunkd_lite.rest import eai
from tools.splunkd_lite.rest.atom import Entry, Feed
from tools.splunkd_lite.rest.jobs import job_entry, with_search
from tools.splunkd_lite.rest.paging import paged
from tools.splunkd_lite.rest.request import RestRequest, RestResponse, whole
from tools.splunkd_lite.rest.router import route
from tools.splunkd_lite.rest.saved import get_search
from tools.splunkd_lite.runners.alert_condition import Throttle, manual_key
from tools.splunkd_lite.runners.saved_search import SavedSearch
from tools.splunkd_lite.timerange import parse_time

if TYPE_CHECKING:
    from tools.splunkd_lite.core import Splunk

_PATH = "saved/searches"
_CONF = "savedsearches"


@route("POST GET", _PATH + "/{name}/dispatch")
def dispatch(splunk: Splunk, request: RestRequest) -> RestResponse:
    """Run it now. ``dispatch.*`` overrides its settings, ``args.x`` fills ``$args.x$``.

    With ``trigger_actions`` it alerts at its end as a scheduled run does: condition, throttling,
    fired alert and actions. The manual says no more than that the actions are triggered.

    Raises:
        SplunkdError: 400, the search does not parse.
    """
    found = eai.readable(splunk, request, _CONF, request.vars["name"])
    overrides = {k: v for k, v in request.params if k.startswith("dispatch.")}
    settings = {**found.settings, **overrides}
    spl = with_search(_fill(settings.get("search", ""), request))
    user = _runs_as(splunk, request, found)
    job = splunk.jobs.dispatch(
        spl,
        user,
        found.acl.app,
        settings.get("dispatch.earliest_time"),
        settings.get("dispatch.latest_time"),
        saved_search=found.name,
        owner=request.who.name,
        exec_mode="normal",
        scheduled=False,
        now=parse_time(overrides.get("dispatch.now"), splunk.clock.now()),
        max_count=whole(settings.get("dispatch.max_count") or 500_000, "dispatch.max_count"),
    )
    if is_true(request.param("trigger_actions", "0")):
        search = SavedSearch(found.name, found.acl.app, found.acl.owner or "nobody", settings)
        splunk.services.dispatched.follow(search, job, user.name)
    if request.json_wanted:
        return RestResponse.of_json({"sid": job.sid}, 201)
    return RestResponse.of_xml(f"<response>\n  <sid>{job.sid}</sid>\n</response>\n", 201)


def _runs_as(splunk: Splunk, request: RestRequest, found: ConfEntry) -> User:
    """``dispatchAs``: a shared search runs with its owner's rights, unless it says ``user``.

    Raises:
        SplunkdError: 400, ``dispatchAs`` is neither; 404, the owner's account is gone.
    """
    way = (found.settings.get("dispatchAs") or "owner").strip().lower()
    if way not in ("owner", "user"):
        raise SplunkdError(400, f"Invalid dispatchAs '{way}' of '{found.name}': owner or user.")
    limit = splunk.conf.get("limits", "search", "force_saved_search_dispatch_as_user") or "0"
    if way == "user" or found.acl.sharing == "user" or is_true(limit):
        return request.who
    return splunk.access.user(acting_user(found.acl.owner or "nobody"))


@route("GET", _PATH + "/{name}/history")
def history(splunk: Splunk, request: RestRequest) -> Feed:
    """Jobs of this saved search that have not expired, newest first."""
    found = eai.readable(splunk, request, _CONF, request.vars["name"])
    jobs = splunk.jobs.all(found.name, found.acl.app)
    entries = [job_entry(splunk, request, job) for job in jobs]
    feed = paged("history", entries, request, in_order=True)
    for entry in feed.entries:
        entry.name = entry.content["sid"]
    return feed


@route("GET", _PATH + "/{name}/suppress")
def get_suppress(splunk: Splunk, request: RestRequest) -> Feed:
    """Whether the alert is silent and for how many seconds; ``key`` asks of one key only."""
    found = eai.readable(splunk, request, _CONF, request.vars["name"])
    shelf, key = _suppressed(splunk), request.param("key")
    if key:
        until = Throttle(shelf).until(_search(found), key)
    else:
        until = max([float(shelf.get(each, 0.0)) for each in _keys(splunk, found)], default=0.0)
    left = max(0, round(until - splunk.clock.now()))
    content = {"suppressed": left > 0, "expiration": left}
    return Feed("suppress", [Entry(found.name, content, found.acl, _PATH)])


@route("POST", _PATH + "/{name}/suppress")
def set_suppress(splunk: Splunk, request: RestRequest) -> Feed:
    """``expiration`` is a number of seconds; 0 lifts the suppression.

    It silences the alert as its own throttling does; with ``key``, of that key's results only.
    """
    found = eai.readable(splunk, request, _CONF, request.vars["name"])
    splunk.access.require(request.who, "write", found.acl, found.name)
    seconds, key = _seconds(request.param("expiration")), request.param("key")
    if key and seconds:
        until = splunk.clock.now() + seconds
        Throttle(_suppressed(splunk)).silence(_search(found), key, until)
    elif seconds:
        name = manual_key(found.acl.app, found.name)
        _suppressed(splunk).set(name, splunk.clock.now() + seconds)
    else:
        _lift(splunk, found, key)
    return get_suppress(splunk, request)


@route("POST", _PATH + "/{name}/acknowledge")
def acknowledge(splunk: Splunk, request: RestRequest) -> Feed:
    """Lift the suppression of an alert, so that it may fire again.

    ``key`` is one suppression key of an alert that throttles by fields: the field's value, such as
    the host, or several values with commas. The others stay silent.
    """
    found = eai.readable(splunk, request, _CONF, request.vars["name"])
    splunk.access.require(request.who, "write", found.acl, found.name)
    _lift(splunk, found, request.param("key"))
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


def _search(found: ConfEntry) -> SavedSearch:
    return SavedSearch(found.name, found.acl.app, found.acl.owner or "nobody", found.settings)


def _keys(splunk: Splunk, found: ConfEntry) -> list[str]:
    """Where silences of that search are kept: asked for, and of its own throttling."""
    search = _search(found)
    group = search.text("alert.suppress.group_name")
    scope = f"group;{group}" if group else search.id
    own = [key for key in _suppressed(splunk).keys(scope) if key[len(scope) :][:1] in ("", ";")]
    return [manual_key(found.acl.app, found.name), *own]


def _lift(splunk: Splunk, found: ConfEntry, key: str) -> None:
    if key:
        Throttle(_suppressed(splunk)).lift(_search(found), key)
        return
    for each in _keys(splunk, found):
        _suppressed(splunk).delete(each)


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
