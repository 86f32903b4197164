"""A splunkd of a few lines, which answers what the test prepared."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, List, Tuple
from urllib.parse import parse_qs, urlsplit

import pytest

from incident_management.splunk.kv.store import KvCollection
from incident_management.splunk.session import Session
from tests.unit.splunk.keeper import Keeper

Answer = Tuple[int, Any]


class Splunkd:
    """Answers requests in the order prepared; ``seen`` holds (method, path, query, body)."""

    def __init__(self) -> None:
        self.answers: List[Answer] = []
        self.answer: Callable[[str, str, dict[str, Any], Any], Answer] = self._next
        self.seen: List[Tuple[str, str, dict[str, Any], Any]] = []
        self.authorization = ""
        self.uri = ""

    def _next(self, *_request: Any) -> Answer:
        return self.answers.pop(0)


@pytest.fixture
def splunkd():
    state = Splunkd()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            if "json" in (self.headers.get("Content-Type") or ""):
                body = json.loads(body)
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            state.authorization = self.headers.get("Authorization") or ""
            request = (self.command, parts.path, query, body)
            state.seen.append(request)
            status, answer = state.answer(*request)
            content = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_DELETE = do_GET

        def log_message(self, *_arguments):
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    state.uri = f"http://127.0.0.1:{server.server_port}"
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def session(splunkd, pauses):
    return Session(splunkd.uri, "key-1", sleep=pauses.append)


@pytest.fixture
def incidents(session):
    return KvCollection(session, "incident_incidents")


@pytest.fixture
def keeper():
    made = []

    def make(**options):
        made.append(Keeper(**options))
        return made[-1]

    yield make
    for one in made:
        one.stop()
