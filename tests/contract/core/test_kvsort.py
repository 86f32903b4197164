"""Orders that no index gives: MongoDB 4.2 makes them in 32 megabytes, or the query fails.

"cursor.sort()" and "Use Indexes to Sort Query Results" in MongoDB's manual, 4.2.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.core.conftest import APP
from tests.contract.core.test_kvstore import refusal
from tests.standin import StandIn
from tools.splunkd_lite.kvsort import is_indexed

SETTINGS = {
    "field.n": "number",
    "accelerated_fields.by_time": json.dumps({"time": -1, "_key": -1}),
    "accelerated_fields.by_state": json.dumps({"state": 1, "n": 1, "m": -1}),
}


@pytest.fixture
def orders(standin: StandIn) -> Any:
    data = standin.service(app=APP, owner="nobody").kvstore["orders"].data
    for n in range(9):
        data.insert({"_key": str(n), "total": n, "weight": 9 - n, "text": "x" * 4_000_000})
    return data


def test_an_order_that_no_index_gives_must_fit_in_memory(orders: Any) -> None:
    with refusal(500):
        orders.query(sort="weight", fields="weight")

    assert [d["weight"] for d in orders.query(sort="weight", limit=2, fields="weight")] == [1, 2]
    with refusal(500):
        orders.query(sort="weight", limit=2, skip=7, fields="weight")
    few = json.dumps({"total": {"$lt": 8}})
    assert len(orders.query(query=few, sort="weight", fields="weight")) == 8


def test_an_order_that_an_index_gives_has_no_such_limit(orders: Any) -> None:
    assert [d["total"] for d in orders.query(sort="total:-1", fields="total")][:2] == [8, 7]
    assert len(orders.query(sort="_key", fields="total")) == 9


@pytest.mark.parametrize(
    ("sort", "query"),
    [
        ("", {}),
        ("_key:-1", {}),
        ("time:-1", {}),
        ("time:1,_key:1", {"n": 1}),
        ("state:1,n:1", {}),
        ("n:1,m:-1", {"state": "open"}),
        ("n:-1", {"$and": [{"state": "open"}, {"n": {"$gt": 3}}]}),
        ("m:1", {"state": "open", "n": 2}),
        ("n:1", {"$or": [{"state": "open"}, {"state": "new"}]}),
    ],
)
def test_an_index_gives_what_it_begins_with_both_ways(sort: str, query: dict[str, Any]) -> None:
    assert is_indexed(sort, query, SETTINGS)


@pytest.mark.parametrize(
    ("sort", "query"),
    [
        ("time:-1,_key:1", {}),
        ("n:1", {}),
        ("n:1", {"state": {"$gt": "a"}}),
        ("n:1", {"$or": [{"state": "open"}, {"n": 3}]}),
        ("n:1", {"$or": [{"state": f"s{n}"} for n in range(201)]}),
        ("m:1", {"state": "open"}),
        ("state:1,m:-1", {}),
        ("time:1,m:1", {}),
    ],
)
def test_an_index_gives_nothing_else(sort: str, query: dict[str, Any]) -> None:
    assert not is_indexed(sort, query, SETTINGS)
