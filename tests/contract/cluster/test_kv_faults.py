"""The switches that make the KV store fail."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import splunklib.binding
import splunklib.client

from tests.contract.cluster.conftest import APP, LABELS
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
    deadline = time.monotonic() + 60
    while not two.splunk.kv.faults.read_only and time.monotonic() < deadline:
        time.sleep(0.05)
    assert status_of(sales(two).insert, "{}") == 503


# --- members that lag ---------------------------------------------------------------------------


@pytest.fixture
def lagging(start_member) -> tuple[StandIn, StandIn]:
    """The captain, and a member whose reads are as far behind as ``lag`` then says."""
    members = [start_member(label) for label in LABELS]
    captain = next(each for each in members if each.splunk.cluster.membership.is_captain)
    other = next(each for each in members if each is not captain)
    for member in members:
        member.splunk.kv.faults.lag_seconds = 3600.0
    assert sales(captain).query() == sales(other).query() == []
    return captain, other


def lag(member: StandIn, seconds: float) -> None:
    member.splunk.kv.faults.lag_seconds = seconds


def test_a_member_that_lags_does_not_see_what_it_wrote_but_the_captain_does(lagging) -> None:
    captain, other = lagging
    data = sales(other)
    data.insert(json.dumps({"_key": "a", "n": 1}))
    data.batch_save({"_key": "b", "n": 1})

    assert [each["_key"] for each in sales(captain).query()] == ["a", "b"]
    assert data.query() == []
    assert status_of(data.query_by_id, "a") == 404
    lag(other, 0.0)
    assert [each["_key"] for each in data.query()] == ["a", "b"]


def test_what_a_member_that_lags_writes_is_decided_by_the_captain(lagging) -> None:
    captain, other = lagging
    sales(captain).insert(json.dumps({"_key": "a"}))

    assert status_of(sales(other).insert, json.dumps({"_key": "a"})) == 409
    sales(other).delete(json.dumps({"_key": "a"}))
    assert sales(captain).query() == []


def test_a_member_that_lags_sees_older_states_in_their_order(lagging) -> None:
    captain, other = lagging
    data, written, seen = sales(other), [], []
    for number in range(3):
        sales(captain).batch_save({"_key": "a", "n": number}, {"_key": f"x{number}"})
        written.append(time.time())
        time.sleep(0.5)
    for moment in written:
        lag(other, time.time() - moment)
        seen.append({each["_key"]: each.get("n") for each in data.query()})

    assert seen == [
        {"a": 0, "x0": None},
        {"a": 1, "x0": None, "x1": None},
        {"a": 2, "x0": None, "x1": None, "x2": None},
    ]


def test_a_member_that_becomes_captain_has_everything(lagging) -> None:
    captain, other = lagging
    sales(captain).insert(json.dumps({"_key": "a"}))
    captain.splunk.cluster.stop()
    other.splunk.cluster.membership.beat()
    assert other.splunk.cluster.membership.is_captain
    assert [each["_key"] for each in sales(other).query()] == ["a"]


def test_the_lag_is_switched_on_for_all(lagging) -> None:
    captain, other = lagging
    captain.service().post(PATH, lag_seconds="0.5")
    deadline = time.monotonic() + 60
    while other.splunk.kv.faults.lag_seconds != 0.5 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (other.splunk.kv.faults.lag, captain.splunk.kv.faults.lag) == (0.5, 0.0)
