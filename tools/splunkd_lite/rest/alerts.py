"""alerts/fired_alerts.

Source: "Search endpoint descriptions" in the REST API Reference: the list groups firings by saved
search, ``-`` stands for all of them.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tools.splunkd_lite.alerts import FiredAlert
from tools.splunkd_lite.errors import not_found
from tools.splunkd_lite.metadata import Acl
from tools.splunkd_lite.rest.atom import Entry, Feed
from tools.splunkd_lite.rest.paging import paged
from tools.splunkd_lite.rest.request import RestRequest
from tools.splunkd_lite.rest.router import route

if TYPE_CHECKING:
    from tools.splunkd_lite.core import Splunk

_PATH = "alerts/fired_alerts"


@route("GET", _PATH)
def list_groups(splunk: Splunk, request: RestRequest) -> Feed:
    fired = _visible(splunk, request)
    counts = Counter(each.saved_search for each in fired)
    entries = [Entry("-", {"triggered_alert_count": len(fired)}, Acl("system"), _PATH)]
    for name, count in sorted(counts.items()):
        first = next(each for each in fired if each.saved_search == name)
        content = {"triggered_alert_count": count}
        entries.append(Entry(name, content, Acl(first.app, first.owner), _PATH))
    return paged("alerts", entries, request)


@route("GET", _PATH + "/{name}")
def list_firings(splunk: Splunk, request: RestRequest) -> Feed:
    name = request.vars["name"]
    fired = [e for e in _visible(splunk, request) if name in ("-", e.saved_search)]
    if not fired and name != "-":
        splunk.conf.entry("savedsearches", name, request.context_app, request.context_owner)
    return paged(name, [_entry(each) for each in fired], request)


@route("DELETE", _PATH + "/{name}")
def delete_firing(splunk: Splunk, request: RestRequest) -> Feed:
    """Only who may change the saved search may remove its alerts (unverified)."""
    name = request.vars["name"]
    fired = next((each for each in _visible(splunk, request) if each.id == name), None)
    if fired is None:
        raise not_found(name)
    acl = splunk.conf.metadata.acl(fired.app, "savedsearches", fired.saved_search)
    splunk.access.require(request.who, "write", acl, fired.saved_search)
    splunk.alerts.delete(name)
    return list_groups(splunk, request)


def _visible(splunk: Splunk, request: RestRequest) -> list[FiredAlert]:
    """Firings in the namespace, of searches that the caller may read."""
    app = request.context_app if request.app else "-"
    found = []
    for each in splunk.alerts.all():
        acl = splunk.conf.metadata.acl(each.app, "savedsearches", each.saved_search)
        if app in ("-", each.app) and splunk.access.may(request.who, "read", acl):
            found.append(each)
    return found


def _entry(fired: FiredAlert) -> Entry:
    content = {
        "actions": fired.actions,
        "alert_type": fired.alert_type,
        "digest_mode": fired.digest_mode,
        "expiration_time_rendered": "",
        "savedsearch_name": fired.saved_search,
        "severity": fired.severity,
        "sid": fired.sid,
        "trigger_time": int(fired.trigger_time),
        "triggered_alerts": fired.triggered_alerts,
    }
    acl = Acl(fired.app, fired.owner)
    return Entry(fired.id, content, acl, _PATH, updated=fired.trigger_time)
