"""server/logger: how much each part of splunkd writes into splunkd.log.

Source: "System endpoints" in the REST API Reference: levels FATAL to DEBUG; a level lasts until the
next start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.splunkd_lite.errors import SplunkdError, not_found
from tools.splunkd_lite.metadata import Acl
from tools.splunkd_lite.rest.atom import Entry, Feed
from tools.splunkd_lite.rest.paging import paged
from tools.splunkd_lite.rest.request import RestRequest
from tools.splunkd_lite.rest.router import route

if TYPE_CHECKING:
    from tools.splunkd_lite.core import Splunk

_PATH = "server/logger"
_SYSTEM = Acl("system", "system", "system")
_LEVELS = ("FATAL", "CRIT", "ERROR", "WARN", "INFO", "DEBUG")
_NAMES = (
    "ChunkedExternProcessor", "DiskMon", "ExecProcessor", "HttpInputDataHandler", "HttpListener",
    "IndexProcessor", "ModularInputs", "PersistentScript", "SavedSplunker", "SearchProcess",
    "ServerConfig", "TailReader", "sendmodalert",
)  # fmt: skip


@route("GET", _PATH)
def list_loggers(splunk: Splunk, request: RestRequest) -> Feed:
    return paged("logger", [_entry(splunk, name) for name in _NAMES], request)


@route("GET", _PATH + "/{name}")
def get_logger(splunk: Splunk, request: RestRequest) -> Feed:
    if request.vars["name"] not in _NAMES:
        raise not_found(request.vars["name"])
    return Feed("logger", [_entry(splunk, request.vars["name"])])


@route("POST", _PATH + "/{name}", capability="edit_server")
def set_level(splunk: Splunk, request: RestRequest) -> Feed:
    """Raises: SplunkdError: 400, there is no such level; 404, no such logger."""
    get_logger(splunk, request)
    level = request.param("level").upper()
    if level not in _LEVELS:
        raise SplunkdError(400, f"Invalid level '{level}': give one of {', '.join(_LEVELS)}.")
    splunk.log_levels[request.vars["name"]] = level
    return get_logger(splunk, request)


def _entry(splunk: Splunk, name: str) -> Entry:
    content = {"level": splunk.log_levels.get(name, "INFO")}
    return Entry(name, content, _SYSTEM, _PATH, ("list", "edit"))
