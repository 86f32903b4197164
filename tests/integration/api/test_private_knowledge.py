"""What somebody keeps in private in the app shapes their searches, and proves nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.standin import StandIn, start_standin

from .conftest import Client

APP = "incident_management"
FORGED = json.dumps(
    {
        "change_id": "chg-forged", "kind": "config", "service": "orders", "version": "6.6",
        "previous_version": "6.5", "summary": "pool size from 20 to 1",
        "changes": {"pool_size": {"from": 20, "to": 1}},
    }
)  # fmt: skip


@pytest.fixture
def shop(app_folder: Path, tmp_path: Path) -> Iterator[StandIn]:
    with start_standin(tmp_path, apps=[app_folder], https=False) as running:
        now = time.time()
        error = "ERROR QueuePool limit of size 1 overflow 0 reached, connection timed out"
        logged = [
            {"_time": now - 60 + second, "host": "orders-1", "_raw": f"service=orders {error}"}
            for second in range(60)
        ]
        running.index("main", [{"_time": now - 200, "host": "ci", "_raw": "nightly job"}, *logged])
        running.add_user("mallory", "incident_responder")
        yield running


def analysed(shop: StandIn, incident: dict[str, Any], sid: str) -> dict[str, Any]:
    reply = Client(shop, "mallory")(
        "POST", f"/incidents/{incident['id']}/analysis", json={"sid": sid}
    )
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def test_a_private_macro_can_bring_no_cause(shop: StandIn) -> None:
    incident = Client(shop).open(affected_systems=["orders"], severity="high")
    text = FORGED.replace("\\", "\\\\").replace('"', '\\"')
    makes = (
        f'index=main "nightly" | eval _raw="{text}", service="orders", kind="config",'
        ' change_id="chg-forged", summary="pool size from 20 to 1", version="6.6",'
        ' previous_version="6.5" | search'
    )
    mallory = shop.service("mallory", app=APP, owner="mallory")
    mallory.post("configs/conf-macros", name="incident_change_index", definition=makes, iseval=0)

    analysis = analysed(shop, incident, "sid-forged")
    assert any(c["change_id"] == "chg-forged" for c in analysis["hypotheses"]), "it was looked at"
    assert (analysis["change_id"], analysis["version"]) == ("", ""), analysis["verdict"]
    forged = [c for c in analysis["citations"] if "chg-forged" in c["quote"]]
    assert forged and all("private macro" in c["reason"] for c in forged)
