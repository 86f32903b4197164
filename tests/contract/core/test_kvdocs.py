"""The indexes of the KV store in memory: what they leave out can't match, whatever was written."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from tools.splunkd_lite.kvdocs import Documents, accelerated
from tools.splunkd_lite.kvquery import matcher, sort_documents

TEXTS = ("a", "b", "c", "d")
QUERIES: list[dict[str, Any]] = [
    {},
    {"_key": "k3"},
    {"team": "a"},
    {"team": "nobody"},
    {"team": {"$ne": "a"}},
    {"value.name": "b"},
    {"team": "a", "seq": {"$gte": 3}},
    {"$and": [{"seq": {"$lt": 5}}, {"team": "b"}]},
    {"$or": [{"team": "a"}, {"team": "c"}]},
    {"$or": [{"team": "a", "seq": {"$gte": 4}}, {"team": "b", "seq": {"$gte": 2}}]},
    {"$or": [{"team": "a"}, {"seq": 1}]},
    {"$or": [{"_key": "k1"}, {"_key": "k2"}, {"_key": "gone"}]},
]


def some_document(dice: random.Random, key: str) -> dict[str, Any]:
    """Texts, lists of texts, other types and nothing, in the fields that are indexed."""
    team = dice.choice([*TEXTS, ["a", "c"], 7, None, {"a": "b"}])
    value = dice.choice([{"name": dice.choice(TEXTS)}, [{"name": "b"}, {"name": "d"}], "b", {}])
    seq = dice.choice([*range(6), 2.5, "3", None, [4]])
    return {"_key": key, "team": team, "value": value, "seq": seq}


@pytest.mark.parametrize("query", QUERIES, ids=json.dumps)
def test_an_index_finds_what_reading_every_document_finds(query: dict[str, Any]) -> None:
    dice = random.Random(4)
    documents = Documents()
    documents.index([("team", "seq"), ("value.name", "")])
    plain: dict[str, dict[str, Any]] = {}
    for _step in range(400):
        key = f"k{dice.randrange(60)}"
        if dice.random() < 0.2:
            documents.pop(key)
            plain.pop(key, None)
        else:
            plain[key] = some_document(dice, key)
            documents.put(key, json.dumps(plain[key]), plain[key])
    matches = matcher(query)

    found = [d for d in documents.candidates(query) if matches(d)]
    assert sorted(d["_key"] for d in found) == sorted(k for k, d in plain.items() if matches(d))
    assert all(document == plain[document["_key"]] for document in found)
    decided = documents.decided(query)
    assert decided is None or decided == [document["_key"] for document in found]


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ({"_key": "k1"}, ["k1"]),
        ({"_key": "gone"}, []),
        ({"team": "a"}, ["k1", "k3"]),
        ({"team": "a", "seq": {"$gte": 2}}, ["k3"]),
        ({"$or": [{"team": "b"}, {"_key": "k1"}, {"team": "a", "seq": {"$gte": 3}}]}, "k1 k2 k3"),
        ({}, None),
        ({"seq": 1}, None),
        ({"team": "a", "seq": {"$lt": 2}}, None),
        ({"team": "a", "seq": {"$gte": "2"}}, None),
        ({"team": "a", "_key": "k1"}, None),
        ({"team": "c", "seq": {"$gte": 0}}, None),
        ({"$or": [{"team": "a"}, {"seq": 1}]}, None),
    ],
    ids=str,
)
def test_what_the_indexes_alone_decide(query: dict[str, Any], keys: Any) -> None:
    documents = Documents()
    documents.index([("team", "seq")])
    for key, team, seq in (("k1", "a", 1), ("k2", "b", 2), ("k3", ["a", "x"], 3), ("k4", "c", "4")):
        document = {"_key": key, "team": team, "seq": seq}
        documents.put(key, json.dumps(document), document)
    wanted = keys.split() if isinstance(keys, str) else keys
    assert documents.decided(query) == wanted


def test_an_index_made_late_holds_what_was_there_before() -> None:
    documents = Documents()
    documents.put("k1", '{"_key": "k1", "team": "a"}')
    documents.index([("team", "")])
    assert documents.candidates({"team": "a"}) == [{"_key": "k1", "team": "a"}]
    assert documents.candidates({"team": "b"}) == []


def test_the_first_fields_of_each_acceleration_are_indexed() -> None:
    settings = {
        "accelerated_fields.by_team": '{"team": 1, "seq": -1}',
        "accelerated_fields.by_time": '{"time": 1}',
        "accelerated_fields.broken": "{",
        "field.seq": "number",
    }
    assert accelerated(settings) == (("team", "seq"), ("time", ""))


ORDERED: list[dict[str, Any]] = [
    *QUERIES,
    {"seq": {"$gt": 1, "$lte": 4}},
    {"$and": [{"seq": {"$gte": 2}}, {"team": {"$ne": "a"}}, {"seq": {"$lt": 5}}]},
    {"seq": {"$lt": "4"}},
    {"seq": 2},
    {"seq": {"$gte": 9}},
]


@pytest.mark.parametrize("query", ORDERED, ids=json.dumps)
@pytest.mark.parametrize("sort", ["seq:1", "seq:-1", "seq:-1,_key:-1", "seq:1,text:1"])
def test_the_first_in_an_order_are_those_of_all_that_match_and_are_sorted(
    query: dict[str, Any], sort: str
) -> None:
    dice = random.Random(5)
    documents = Documents()
    documents.index([("team", "seq")])
    plain: dict[str, dict[str, Any]] = {}
    for step in range(400):
        key = f"k{dice.randrange(60)}"
        if dice.random() < 0.2:
            documents.pop(key)
            plain.pop(key, None)
        else:
            seq, text = dice.choice([*range(6), 2.5, "3", None]), dice.choice([*TEXTS, 1])
            plain[key] = {**some_document(dice, key), "seq": seq, "text": text}
            documents.put(key, json.dumps(plain[key]), plain[key])
        if step % 40 == 0 or step == 399:
            matches, most = matcher(query), dice.choice([1, 7, 100])
            wanted = sort_documents([d for d in plain.values() if matches(d)], sort)[:most]
            first = documents.first(query, matches, sort, most)
            led_there = query.keys() & {"_key", "team", "value.name", "$or", "$and"}
            assert first == wanted or (first is None and led_there)


def test_an_order_of_what_some_document_has_several_of_is_not_kept() -> None:
    """An index lists such a document by each of them."""
    documents = Documents()
    documents.put("a", '{"_key": "a", "seq": 1}')
    assert documents.first({}, matcher({}), "seq:1", 1) == [{"_key": "a", "seq": 1}]
    documents.put("b", '{"_key": "b", "seq": [0, 2]}')
    assert documents.first({}, matcher({}), "seq:1", 1) is None
