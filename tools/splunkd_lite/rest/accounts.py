"""auth/*, authentication/* and authorization/*.

Source: "Access endpoint descriptions" in the REST API Reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.splunkd_lite.access import User
from tools.splunkd_lite.errors import SplunkdError, not_found
from tools.splunkd_lite.metadata import Acl
from tools.splunkd_lite.rest.atom import Entry, Feed, xml_text
from tools.splunkd_lite.rest.paging import paged
from tools.splunkd_lite.rest.permission import require
from tools.splunkd_lite.rest.request import RestRequest, RestResponse
from tools.splunkd_lite.rest.router import route
from tools.splunkd_lite.roles import Role

if TYPE_CHECKING:
    from tools.splunkd_lite.core import Splunk

_SYSTEM = Acl("system", "system", "system")


@route("POST", "auth/login", public=True)
def login(splunk: Splunk, request: RestRequest) -> RestResponse:
    token = splunk.access.authenticate(request.param("username"), request.param("password"))
    if request.json_wanted:
        answer = RestResponse.of_json({"sessionKey": token, "message": "", "code": ""})
    else:
        text = f"<response>\n  <sessionKey>{xml_text(token)}</sessionKey>\n</response>\n"
        answer = RestResponse.of_xml(text)
    if request.param("cookie") == "1":
        secure = "; Secure" if splunk.options.https else ""
        cookie = f"splunkd_{splunk.mgmt_port}={token}; Path=/; HttpOnly{secure}"
        answer.headers.append(("Set-Cookie", cookie))
    return answer


@route("GET", "authentication/current-context")
@route("GET", "authentication/current-context/context")
def current_context(splunk: Splunk, request: RestRequest) -> Feed:
    entry = _user_entry(request.who, "authentication/current-context")
    entry.content["username"] = request.who.name
    entry.name = "context"
    return Feed("current-context", [entry])


@route("GET", "authentication/users")
def list_users(splunk: Splunk, request: RestRequest) -> Feed:
    everyone = request.who.can("list_all_users") or request.who.can("edit_user")
    users = splunk.access.users() if everyone else [request.who]
    return paged("users", [_user_entry(user) for user in users], request)


@route("GET", "authentication/users/{name}")
def get_user(splunk: Splunk, request: RestRequest) -> Feed:
    name = request.vars["name"]
    if name != request.who.name:
        require(request, "edit_user")
    return Feed("users", [_user_entry(splunk.access.user(name))])


@route("POST", "authentication/users", capability="edit_user")
def create_user(splunk: Splunk, request: RestRequest) -> Feed:
    user = splunk.access.create_user(
        request.param("name"),
        request.param("password"),
        request.param_list("roles"),
        request.param("realname"),
        request.param("email"),
    )
    return Feed("users", [_user_entry(user)], status=201)


@route("POST", "authentication/users/{name}")
def update_user(splunk: Splunk, request: RestRequest) -> Feed:
    name = request.vars["name"]
    own_password = name == request.who.name and not request.has("roles")
    require(request, "change_own_password" if own_password else "edit_user")
    user = splunk.access.update_user(
        name,
        request.param("password") if request.has("password") else None,
        request.param_list("roles") if request.has("roles") else None,
        request.param("realname") if request.has("realname") else None,
        request.param("email") if request.has("email") else None,
    )
    return Feed("users", [_user_entry(user)])


@route("DELETE", "authentication/users/{name}", capability="edit_user")
def delete_user(splunk: Splunk, request: RestRequest) -> Feed:
    splunk.access.delete_user(request.vars["name"])
    return list_users(splunk, request)


@route("GET", "authorization/capabilities")
def list_capabilities(splunk: Splunk, request: RestRequest) -> Feed:
    content = {"capabilities": splunk.access.capabilities()}
    return Feed(
        "capabilities", [Entry("capabilities", content, _SYSTEM, "authorization/capabilities")]
    )


@route("GET", "authorization/roles")
def list_roles(splunk: Splunk, request: RestRequest) -> Feed:
    roles = splunk.access.roles().values()
    return paged("roles", [_role_entry(role) for role in roles], request)


@route("GET", "authorization/roles/{name}")
def get_role(splunk: Splunk, request: RestRequest) -> Feed:
    return Feed("roles", [_role_entry(_role(splunk, request.vars["name"]))])


@route("POST", "authorization/roles", capability="edit_roles")
def create_role(splunk: Splunk, request: RestRequest) -> Feed:
    name = request.param("name").lower()
    if name in splunk.access.roles():
        raise SplunkdError(409, f"Role with name={name} already exists")
    if not name or not name.replace("_", "").replace("-", "").isalnum():
        raise SplunkdError(400, f"The role name '{name}' is not allowed.")
    settings = _role_settings(splunk, request, None)
    splunk.conf.write("authorize", f"role_{name}", settings, "system", create=True)
    return Feed("roles", [_role_entry(_role(splunk, name))], status=201)


@route("POST", "authorization/roles/{name}", capability="edit_roles")
def update_role(splunk: Splunk, request: RestRequest) -> Feed:
    role = _role(splunk, request.vars["name"])
    settings = _role_settings(splunk, request, role)
    splunk.conf.write("authorize", f"role_{role.name}", settings, "system", create=False)
    return get_role(splunk, request)


@route("DELETE", "authorization/roles/{name}", capability="edit_roles")
def delete_role(splunk: Splunk, request: RestRequest) -> Feed:
    role = _role(splunk, request.vars["name"])
    splunk.conf.delete("authorize", f"role_{role.name}", "system")
    return list_roles(splunk, request)


def _role(splunk: Splunk, name: str) -> Role:
    role = splunk.access.roles().get(name.lower())
    if role is None:
        raise not_found(name)
    return role


def _role_settings(splunk: Splunk, request: RestRequest, role: Role | None) -> dict[str, str]:
    """The lines to write. ``capabilities`` replaces the role's own ones as a whole."""
    settings = {}
    known = set(splunk.access.capabilities())
    if request.has("capabilities"):
        wanted = [name for name in request.param_list("capabilities") if name]
        unknown = [name for name in wanted if name not in known]
        if unknown:
            raise SplunkdError(400, f"Unknown capability: {', '.join(unknown)}")
        settings = dict.fromkeys(role.own_capabilities if role else (), "disabled")
        settings.update(dict.fromkeys(wanted, "enabled"))
    for parameter, key in (("imported_roles", "importRoles"), *((n, n) for n in _LISTS)):
        if request.has(parameter):
            settings[key] = ";".join(value for value in request.param_list(parameter) if value)
    for key in ("srchFilter", "srchJobsQuota", "srchDiskQuota", "srchTimeWin", "defaultApp"):
        if request.has(key):
            settings[key] = request.param(key)
    return settings


_LISTS = ("srchIndexesAllowed", "srchIndexesDefault")


def _user_entry(user: User, path: str = "authentication/users") -> Entry:
    content = {
        "capabilities": sorted(user.capabilities),
        "defaultApp": "search",
        "defaultAppIsUserOverride": False,
        "defaultAppSourceRole": "system",
        "email": user.email,
        "password": "********",
        "realname": user.realname,
        "restart_background_jobs": True,
        "roles": list(user.roles),
        "type": "Splunk",
        "tz": "",
    }
    return Entry(user.name, content, _SYSTEM, path)


def _role_entry(role: Role) -> Entry:
    content = {
        "capabilities": sorted(role.own_capabilities),
        "imported_capabilities": sorted(role.capabilities - role.own_capabilities),
        "imported_roles": list(role.imported),
        "srchIndexesAllowed": _own(role, "srchIndexesAllowed"),
        "srchIndexesDefault": _own(role, "srchIndexesDefault"),
        "srchFilter": role.settings.get("srchFilter", ""),
        "srchJobsQuota": role.settings.get("srchJobsQuota", "3"),
        "defaultApp": role.settings.get("defaultApp", ""),
    }
    return Entry(role.name, content, _SYSTEM, "authorization/roles")


def _own(role: Role, key: str) -> list[str]:
    return [part for part in role.settings.get(key, "").split(";") if part]
