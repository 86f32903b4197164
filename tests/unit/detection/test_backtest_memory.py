"""A replay's collections in memory answer as the tests' stand-in for the KV store does."""

from __future__ import annotations

import random
from typing import Any

import pytest

from incident_management.detection.backtest.memory import MemoryCollection
from tests.fakes.stores import FakeCollection

DOCUMENTS: list[dict[str, Any]] = [
    {"_key": "c", "time": 3, "team": "shop", "names": ["web", "db"]},
    {"_key": "a", "time": 1, "team": "pay", "names": ["mail"]},
    {"_key": "b", "time": 2, "team": "shop", "data": {"to": "closed"}},
    {"_key": "d", "team": "7"},
]


@pytest.fixture(params=[MemoryCollection, lambda: FakeCollection("x")], ids=["memory", "fake"])
def collection(request):
    made = request.param()
    made.save(DOCUMENTS)
    return made


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ({}, "abcd"),
        ({"team": "shop"}, "bc"),
        ({"names": "db"}, "c"),
        ({"data.to": "closed"}, "b"),
        ({"time": {"$gte": 2}}, "bc"),
        ({"time": {"$gt": 1, "$lt": 3}}, "b"),
        ({"team": {"$gt": 5}}, ""),
        ({"team": {"$ne": "shop"}}, "ad"),
        ({"names": {"$gte": "n"}}, "c"),
        ({"$not": {"team": "shop"}}, "ad"),
        ({"$or": [{"team": "pay"}, {"$and": [{"team": "shop"}, {"time": 2}]}]}, "ab"),
    ],
)
def test_what_a_query_finds_in_the_order_of_its_keys(collection, query, keys):
    assert "".join(document["_key"] for document in collection.find(query)) == keys
    assert sorted(collection.keys(query)) == list(keys)


def test_order_limit_and_pages(collection):
    assert [d["_key"] for d in collection.find({"team": "shop"}, "time:-1")] == ["c", "b"]
    assert [d["_key"] for d in collection.find(limit=2, skip=1)] == ["b", "c"]


def test_one_key_is_inserted_once_and_nothing_is_deleted_without_a_query(collection):
    assert not collection.insert({"_key": "a"})
    assert collection.get("a")["team"] == "pay"
    with pytest.raises(ValueError, match="Without a query"):
        collection.delete_matching({})
    collection.delete_matching({"team": "shop"})
    assert collection.keys({}) == ["a", "d"]
    assert (collection.delete("a"), collection.delete("a")) == (True, False)


def test_an_operator_that_the_kv_store_has_not_is_an_error():
    memory = MemoryCollection()
    memory.save(DOCUMENTS)
    for query in ({"team": {"$regex": "s.*"}}, {"$nor": [{"team": "pay"}]}):
        with pytest.raises(ValueError, match="no operator"):
            memory.find(query)


def test_what_is_looked_up_stays_right_through_changes():
    """By random writes and deletes, against the stand-in, which looks at every document."""
    dice = random.Random(7)
    memory, fake = MemoryCollection(), FakeCollection("x")
    values: list[Any] = ["a", "b", 1, 2, 2.5, None, True, ["a", 1], [1, 1, 3], {"z": "a"}]
    queries: list[dict[str, Any]] = [
        {"x": "a"},
        {"x": 1},
        {"x.z": "a"},
        {"x": {"$gte": 1, "$lt": 3}},
        {"y": {"$lte": 2}},
        {"x": "b", "y": {"$gt": 1}},
        {"$or": [{"x": "a"}, {"y": {"$gt": 2}}]},
        {"$or": [{"x": "a"}, {"x": {"$ne": 1}}]},
        {"$and": [{"$or": [{"x": 1}, {"y": 1}]}, {"y": {"$gte": 1}}]},
        {"x": {"$gte": "a"}},
    ]
    for _step in range(400):
        key, is_gone = str(dice.randrange(30)), dice.random() < 0.2
        found = {name: dice.choice(values) for name in "xy"}
        kept = {name: value for name, value in found.items() if value is not None}
        for collection in (memory, fake):
            if is_gone:
                collection.delete(key)
            else:
                collection.save([{"_key": key, **kept}])
        for query in queries:
            assert sorted(memory.keys(query)) == sorted(fake.keys(query)), query
