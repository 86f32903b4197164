"""Signed webhooks from the built app's worker to a receiver, over real HTTP."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.integration.api.conftest import Client
from tests.standin import start_standin


class Receiver:
    """Keeps what it is sent; the first answer may be a refusal for now."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.answers = [503]
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append((dict(self.headers.items()), body))
                self.send_response(receiver.answers.pop() if receiver.answers else 204)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments: Any) -> None:
                return

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_a_subscriber_receives_an_incident_signed_and_once(
    app_folder: Path, tmp_path: Path, receiver: Receiver
) -> None:
    with start_standin(tmp_path, apps=[app_folder], parts=["inputs"], https=False) as standin:
        client = Client(standin)
        made = client("POST", "/subscriptions", json={"url": receiver.url, "events": ["opened"]})
        assert made.status_code == 201, made.text
        subscription = made.json()
        assert "secret" not in client("GET", "/subscriptions").text
        incident = client.open()

        log = f"/subscriptions/{subscription['id']}/deliveries"
        deadline = time.monotonic() + 60
        deliveries: list[dict[str, Any]] = []
        while time.monotonic() < deadline:
            deliveries = client("GET", log).json()["deliveries"]
            if deliveries and deliveries[0]["state"] == "sent":
                break
            time.sleep(0.5)

        (delivery,) = deliveries
        assert (delivery["state"], delivery["attempts"]) == ("sent", 2)
        assert len(receiver.requests) == 2
        for headers, body in receiver.requests:
            signed = headers["X-Incident-Timestamp"].encode() + b"." + body
            mac = hmac.new(subscription["secret"].encode(), signed, hashlib.sha256)
            assert headers["X-Incident-Signature"] == f"v1={mac.hexdigest()}"
            assert headers["X-Incident-Delivery"] == delivery["id"]
            told = json.loads(body)
            assert (told["event"], told["incident_id"]) == ("opened", incident["id"])

        ended = client("DELETE", f"/subscriptions/{subscription['id']}")
        assert ended.status_code == 200
        passwords = client.http.get(
            standin.splunk.mgmt_uri + "/services/storage/passwords?output_mode=json&count=0"
        )
        assert subscription["id"] not in passwords.text
