"""What the app itself saves and reads in collections."""

from __future__ import annotations

import pytest

from incident_management.splunk.kv import store
from incident_management.splunk.session import Session
from tests.contract.core.conftest import APP
from tests.standin import StandIn


@pytest.fixture
def orders(standin: StandIn):
    return standin.service(app=APP, owner="nobody").kvstore["orders"].data


@pytest.mark.parametrize("limit", [0, 9])
@pytest.mark.parametrize("sort", ["_key:1", "n:1", "n:-1", "team:1,n:-1"])
def test_the_apps_reads_of_several_pages_are_those_of_one(
    standin: StandIn, orders, monkeypatch, sort: str, limit: int
) -> None:
    orders.batch_save(
        *(
            {"_key": f"k{n}", "team": "ab"[n % 2], **({"n": n % 4} if n < 9 else {})}
            for n in range(11)
        )
    )
    uri = f"https://127.0.0.1:{standin.splunk.mgmt_port}"
    collection = store.KvCollection(Session(uri, standin.session_key(), app=APP), "orders")
    whole = collection.find(sort=sort, limit=limit)
    assert len(whole) == (limit or 11)
    names = [part.split(":")[0] for part in sort.split(",")]
    monkeypatch.setattr(store, "PAGE_ROWS", 2)
    paged = collection.find(sort=sort, limit=limit)
    assert [[one.get(n) for n in names] for one in paged] == [
        [one.get(n) for n in names] for one in whole
    ]
    assert len({one["_key"] for one in paged}) == len(paged)


@pytest.mark.parametrize(
    "lower",
    [
        {"max_documents_per_batch_save": "200"},
        {"max_rows_per_query": "600"},
        {"max_size_per_batch_save_mb": "1"},
        {"max_size_per_result_mb": "1"},
    ],
    ids=lambda lower: next(iter(lower)),
)
def test_the_app_saves_and_reads_all_where_an_administrator_set_lower_limits(
    standin: StandIn, orders, lower: dict[str, str]
) -> None:
    """TrackMe's issue 375 is of a splunkd whose max_documents_per_batch_save is 200."""
    standin.splunk.conf.write("limits", "kvstore", lower, "system", False)
    uri = f"https://127.0.0.1:{standin.splunk.mgmt_port}"
    collection = store.KvCollection(Session(uri, standin.session_key(), app=APP), "orders")
    keys = [f"k{n:04}" for n in range(1300)]
    collection.save([{"_key": key, "text": "x" * 1000, "n": 1} for key in keys])

    assert [row["_key"] for row in collection.find()] == keys
    assert [row["_key"] for row in collection.find(sort="n:1,_key:1", limit=1250)] == keys[:1250]
    assert sorted(collection.keys({"$or": [{"_key": key} for key in keys]})) == keys
