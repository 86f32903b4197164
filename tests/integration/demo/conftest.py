"""The receivers as a real process over TLS, and the app's own senders to try them with."""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator

import httpx
import pytest

from tools.demo.children import Children
from tools.demo.shop_client import Shop
from tools.demo.waiting import wait_for_json

CREDENTIALS = {
    "slack_token": "xoxb-test",
    "teams_flow": "0123456789abcdef" * 2,
    "teams_sig": "c2lnbmF0dXJl",
    "pagerduty_key": "R" * 32,
    "aws_access_key_id": "AKIDTEST",
    "aws_secret_access_key": "not-a-real-key",
    "aws_region": "eu-central-1",
    "bedrock_model": "demo.rules-v1:0",
}


@dataclass
class Receivers:
    """The running receivers."""

    url: str
    ca_file: str

    def client(self) -> httpx.Client:
        context = ssl.create_default_context(cafile=self.ca_file)
        return httpx.Client(base_url=self.url, verify=context, trust_env=False)

    def record(self) -> list[dict[str, Any]]:
        with self.client() as client:
            return list(client.get("/record").json())

    def last(self) -> dict[str, Any]:
        return self.record()[-1]

    def limit(self, service: str, times: int, retry_after: int) -> None:
        body = {"service": service, "times": times, "retry_after": retry_after}
        with self.client() as client:
            assert client.post("/limit", json=body).status_code == 204


@pytest.fixture
def receivers(tmp_path: Path) -> Iterator[Receivers]:
    children = Children(tmp_path / "out")
    environment = {"RECEIVERS_CREDENTIALS": json.dumps(CREDENTIALS)}
    home = tmp_path / "receivers"
    try:
        children.start("receivers", ["tools.demo.receivers", "--home", str(home)], environment)
        ready = wait_for_json(home / "ready.json", children, "receivers")
        yield Receivers(ready["url"], ready["ca_file"])
    finally:
        children.stop_all()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    children = Children(tmp_path / "out")
    running = Shop(children, tmp_path / "shop", "a-token")
    try:
        running.start(rate=20.0)
        yield running
        assert not children.ended(), children.output(children.ended()[0])
    finally:
        children.stop_all()
