"""Layering, namespaces and access lists of .conf files."""

from __future__ import annotations

from pathlib import Path

import pytest
from solnlib.conf_manager import ConfManager, ConfStanzaNotExistException
from splunklib.binding import HTTPError

from tests.contract.core.conftest import APP, write_app
from tests.standin import StandIn
from tools.splunkd_lite import conffile
from tools.splunkd_lite.conf import ConfStore
from tools.splunkd_lite.errors import SplunkdError


def put(home: Path, path: str, text: str) -> None:
    target = home / "etc" / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)


def test_the_file_format() -> None:
    text = (
        "\ufefftop = 1\n# comment\n[a b]\nsearch = index=main \\\n | stats count \\\n| where x=1\n"
        "empty =\n  spaced  =  x  \nhash = a # b\n[a b]\ntop = 2\n[empty]\nno equals sign\n"
    )
    stanzas = conffile.parse(text)

    assert stanzas["default"] == {"top": "1"}
    assert stanzas["a b"]["search"] == "index=main \n | stats count \n| where x=1"
    assert stanzas["a b"]["hash"] == "a # b"
    assert stanzas["a b"]["empty"] == ""
    assert stanzas["a b"]["spaced"] == "x"
    assert stanzas["a b"]["top"] == "2"
    assert stanzas["empty"] == {}
    assert conffile.parse(conffile.render(stanzas)) == stanzas


def test_global_context_order(tmp_path: Path) -> None:
    conf = ConfStore(tmp_path)
    for path in ("system/default", "apps/b/default", "apps/a/default", "apps/b/local"):
        put(tmp_path, f"{path}/x.conf", f"[s]\nwinner = {path}\n{path.replace('/', '_')} = 1\n")
    assert conf.get("x", "s", "winner") == "apps/b/local"
    put(tmp_path, "apps/a/local/x.conf", "[s]\nwinner = apps/a/local\n")
    assert conf.get("x", "s", "winner") == "apps/a/local"
    put(tmp_path, "system/local/x.conf", "[s]\nwinner = system/local\n")

    assert conf.get("x", "s", "winner") == "system/local"
    assert conf.stanzas("x")["s"]["apps_b_default"] == "1"


def test_app_context_order_and_export(tmp_path: Path) -> None:
    conf = ConfStore(tmp_path)
    put(tmp_path, "system/local/x.conf", "[s]\nwinner = system\n[default]\nlevel = low\n")
    put(tmp_path, "apps/a/default/x.conf", "[s]\nwinner = a\n[only a]\n")
    put(tmp_path, "apps/b/default/x.conf", "[s]\nwinner = b\n[only b]\n[secret]\n")
    exported = "[x/s]\nexport = system\n[x/only%20b]\nexport = system\n"
    put(tmp_path, "apps/b/metadata/default.meta", exported)
    put(tmp_path, "users/ann/a/local/x.conf", "[s]\nwinner = ann\n[mine]\n")

    assert conf.stanzas("x", "a")["s"] == {"winner": "a", "level": "low"}
    assert set(conf.stanzas("x", "a")) == {"s", "only a", "only b"}
    assert conf.stanzas("x", "b")["s"]["winner"] == "b"
    assert conf.stanzas("x", "a", "ann")["s"]["winner"] == "ann"
    assert "mine" in conf.stanzas("x", "a", "ann")
    assert "mine" not in conf.stanzas("x", "b", "ann")
    put(tmp_path, "apps/c/default/app.conf", "")
    assert conf.stanzas("x", "c")["s"]["winner"] == "b"


def test_what_users_keep_for_themselves_is_seen_at_once_among_all_owners(tmp_path: Path) -> None:
    put(tmp_path, "apps/shop/default/app.conf", "[install]\nstate = enabled\n")
    conf = ConfStore(tmp_path)
    assert conf.entries("savedsearches", owner="-") == []
    for number in ("1", "2"):
        kept = f"[Mine]\nsearch = {number}\n"
        put(tmp_path, "users/ann/shop/local/savedsearches.conf", kept)
        (entry,) = conf.entries("savedsearches", owner="-")
        assert (entry.acl.owner, entry.settings) == ("ann", {"search": number})


def test_a_disabled_app_has_no_say(tmp_path: Path) -> None:
    conf = ConfStore(tmp_path)
    put(tmp_path, "apps/a/default/x.conf", "[s]\nk = v\n")
    assert conf.stanzas("x") == {"s": {"k": "v"}}
    put(tmp_path, "apps/a/local/app.conf", "[install]\nstate = disabled\n")

    assert conf.stanzas("x") == {}


@pytest.mark.parametrize("name", ["../x", "a/b", "..", "a\\b", ""])
def test_a_name_cannot_leave_its_folder(tmp_path: Path, name: str) -> None:
    conf = ConfStore(tmp_path)
    put(tmp_path, "apps/a/default/app.conf", "")
    with pytest.raises(SplunkdError):
        conf.write(name, "s", {"k": "v"}, "a", create=False)
    with pytest.raises(SplunkdError):
        conf.write("x", "s", {"k": "v"}, "a", create=False, owner=name)


def test_stanzas_through_the_sdk(standin: StandIn) -> None:
    confs = standin.service(app=APP, owner="nobody").confs
    assert "routing" not in confs
    routing = confs.create("routing")
    stanza = routing.create("team/one + two", **{"members": "ann,bob"})
    stanza.submit({"text": "line one\nline two", "empty": ""})
    stanza.refresh()

    assert stanza.content["members"] == "ann,bob"
    assert stanza.content["text"] == "line one\nline two"
    assert stanza.access.app == APP
    assert [each.name for each in confs["routing"]] == ["team/one + two"]
    with pytest.raises(HTTPError, match="HTTP 409"):
        routing.create("team/one + two")
    routing.delete("team/one + two")
    assert len(confs["routing"]) == 0


def test_solnlib_reads_updates_and_deletes_with_an_encrypted_field(standin: StandIn) -> None:
    standin.service(app=APP, owner="nobody").confs.create("settings")
    conf = ConfManager(
        standin.session_key(),
        APP,
        scheme=standin.splunk.scheme,
        host="127.0.0.1",
        port=standin.splunk.mgmt_port,
        realm="realm",
    ).get_conf("settings")
    conf.update("slack", {"channel": "#ops", "token": "xoxb-1"}, ["token"])

    assert conf.get("slack")["token"] == "xoxb-1"
    assert conf.get("slack", only_current_app=True)["channel"] == "#ops"
    assert conf.get_all()["slack"]["eai:appName"] == APP
    file = standin.splunk.home / "etc/apps" / APP / "local/settings.conf"
    assert "xoxb" not in file.read_text()
    assert conf.stanza_exist("slack") and not conf.stanza_exist("teams")
    conf.reload()
    conf.delete("slack")
    with pytest.raises(ConfStanzaNotExistException):
        conf.get("slack")


def test_a_default_stanza_is_overridden_in_local_and_cannot_be_deleted(standin: StandIn) -> None:
    service = standin.service(app=APP, owner="nobody")
    service.confs["savedsearches"]["Errors"].submit({"description": "changed"})
    local = standin.splunk.home / "etc/apps" / APP / "local/savedsearches.conf"

    assert conffile.read(local) == {"Errors": {"description": "changed"}}
    assert service.saved_searches["Errors"].description == "changed"
    with pytest.raises(HTTPError, match="HTTP 403"):
        service.saved_searches.delete("Errors")


def test_a_user_without_write_access_changes_nothing(standin: StandIn) -> None:
    standin.add_user("ann", "user")
    ann = standin.service("ann", app=APP, owner="nobody")

    with pytest.raises(HTTPError, match="HTTP 403"):
        ann.confs["savedsearches"]["Errors"].submit({"search": "index=*"})
    with pytest.raises(HTTPError, match="HTTP 403"):
        ann.confs["savedsearches"].create("New")
    assert standin.splunk.conf.get("savedsearches", "Errors", "search") == "index=main error"


def test_another_app_sees_what_is_exported(standin: StandIn) -> None:
    names = [each.name for each in standin.service(app="search").saved_searches]

    assert names == ["Shared everywhere"]


def test_installing_again_keeps_local(standin: StandIn, tmp_path: Path) -> None:
    service = standin.service(app=APP, owner="nobody")
    service.confs["savedsearches"]["Errors"].submit({"description": "mine"})
    new = {"default/app.conf": "[launcher]\nversion = 2.0.0\n", "default/savedsearches.conf": ""}
    standin.splunk.install([write_app(tmp_path / "upgrade" / APP, new)])

    assert service.apps[APP].version == "2.0.0"
    assert service.saved_searches["Errors"].description == "mine"
