"""Every endpoint of the management port, asked by a user of each role.

Sources: "Define roles with capabilities" in Securing Splunk and authorize.conf.spec for what each
endpoint's capability is; default.meta.spec for read and write access. What a role may do is written
here by hand, and a new endpoint without a line fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.core.conftest import APP, write_app
from tests.standin import ADMIN_PASSWORD, StandIn, start_standin
from tools.splunkd_lite.rest import app  # noqa: F401 - it registers the endpoints
from tools.splunkd_lite.rest.router import _ROUTES, Route

# Roles: one without any capability, Splunk's own, and one that may write in the app.
ALL = {"bare", "user", "power", "admin", "shop_manager"}
USERS = ALL - {"bare"}
POWER, WRITERS, ADMIN = {"power", "admin"}, {"admin", "shop_manager"}, {"admin"}

# Endpoint without its methods: who may read it, who may change it (POST, PUT, DELETE).
ALLOWED = {
    "auth/login": (None, ALL),
    "authentication/current-context/context": (ALL, None),
    "authentication/current-context": (ALL, None),
    "authentication/users": (ALL, ADMIN),
    "authentication/users/{name}": (ADMIN, ADMIN),
    "authorization/capabilities": (ALL, None),
    "authorization/roles": (ALL, ADMIN),
    "authorization/roles/{name}": (ALL, ADMIN),
    "alerts/fired_alerts": (ALL, None),
    "alerts/fired_alerts/{name}": (ALL, WRITERS),
    "apps/local": (ALL, ADMIN),
    "apps/local/{name}": (ALL, None),
    "apps/local/{name}/enable": (None, ADMIN),
    "apps/local/{name}/disable": (None, ADMIN),
    "apps/local/_reload": (ALL, ALL),
    "apps/local/{name}/_reload": (ALL, None),
    "shcluster/config/config": (ALL, None),
    "shcluster/config": (ALL, None),
    "shcluster/captain/info": (ADMIN, None),
    "shcluster/captain/members": (ADMIN, None),
    "shcluster/member/members": (ADMIN, None),
    "shcluster/member/info": (ADMIN, None),
    "configs/conf-{conf}": (ALL, WRITERS),
    "configs/conf-{conf}/_reload": (ALL, ALL),
    "configs/conf-{conf}/{name}": (ALL, WRITERS),
    "configs/conf-{conf}/{name}/enable": (None, WRITERS),
    "configs/conf-{conf}/{name}/disable": (None, WRITERS),
    "configs/conf-{conf}/{name}/acl": (ALL, WRITERS),
    "properties": (ALL, WRITERS),
    "properties/{conf}": (ALL, None),
    "properties/{conf}/{name}": (ALL, WRITERS),
    "properties/{conf}/{name}/{key}": (ALL, None),
    "data/inputs/monitor/_new": (ALL, None),
    "saved/eventtypes/_new": (ALL, None),
    "saved/searches/_new": (ALL, None),
    "data/indexes": (ALL, ADMIN),
    "data/indexes/{name}": (ALL, ADMIN),
    "data/indexes/{name}/enable": (None, ADMIN),
    "data/indexes/{name}/disable": (None, ADMIN),
    "data/modular-inputs": (ALL, None),
    "data/modular-inputs/{name}": (ALL, None),
    "data/inputs": (ALL, None),
    "data/inputs/{kind}": (ALL, ADMIN),
    "data/inputs/{kind}/_reload": (ALL, ALL),
    "data/inputs/{kind}/{name}": (ALL, ADMIN),
    "data/inputs/{kind}/{name}/enable": (None, ADMIN),
    "data/inputs/{kind}/{name}/disable": (None, ADMIN),
    "data/ui/views/{name}": (ALL, None),
    "data/ui/times": (ALL, None),
    "saved/eventtypes": (ALL, WRITERS),
    "saved/eventtypes/{name}": (ALL, WRITERS),
    "saved/eventtypes/{name}/acl": (ALL, WRITERS),
    "saved/eventtypes/{name}/enable": (None, WRITERS),
    "saved/eventtypes/{name}/disable": (None, WRITERS),
    "splunkd_lite/kvstore": (ADMIN, ADMIN),
    "storage/collections/config": (ALL, WRITERS),
    "storage/collections/config/{name}": (ALL, WRITERS),
    "storage/collections/config/{name}/acl": (None, WRITERS),
    "storage/collections/data/{name}": (ALL, WRITERS),
    "storage/collections/data/{name}/{key}": (ALL, WRITERS),
    "storage/collections/data/{name}/batch_save": (None, WRITERS),
    "storage/collections/data/{name}/batch_find": (None, ALL),
    "server/logger": (ALL, None),
    "server/logger/{name}": (ALL, ADMIN),
    "storage/passwords": (ADMIN, ADMIN),
    "storage/passwords/{name}": (ADMIN, ADMIN),
    "receivers/simple": (None, ADMIN),
    "receivers/stream": (None, ADMIN),
    "saved/searches": (ALL, WRITERS),
    "saved/searches/{name}": (ALL, WRITERS),
    "saved/searches/{name}/_reload": (ALL, ALL),
    "saved/searches/_reload": (ALL, ALL),
    "saved/searches/{name}/enable": (None, WRITERS),
    "saved/searches/{name}/disable": (None, WRITERS),
    "saved/searches/{name}/acl": (ALL, WRITERS),
    # It runs with the rights of its owner, who in this walk is nobody: anybody who may read it.
    "saved/searches/{name}/dispatch": (ALL, ALL),
    "saved/searches/{name}/history": (ALL, None),
    "saved/searches/{name}/suppress": (ALL, WRITERS),
    "saved/searches/{name}/acknowledge": (None, WRITERS),
    "saved/searches/{name}/scheduled_times": (ALL, None),
    "server/info": (ALL, None),
    "server/info/server-info": (ALL, None),
    "server/settings": (ALL, None),
    "server/settings/settings": (ALL, ADMIN),
    "server/roles": (ALL, None),
    "kvstore/status": (ALL, None),
    "messages": (ALL, POWER),
    "messages/{name}": (ALL, USERS),
    "authorization/tokens": (USERS, ADMIN),  # edit_tokens_own is an administrator's, too
    "authorization/tokens/{name}": (ADMIN, ADMIN),
    **{
        f"search/{version}jobs{tail}": who
        for version in ("", "v2/")
        for tail, who in {
            "": (ALL, USERS),
            "/export": (USERS, USERS),
            "/{sid}": (ADMIN, ADMIN),
            "/{sid}/control": (None, ADMIN),
            "/{sid}/results": (ADMIN, ADMIN),
            "/{sid}/results_preview": (ADMIN, ADMIN),
            "/{sid}/events": (ADMIN, ADMIN),
            "/{sid}/summary": (ADMIN, None),
            "/{sid}/timeline": (ADMIN, None),
            "/{sid}/search.log": (ADMIN, None),
        }.items()
    },
    "search/parser": (ALL, ALL),
    "search/v2/parser": (ALL, ALL),
}
FORMS = {
    "auth/login": {"username": "owner", "password": ADMIN_PASSWORD},
    "authentication/users": {"name": "x{role}", "password": "a-long-password", "roles": "user"},
    "authorization/roles": {"name": "x{role}"},
    "authorization/tokens": {"name": "{user}", "audience": "walk", "expires_on": "+1d"},
    "configs/conf-{conf}": {"name": "x{role}", "a": "1"},
    "properties": {"__conf": "x{role}"},
    "properties/{conf}/{name}": {"a": "1"},
    "data/indexes": {"name": "x{role}"},
    "data/inputs/{kind}": {"name": "/var/log/x{role}", "index": "main"},
    "saved/searches": {"name": "x{role}", "search": "index=main"},
    "saved/eventtypes": {"name": "x{role}", "search": "index=main"},
    "storage/collections/config": {"name": "x{role}"},
    "storage/passwords": {"name": "x{role}", "password": "x"},
    "messages": {"name": "x{role}", "value": "x"},
    "server/logger/{name}": {"level": "INFO"},
    "search/parser": {"q": "search x"},
    "search/v2/parser": {"q": "search x"},
    "saved/searches/{name}/suppress": {"expiration": "60"},
}
CLIENT = httpx.Client(timeout=30)  # one for all: each takes a while to make
ACL = {"owner": "nobody", "sharing": "app"}
SEARCH = {"search": "| makeresults"}
FIRST_NAMES = {
    "authentication": "victim", "alerts": "", "apps": "other", "server": "SavedSplunker",
    "storage/passwords": "secret", "storage/collections/config": "made",
    "storage/collections": "orders", "messages": "hello",
    "authorization/roles": "victims", "authorization/tokens": "", "data/indexes": "doomed",
    "data/inputs": "%252Fvar%252Flog%252Fone", "saved/searches": "One", "saved/eventtypes": "One",
    "configs": "Two", "properties": "Two", "data/ui": "home", "data/modular-inputs": "none",
}  # fmt: skip


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    folder: Path = tmp_path_factory.mktemp("walk")
    shop = write_app(folder / "source" / APP)
    other = write_app(folder / "source" / "other", {"default/app.conf": "[ui]\nlabel = Other\n"})
    with start_standin(folder, [shop, other], https=False) as running:
        splunk = running.splunk
        splunk.conf.write("authorize", "role_bare", {"srchIndexesAllowed": "main"}, "system", True)
        splunk.conf.write("authorize", "role_victims", {}, "system", True)
        for role in ALL:
            running.add_user(f"u_{role}", role)
        running.add_user("victim", "user")
        running.add_user("owner", "user")
        service = running.service(app=APP, owner="nobody")
        service.storage_passwords.create("x", "secret")
        service.messages.create("hello", value="world")
        service.indexes.create("doomed")
        service.inputs.create("/var/log/one", "monitor", index="main")
        service.kvstore.create("made")
        service.saved_searches.create("One", "| makeresults")
        service.event_types.create("One", search="index=main")
        service.confs["savedsearches"].create("Two", search="| makeresults")
        yield running


def pattern(route: Route) -> str:
    return "/".join(route.pattern)


def test_every_endpoint_says_here_who_may_use_it() -> None:
    for route in _ROUTES:
        may_read, may_change = ALLOWED[pattern(route)]
        assert (may_read if route.method == "GET" else may_change) is not None, route
    assert set(ALLOWED) == {pattern(route) for route in _ROUTES}


# Deletions come last, those of single objects before those of what they stand in.
WALK = sorted(_ROUTES, key=lambda route: (route.method == "DELETE", -len(route.pattern)))


@pytest.mark.parametrize("route", WALK, ids=lambda route: f"{route.method} {pattern(route)}")
def test_each_role_may_do_exactly_what_its_capabilities_allow(
    standin: StandIn, route: Route
) -> None:
    allowed = ALLOWED[pattern(route)][route.method != "GET"]
    assert allowed is not None
    anonymous = call(standin, route, "", "")
    assert (anonymous == 401) is (not route.public), anonymous
    # Those who may not come first: a deletion that succeeds leaves nothing to be refused.
    for role in sorted(ALL, key=lambda role: role in allowed):
        status = call(standin, route, role, standin.session_key(f"u_{role}"))
        assert (status in (401, 403)) is (role not in allowed), f"{role}: {status}"
        no_cluster = status == 503 and pattern(route).startswith("shcluster")
        assert status < 500 or no_cluster, f"{role}: {status}"


def call(standin: StandIn, route: Route, role: str, token: str) -> int:
    """The status of a request for an object that is there, with what the endpoint needs."""
    shape = pattern(route)
    values = {
        "{conf}": "savedsearches", "{kind}": "monitor", "{key}": "search",
        "{sid}": sid(standin) if "{sid}" in shape else "", "{name}": named(standin, shape),
    }  # fmt: skip
    path = shape
    for variable, value in values.items():
        path = path.replace(variable, value)
    form = {
        key: value.format(role=role, user=f"u_{role}")
        for key, value in FORMS.get(shape, form_of(shape)).items()
    }
    headers = {"Authorization": f"Splunk {token}"} if token else {}
    url = f"{standin.splunk.mgmt_uri}/servicesNS/nobody/{APP}/{path}"
    data: dict[str, Any] = (
        {"data": form} if route.method == "POST" else {"params": form if form else None}
    )
    if "collections/data" in shape and route.method in ("POST", "PUT"):
        data = {"content": "[{}]" if "batch" in shape else "{}"}
        headers["Content-Type"] = "application/json"
    return CLIENT.request(route.method, url, headers=headers, **data).status_code


def form_of(shape: str) -> dict[str, str]:
    if shape.endswith("/acl"):
        return ACL
    return SEARCH if "jobs" in shape and "{sid}" not in shape else {}


def named(standin: StandIn, shape: str) -> str:
    """An object of that endpoint's kind."""
    if shape.startswith("alerts"):
        return standin.splunk.alerts.fire("Errors", APP, "nobody", "1.1")
    if shape.startswith("authorization/tokens/{"):
        made = standin.splunk.tokens
        return made.create("owner", "walk")[0].id
    found = [name for prefix, name in FIRST_NAMES.items() if shape.startswith(prefix)]
    return found[0] if found else ""


def sid(standin: StandIn) -> str:
    """A finished search of the administrator's."""
    return standin.splunk.jobs.dispatch("| makeresults", "admin").sid
