"""server/*, messages.

Source: "System endpoint descriptions" and "Introspection endpoint descriptions" in the REST API
Reference.
"""

from __future__ import annotations

import platform
import re
from typing import TYPE_CHECKING

from tools.splunkd_lite.errors import SplunkdError, not_found
from tools.splunkd_lite.messages import Message
from tools.splunkd_lite.metadata import Acl
from tools.splunkd_lite.rest.atom import Entry, Feed
from tools.splunkd_lite.rest.paging import paged
from tools.splunkd_lite.rest.permission import require_any
from tools.splunkd_lite.rest.request import RestRequest
from tools.splunkd_lite.rest.router import route

if TYPE_CHECKING:
    from tools.splunkd_lite.core import Splunk

_SYSTEM = Acl("system", "system", "system")


@route("GET", "server/info", public=True)
@route("GET", "server/info/server-info", public=True)
def info(splunk: Splunk, request: RestRequest) -> Feed:
    from tools.splunkd_lite.version import BUILD, VERSION

    content = {
        "activeLicenseGroup": "Trial",
        "build": BUILD,
        "cpu_arch": platform.machine(),
        "guid": splunk.guid,
        "host": splunk.server_name,
        "host_fqdn": splunk.server_name,
        "instance_type": "download",
        "isFree": False,
        "isTrial": True,
        "kvStoreStatus": splunk.kv.faults.status,
        "licenseState": "OK",
        "mode": "normal",
        "numberOfCores": 2,
        "os_name": platform.system(),
        "os_version": platform.release(),
        "product_type": "enterprise",
        "rtsearch_enabled": False,
        "serverName": splunk.server_name,
        "server_roles": _roles(splunk),
        "startup_time": int(splunk.started_at),
        "version": VERSION,
    }
    return Feed("server-info", [Entry("server-info", content, _SYSTEM, "server/info")])


@route("GET", "server/settings")
@route("GET", "server/settings/settings")
def settings(splunk: Splunk, request: RestRequest) -> Feed:
    content = {
        "SPLUNK_HOME": str(splunk.home),
        "SPLUNK_DB": str(splunk.home / "var/lib/splunk"),
        "enableSplunkWebSSL": False,
        "host": splunk.server_name,
        "httpport": splunk.web_port,
        "kvStoreDisabled": False,
        "mgmtHostPort": splunk.mgmt_port,
        "serverName": splunk.server_name,
        "sessionTimeout": splunk.conf.get("server", "general", "sessionTimeout", "1h"),
        "startwebserver": True,
    }
    return Feed("settings", [Entry("settings", content, _SYSTEM, "server/settings")])


@route("POST", "server/settings/settings", capability="edit_server")
def change_settings(splunk: Splunk, request: RestRequest) -> Feed:
    """``sessionTimeout`` alone can be changed here; the others are options of ``serve``.

    Raises:
        SplunkdError: 400, another setting, or no period such as 1h.
    """
    for name, value in request.params:
        if name == "output_mode":
            continue
        if name != "sessionTimeout":
            raise SplunkdError(400, f"The setting '{name}' cannot be changed over REST here.")
        if re.fullmatch(r"\d+\s*[smhd]?", value) is None:
            raise SplunkdError(400, f"Invalid sessionTimeout '{value}': give 3600, 60m or 1h.")
        splunk.conf.write("server", "general", {name: value}, "system", create=False)
    return settings(splunk, request)


@route("GET", "server/roles")
def roles(splunk: Splunk, request: RestRequest) -> Feed:
    content = {"role_list": _roles(splunk)}
    return Feed("roles", [Entry("result", content, _SYSTEM, "server/roles")])


def _roles(splunk: Splunk) -> list[str]:
    if splunk.cluster is None:
        return ["indexer", "search_head", "kv_store"]
    captain = ["shc_captain"] if splunk.cluster.membership.is_captain else []
    return ["search_head", "kv_store", *captain, "shc_member"]


@route("GET", "kvstore/status")
def kvstore_status(splunk: Splunk, request: RestRequest) -> Feed:
    captain = splunk.cluster is None or splunk.cluster.membership.is_captain
    current = {
        "guid": splunk.guid,
        "replicationStatus": "KV store captain" if captain else "Non-captain KV store member",
        "standalone": splunk.cluster is None,
        "status": splunk.kv.faults.status,
    }
    content = {"current": current}
    return Feed("status", [Entry("status", content, _SYSTEM, "kvstore/status")])


@route("GET", "messages")
def list_messages(splunk: Splunk, request: RestRequest) -> Feed:
    shown = [each for each in splunk.messages.all() if each.is_for(request.who)]
    return paged("messages", [_entry(each) for each in shown], request)


@route("GET", "messages/{name}")
def get_message(splunk: Splunk, request: RestRequest) -> Feed:
    message = splunk.messages.get(request.vars["name"])
    if not message.is_for(request.who):
        raise not_found(message.name)
    return Feed("messages", [_entry(message)])


@route("POST", "messages")
def post_message(splunk: Splunk, request: RestRequest) -> Feed:
    require_any(request, "edit_messages", "admin_all_objects")
    name, value = request.param("name"), request.param("value")
    if not name or not value:
        raise SplunkdError(400, "The arguments name and value are required.")
    message = splunk.messages.post(
        name,
        request.param("severity", "info"),
        value,
        [each for each in request.param_list("capability") if each],
        [each for each in request.param_list("role") if each],
    )
    return Feed("messages", [_entry(message)], status=201)


@route("DELETE", "messages/{name}")
def delete_message(splunk: Splunk, request: RestRequest) -> Feed:
    require_any(request, "delete_messages", "admin_all_objects")
    splunk.messages.delete(request.vars["name"])
    return list_messages(splunk, request)


def _entry(message: Message) -> Entry:
    content = {
        message.name: message.text,
        "message": message.text,
        "message_alternate": "",
        "server": "",
        "severity": message.severity,
        "timeCreated_epochSecs": int(message.time),
    }
    return Entry(message.name, content, _SYSTEM, "messages", updated=message.time)
