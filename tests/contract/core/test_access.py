"""Logging in, users, roles and capabilities."""

from __future__ import annotations

import json
import ssl
from pathlib import Path

import httpx
import pytest
from solnlib import user_access
from splunklib.binding import AuthenticationError, HTTPError

from tests.contract.core.conftest import APP
from tests.standin import ADMIN_PASSWORD, StandIn, start_standin
from tools.splunkd_lite.clock import ManualClock


def get(standin: StandIn, path: str, **options) -> httpx.Response:
    return client(standin).get(path, **options)


def client(standin: StandIn) -> httpx.Client:
    """An HTTP client that trusts the instance's own authority and nothing else."""
    authority = standin.splunk.home / "etc/auth/cacert.pem"
    trust = ssl.create_default_context(cafile=str(authority))
    return httpx.Client(base_url=standin.splunk.mgmt_uri, verify=trust)


def test_a_wrong_password_and_an_unknown_user_get_the_same_answer(standin: StandIn) -> None:
    for user in ("admin", "nobody-here"):
        with pytest.raises(AuthenticationError, match="Login failed"):
            standin.service(user, "wrong")


@pytest.mark.parametrize("header", ["", "Splunk wrong", "Bearer wrong", "Basic eDp5", "Splunk"])
def test_without_a_session_nothing_is_shown(standin: StandIn, header: str) -> None:
    headers = {"Authorization": header} if header else {}
    answer = get(standin, "/services/apps/local", headers=headers)

    assert answer.status_code == 401
    assert '<msg type="WARN">' in answer.text


def test_the_certificate_is_checked_against_its_authority_and_all_schemes_work(
    standin: StandIn,
) -> None:
    key = standin.session_key()
    path = "/services/authentication/current-context?output_mode=json"
    cookies = {f"splunkd_{standin.splunk.mgmt_port}": key}
    answers = [
        get(standin, path, headers={"Authorization": f"Splunk {key}"}),
        get(standin, path, headers={"Authorization": f"Bearer {key}"}),
        get(standin, path, auth=("admin", ADMIN_PASSWORD)),
        get(standin, path, cookies=cookies),
    ]

    assert [a.json()["entry"][0]["content"]["username"] for a in answers] == ["admin"] * 4


def test_a_session_ends_after_an_hour_without_use(tmp_path: Path) -> None:
    clock = ManualClock()
    with start_standin(tmp_path, clock=clock) as standin:
        service = standin.service(autologin=False)
        clock.advance(3500)
        assert service.info["version"]
        assert len(service.apps) == 2
        clock.advance(3500)
        assert len(service.apps) == 2
        clock.advance(3601)
        with pytest.raises(AuthenticationError):
            service.apps.list()


def test_users_through_the_sdk(standin: StandIn) -> None:
    service = standin.service()
    ann = service.users.create("Ann", "password-1", ["power"], realname="Ann A")

    assert ann.name == "ann"
    assert ann.content["roles"] == "power" or ann.content["roles"] == ["power"]
    assert "search" in ann.content["capabilities"]
    with pytest.raises(HTTPError, match="HTTP 409"):
        service.users.create("ann", "password-1", ["user"])
    with pytest.raises(HTTPError, match="Unknown role"):
        service.users.create("bob", "password-1", ["nothing"])
    standin.service("ann", "password-1")
    service.users.delete("ann")
    with pytest.raises(AuthenticationError):
        standin.service("ann", "password-1")


def test_only_who_may_edit_users_and_roles_does(standin: StandIn) -> None:
    standin.add_user("ann", "user")
    ann = standin.service("ann")

    assert [user.name for user in ann.users] == ["ann"]
    for attempt in (
        lambda: ann.users.create("eve", "password-1", ["admin"]),
        lambda: ann.post("authentication/users/ann", roles="admin"),
        lambda: ann.roles.create("boss", capabilities=["admin_all_objects"]),
        lambda: ann.post("authorization/roles/user", capabilities="admin_all_objects"),
        lambda: ann.post("data/indexes", name="mine"),
        lambda: ann.post("apps/local", name="/tmp"),
        lambda: ann.messages.create("hello", value="x"),
    ):
        with pytest.raises(HTTPError, match="HTTP 403"):
            attempt()
    assert not standin.splunk.access.user("ann").can("admin_all_objects")


def test_capabilities_and_indexes_add_up_over_imported_roles(standin: StandIn) -> None:
    service = standin.service()
    service.roles.create("narrow", srchIndexesAllowed=["shop"], capabilities=["search"])
    allowed = ["main", "_internal"]
    service.roles.create("wide", imported_roles=["narrow"], srchIndexesAllowed=allowed)
    standin.add_user("ann", "wide")
    ann = standin.splunk.access.user("ann")

    assert ann.can("search") and not ann.can("schedule_search")
    assert [n for n in standin.splunk.indexes.names() if ann.may_search(n)] == [
        "_internal",
        "main",
        "shop",
    ]
    assert service.roles["wide"].imported_capabilities == ["search"]
    service.roles["narrow"].grant("rtsearch")
    assert standin.splunk.access.user("ann").can("rtsearch")
    service.roles["narrow"].revoke("rtsearch")
    assert not standin.splunk.access.user("ann").can("rtsearch")


def test_a_star_does_not_mean_internal_indexes(standin: StandIn) -> None:
    standin.add_user("ann", "user")

    assert standin.splunk.access.user("ann").may_search("main")
    assert not standin.splunk.access.user("ann").may_search("_internal")
    assert standin.splunk.access.user("admin").may_search("_internal")


@pytest.mark.parametrize(
    ("setting", "value", "wide"),
    [
        ("srchFilter", "sourcetype=public", "*"),
        ("srchTimeWin", "3600", "-1"),
        ("srchTimeEarliest", "86400", "0"),
        ("srchMaxTime", "10m", "100days"),
    ],
)
def test_a_role_whose_searches_are_to_be_narrowed_finds_nothing_rather_than_too_much(
    tmp_path: Path, setting: str, value: str, wide: str
) -> None:
    with start_standin(tmp_path) as standin:
        role = {"importRoles": "user", setting: value}
        conf = standin.splunk.conf
        conf.write("authorize", "role_narrow", role, "system", create=True)
        conf.write("authorize", "role_guest", {"importRoles": "narrow"}, "system", create=True)
        guest = standin.service(standin.add_user("guest", "guest"))
        with pytest.raises(HTTPError, match=f"{setting} of the role narrow") as refused:
            guest.jobs.oneshot("search index=main")
        assert refused.value.status == 501
        conf.write("authorize", "role_narrow", {setting: wide}, "system", create=False)
        guest.jobs.oneshot("search index=main")


def test_capabilities_of_an_app_are_known_and_given_by_its_roles(standin: StandIn) -> None:
    standin.add_user("max", "shop_manager")

    assert "shop_approve" in standin.service().capabilities
    assert standin.splunk.access.user("max").can("shop_approve")
    assert not standin.splunk.access.user("admin").can("shop_approve")


def test_solnlib_sees_who_is_logged_in_and_what_they_may(standin: StandIn) -> None:
    standin.add_user("ann", "user")
    where = {
        "scheme": standin.splunk.scheme,
        "host": "127.0.0.1",
        "port": standin.splunk.mgmt_port,
    }
    key = standin.session_key("ann")

    assert user_access.get_current_username(key, **where) == "ann"
    assert user_access.user_is_capable(key, "ann", "search", **where)
    assert not user_access.user_is_capable(key, "ann", "admin_all_objects", **where)
    assert user_access.get_user_roles(key, "ann", **where) == ["user"]


def test_passwords_are_stored_hashed(standin: StandIn) -> None:
    text = (standin.splunk.home / "etc/passwd").read_text()

    assert ADMIN_PASSWORD not in text
    assert (standin.splunk.home / "etc/passwd").stat().st_mode & 0o077 == 0


def test_errors_come_as_json_when_asked(standin: StandIn) -> None:
    headers = {"Authorization": f"Splunk {standin.session_key()}"}
    path = f"/servicesNS/nobody/{APP}/saved/searches/missing?output_mode=json"
    answer = get(standin, path, headers=headers)

    assert answer.status_code == 404
    assert answer.json()["messages"] == [
        {"type": "ERROR", "text": "Could not find object id=missing"}
    ]


@pytest.mark.parametrize(
    "path, status",
    [
        ("/services/no/such/endpoint", 404),
        ("/", 404),
        ("/servicesNS/nobody", 404),
        ("/services/apps/local?count=x", 400),
        ("/services/apps/local?output_mode=yaml", 400),
        ("/services/apps/local?%ff=1", 400),
        ("/services/search/jobs/../../../etc/passwd", 404),
        ("/servicesNS/nobody/..%2f..%2fetc/configs/conf-x", 400),
        ("/servicesNS/nobody/shop/configs/conf-..%252f..%252fx", 400),
    ],
)
def test_odd_requests_get_one_clear_refusal(standin: StandIn, path: str, status: int) -> None:
    headers = {"Authorization": f"Splunk {standin.session_key()}"}
    answer = get(standin, path, headers=headers)

    assert answer.status_code == status
    assert "<msg type=" in answer.text


def test_a_wrong_method_is_405(standin: StandIn) -> None:
    answer = client(standin).delete("/services/server/info?output_mode=json")

    assert answer.status_code == 405
    assert json.loads(answer.text)["messages"][0]["text"] == "Method Not Allowed"
