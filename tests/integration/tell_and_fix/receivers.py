"""Small services on loopback: a Slack that remembers, a webhook, a paging service, a deployer."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Dict, List, Optional, Tuple
from urllib.parse import parse_qs, urlsplit

from tests.unit.remediation.kubernetes_fake import URL as CLUSTER_URL
from tests.unit.remediation.kubernetes_fake import Cluster
from tests.unit.remediation.launchdarkly_fake import Flags

Answer = Tuple[int, Any]


class Service:
    """An HTTP server that hands each request to :meth:`answer` and keeps what it was asked."""

    def __init__(self) -> None:
        self.requests: List[Tuple[str, str, Dict[str, Any]]] = []
        self.lock = threading.RLock()
        service = self

        class Handler(BaseHTTPRequestHandler):
            def _handle(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, content = service.receive(
                    self.command, self.path, body, dict(self.headers.items())
                )
                data = json.dumps(content).encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)
                except OSError:
                    return

            do_GET = do_POST = do_PATCH = _handle

            def log_message(self, *_: Any) -> None:
                return

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                return

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def receive(self, method: str, path: str, body: bytes, headers: Dict[str, str]) -> Answer:
        text = body.decode()
        if text.startswith("{"):
            given = json.loads(text)
        else:
            given = {name: values[0] for name, values in parse_qs(text).items()}
        with self.lock:
            self.requests.append((method, path, given))
        return self.answer(method, path, given, headers)

    def answer(
        self, method: str, path: str, given: Dict[str, Any], headers: Dict[str, str]
    ) -> Answer:
        return 202, {}

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Slack(Service):
    """Keeps messages with their metadata. ``after_post`` runs once a message is stored."""

    def __init__(self) -> None:
        self.messages: List[Dict[str, Any]] = []
        self.updates: List[Dict[str, Any]] = []
        self.after_post: Optional[Callable[[], None]] = None
        super().__init__()

    def answer(self, method, path, given, headers):
        if headers.get("Authorization") != "Bearer xoxb-test-token":
            return 200, {"ok": False, "error": "invalid_auth"}
        if path == "/chat.postMessage":
            metadata = given.get("metadata")
            if isinstance(metadata, str):
                metadata = json.loads(metadata)
            with self.lock:
                ts = f"{int(time.time())}.{len(self.messages):06d}"
                self.messages.append({**given, "ts": ts, "metadata": metadata})
            hook, self.after_post = self.after_post, None
            if hook:
                hook()
            return 200, {"ok": True, "channel": "C0000000001", "ts": ts}
        if path == "/chat.update":
            with self.lock:
                self.updates.append(given)
            known = given["ts"] in [message["ts"] for message in self.messages]
            return 200, {"ok": True} if known else {"ok": False, "error": "message_not_found"}
        if path == "/conversations.list":
            return 200, {"ok": True, "channels": [{"id": "C0000000001", "name": "incidents"}]}
        if path in ("/conversations.history", "/conversations.replies"):
            return 200, {"ok": True, "messages": self.messages}
        return 200, {"ok": False, "error": "unknown_method"}

    def texts(self) -> List[str]:
        return [message["text"] for message in self.messages]


class Pager(Service):
    """Accepts events."""

    def answer(self, method, path, given, headers):
        return 202, {"status": "success", "dedup_key": given.get("dedup_key")}

    def actions(self) -> List[str]:
        return [given["event_action"] for _method, _path, given in self.requests]


class Deployer(Service):
    """Runs one service; a rollback is done once a request id."""

    def __init__(self, name: str) -> None:
        self.state = {
            "service": name,
            "version": "r8",
            "previous_version": "r7",
            "change_id": "CHG-8",
            "healthy": True,
        }
        self.rollbacks: Dict[str, Dict[str, Any]] = {}
        self.refuses = ""
        self.after_rollback: Optional[Callable[[], None]] = None
        super().__init__()

    def answer(self, method, path, given, headers):
        if headers.get("Authorization") != "Bearer deploy-token":
            return 401, {"detail": "A token is needed."}
        if method == "GET":
            return 200, self.state
        if self.refuses:
            return 409, {"detail": self.refuses}
        with self.lock:
            if given["request_id"] not in self.rollbacks:
                if given["change_id"] != self.state["change_id"]:
                    return 409, {"detail": "It has moved on."}
                self.state.update(
                    version=given["to_version"],
                    previous_version=self.state["version"],
                    change_id=f"CHG-{9 + len(self.rollbacks)}",
                )
                self.rollbacks[given["request_id"]] = dict(self.state)
        hook, self.after_rollback = self.after_rollback, None
        if hook:
            hook()
        return 200, self.rollbacks[given["request_id"]]


class Awx(Service):
    """An AWX with one job template; its lists are lean, as those of new releases."""

    def __init__(self, play: Callable[[Dict[str, Any]], None]) -> None:
        self.play = play
        self.jobs: List[Dict[str, Any]] = []
        super().__init__()

    def answer(self, method, path, given, headers):
        if headers.get("Authorization") != "Bearer awx-token":
            return 401, {"detail": "Authentication credentials were not provided."}
        if (method, path) == ("GET", "/api/v2/job_templates/42/"):
            template = {"id": 42, "name": "Restart", "playbook": "restart.yml"}
            return 200, {**template, "ask_variables_on_launch": True}
        if (method, path) == ("POST", "/api/v2/job_templates/42/launch/"):
            with self.lock:
                job = {"id": len(self.jobs) + 1, "status": "successful"}
                self.jobs.insert(0, {**job, "extra_vars": json.dumps(given["extra_vars"])})
            self.play(given["extra_vars"])
            return 201, {**job, "job": job["id"], "status": "pending", "ignored_fields": {}}
        if path.partition("?")[0] == "/api/v2/job_templates/42/jobs/":
            return 200, {"results": [{"id": job["id"]} for job in self.jobs]}
        for job in self.jobs:
            if path == f"/api/v2/jobs/{job['id']}/":
                return 200, job
        return 404, {"detail": "Not found."}


class KubernetesApi(Service):
    """The cluster of the unit tests behind HTTP; ``rolled`` is called after each change."""

    def __init__(self, rolled: Callable[[], None], kind: str = "Deployment") -> None:
        self.cluster = Cluster(kind=kind)
        self.rolled = rolled
        super().__init__()

    def receive(self, method, path, body, headers):
        with self.lock:
            before = self.cluster.patched
            given = json.loads(body) if body else None
            reply = self.cluster(f"{CLUSTER_URL}{path}", given, headers, method)
            if self.cluster.patched > before:
                self.rolled()
            return reply.status, json.loads(reply.text)


class LaunchDarklyApi(Service):
    """The flags of the unit tests behind HTTP; ``switched`` is called after each change."""

    def __init__(self, switched: Callable[[], None]) -> None:
        self.flags = Flags()
        self.switched = switched
        super().__init__()

    def receive(self, method, path, body, headers):
        with self.lock:
            before = self.flags.patches
            given = json.loads(body) if body else None
            parts = urlsplit(path)
            reply = self.flags.answer(method, parts.path, parse_qs(parts.query), given, headers)
            if self.flags.patches > before:
                self.switched()
            return reply.status, json.loads(reply.text)
