"""storage/passwords through splunklib and solnlib."""

from __future__ import annotations

from pathlib import Path

import pytest
from solnlib.credentials import CredentialManager, CredentialNotExistException
from splunklib.binding import HTTPError

from tests.contract.core.conftest import APP
from tests.standin import StandIn, start_standin


def manager(standin: StandIn, user: str = "admin", realm: str = "realm") -> CredentialManager:
    return CredentialManager(
        standin.session_key(user),
        APP,
        realm=realm,
        scheme=standin.splunk.scheme,
        host="127.0.0.1",
        port=standin.splunk.mgmt_port,
    )


def test_a_secret_comes_back_clear_and_lies_encrypted(standin: StandIn) -> None:
    service = standin.service(app=APP, owner="nobody")
    made = service.storage_passwords.create("s3cret & <more>", "bot", "slack")

    assert made.name == "slack:bot:"
    assert (made.realm, made.username) == ("slack", "bot")
    # As asserted of a splunkd by StoragePasswordsIntegrationTests in panoramicdata/Splunk.Api.
    assert "clear_password" not in made.content
    assert made.refresh().clear_password == "s3cret & <more>"
    assert made.encrypted_password.startswith("$7$")
    stored = standin.splunk.home / "etc/apps" / APP / "local/passwords.conf"
    assert "s3cret" not in stored.read_text()
    assert stored.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "realm, username", [(None, "bot"), ("a b", "c d"), ("x/y#z", "é"), ("r", "``sep``1")]
)
def test_names_of_all_kinds_can_be_made_found_changed_and_deleted(
    standin: StandIn, realm: str | None, username: str
) -> None:
    passwords = standin.service(app=APP, owner="nobody").storage_passwords
    made = passwords.create("one", username, realm)
    made.update(password="two")

    assert passwords[made.name].clear_password == "two"
    with pytest.raises(HTTPError, match="HTTP 409"):
        passwords.create("three", username, realm)
    passwords.delete(username, realm)
    assert made.name not in passwords
    with pytest.raises(KeyError):
        passwords.delete(username, realm)


def test_colons_in_names_are_escaped(standin: StandIn) -> None:
    passwords = standin.service(app=APP, owner="nobody").storage_passwords
    made = passwords.create("one", "u:1", "r:1")

    assert made.name == "r\\:1:u\\:1:"
    assert (made.realm, made.username) == ("r:1", "u:1")
    made.delete()
    assert len(passwords) == 0


def test_solnlib_keeps_long_secrets_in_pieces(standin: StandIn) -> None:
    credentials = manager(standin, realm=f"__REST_CREDENTIAL__#{APP}#configs/conf-settings")
    credentials.set_password("account", "x" * 700)
    credentials.set_password("account", "y" * 300)

    assert credentials.get_password("account") == "y" * 300
    credentials.delete_password("account")
    with pytest.raises(CredentialNotExistException):
        credentials.get_password("account")


def test_realms_do_not_mix(standin: StandIn) -> None:
    manager(standin, realm="one").set_password("user", "first")
    manager(standin, realm="one two").set_password("user", "second")

    assert manager(standin, realm="one").get_password("user") == "first"
    assert manager(standin, realm="one two").get_password("user") == "second"


def test_reading_needs_list_and_writing_needs_edit_storage_passwords(standin: StandIn) -> None:
    admin = standin.service(app=APP, owner="nobody")
    admin.storage_passwords.create("one", "bot", "slack")
    admin.roles.create("reader", imported_roles=["user"], capabilities=["list_storage_passwords"])
    standin.add_user("ann", "user")
    standin.add_user("rob", "reader")
    ann = standin.service("ann", app=APP, owner="nobody").storage_passwords
    rob = standin.service("rob", app=APP, owner="nobody").storage_passwords

    with pytest.raises(HTTPError, match="requires capability: list_storage_passwords"):
        ann.list()
    with pytest.raises(HTTPError, match="HTTP 403"):
        ann["slack:bot:"]
    assert rob["slack:bot:"].clear_password == "one"
    with pytest.raises(HTTPError, match="requires capability: edit_storage_passwords"):
        rob.create("two", "bot2", "slack")


def test_reading_needs_read_access_to_the_credential_besides(standin: StandIn) -> None:
    admin = standin.service(app=APP, owner="nobody")
    admin.storage_passwords.create("one", "bot", "slack")
    both = ["list_storage_passwords", "edit_storage_passwords"]
    admin.roles.create("keeper", imported_roles=["user"], capabilities=both)
    standin.add_user("kim", "keeper")
    local = standin.splunk.home / "etc/apps" / APP / "metadata/local.meta"
    local.parent.mkdir(exist_ok=True)
    with local.open("a") as file:
        file.write("[passwords]\naccess = read : [ admin ], write : [ admin ]\n")
    standin.splunk.conf.reload()
    kim = standin.service("kim", app=APP, owner="nobody").storage_passwords

    assert kim.list() == []
    with pytest.raises(KeyError):
        kim["slack:bot:"]
    with pytest.raises(KeyError):
        kim.delete("bot", "slack")
    assert admin.storage_passwords["slack:bot:"].clear_password == "one"


def test_configs_conf_does_not_lead_round_the_check(standin: StandIn) -> None:
    admin = standin.service(app=APP, owner="nobody")
    admin.storage_passwords.create("one", "bot", "slack")

    with pytest.raises(HTTPError, match="HTTP 403"):
        admin.get(f"/servicesNS/nobody/{APP}/configs/conf-passwords")
    with pytest.raises(HTTPError, match="HTTP 403"):
        admin.get(f"/servicesNS/nobody/{APP}/properties/passwords/credential:slack:bot:/password")


def test_secrets_outlive_a_restart_and_another_key_file_is_named(tmp_path: Path, app: Path) -> None:
    with start_standin(tmp_path, [app]) as first:
        manager(first).set_password("user", "kept")
        secret = first.splunk.home / "etc/auth/splunk.secret"
    with start_standin(tmp_path) as second:
        assert manager(second).get_password("user") == "kept"
    secret.unlink()
    with start_standin(tmp_path) as third:
        passwords = third.service(app=APP, owner="nobody").storage_passwords
        with pytest.raises(HTTPError, match=r"splunk\.secret"):
            passwords.list()
