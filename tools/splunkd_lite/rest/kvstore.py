"""storage/collections/config and storage/collections/data.

Source: "KV store endpoint descriptions" in the REST API Reference.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tools.splunkd_lite.conf import ANY, NOBODY, ConfEntry, is_true
from tools.splunkd_lite.errors import SplunkdError
from tools.splunkd_lite.kvquery import checked_query, parse_query
from tools.splunkd_lite.kvstore import CollectionId
from tools.splunkd_lite.rest import eai
from tools.splunkd_lite.rest.atom import Entry, Feed
from tools.splunkd_lite.rest.paging import paged
from tools.splunkd_lite.rest.request import RestRequest, RestResponse, whole
from tools.splunkd_lite.rest.router import route

if TYPE_CHECKING:
    from tools.splunkd_lite.core import Splunk

_CONFIG = "storage/collections/config"
_DATA = "storage/collections/data"

# Collections


@route("GET", _CONFIG)
def list_collections(splunk: Splunk, request: RestRequest) -> Feed:
    found = eai.visible(splunk, request, "collections")
    return paged("collections-conf", [_entry(splunk, request, each) for each in found], request)


@route("GET", _CONFIG + "/{name}")
def get_collection(splunk: Splunk, request: RestRequest) -> Feed:
    found = eai.readable(splunk, request, "collections", request.vars["name"])
    return Feed("collections-conf", [_entry(splunk, request, found)])


@route("POST", _CONFIG)
def create_collection(splunk: Splunk, request: RestRequest) -> Feed:
    """Collections are shared in their app: there are no private ones."""
    request.owner = NOBODY
    name = request.param("name")
    if not name.replace("_", "").replace("-", "").replace(".", "").isalnum():
        raise SplunkdError(400, f"The collection name '{name}' is not allowed.")
    made = eai.create(splunk, request, "collections", name, _settings(request))
    return Feed("collections-conf", [_entry(splunk, request, made)], status=201)


@route("POST", _CONFIG + "/{name}")
def update_collection(splunk: Splunk, request: RestRequest) -> Feed:
    settings = _settings(request)
    changed = eai.update(splunk, request, "collections", request.vars["name"], settings)
    return Feed("collections-conf", [_entry(splunk, request, changed)])


@route("DELETE", _CONFIG + "/{name}")
def delete_collection(splunk: Splunk, request: RestRequest) -> Feed:
    name = request.vars["name"]
    found = eai.readable(splunk, request, "collections", name)
    eai.remove(splunk, request, "collections", name)
    splunk.kv.drop(found.acl.app, name)
    return list_collections(splunk, request)


@route("POST", _CONFIG + "/{name}/acl")
def set_collection_acl(splunk: Splunk, request: RestRequest) -> Feed:
    changed = eai.change_acl(splunk, request, "collections", request.vars["name"])
    return Feed("collections-conf", [_entry(splunk, request, changed)])


# Documents


@route("GET", _DATA + "/{name}")
def query(splunk: Splunk, request: RestRequest) -> RestResponse:
    request.only("query", "sort", "skip", "limit", "fields", "shared")
    found = splunk.kv.find(
        _where(splunk, request, "read"),
        parse_query(request.param("query")),
        request.param("sort"),
        max(0, request.number("skip", 0)),
        max(0, request.number("limit", 0)),
        ",".join(request.param_list("fields")),
        is_true(request.param("shared", "0")),
    )
    return _cut(splunk, RestResponse.of_json(found), lambda: _within(splunk, found))


@route("POST", _DATA + "/{name}")
def insert(splunk: Splunk, request: RestRequest) -> RestResponse:
    where = _where(splunk, request, "write")
    key = splunk.kv.insert(where, _object(request.json()))
    return RestResponse.of_json({"_key": key}, 201)


@route("DELETE", _DATA + "/{name}")
def delete_matching(splunk: Splunk, request: RestRequest) -> RestResponse:
    """Delete what matches; without a query everything."""
    request.only("query")
    where = _where(splunk, request, "write")
    splunk.kv.delete_matching(where, parse_query(request.param("query")))
    return RestResponse(200, b"", "application/json; charset=utf-8")


@route("GET", _DATA + "/{name}/{key}")
def get(splunk: Splunk, request: RestRequest) -> RestResponse:
    where = _where(splunk, request, "read")
    return RestResponse.of_json(splunk.kv.get(where, request.vars["key"]))


@route("POST PUT", _DATA + "/{name}/{key}")
def replace(splunk: Splunk, request: RestRequest) -> RestResponse:
    where = _where(splunk, request, "write")
    key = splunk.kv.replace(where, request.vars["key"], _object(request.json()))
    return RestResponse.of_json({"_key": key})


@route("DELETE", _DATA + "/{name}/{key}")
def delete(splunk: Splunk, request: RestRequest) -> RestResponse:
    splunk.kv.delete(_where(splunk, request, "write"), request.vars["key"])
    return RestResponse(200, b"", "application/json; charset=utf-8")


@route("POST", _DATA + "/{name}/batch_save")
def batch_save(splunk: Splunk, request: RestRequest) -> RestResponse:
    where = _where(splunk, request, "write")
    documents = request.json()
    if not isinstance(documents, list):
        raise SplunkdError(400, "batch_save takes a JSON list of documents.")
    return RestResponse.of_json(splunk.kv.batch_save(where, documents))


@route("POST", _DATA + "/{name}/batch_find")
def batch_find(splunk: Splunk, request: RestRequest) -> RestResponse:
    where = _where(splunk, request, "read")
    searches = request.json()
    if not isinstance(searches, list) or not all(isinstance(s, dict) for s in searches):
        raise SplunkdError(400, "batch_find takes a JSON list of queries.")
    most = int(splunk.conf.get("limits", "kvstore", "max_queries_per_batch") or 1000)
    if len(searches) > most:
        raise SplunkdError(400, f"batch_find takes at most {most} queries.")
    found = [_find(splunk, where, search) for search in searches]
    return _cut(splunk, RestResponse.of_json(found), lambda: [_within(splunk, f) for f in found])


def _cut(splunk: Splunk, whole_answer: RestResponse, found: Callable[[], Any]) -> RestResponse:
    """The answer, or where it is too large for one what ``max_size_per_result_mb`` lets through."""
    if len(whole_answer.body) <= _most_bytes(splunk):
        return whole_answer
    return RestResponse.of_json(found())


def _within(splunk: Splunk, documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first documents of a query's result that fit ``max_size_per_result_mb``.

    limits.conf.spec, ``[kvstore]``: "the maximum size [...] of the result that will be returned
    for a single query to a collection". That the rest is dropped without a word, as beyond
    ``max_rows_per_query``, is not said; it is the harsher of the two readings.
    """
    left = _most_bytes(splunk)
    fitting = []
    for document in documents:
        left -= len(json.dumps(document, separators=(",", ":"))) + 1
        if left < 0:
            break
        fitting.append(document)
    return fitting


def _most_bytes(splunk: Splunk) -> float:
    return float(splunk.conf.get("limits", "kvstore", "max_size_per_result_mb") or 50) * 1024 * 1024


def _find(splunk: Splunk, where: CollectionId, search: dict[str, Any]) -> list[dict[str, Any]]:
    """One query of ``batch_find``; its ``fields`` is a list, its ``sort`` a list of objects.

    So does a client that was tried on a splunkd: KvStoreBatchQuery in panoramicdata/Splunk.Api.
    The texts that a GET takes are refused here.
    """
    unknown = set(search) - {"query", "sort", "skip", "limit", "fields"}
    if unknown:
        raise SplunkdError(400, f"A query of batch_find does not take {', '.join(unknown)}.")
    fields, sort = search.get("fields") or [], search.get("sort") or []
    if not isinstance(fields, list) or not all(isinstance(name, str) for name in fields):
        raise SplunkdError(400, "fields of a query of batch_find is a list of names.")
    if not isinstance(sort, list) or not all(isinstance(term, dict) for term in sort):
        raise SplunkdError(400, "sort of a query of batch_find is a list of objects.")
    return splunk.kv.find(
        where,
        checked_query(search.get("query") or {}),
        ",".join(f"{name}:{way}" for term in sort for name, way in term.items()),
        max(0, whole(search.get("skip") or 0, "skip")),
        max(0, whole(search.get("limit") or 0, "limit")),
        ",".join(fields),
    )


def _where(splunk: Splunk, request: RestRequest, verb: str) -> CollectionId:
    """The collection, after a check that the caller may read or write it.

    Raises:
        SplunkdError: 400, a wildcard namespace; 403; 404, no such collection.
    """
    app, owner = request.context_app, request.owner or NOBODY
    if app == ANY or owner == ANY:
        raise SplunkdError(400, "KV store data needs one app and one owner, not a wildcard.")
    where = splunk.kv.resolve(app, request.vars["name"], owner)
    acl = splunk.conf.metadata.acl(where.app, "collections", where.name)
    if owner == NOBODY:
        splunk.access.require(request.who, verb, acl, where.name)
    elif owner != request.who.name and not request.who.can("admin_all_objects"):
        raise SplunkdError(403, f"The documents of '{owner}' are not yours.")
    return where


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise SplunkdError(400, "A document must be a JSON object.")
    return value


def _settings(request: RestRequest) -> dict[str, str]:
    """The settings of collections.conf.

    Raises:
        SplunkdError: 400, an unknown one, or an acceleration that is not JSON.
    """
    settings = eai.settings_of(request)
    for key, value in settings.items():
        if key.startswith("accelerated_fields."):
            try:
                json.loads(value)
            except ValueError as error:
                raise SplunkdError(400, f"The value of {key} is not JSON: {error}") from error
        elif not key.startswith("field.") and key not in _KNOWN:
            raise SplunkdError(400, f"Argument '{key}' is not supported by this endpoint.")
    accelerated = sum(key.startswith("accelerated_fields.") for key in settings)
    if accelerated > _MAX_ACCELERATIONS:
        raise SplunkdError(400, f"A collection has at most {_MAX_ACCELERATIONS} accelerations.")
    return settings


_KNOWN = frozenset(
    [
        "disabled",
        "enforceTypes",
        "profilingEnabled",
        "profilingThresholdMs",
        "replicate",
        "replication_dump_strategy",
        "replication_dump_maximum_file_size",
        "type",
        "eai:appName",
        "eai:userName",
    ]
)
_MAX_ACCELERATIONS = 10


def _entry(splunk: Splunk, request: RestRequest, found: ConfEntry) -> Entry:
    defaults = {
        "enforceTypes": "false",
        "profilingEnabled": "false",
        "profilingThresholdMs": "1000",
        "replicate": "false",
        "type": "undefined",
    }
    extra = {key: value for key, value in defaults.items() if key not in found.settings}
    return eai.to_entry(splunk, request, found, _CONFIG, extra)
