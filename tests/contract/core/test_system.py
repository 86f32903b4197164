"""server/info, apps, messages, indexes and receivers through the SDK."""

from __future__ import annotations

from pathlib import Path

import pytest
from solnlib.bulletin_rest_client import BulletinRestClient
from solnlib.server_info import ServerInfo
from splunklib.binding import HTTPError

from tests.contract.core.conftest import APP
from tests.standin import StandIn, start_standin


def test_server_info_through_solnlib(standin: StandIn) -> None:
    info = ServerInfo(
        standin.session_key(),
        scheme=standin.splunk.scheme,
        host="127.0.0.1",
        port=standin.splunk.mgmt_port,
    )

    assert info.version == "9.4.0"
    assert info.server_name == standin.splunk.server_name
    assert info.is_search_head() and not info.is_shc_member() and not info.is_cloud_instance()


def test_apps_show_what_app_conf_says(standin: StandIn) -> None:
    app = standin.service().apps[APP]

    assert (app.label, app.version, app.visible) == ("The Shop", "1.2.3", "1")


def test_bulletin_messages_come_and_go_and_outlive_a_restart(tmp_path: Path) -> None:
    with start_standin(tmp_path) as standin:
        messages = standin.service().messages
        made = messages.create("disk", value="almost <full>", severity="warn")
        assert (made.value, made.severity) == ("almost <full>", "warn")
        board = BulletinRestClient(
            "worker",
            standin.session_key(),
            "search",
            scheme=standin.splunk.scheme,
            host="127.0.0.1",
            port=standin.splunk.mgmt_port,
        )
        board.create_message("stopped", severity=board.Severity.ERROR)
        assert board.get_message()["entry"][0]["content"]["message"] == "stopped"
        with pytest.raises(HTTPError, match="severity"):
            messages.create("bad", value="x", severity="loud")
    with start_standin(tmp_path) as standin:
        messages = standin.service().messages
        assert sorted(each.name for each in messages) == ["disk", "worker"]
        messages.delete("disk")
        with pytest.raises(KeyError):
            messages.delete("disk")


def test_a_message_for_a_role_is_shown_to_it_alone(standin: StandIn) -> None:
    standin.add_user("ann", "user")
    standin.service().messages.create("secret", value="x", role="admin")

    assert "secret" in standin.service().messages
    assert "secret" not in standin.service("ann").messages
    assert len(standin.service("ann").messages) == 0


def test_indexes_are_made_filled_counted_and_removed(standin: StandIn) -> None:
    service = standin.service(app=APP, owner="nobody")
    index = service.indexes.create("orders")
    index.submit("2023-11-14T22:13:20Z total=1", sourcetype="order", host="till-1", source="api")
    index.refresh()

    assert index["totalEventCount"] == "1"
    event = next(standin.splunk.indexes.scan(["orders"]))
    assert (event["host"], event["source"], event["sourcetype"]) == ("till-1", "api", "order")
    assert event["_time"] == 1_700_000_000
    with pytest.raises(HTTPError, match="HTTP 409"):
        service.indexes.create("orders")
    with pytest.raises(HTTPError, match="HTTP 400"):
        service.indexes.create("Not Allowed")
    index.disable()
    with pytest.raises(HTTPError, match="disabled"):
        index.submit("lost?")
    index.delete()
    assert "orders" not in service.indexes


def test_an_event_for_an_unknown_index_is_refused_not_lost(standin: StandIn) -> None:
    service = standin.service()
    with pytest.raises(HTTPError, match="'nowhere' does not exist"):
        service.post("/services/receivers/simple", index="nowhere", body="x")
