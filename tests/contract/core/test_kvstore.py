"""storage/collections, through the real SDK."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from splunklib.binding import HTTPError

from tests.contract.core.conftest import APP
from tests.standin import StandIn, start_standin


@pytest.fixture
def orders(standin: StandIn):
    return standin.service(app=APP, owner="nobody").kvstore["orders"].data


def refusal(status: int):
    return pytest.raises(HTTPError, match=f"HTTP {status}")


def test_an_inserted_document_comes_back_with_its_key_and_user(orders) -> None:
    key = orders.insert({"total": 3, "customer": {"name": "Ann"}})["_key"]

    assert orders.query_by_id(key) == {
        "total": 3,
        "customer": {"name": "Ann"},
        "_key": key,
        "_user": "nobody",
    }


def test_a_text_with_a_nul_is_refused_as_the_postgresql_of_splunk_10_6_takes_none(orders) -> None:
    orders.insert({"_key": "a", "path": "C:\\u0000"})
    with refusal(400):
        orders.insert({"customer": [{"name": "A\0"}]})
    assert [order["_key"] for order in orders.query()] == ["a"]


def test_an_insert_of_a_taken_key_is_a_conflict_and_changes_nothing(orders) -> None:
    orders.insert({"_key": "a", "total": 1})
    with refusal(409):
        orders.insert({"_key": "a", "total": 2})

    assert orders.query_by_id("a")["total"] == 1


@pytest.mark.parametrize(
    "rows", [[{"service.name": "a"}], [{"$ref": "a"}], [{"": "a"}]], ids=["dot", "dollar", "empty"]
)
def test_a_field_name_that_mongodbs_driver_refuses_is_refused_at_any_depth(orders, rows) -> None:
    """alert_manager's issue 175; the words are those of MongoDB's C driver."""
    with refusal(400):
        orders.insert({"_key": "a", "rows": rows})
    with refusal(400):
        orders.batch_save({"_key": "b", "total": 1}, {"_key": "c", "rows": rows})

    assert orders.query() == []


def test_of_many_writers_of_one_key_exactly_one_wins(standin: StandIn) -> None:
    def insert(number: int) -> int:
        data = standin.service(app=APP, owner="nobody").kvstore["orders"].data
        try:
            data.insert({"_key": "slot", "writer": number})
        except HTTPError as error:
            return error.status
        return 201

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(insert, range(16)))

    assert statuses == [201] + [409] * 15


def test_an_update_replaces_the_whole_document(orders) -> None:
    orders.insert({"_key": "a", "total": 1, "note": "x"})
    orders.update("a", {"total": 2})

    assert orders.query_by_id("a") == {"_key": "a", "_user": "nobody", "total": 2}


def test_an_update_or_delete_of_a_missing_document_is_not_found(orders) -> None:
    with refusal(404):
        orders.update("missing", {"total": 1})
    with refusal(404):
        orders.delete_by_id("missing")
    with refusal(404):
        orders.query_by_id("missing")


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ({"total": 2}, "b"),
        ({"total": {"$gt": 1}}, "bc"),
        ({"total": {"$gte": 1, "$lt": 3}}, "ab"),
        ({"total": {"$ne": 2}}, "acd"),
        ({"$or": [{"total": 1}, {"tags": "red"}]}, "ac"),
        ({"$and": [{"total": {"$gt": 0}}, {"tags": "blue"}]}, "c"),
        ({"$not": {"total": {"$gt": 1}}}, "ad"),
        ({"customer.name": "Bob"}, "b"),
        ({"customer.name": {"$regex": "^(Ann|Cy)$"}}, "ac"),
        ({"tags": "red"}, "c"),
        ({"_key": "d"}, "d"),
        ({"_key": {"$gt": "b"}}, "cd"),
        ({"total": None}, "d"),
        ({}, "abcd"),
    ],
)
def test_queries(orders, query: dict, keys: str) -> None:
    orders.batch_save(
        {"_key": "a", "total": 1, "customer": {"name": "Ann"}},
        {"_key": "b", "total": 2, "customer": {"name": "Bob"}},
        {"_key": "c", "total": 3, "customer": {"name": "Cy"}, "tags": ["red", "blue"]},
        {"_key": "d"},
    )

    found = orders.query(query=json.dumps(query))

    assert "".join(sorted(document["_key"] for document in found)) == keys


def test_an_unknown_query_operator_is_refused_by_name(orders) -> None:
    with pytest.raises(HTTPError, match=r"\$where"):
        orders.query(query=json.dumps({"$where": "1"}))
    with pytest.raises(HTTPError, match=r"\$near"):
        orders.query(query=json.dumps({"total": {"$near": 1}}))


def test_sort_skip_limit_and_fields(orders) -> None:
    orders.batch_save(*({"_key": str(n), "total": n % 3, "n": n} for n in range(9)))

    page = orders.query(sort="total:-1,n:1", skip=1, limit=3, fields="n,_key:0")

    assert page == [{"n": 5}, {"n": 8}, {"n": 1}]
    assert orders.query(query='{"n": 4}', fields="n") == [{"n": 4, "_key": "4"}]
    assert orders.query(query='{"n": 4}', fields="total:0,_user:0") == [{"n": 4, "_key": "4"}]


def test_batch_save_updates_and_inserts_and_returns_the_keys(orders) -> None:
    orders.insert({"_key": "a", "total": 1})

    keys = orders.batch_save({"_key": "a", "total": 5}, {"_key": "b", "total": 6})

    assert keys == ["a", "b"]
    assert [d["total"] for d in orders.query(sort="_key")] == [5, 6]


def test_batch_save_of_1001_documents_stores_none(orders) -> None:
    with pytest.raises(HTTPError, match="max_documents_per_batch_save=1000"):
        orders.batch_save(*({"n": n} for n in range(1001)))
    assert orders.query() == []

    assert len(orders.batch_save(*({"n": n} for n in range(1000)))) == 1000


def test_batch_save_with_one_bad_document_stores_none(orders) -> None:
    with refusal(400):
        orders.batch_save({"_key": "a"}, {"_key": ["not", "text"]})

    assert orders.query() == []


def test_batch_find_answers_each_query(orders) -> None:
    orders.batch_save({"_key": "a", "total": 1}, {"_key": "b", "total": 2})

    found = orders.batch_find({"query": {"total": 1}}, {"query": {"total": 9}})

    assert [[d["_key"] for d in each] for each in found] == [["a"], []]


def test_batch_find_takes_fields_and_sort_as_lists(orders) -> None:
    """The shape that panoramicdata/Splunk.Api sends (KvStoreIntegrationTests, KvStoreDataTests)."""
    orders.batch_save({"_key": "a", "total": 1, "n": 7}, {"_key": "b", "total": 2, "n": 7})

    (found,) = orders.batch_find({"query": {"n": 7}, "sort": [{"total": -1}], "fields": ["total"]})
    assert found == [{"_key": "b", "total": 2}, {"_key": "a", "total": 1}]
    for text in ({"fields": "total"}, {"sort": "total:-1"}):
        with pytest.raises(HTTPError, match="of batch_find is a list"):
            orders.batch_find({"query": {}, **text})


def test_delete_by_query_leaves_the_rest(orders) -> None:
    orders.batch_save({"_key": "a", "total": 1}, {"_key": "b", "total": 2})
    orders.delete(query=json.dumps({"total": {"$gt": 1}}))

    assert [d["_key"] for d in orders.query()] == ["a"]


def test_declared_types_convert_and_an_invalid_field_is_dropped(orders) -> None:
    orders.insert({"_key": "a", "total": "2.5", "paid": "true", "note": "7"})
    orders.insert({"_key": "b", "total": "many"})

    assert orders.query_by_id("a")["total"] == 2.5
    assert orders.query_by_id("a")["paid"] is True
    assert orders.query_by_id("a")["note"] == "7"
    assert "total" not in orders.query_by_id("b")


def test_enforced_types_refuse_the_document(standin: StandIn) -> None:
    strict = standin.service(app=APP, owner="nobody").kvstore["strict"].data
    with pytest.raises(HTTPError, match="total"):
        strict.insert({"total": "many"})

    assert strict.query() == []


@pytest.mark.parametrize("body", ["{", "[1]", '"x"', "", "[" * 100_000])
def test_a_body_that_is_no_document_is_one_clear_400(orders, body: str) -> None:
    with refusal(400):
        orders.insert(body or " ")


def test_documents_of_owners_are_apart(standin: StandIn) -> None:
    shared = standin.service(app=APP, owner="nobody")
    shared.kvstore["orders"].data.insert({"_key": "a", "who": "all"})
    path = f"/servicesNS/admin/{APP}/storage/collections/data/orders"
    json_header = [("Content-Type", "application/json")]
    shared.post(path, headers=json_header, body=json.dumps({"_key": "a", "who": "admin"}))

    own = json.loads(shared.get(path).body.read())
    both = json.loads(shared.get(path, shared="true").body.read())

    assert [(d["_user"], d["who"]) for d in own] == [("admin", "admin")]
    assert {d["_user"] for d in both} == {"nobody", "admin"}


def test_reading_and_writing_follow_the_collection_s_access_list(standin: StandIn) -> None:
    standin.add_user("ann", "user")
    standin.add_user("max", "shop_manager")
    ann = standin.service("ann", app=APP, owner="nobody")
    manager = standin.service("max", app=APP, owner="nobody")

    manager.kvstore["orders"].data.insert({"_key": "a"})
    assert ann.kvstore["orders"].data.query_by_id("a")["_key"] == "a"
    with refusal(403):
        ann.kvstore["orders"].data.insert({"_key": "b"})
    with refusal(403):
        ann.kvstore["orders"].data.batch_save({"_key": "b"})
    with refusal(403):
        ann.kvstore["orders"].data.delete()
    assert "private" not in [each.name for each in manager.kvstore]
    path = f"/servicesNS/nobody/{APP}/storage/collections/data/private"
    with refusal(404):
        manager.get(path)


def test_a_switched_off_kv_store_answers_503_until_it_is_back(standin: StandIn, orders) -> None:
    orders.insert({"_key": "a"})
    standin.splunk.kv.faults.unavailable = True
    with refusal(503):
        orders.query()
    with refusal(503):
        orders.insert({"_key": "b"})
    standin.splunk.kv.faults.unavailable = False

    assert [d["_key"] for d in orders.query()] == ["a"]


def test_read_only_refuses_writes_and_serves_reads(standin: StandIn, orders) -> None:
    orders.insert({"_key": "a"})
    standin.splunk.kv.faults.read_only = True
    with refusal(503):
        orders.insert({"_key": "b"})
    with refusal(503):
        orders.delete()

    assert [d["_key"] for d in orders.query()] == ["a"]


def test_collections_can_be_made_changed_and_removed(standin: StandIn) -> None:
    service = standin.service(app=APP, owner="nobody")
    service.kvstore.create("made", fields={"n": "number"}, accelerated_fields={"x": {"n": 1}})
    made = service.kvstore["made"]
    made.update_field("m", "string")

    assert made.refresh().content["field.m"] == "string"
    assert service.kvstore["made"].content["accelerated_fields.x"] == {"n": 1}
    made.data.insert({"n": "1"})
    made.delete()
    assert "made" not in service.kvstore
    service.kvstore.create("made")
    assert service.kvstore["made"].data.query() == []


def test_a_collection_that_is_there_is_a_conflict_and_a_missing_one_not_found(
    standin: StandIn,
) -> None:
    service = standin.service(app=APP, owner="nobody")
    with refusal(409):
        service.kvstore.create("orders")
    with refusal(404):
        service.get(f"/servicesNS/nobody/{APP}/storage/collections/data/nowhere")


def test_more_than_ten_accelerations_are_refused(standin: StandIn) -> None:
    service = standin.service(app=APP, owner="nobody")
    with pytest.raises(HTTPError, match="10 accelerations"):
        service.kvstore.create("made", accelerated_fields={f"x{n}": {"n": 1} for n in range(11)})


def test_an_answer_is_cut_at_max_rows_per_query(standin: StandIn, orders) -> None:
    standin.splunk.conf.write("limits", "kvstore", {"max_rows_per_query": "5"}, "system", False)
    orders.batch_save(*({"_key": str(n)} for n in range(8)))

    assert len(orders.query()) == 5
    assert len(orders.query(limit=8)) == 5
    assert len(orders.query(skip=5)) == 3


def test_an_answer_is_cut_at_max_size_per_result(standin: StandIn, orders) -> None:
    standin.splunk.conf.write("limits", "kvstore", {"max_size_per_result_mb": "1"}, "system", False)
    orders.batch_save(*({"_key": str(n), "text": "x" * 300_000} for n in range(8)))

    assert [d["_key"] for d in orders.query(sort="_key")] == ["0", "1", "2"]
    assert [d["_key"] for d in orders.query(sort="_key", skip=3)] == ["3", "4", "5"]
    assert [len(found) for found in orders.batch_find({"query": {}}, {"query": {"_key": "1"}})] == [
        3,
        1,
    ]


def test_an_argument_of_another_name_is_refused_before_anything_is_deleted(
    standin: StandIn, orders
) -> None:
    orders.insert({"_key": "a"})
    service = standin.service(app=APP, owner="nobody")
    path = f"/servicesNS/nobody/{APP}/storage/collections/data/orders"
    for call, more in [(service.delete, {"qury": "{}"}), (service.get, {"sorted": "total"})]:
        with pytest.raises(HTTPError, match="is not supported by this endpoint"):
            call(path, **more)
    with pytest.raises(HTTPError, match="batch_find does not take where"):
        orders.batch_find({"where": {"_key": "b"}})
    assert [d["_key"] for d in orders.query()] == ["a"]


def test_documents_outlive_a_restart(tmp_path: Path, app: Path) -> None:
    with start_standin(tmp_path, [app]) as first:
        data = first.service(app=APP, owner="nobody").kvstore["orders"].data
        data.batch_save({"_key": "a", "deep": {"list": [1, {"x": None}]}}, {"_key": "b"})
        data.delete_by_id("b")

    with start_standin(tmp_path) as second:
        data = second.service(app=APP, owner="nobody").kvstore["orders"].data
        assert [d["_key"] for d in data.query()] == ["a"]
        assert data.query_by_id("a")["deep"] == {"list": [1, {"x": None}]}


def test_a_name_that_two_apps_give_a_collection_is_nobodys(tmp_path: Path, app: Path) -> None:
    """lookup-editor's issue 40: where another app shares its own with all, either may be meant."""
    other = tmp_path / "other"
    for name, text in {
        "default/app.conf": "[ui]\nlabel = Other\n",
        "default/collections.conf": "[orders]\n",
        "metadata/default.meta": "[collections]\nexport = system\n",
    }.items():
        (other / name).parent.mkdir(parents=True, exist_ok=True)
        (other / name).write_text(text, encoding="utf-8")
    with start_standin(tmp_path / "home", [app, other]) as running:
        with pytest.raises(HTTPError, match=f"collection of other and {APP}"):
            running.service(app=APP, owner="nobody").kvstore["orders"].data.query()
        running.service(app="other", owner="nobody").kvstore["orders"].data.insert({"_key": "a"})
