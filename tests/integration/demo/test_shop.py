"""The shop is healthy in silence, breaks for real, and is mended by a rollback."""

from __future__ import annotations

import time

import httpx
import pytest

from tools.demo.faults import FAULTS, HEALTHY
from tools.demo.shop_client import Shop
from tools.demo.waiting import wait_until

GOOD = {"200", "201"}


def test_harmless_changes_lose_no_request_and_leave_no_trouble_in_the_logs(shop: Shop) -> None:
    wait_until("orders are placed", lambda: shop.answers()["201"] > 20, 60)
    for change in HEALTHY:
        event = shop.deploy(change)
        assert shop.running(change.service)["version"] == event["version"]
    served = shop.answers()["201"]
    wait_until("more orders are placed", lambda: shop.answers()["201"] > served + 20, 60)

    assert set(shop.answers()) <= GOOD, "a request was refused while versions changed"
    assert shop.trouble() == {}
    assert all(len(shop.events(service)) > 20 for service in ("orders", "payments", "bank"))


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_a_bad_change_makes_the_libraries_fail_until_it_is_rolled_back(
    shop: Shop, name: str
) -> None:
    fault = FAULTS[name]
    service = fault.change.service
    bad = shop.deploy(fault.change)
    wait_until("errors", lambda: len(shop.trouble().get(service, [])) > 5, 60)
    wait_until("errors of all", lambda: fault.entities <= set(shop.trouble()), 60)
    time.sleep(1.0)  # and of no others
    trouble = shop.trouble()
    assert set(trouble) == fault.entities
    first = trouble[service][0]
    assert fault.own_error in first and "Traceback (most recent call last):" in first
    assert bad["diff"] and bad["previous_version"]

    body = {"change_id": bad["change_id"], "to_version": bad["previous_version"]}
    first_answer = roll_back(shop, service, {**body, "request_id": "once"})
    assert first_answer.status_code == 200, first_answer.text
    assert roll_back(shop, service, {**body, "request_id": "once"}).json() == first_answer.json()
    assert roll_back(shop, service, {**body, "request_id": "again"}).status_code == 409
    assert shop.running(service)["version"] == bad["previous_version"]

    # What was under way when it was rolled back may still fail.
    wait_until("errors end after the rollback", lambda: errors_within(shop, 4.0) == 0, 30)
    assert [change["kind"] for change in shop.changes()][-2:] == ["config", "config"]


def test_the_deployer_says_what_is_wrong_with_a_request(shop: Shop) -> None:
    url = f"{shop.urls['deployer']}/v1/services"
    assert httpx.get(f"{url}/orders").status_code == 401
    headers = {"Authorization": "Bearer a-token"}
    assert httpx.get(f"{url}/shipping", headers=headers).status_code == 404
    wrong = {"config": {"db.pool": 1}, "summary": "s", "actor": "a"}
    refused = httpx.post(f"{url}/orders/deploy", json=wrong, headers=headers)
    assert (refused.status_code, refused.json()["detail"]) == (
        422,
        "orders has no setting 'db.pool'.",
    )
    unknown = {"change_id": "CHG-9", "to_version": "r1", "request_id": "1"}
    refused = roll_back(shop, "orders", unknown)
    assert refused.status_code == 409
    assert "not CHG-9" in refused.json()["detail"]


def errors_within(shop: Shop, seconds: float) -> int:
    before = sum(map(len, shop.trouble().values()))
    time.sleep(seconds)
    return sum(map(len, shop.trouble().values())) - before


def roll_back(shop: Shop, service: str, body: dict[str, str]) -> httpx.Response:
    url = f"{shop.urls['deployer']}/v1/services/{service}/rollback"
    return httpx.post(url, json=body, headers={"Authorization": "Bearer a-token"}, timeout=30.0)
