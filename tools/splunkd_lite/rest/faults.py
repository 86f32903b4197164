"""splunkd_lite/kvstore: switches faults of the KV store on and off. Splunk has no such endpoint.

    GET  /services/splunkd_lite/kvstore
    POST /services/splunkd_lite/kvstore   unavailable, read_only: 0 or 1; delay_seconds;
                                          lag_seconds; lose_primary_seconds

It is for people and for tests of the stand-in. An app must never use it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tools.splunkd_lite.conf import is_true
from tools.splunkd_lite.errors import SplunkdError
from tools.splunkd_lite.kvfaults import MAX_DELAY_SECONDS
from tools.splunkd_lite.metadata import Acl
from tools.splunkd_lite.rest.atom import Entry, Feed
from tools.splunkd_lite.rest.eai import settings_of
from tools.splunkd_lite.rest.request import RestRequest
from tools.splunkd_lite.rest.router import route

if TYPE_CHECKING:
    from tools.splunkd_lite.core import Splunk

_PATH = "splunkd_lite/kvstore"
_SWITCHES = ("unavailable", "read_only")
_SECONDS = ("delay_seconds", "lag_seconds", "lose_primary_seconds")


@route("GET", _PATH, capability="admin_all_objects")
def show(splunk: Splunk, request: RestRequest) -> Feed:
    content = {**splunk.kv.faults.settings(), "status": splunk.kv.faults.status}
    return Feed("kvstore", [Entry("kvstore", content, Acl("system"), _PATH)])


@route("POST", _PATH, capability="admin_all_objects")
def switch(splunk: Splunk, request: RestRequest) -> Feed:
    """In a cluster all members follow, at their next heartbeat.

    Raises:
        SplunkdError: 400, an unknown switch or a bad number of seconds.
    """
    settings = splunk.kv.faults.settings()
    for key, value in settings_of(request).items():
        if key in _SWITCHES:
            settings[key] = is_true(value)
        elif key in ("delay_seconds", "lag_seconds"):
            settings[key] = _seconds(key, value, MAX_DELAY_SECONDS)
        elif key == "lose_primary_seconds":
            settings["primary_lost_until"] = time.time() + _seconds(key, value, 3600.0)
        else:
            known = ", ".join((*_SWITCHES, *_SECONDS))
            raise SplunkdError(400, f"There is no switch '{key}': use {known}.")
    if splunk.cluster is not None:
        splunk.cluster.set_faults(settings)
    else:
        splunk.kv.faults.set(settings)
    return show(splunk, request)


def _seconds(key: str, text: str, most: float) -> float:
    try:
        seconds = float(text)
    except ValueError as error:
        raise SplunkdError(400, f"The value '{text}' of {key} is not a number.") from error
    if not 0 <= seconds <= most:
        raise SplunkdError(400, f"{key} must lie between 0 and {most:g}.")
    return seconds
