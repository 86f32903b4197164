"""Collections: limits of the KV store, and what its answers mean."""

import json
from typing import Any

import pytest

from incident_management.splunk import kvstore
from incident_management.splunk.kvstore import KvCollection, sorted_documents
from incident_management.splunk.session import SplunkError
from tests.fakes.stores import matches

DATA = "/servicesNS/nobody/incident_management/storage/collections/data/incidents"


@pytest.fixture
def incidents(session):
    return KvCollection(session, "incidents")


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

    assert [len(body) for _m, _p, _q, body in splunkd.seen] == [1000, 1000, 500]
    assert all(path == f"{DATA}/batch_save" for _m, path, _q, _b in splunkd.seen)


def test_save_splits_by_size_too(splunkd, incidents, monkeypatch):
    monkeypatch.setattr(kvstore, "SAVE_BYTES", 1000)
    splunkd.answer = lambda *_request: (200, [])
    incidents.save([{"_key": str(n), "text": "x" * 400} for n in range(5)])

    sent = [body for _m, _p, _q, body in splunkd.seen]
    assert [document["_key"] for body in sent for document in body] == ["0", "1", "2", "3", "4"]
    assert all(len(json.dumps(body)) <= 1000 for body in sent)


def test_saving_nothing_asks_nothing(splunkd, incidents):
    incidents.save([])

    assert splunkd.seen == []


class Shelf:
    """Answers GETs as the KV store does; ``between`` is called before each one but the first."""

    def __init__(self, *documents: Any, between: Any = lambda _documents: None) -> None:
        self.documents = list(documents)
        self.asked: list[dict[str, str]] = []
        self._between = between

    def __call__(self, _method: str, _path: str, asked: Any, _body: Any) -> Any:
        if self.asked:
            self._between(self.documents)
        self.asked.append(asked)
        query = json.loads(asked.get("query") or "{}")
        found = [one for one in self.documents if matches(one, query)]
        begin = int(asked["skip"])
        found = sorted_documents(found, asked["sort"])[begin : begin + int(asked["limit"])]
        names = [name for name in asked.get("fields", "").split(",") if name]
        return 200, [
            {n: v for n, v in one.items() if not names or n in ("_key", *names)} for one in found
        ]


def at(key: str, *time: float) -> dict[str, Any]:
    return {"_key": key, **({"time": time[0]} if time else {})}


def test_find_reads_page_by_page_in_a_fixed_order(splunkd, incidents, monkeypatch):
    monkeypatch.setattr(kvstore, "PAGE_ROWS", 2)
    splunkd.answer = shelf = Shelf(at("c", 3), at("a", 1), at("b", 2))

    assert [document["_key"] for document in incidents.find()] == ["a", "b", "c"]
    assert [one["sort"] for one in shelf.asked] == ["_key:1", "_key:1"]
    assert json.loads(shelf.asked[1]["query"]) == {"$and": [{}, {"_key": {"$gt": "b"}}]}


@pytest.mark.parametrize("limit", [0, 100])
@pytest.mark.parametrize("sort", ["", "time:1", "time:-1", "time:-1,_key:-1"])
def test_what_is_deleted_or_added_meanwhile_moves_nothing_out_of_a_page_or_into_two(
    splunkd, incidents, monkeypatch, sort, limit
):
    monkeypatch.setattr(kvstore, "PAGE_ROWS", 3)
    documents = [at(f"k{n:02}", n) for n in range(12)]
    stays = sorted_documents(documents, sort or "_key:1")[4:]

    def between(known):
        gone = sorted_documents(known, sort or "_key:1")[0]
        if gone not in stays:
            known.remove(gone)

    splunkd.answer = Shelf(*documents, between=between)
    assert [one for one in incidents.find(sort=sort, limit=limit) if one in stays] == stays

    came = iter(range(-1, -100, -1))

    def adding(known):
        n = next(came) if not sort.startswith("time:-1") else 100 - next(came)
        known.append(at(f"k{n}" if n > 0 else f"a{n}", n))

    splunkd.answer = Shelf(*documents, between=adding)
    found = [one for one in incidents.find(sort=sort, limit=limit) if one in documents]
    assert found == sorted_documents(documents, sort or "_key:1")


@pytest.mark.parametrize("sort", ["time:1", "time:-1"])
def test_more_of_one_value_than_a_page_holds_are_all_read(splunkd, incidents, monkeypatch, sort):
    monkeypatch.setattr(kvstore, "PAGE_ROWS", 3)
    documents = [at(f"k{n:02}", 0 if n < 2 else 1 if n < 10 else 2) for n in range(13)]
    splunkd.answer = Shelf(*documents)

    found = incidents.find(sort=sort, fields=("status",))
    assert sorted(one["_key"] for one in found) == [one["_key"] for one in documents]
    assert [one["time"] for one in found] == sorted(
        (one["time"] for one in documents), reverse=sort.endswith("-1")
    )


def test_those_without_the_value_are_read_too(splunkd, incidents, monkeypatch):
    monkeypatch.setattr(kvstore, "PAGE_ROWS", 2)
    splunkd.answer = Shelf(*(at(f"k{n}") for n in range(5)), at("a", 2), at("b", 1))

    found = [one["_key"] for one in incidents.find(sort="time:1")]
    assert found == ["k0", "k1", "k2", "k3", "k4", "b", "a"]


@pytest.mark.parametrize("limit", [0, 7, 20])
@pytest.mark.parametrize("sort", ["time:1", "time:-1", "time:-1,_key:-1"])
def test_values_of_every_type_and_none_are_read_in_the_kv_stores_order(
    splunkd, incidents, monkeypatch, sort, limit
):
    """A range goes on among values of one type alone: the others were left out of a long answer."""
    monkeypatch.setattr(kvstore, "PAGE_ROWS", 3)
    documents = [at("n1"), {"_key": "n2", "time": None}, *(at(f"k{n}", n // 2) for n in range(6))]
    documents += [{"_key": f"t{n}", "time": "soon"} for n in range(4)]
    expected = sorted_documents(documents, sort)
    splunkd.answer = Shelf(*documents)

    found = [one["_key"] for one in incidents.find(sort=sort, limit=limit, fields=("status",))]
    assert found == [one["_key"] for one in expected][: limit or None]


@pytest.mark.parametrize("limit", [0, 8])
def test_what_is_passed_over_does_not_come_back_with_those_of_the_same_value(
    splunkd, incidents, monkeypatch, limit
):
    monkeypatch.setattr(kvstore, "PAGE_ROWS", 3)
    splunkd.answer = Shelf(*(at(f"k{n}", 1) for n in range(9)))

    found = [one["_key"] for one in incidents.find(sort="time:1", limit=limit, skip=2)]
    assert found == [f"k{n}" for n in range(2, 9)]


@pytest.mark.parametrize("limit", [0, 6])
def test_those_without_the_value_come_last_in_a_falling_order(
    splunkd, incidents, monkeypatch, limit
):
    monkeypatch.setattr(kvstore, "PAGE_ROWS", 2)
    splunkd.answer = Shelf(*(at(f"k{n}", n) for n in range(4)), at("a"), at("b"))

    found = [one["_key"] for one in incidents.find(sort="time:-1", limit=limit)]
    assert found == ["k3", "k2", "k1", "k0", "a", "b"]


@pytest.mark.parametrize("limit", [0, 5])
def test_what_is_skipped_stays_so_and_fields_that_are_not_read_sort_too(
    splunkd, incidents, monkeypatch, limit
):
    monkeypatch.setattr(kvstore, "PAGE_ROWS", 3)
    splunkd.answer = Shelf(*({"_key": f"k{n}", "team": "a", "rank": n % 4} for n in range(8)))

    found = incidents.find({}, "team:1,rank:-1,_key:1", limit, skip=2, fields=("team",))
    wanted = ["k2", "k6", "k1", "k5", "k0", "k4"]
    assert [one["_key"] for one in found] == wanted[: limit or None]


def test_values_of_several_types_are_sorted_as_the_kv_store_does():
    values = [None, -1, 2.5, "", "10", "2", [1], False, True]
    documents = [{"_key": str(n), "x": value} for n, value in enumerate(values)]
    mixed = sorted_documents([*documents[::-1], {"_key": "z"}], "x:1")
    assert [one.get("x") for one in mixed] == [None, *values]


def test_a_limit_beyond_a_page_is_kept_to(splunkd, incidents, monkeypatch):
    monkeypatch.setattr(kvstore, "PAGE_ROWS", 3)
    splunkd.answer = Shelf(*(at(f"k{n}", n // 2) for n in range(12)))

    found = [one["_key"] for one in incidents.find(sort="time:1", limit=7)]
    assert found == [f"k{n}" for n in range(7)]


def test_of_fewer_than_a_limit_beyond_a_page_none_is_read_again(splunkd, incidents, monkeypatch):
    """Whether there are more, of another type or without the value, their keys alone tell."""
    monkeypatch.setattr(kvstore, "PAGE_ROWS", 10)
    splunkd.answer = shelf = Shelf(*(at(f"k{n:02}", n) for n in range(95)))

    found = incidents.find(sort="time:-1", limit=1000, fields=("time",))
    assert [one["time"] for one in found] == list(range(94, -1, -1))
    pages = [one for one in shelf.asked if one["fields"] != "_key"]
    # Each begins with the last of the one before.
    assert len(pages) == 11


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
    assert body == [{"query": query, "limit": kvstore.ANSWER_ROWS}]


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
    monkeypatch.setattr(kvstore.KvCollection, "_chooses_fields", True)
    query = {"$or": [{"_key": f"{n:040x}"} for n in range(100)]}
    refused = (400, {"messages": [{"type": "ERROR", "text": "The provided query was invalid."}]})
    splunkd.answers = [refused, (200, [[{"_key": "a", "x": 1}]]), (200, [[{"_key": "b", "x": 1}]])]

    assert incidents.keys(query) == ["a"]
    assert incidents.keys(query) == ["b"]
    assert ["fields" in body[0] for *_path, body in splunkd.seen] == [True, False, False]


def test_a_query_that_is_refused_stays_refused(splunkd, incidents, monkeypatch):
    monkeypatch.setattr(kvstore.KvCollection, "_chooses_fields", True)
    query = {"$or": [{"_key": f"{n:040x}"} for n in range(100)]}
    splunkd.answers = [(400, {"messages": []}), (400, {"messages": []})]
    with pytest.raises(SplunkError):
        incidents.keys(query)
    assert kvstore.KvCollection._chooses_fields


def test_an_answer_that_may_have_been_cut_is_asked_again_in_halves(splunkd, incidents, monkeypatch):
    monkeypatch.setattr(kvstore, "ANSWER_ROWS", 60)
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
    monkeypatch.setattr(kvstore, "ANSWER_ROWS", 60)
    monkeypatch.setattr(kvstore, "PAGE_ROWS", 40)
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
    monkeypatch.setattr(kvstore, "ANSWER_ROWS", 1)
    splunkd.answer = lambda *_request: (200, [[{"_key": "a"}]])
    only = {"$or": [{"title": "x" * 40_000}]}

    for query in (only, {"$and": [{"status": "new"}, only]}):
        with pytest.raises(SplunkError, match="More than 1 documents of incidents match"):
            incidents.find(query)


def test_a_large_answer_is_taken_for_cut(splunkd, incidents, monkeypatch):
    monkeypatch.setattr(kvstore, "ANSWER_BYTES", 1000)
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
    with pytest.raises(ValueError, match="all of incidents would be deleted"):
        incidents.delete_matching({})


def test_of_a_cut_answer_also_alternatives_beside_a_condition_are_asked_for_in_halves(
    splunkd, incidents, monkeypatch
):
    """As the problems of one incident are: more than one answer holds, and too long for a URL."""
    monkeypatch.setattr(kvstore, "ANSWER_ROWS", 60)
    keys = [f"{n:040x}" for n in range(150)]

    def answer(method, _path, _query, body):
        mine, named = body[0]["query"]["$and"]
        assert (method, mine) == ("POST", {"incident_id": "INC-1"})
        return 200, [[{"_key": part["dedup_key"]} for part in named["$or"]][:60]]

    splunkd.answer = answer
    named = {"$or": [{"dedup_key": key} for key in keys]}
    found = incidents.find({"$and": [{"incident_id": "INC-1"}, named]})
    assert [document["_key"] for document in found] == keys
