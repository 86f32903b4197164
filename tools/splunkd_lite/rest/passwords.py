"""storage/passwords.

Source: "Access endpoint descriptions" in the REST API Reference; authorize.conf:
``list_storage_passwords`` lets a role read secrets, ``edit_storage_passwords`` change them;
``admin_all_objects`` implies both. The first needs read access to the credential besides, the
second write access ("Manage credentials used by apps and data inputs" in the Splunk Cloud Platform
manual).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.splunkd_lite.passwords import Credential
from tools.splunkd_lite.rest.atom import Entry, Feed
from tools.splunkd_lite.rest.paging import paged
from tools.splunkd_lite.rest.permission import require_any
from tools.splunkd_lite.rest.request import RestRequest
from tools.splunkd_lite.rest.router import route

if TYPE_CHECKING:
    from tools.splunkd_lite.core import Splunk


@route("GET", "storage/passwords")
def list_passwords(splunk: Splunk, request: RestRequest) -> Feed:
    _reader(request)
    return _listed(splunk, request)


@route("GET", "storage/passwords/{name}")
def get_password(splunk: Splunk, request: RestRequest) -> Feed:
    _reader(request)
    return Feed("passwords", [_entry(_allowed(splunk, request, "read"))])


@route("POST", "storage/passwords")
def create_password(splunk: Splunk, request: RestRequest) -> Feed:
    _writer(request)
    created = splunk.passwords.create(
        request.param("name"),
        request.param("password"),
        request.param("realm"),
        request.write_app,
        request.write_owner,
    )
    return Feed("passwords", [_told_back(created)], status=201)


@route("POST", "storage/passwords/{name}")
def update_password(splunk: Splunk, request: RestRequest) -> Feed:
    _writer(request)
    _allowed(splunk, request, "write")
    changed = splunk.passwords.update(
        request.vars["name"],
        request.param("password"),
        request.context_app,
        request.context_owner,
    )
    return Feed("passwords", [_entry(changed)])


@route("DELETE", "storage/passwords/{name}")
def delete_password(splunk: Splunk, request: RestRequest) -> Feed:
    _writer(request)
    _allowed(splunk, request, "write")
    splunk.passwords.delete(request.vars["name"], request.context_app, request.context_owner)
    return _listed(splunk, request)


def _listed(splunk: Splunk, request: RestRequest) -> Feed:
    found = splunk.passwords.list(request.context_app, request.context_owner)
    seen = [each for each in found if splunk.access.may(request.who, "read", each.acl)]
    return paged("passwords", [_entry(each) for each in seen], request)


def _allowed(splunk: Splunk, request: RestRequest, verb: str) -> Credential:
    name = request.vars["name"]
    found = splunk.passwords.get(name, request.context_app, request.context_owner)
    splunk.access.require(request.who, verb, found.acl, name)
    return found


def _reader(request: RestRequest) -> None:
    require_any(request, "list_storage_passwords", "admin_all_objects")


def _writer(request: RestRequest) -> None:
    require_any(request, "edit_storage_passwords", "admin_all_objects")


def _told_back(credential: Credential) -> Entry:
    """Not the secret: StoragePasswordsIntegrationTests in panoramicdata/Splunk.Api."""
    entry = _entry(credential)
    del entry.content["clear_password"]
    return entry


def _entry(credential: Credential) -> Entry:
    content = {
        "clear_password": credential.clear,
        "encr_password": credential.encrypted,
        "password": "********",
        "realm": credential.realm or None,
        "username": credential.username,
    }
    return Entry(credential.name, content, credential.acl, "storage/passwords")
