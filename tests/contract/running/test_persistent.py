"""Persistent REST handlers, in real processes."""

import json
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.waiting import wait_for
from tools.splunkd_lite.access import User
from tools.splunkd_lite.rest.request import RestRequest
from tools.splunkd_lite.runners.persistent import PersistentHandlers

ECHO = """
import json, os, sys, time
from splunk.persistconn.application import PersistentServerConnectionApplication

COUNT = []

class Echo(PersistentServerConnectionApplication):
    def __init__(self, command_line, command_arg):
        super().__init__()
        self.calls = 0

    def handle(self, in_string):
        request = json.loads(in_string)
        self.calls += 1
        COUNT.append(1)
        do = dict(request["query"]).get("do", "echo")
        if do == "raise":
            raise RuntimeError("no luck")
        if do == "exit":
            os._exit(9)
        if do == "print":
            print("not an answer")
        if do == "exit-when-done":
            self.done = lambda: os._exit(0)
        if do == "sleep":
            time.sleep(1)
        if do == "text":
            return {"status": 201, "payload": "plain", "headers": {"Content-Type": "text/csv"}}
        if do == "json-text":
            return json.dumps({"payload": {"a": 1}, "headers": {"X-A": "b"}})
        if do == "bad":
            return [1]
        return {"payload": {"request": request, "calls": self.calls,
                            "all_calls": len(COUNT), "pid": os.getpid(),
                            "bytes": isinstance(in_string, bytes),
                            "mine": os.environ.get("ECHO_OWN", ""),
                            "path": [os.path.dirname(__file__) in sys.path]}}
"""
OTHER = """
import os
from splunk.persistconn.application import PersistentServerConnectionApplication

class Other(PersistentServerConnectionApplication):
    def __init__(self, command_line, command_arg):
        super().__init__()

    def handle(self, in_string):
        return {"payload": {"pid": os.getpid()}}
"""


@pytest.fixture
def handlers(splunk):
    splunk.script("echo.py", ECHO)
    splunk.guid, splunk.mgmt_port = "GUID", 18089
    splunk.conf.confs["restmap"] = {
        "script:echo": {
            "match": "/echo", "script": "echo.py", "scripttype": "persist",
            "handler": "echo.Echo", "output_modes": "json", "passPayload": "true",
            "passHttpHeaders": "true", "passSystemAuth": "true",
        }
    }  # fmt: skip
    handlers = PersistentHandlers(splunk)
    yield handlers
    handlers.stop()


def ask(handlers, do="echo", stanza="script:echo", method="POST", body=b'{"k": 1}', **about):
    request = RestRequest(
        method=method, path="/services/echo/v1/x", rest_path="echo/v1/x", path_info="v1/x",
        query=[("do", do)], body=body, headers=[("Host", "h")], token="t",
        user=User("alice", (), frozenset(), (), ()), **about,
    )  # fmt: skip
    return handlers.handle(stanza, request)


def test_a_handler_gets_the_documented_request(handlers):
    answer = ask(handlers, owner="nobody", app="tiny")
    request = json.loads(answer.body)["request"]
    assert answer.status == 200
    assert answer.content_type == "application/json; charset=UTF-8"
    assert {
        "method": "POST", "path_info": "v1/x", "rest_path": "/echo/v1/x", "query": [["do", "echo"]],
        "payload": '{"k": 1}', "session": {"user": "alice", "authtoken": "t"}, "form": [],
        "system_authtoken": "token-of-splunk-system-user", "headers": [["Host", "h"]],
        "ns": {"app": "tiny", "user": "nobody"}, "output_mode": "xml",
        "connection": {"src_ip": "127.0.0.1", "ssl": True, "listening_port": 18089},
    }.items() <= request.items()  # fmt: skip
    assert request["server"]["rest_uri"] == "https://127.0.0.1:18089"
    assert request["restmap"]["name"] == "script:echo"


def test_nothing_is_passed_that_the_stanza_does_not_ask_for(splunk, handlers):
    stanza = splunk.conf.confs["restmap"]["script:echo"]
    for setting in ("passPayload", "passHttpHeaders", "passSystemAuth"):
        del stanza[setting]
    stanza |= {"passSession": "false", "passConf": "0"}
    request = json.loads(ask(handlers).body)["request"]
    assert not {"payload", "headers", "system_authtoken", "session", "restmap"} & set(request)


@pytest.mark.parametrize("setting", ["true", "base64"])
@pytest.mark.parametrize(
    ("method", "body", "has"),
    [
        ("POST", b"x", True),
        ("PUT", b"x", True),
        ("POST", b"", False),
        ("PATCH", b"x", False),
        ("DELETE", b"x", False),
        ("GET", b"", False),
    ],
)
def test_a_body_is_passed_with_post_and_put_alone(
    splunk, handlers, setting: str, method: str, body: bytes, has: bool
):
    splunk.conf.confs["restmap"]["script:echo"]["passPayload"] = setting
    request = json.loads(ask(handlers, method=method, body=body).body)["request"]
    assert bool({"payload", "payload_base64"} & set(request)) is has
    assert ("form" in request) is (method in ("POST", "PUT"))
    assert not {"ns", "lang"} & set(request), "it is asked without a namespace, not by Splunk Web"


def test_one_process_serves_many_requests_each_with_a_new_handler(handlers):
    answers = [json.loads(ask(handlers).body) for _ in range(3)]
    assert [answer["calls"] for answer in answers] == [1, 1, 1]
    assert [answer["all_calls"] for answer in answers] == [1, 2, 3]
    assert len({answer["pid"] for answer in answers}) == 1
    assert answers[0]["bytes"]


def test_a_script_is_loaded_by_its_path_and_its_folder_is_not_on_the_path(splunk, handlers):
    assert json.loads(ask(handlers).body)["path"] == [False]
    handlers.stop()
    splunk.script("beside.py", "")
    splunk.script("echo.py", "import beside\n" + ECHO)
    assert b"No module named 'beside'" in ask(handlers).body


def test_stanzas_of_one_driver_configuration_share_processes(splunk, handlers):
    splunk.script("other.py", OTHER)
    restmap = splunk.conf.confs["restmap"]
    other = {"match": "/other", "script": "other.py", "handler": "other.Other"}
    restmap["script:other"] = {**restmap["script:echo"], **other}
    pids = [json.loads(ask(handlers, stanza=f"script:{n}").body)["pid"] for n in ("echo", "other")]
    assert pids[0] == pids[1]
    restmap["script:echo"]["driver.env.ECHO_OWN"] = "1"
    own = json.loads(ask(handlers).body)
    assert own["pid"] != pids[0] and own["mine"] == "1"


def test_two_handlers_in_a_script_are_refused(splunk, handlers):
    splunk.script("echo.py", ECHO + "\nclass Second(Echo):\n    pass\n")
    assert b"More than one class implements" in ask(handlers).body


def test_a_print_to_stdout_spoils_the_answer_and_ends_the_process(handlers):
    pid = json.loads(ask(handlers).body)["pid"]
    answer = ask(handlers, "print")
    assert answer.status == 500 and b"printed to stdout" in answer.body
    assert json.loads(ask(handlers).body)["pid"] != pid


def test_done_is_called_after_the_answer(handlers):
    answer = json.loads(ask(handlers, "exit-when-done").body)
    wait_for(lambda: not Path(f"/proc/{answer['pid']}").exists() or is_zombie(answer["pid"]))
    assert json.loads(ask(handlers).body)["pid"] != answer["pid"]


def is_zombie(pid):
    return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()


def test_concurrent_requests_get_processes_of_their_own(handlers):
    done = []
    threads = [
        threading.Thread(target=lambda: done.append(json.loads(ask(handlers, "sleep").body)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({answer["pid"] for answer in done}) == 3


def test_answers_keep_status_text_and_headers(handlers):
    text = ask(handlers, "text")
    assert (text.status, text.body, text.content_type) == (201, b"plain", "text/csv")
    as_text = ask(handlers, "json-text")
    assert (json.loads(as_text.body), as_text.headers) == ({"a": 1}, [("X-A", "b")])


def test_an_exception_is_a_500_and_ends_the_process(splunk, handlers):
    before = json.loads(ask(handlers).body)["pid"]
    answer = ask(handlers, "raise")
    assert answer.status == 500
    text = json.loads(answer.body)["messages"][0]["text"]
    assert "builtins.RuntimeError" in text
    assert "no luck" in text
    wait_for(lambda: splunk.logged("RuntimeError: no luck"))  # its stderr, read by a thread
    assert json.loads(ask(handlers).body)["pid"] != before


def test_a_process_that_dies_is_a_500_and_the_next_request_gets_a_new_one(handlers):
    before = json.loads(ask(handlers).body)["pid"]
    assert ask(handlers, "exit").status == 500
    assert json.loads(ask(handlers).body)["pid"] != before


def test_a_process_killed_while_it_answers_is_a_500_and_the_next_request_is_served(
    splunk, handlers
):
    pid = json.loads(ask(handlers).body)["pid"]
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(ask, handlers, "sleep")
        threading.Event().wait(0.1)
        os.kill(pid, signal.SIGKILL)
        assert answer.result().status == 500
    again = ask(handlers)
    assert again.status == 200
    assert json.loads(again.body)["pid"] != pid


def test_a_killed_idle_process_is_replaced_without_an_error(handlers):
    pid = json.loads(ask(handlers).body)["pid"]
    os.kill(pid, signal.SIGKILL)
    threading.Event().wait(0.2)
    again = ask(handlers)
    assert again.status == 200
    assert json.loads(again.body)["pid"] != pid


def test_a_malformed_answer_is_a_500(handlers):
    answer = ask(handlers, "bad")
    assert answer.status == 500
    assert b"list, not an object" in answer.body


def test_a_handler_that_cannot_be_loaded_says_why(splunk, handlers):
    splunk.script("echo.py", "import no_such_module\n")
    answer = ask(handlers)
    assert answer.status == 500
    assert b"No module named 'no_such_module'" in answer.body


def test_stopping_leaves_no_process(splunk, handlers):
    ask(handlers)
    handlers.stop()
    assert not list((splunk.home / "var/run/splunk/processes").iterdir())
