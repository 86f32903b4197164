"""The built app in a stand-in for Splunk, spoken to over HTTP as any client would."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.standin import StandIn, start_standin

BASE = "/services/incident_management/v1"


class Client:
    """One user's requests."""

    def __init__(self, standin: StandIn, user: str = "admin") -> None:
        self.standin = standin
        self.base = standin.splunk.mgmt_uri + BASE
        self.token = standin.session_key(user)
        self.http = httpx.Client(
            base_url=self.base, headers={"Authorization": f"Splunk {self.token}"}, timeout=60
        )

    def __call__(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        return self.http.request(method, self.base + path, **arguments)

    def open(self, **fields: Any) -> dict[str, Any]:
        reply = self("POST", "/incidents", json={"title": "Checkout is slow", **fields})
        assert reply.status_code == 201, reply.text
        incident: dict[str, Any] = reply.json()
        return incident


@pytest.fixture(scope="module")
def standin(app_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    folder = tmp_path_factory.mktemp("api")
    with start_standin(folder, apps=[app_folder], https=False) as running:
        yield running


@pytest.fixture(scope="module")
def client(standin: StandIn) -> Client:
    return Client(standin)
