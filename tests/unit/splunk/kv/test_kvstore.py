"""Collections: limits of the KV store, and what its answers mean."""

import json
from typing import Any

import pytest

from incident_management.splunk.kv import store
from incident_management.splunk.kv.store import sorted_documents
from incident_management.splunk.session import SplunkError
from tests.unit.splunk.kv.shelf import Shelf

DATA = "/servicesNS/nobody/incident_management/storage/collections/data/incident_incidents"


def error(text="no"):
    return {"messages": [{"type": "ERROR", "text": text}]}


def test_get_finds_by_key_and_hides_the_owner_mark(splunkd, incidents):
    splunkd.answers = [(200, {"_key": "a/b", "_user": "nobody", "x": 1})]

    assert incidents.get("a/b") == {"_key": "a/b", "x": 1}


def test_get_of_an_unknown_key_is_none(splunkd, incidents):
    splunkd.answers = [(404, error())]

    assert incidents.get("a") is None


def test_keys_asks_for_the_keys_alone_and_find_for_whole_documents(splunkd, incidents):
    splunkd.answer = lambda *_request: (200, [{"_key": "a"}])
    assert incidents.keys({"status": "new"}) == ["a"]
    assert incidents.find({"status": "new"}) == [{"_key": "a"}]

    assert [query.get("fields") for _m, _p, query, _b in splunkd.seen] == ["_key", None]


def test_insert_tells_whether_the_key_was_free(splunkd, incidents):
    splunkd.answers = [(201, {"_key": "a"}), (409, error("duplicate key"))]

    assert incidents.insert({"_key": "a"}) is True
    assert incidents.insert({"_key": "a"}) is False


@pytest.mark.parametrize("status", [400, 403, 500])
def test_other_refusals_are_errors(splunkd, incidents, status):
    """An insert that failed is no taken key, and a read that failed no missing document."""
    splunkd.answer = lambda *_request: (status, error("Not now"))
    document = {"_key": "a"}
    for ask in (
        lambda: incidents.insert(document),
        lambda: incidents.save([document]),
        lambda: incidents.get("a"),
        lambda: incidents.delete("a"),
        lambda: incidents.find({}),
        lambda: incidents.delete_matching({"a": 1}),
    ):
        with pytest.raises(SplunkError, match="Not now"):
            ask()


def test_save_sends_at_most_a_thousand_at_once(splunkd, incidents):
    splunkd.answer = lambda *_request: (200, [])
    incidents.save([{"_key": str(n)} for n in range(2500)])

    asked, *saved = splunkd.seen
    assert asked[:2] == ("GET", "/services/configs/conf-limits/kvstore")
    assert [len(body) for _m, _p, _q, body in saved] == [1000, 1000, 500]
    assert all(path == f"{DATA}/batch_save" for _m, path, _q, _b in saved)


def test_save_splits_by_size_too(splunkd, incidents, monkeypatch):
    monkeypatch.setattr(store, "SAVE_BYTES", 1000)
    splunkd.answer = lambda *_request: (200, [])
    incidents.save([{"_key": str(n), "text": "x" * 400} for n in range(5)])

    sent = [body for _m, _p, _q, body in splunkd.seen]
    assert [document["_key"] for body in sent for document in body] == ["0", "1", "2", "3", "4"]
    assert all(len(json.dumps(body)) <= 1000 for body in sent)


def test_few_large_documents_are_saved_where_an_administrator_allows_little_at_once(
    splunkd, incidents
):
    """``max_size_per_batch_save_mb = 1``: 90 of 150 kB were refused, as none asked what fits."""
    splunkd.answer = lambda *_request: (200, [])
    incidents.save([{"_key": str(n), "text": "x" * 150_000} for n in range(90)])

    sent = [body for _m, _p, _q, body in splunkd.seen]
    assert sum(len(body) for body in sent) == 90
    assert all(len(json.dumps(body)) <= 1_000_000 for body in sent)


def test_saving_nothing_asks_nothing(splunkd, incidents):
    incidents.save([])

    assert splunkd.seen == []


def test_find_stops_at_its_limit(splunkd, incidents):
    splunkd.answers = [(200, [{"_key": "a"}, {"_key": "b"}])]

    assert len(incidents.find(sort="time:-1", limit=2, skip=3)) == 2
    assert splunkd.seen[0][2] == {
        "sort": "time:-1",
        "limit": "2",
        "skip": "3",
        "output_mode": "json",
    }


def test_of_a_query_with_a_limit_no_more_is_read_as_long_as_a_url_takes_it(splunkd, incidents):
    query = {"$and": [{"$or": [{"owner": f"person-{n:020}"} for n in range(100)]}]}
    splunkd.answers = [(200, [{"_key": "a"}])]

    assert incidents.find(query, "opened_at:-1", limit=1) == [{"_key": "a"}]
    method, _path, asked, _body = splunkd.seen[0]
    assert (method, asked["limit"], asked["sort"]) == ("GET", "1", "opened_at:-1")
    assert json.loads(asked["query"]) == query


def test_a_long_query_travels_in_a_body_and_keeps_order_and_limit(splunkd, incidents):
    query = {"$or": [{"_key": f"{n:040x}"} for n in range(140)]}
    found = [{"_key": "a", "t": 1}, {"_key": "b", "t": 3}, {"_key": "c", "t": 2}]
    splunkd.answers = [(200, [found])]

    assert [d["_key"] for d in incidents.find(query, "t:-1", limit=1, skip=1)] == ["c"]
    method, path, _query, body = splunkd.seen[0]
    assert (method, path) == ("POST", f"{DATA}/batch_find")
    assert body == [{"query": query, "limit": store.ANSWER_ROWS}]


def test_only_the_fields_that_are_wanted_are_asked_for(splunkd, incidents):
    splunkd.answers = [(200, [{"_key": "a", "status": "new"}])]

    assert incidents.find({"x": 1}, fields=("status", "team")) == [{"_key": "a", "status": "new"}]
    assert splunkd.seen[0][2]["fields"] == "status,team"


def test_of_a_long_query_also_the_fields_that_it_is_sorted_by_are_read(splunkd, incidents):
    query = {"$or": [{"_key": f"{n:040x}"} for n in range(100)]}
    splunkd.answers = [(200, [[{"_key": "a", "t": 1}, {"_key": "b", "t": 3}]])]

    found = incidents.find(query, "t:-1,_key:1", fields=("status",))
    assert [document["_key"] for document in found] == ["b", "a"]
    assert splunkd.seen[0][3][0]["fields"] == ["status", "t", "_key"]


def test_a_splunkd_that_takes_no_fields_in_a_body_is_asked_for_whole_documents(
    splunkd, incidents, monkeypatch
):
    monkeypatch.setattr(store.KvCollection, "_chooses_fields", True)
    query = {"$or": [{"_key": f"{n:040x}"} for n in range(100)]}
    refused = (400, {"messages": [{"type": "ERROR", "text": "The provided query was invalid."}]})
    splunkd.answers = [refused, (200, [[{"_key": "a", "x": 1}]]), (200, [[{"_key": "b", "x": 1}]])]

    assert incidents.keys(query) == ["a"]
    assert incidents.keys(query) == ["b"]
    assert ["fields" in body[0] for *_path, body in splunkd.seen] == [True, False, False]


def test_a_query_that_is_refused_stays_refused(splunkd, incidents, monkeypatch):
    monkeypatch.setattr(store.KvCollection, "_chooses_fields", True)
    query = {"$or": [{"_key": f"{n:040x}"} for n in range(100)]}
    splunkd.answers = [(400, {"messages": []}), (400, {"messages": []})]
    with pytest.raises(SplunkError):
        incidents.keys(query)
    assert store.KvCollection._chooses_fields


def test_an_answer_that_may_have_been_cut_is_asked_again_in_halves(splunkd, incidents, monkeypatch):
    monkeypatch.setattr(store, "ANSWER_ROWS", 60)
    keys = [f"{n:040x}" for n in range(100)]

    def answer(_method, _path, _query, body):
        wanted = [part["_key"] for part in body[0]["query"]["$or"]]
        return 200, [[{"_key": key} for key in wanted][:60]]

    splunkd.answer = answer
    found = incidents.find({"$or": [{"_key": key} for key in keys]})

    assert [d["_key"] for d in found] == keys


def test_what_one_alternative_matches_beyond_an_answer_is_read_page_by_page(
    splunkd, incidents, monkeypatch
):
    monkeypatch.setattr(store, "ANSWER_ROWS", 60)
    monkeypatch.setattr(store, "PAGE_ROWS", 40)
    many = [{"_key": f"long{n:03}", "incident": "a"} for n in range(70)]
    shelf = Shelf(*many)

    def answer(method, _path, query, body):
        if method == "POST":
            wanted = [part["incident"] for part in body[0]["query"]["$or"]]
            return 200, [(many if "a" in wanted else [{"_key": w} for w in wanted])[:60]]
        return shelf(method, _path, query, body)

    splunkd.answer = answer
    found = incidents.find({"$or": [{"incident": name} for name in ("a", *map(str, range(160)))]})

    assert len(found) == 70 + 160


def test_what_no_half_and_no_url_takes_is_refused(splunkd, incidents, monkeypatch):
    """A part of what matches would be taken for all of it."""
    monkeypatch.setattr(store, "ANSWER_ROWS", 1)
    splunkd.answer = lambda *_request: (200, [[{"_key": "a"}]])
    only = {"$or": [{"title": "x" * 40_000}]}

    for query in (only, {"$and": [{"status": "new"}, only]}):
        with pytest.raises(SplunkError, match="More than 1 documents of incident_incidents match"):
            incidents.find(query)


def test_a_large_answer_is_mistaken_for_cut(splunkd, incidents, monkeypatch):
    monkeypatch.setattr(store, "ANSWER_BYTES", 1000)
    rows = [{"_key": str(n), "text": "x" * 200, "team": "shop"} for n in range(9)]

    shelf = Shelf(*rows)

    def answer(*request):
        status, found = shelf(*request)
        return status, found[:5]  # five fit what splunkd returns at most

    splunkd.answer = answer
    assert [row["_key"] for row in incidents.find({"team": "shop"})] == list("012345678")


def test_delete_tells_whether_there_was_one(splunkd, incidents):
    splunkd.answers = [(200, ""), (404, error())]

    assert incidents.delete("a") is True
    assert incidents.delete("a") is False


@pytest.mark.parametrize("key", ["", ".", ".."])
def test_a_key_that_names_the_collection_itself_names_no_document(splunkd, incidents, key):
    """A DELETE of the collection deletes all that is in it."""
    assert incidents.get(key) is None
    assert incidents.delete(key) is False
    assert splunkd.seen == []


def test_sorting_is_the_kv_stores():
    documents: list[dict[str, Any]] = [
        {"_key": "a", "x": 2},
        {"_key": "b"},
        {"_key": "c", "x": 1},
        {"_key": "d", "x": 2},
    ]

    assert [d["_key"] for d in sorted_documents(documents, "x:1,_key:-1")] == ["b", "c", "d", "a"]

    documents += [{"_key": "e", "x": None}, {"_key": "f", "x": "10"}, {"_key": "g", "x": True}]
    documents += [{"_key": "h", "x": ["z"]}, {"_key": "i", "x": {"y": 1}}]
    assert "".join(d["_key"] for d in sorted_documents(documents, "x,_key")) == "becadfihg"


def test_documents_are_deleted_by_a_query_and_never_without_one(splunkd, incidents):
    splunkd.answers = [(200, "")]
    incidents.delete_matching({"incident_id": "INC-1"})

    ((method, path, query, _body),) = splunkd.seen
    assert (method, path) == ("DELETE", DATA)
    assert json.loads(query["query"]) == {"incident_id": "INC-1"}
    with pytest.raises(ValueError, match="all of incident_incidents would be deleted"):
        incidents.delete_matching({})


def test_of_a_cut_answer_also_alternatives_beside_a_condition_are_asked_for_in_halves(
    splunkd, incidents, monkeypatch
):
    """As the problems of one incident are: more than one answer holds, and too long for a URL."""
    monkeypatch.setattr(store, "ANSWER_ROWS", 60)
    keys = [f"{n:040x}" for n in range(150)]

    def answer(method, _path, _query, body):
        mine, named = body[0]["query"]["$and"]
        assert (method, mine) == ("POST", {"incident_id": "INC-1"})
        return 200, [[{"_key": part["dedup_key"]} for part in named["$or"]][:60]]

    splunkd.answer = answer
    named = {"$or": [{"dedup_key": key} for key in keys]}
    found = incidents.find({"$and": [{"incident_id": "INC-1"}, named]})
    assert [document["_key"] for document in found] == keys
