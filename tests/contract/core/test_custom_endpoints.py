"""Endpoints of apps: which request reaches a handler, and who may make it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from splunklib.binding import AuthenticationError, HTTPError

from tests.contract.core.conftest import write_app
from tests.standin import StandIn, start_standin

HANDLER = """
import json
from splunk.persistconn.application import PersistentServerConnectionApplication


class Handler(PersistentServerConnectionApplication):
    def __init__(self, command_line=None, command_arg=None):
        super().__init__()

    def handle(self, in_string):
        request = json.loads(in_string)
        told = {
            "path_info": request.get("path_info", ""),
            "method": request["method"],
            "user": request.get("session", {}).get("user"),
            "system": bool(request.get("system_authtoken")),
            "query": request["query"],
            "payload": request.get("payload"),
        }
        return {"payload": json.dumps(told), "status": 200}
"""
FILES = {
    "default/app.conf": "[ui]\nlabel = Echo\n",
    "default/authorize.conf": """
[capability::echo_read]
[capability::echo_write]
[role_echo]
importRoles = user
echo_read = enabled
""",
    "default/restmap.conf": """
[script:echo]
match = /echo/v1
script = echo.py
scripttype = persist
handler = echo.Handler
requireAuthentication = true
capability.get = echo_read
capability.post = echo_write
passSystemAuth = true
passPayload = true
python.version = python3

[script:echo_deep]
match = /echo/v1/deep
script = echo.py
scripttype = persist
handler = echo.Handler
requireAuthentication = true
passPayload = true
python.version = python3

[script:old]
match = /old
script = echo.py
handler = echo.Handler
""",
    "bin/echo.py": HANDLER,
}


@pytest.fixture
def echo(tmp_path: Path) -> Iterator[StandIn]:
    with start_standin(tmp_path, [write_app(tmp_path / "source" / "echo", FILES)]) as running:
        running.add_user("reader", "echo")
        running.add_user("plain", "user")
        yield running


def ask(standin: StandIn, user: str, path: str, method: str = "get", **query) -> dict:
    service = standin.service(user)
    return json.loads(getattr(service, method)(path, **query).body.read())


def test_a_handler_receives_the_path_the_query_and_the_caller(echo: StandIn) -> None:
    told = ask(echo, "reader", "/services/echo/v1/things/a b", x="1 2")

    assert told["path_info"] == "things/a b"
    assert told["user"] == "reader"
    assert told["system"] is True
    assert ["x", "1 2"] in told["query"]


def test_the_longest_match_wins(echo: StandIn) -> None:
    told = ask(echo, "plain", "/services/echo/v1/deep/down")

    assert told["path_info"] == "down"
    assert told["system"] is False


def test_the_capability_of_the_method_is_needed(echo: StandIn) -> None:
    with pytest.raises(HTTPError, match=r"HTTP 403.*echo_read"):
        ask(echo, "plain", "/services/echo/v1/things")
    with pytest.raises(HTTPError, match=r"HTTP 403.*echo_write"):
        ask(echo, "reader", "/services/echo/v1/things", "post", body="{}")


def test_without_a_session_nothing_is_reached(echo: StandIn) -> None:
    service = echo.service(autologin=False)
    service.logout()
    with pytest.raises(AuthenticationError):
        service.get("/services/echo/v1/things")


def test_only_persistent_scripts_are_supported_and_other_paths_are_not_found(
    echo: StandIn,
) -> None:
    with pytest.raises(HTTPError, match=r"\[script:old\].*persist"):
        ask(echo, "admin", "/services/old/x")
    with pytest.raises(HTTPError, match="HTTP 404"):
        ask(echo, "admin", "/services/echo/v12")
