"""The switches that make the KV store fail."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import splunklib.binding
import splunklib.client

from tests.contract.cluster.conftest import APP
from tests.standin import StandIn, start_standin

PATH = "splunkd_lite/kvstore"


@pytest.fixture
def standin(tmp_path: Path, app: Path) -> Iterator[StandIn]:
    with start_standin(tmp_path, [app], https=False) as running:
        yield running


def sales(standin: StandIn) -> splunklib.client.KVStoreCollectionData:
    return standin.service(app=APP, owner="nobody").kvstore["sales"].data


def status_of(call, *arguments: object) -> int:
    with pytest.raises(splunklib.binding.HTTPError) as refused:
        call(*arguments)
    return int(refused.value.status)


def test_unavailable_refuses_everything_and_comes_back(standin: StandIn) -> None:
    data, service = sales(standin), standin.service()
    data.insert(json.dumps({"_key": "a"}))
    service.post(PATH, unavailable="1")
    assert status_of(data.query) == status_of(data.insert, "{}") == 503
    shown = json.loads(service.get("kvstore/status", output_mode="json").body.read())
    assert shown["entry"][0]["content"]["current"]["status"] == "failed"
    service.post(PATH, unavailable="0")
    assert [each["_key"] for each in data.query()] == ["a"]


def test_read_only_refuses_writes_alone(standin: StandIn) -> None:
    data = sales(standin)
    data.insert(json.dumps({"_key": "a"}))
    standin.service().post(PATH, read_only="1")
    assert status_of(data.insert, "{}") == status_of(data.delete_by_id, "a") == 503
    assert status_of(data.batch_save, {"_key": "b"}) == 503
    assert [each["_key"] for each in data.query()] == ["a"]


def test_a_lost_primary_refuses_writes_until_there_is_one_again(standin: StandIn) -> None:
    data = sales(standin)
    standin.splunk.kv.faults.lose_primary(0.3)
    assert status_of(data.insert, "{}") == 503
    assert data.query() == []
    time.sleep(0.35)
    assert "_key" in data.insert("{}")


def test_a_slow_store_makes_callers_wait(standin: StandIn) -> None:
    data = sales(standin)
    data.query()
    standin.splunk.kv.faults.delay_seconds = 0.2
    started = time.monotonic()
    data.query()
    assert time.monotonic() - started >= 0.2


def test_bad_switches_are_refused_and_only_administrators_may(standin: StandIn) -> None:
    service = standin.service()
    assert status_of(lambda: service.post(PATH, explode="1")) == 400
    assert status_of(lambda: service.post(PATH, delay_seconds="long")) == 400
    assert status_of(lambda: service.post(PATH, delay_seconds="-1")) == 400
    standin.add_user("amy")
    assert status_of(lambda: standin.service("amy").get(PATH)) == 403


def test_all_members_of_a_cluster_follow(start_member) -> None:
    one, two = start_member("sh1", lease=1.0), start_member("sh2", lease=1.0)
    one.service().post(PATH, read_only="1")
    deadline = time.monotonic() + 5
    while not two.splunk.kv.read_only and time.monotonic() < deadline:
        time.sleep(0.05)
    assert status_of(sales(two).insert, "{}") == 503
