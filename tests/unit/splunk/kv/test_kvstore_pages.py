"""Reading a collection page by page, while others write in it."""

import json
from typing import Any

import pytest

from incident_management.splunk.kv import store
from incident_management.splunk.kv.store import sorted_documents
from tests.unit.splunk.kv.shelf import Shelf


def at(key: str, *time: float) -> dict[str, Any]:
    return {"_key": key, **({"time": time[0]} if time else {})}


def test_find_reads_page_by_page_in_a_fixed_order(splunkd, incidents, monkeypatch):
    monkeypatch.setattr(store, "PAGE_ROWS", 2)
    splunkd.answer = shelf = Shelf(at("c", 3), at("a", 1), at("b", 2))

    assert [document["_key"] for document in incidents.find()] == ["a", "b", "c"]
    assert [one["sort"] for one in shelf.asked] == ["_key:1", "_key:1"]
    assert json.loads(shelf.asked[1]["query"]) == {"$and": [{}, {"_key": {"$gt": "b"}}]}


@pytest.mark.parametrize("limit", [0, 100])
@pytest.mark.parametrize("sort", ["", "time:1", "time:-1", "time:-1,_key:-1"])
def test_what_is_deleted_or_added_meanwhile_moves_nothing_out_of_a_page_or_into_two(
    splunkd, incidents, monkeypatch, sort, limit
):
    monkeypatch.setattr(store, "PAGE_ROWS", 3)
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
    monkeypatch.setattr(store, "PAGE_ROWS", 3)
    documents = [at(f"k{n:02}", 0 if n < 2 else 1 if n < 10 else 2) for n in range(13)]
    splunkd.answer = Shelf(*documents)

    found = incidents.find(sort=sort, fields=("status",))
    assert sorted(one["_key"] for one in found) == [one["_key"] for one in documents]
    assert [one["time"] for one in found] == sorted(
        (one["time"] for one in documents), reverse=sort.endswith("-1")
    )


def test_those_without_the_value_are_read_too(splunkd, incidents, monkeypatch):
    monkeypatch.setattr(store, "PAGE_ROWS", 2)
    splunkd.answer = Shelf(*(at(f"k{n}") for n in range(5)), at("a", 2), at("b", 1))

    found = [one["_key"] for one in incidents.find(sort="time:1")]
    assert found == ["k0", "k1", "k2", "k3", "k4", "b", "a"]


@pytest.mark.parametrize("limit", [0, 7, 20])
@pytest.mark.parametrize("sort", ["time:1", "time:-1", "time:-1,_key:-1"])
def test_values_of_every_type_and_none_are_read_in_the_kv_stores_order(
    splunkd, incidents, monkeypatch, sort, limit
):
    """A range goes on among values of one type alone: the others were left out of a long answer."""
    monkeypatch.setattr(store, "PAGE_ROWS", 3)
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
    monkeypatch.setattr(store, "PAGE_ROWS", 3)
    splunkd.answer = Shelf(*(at(f"k{n}", 1) for n in range(9)))

    found = [one["_key"] for one in incidents.find(sort="time:1", limit=limit, skip=2)]
    assert found == [f"k{n}" for n in range(2, 9)]


@pytest.mark.parametrize("limit", [0, 6])
def test_those_without_the_value_come_last_in_a_falling_order(
    splunkd, incidents, monkeypatch, limit
):
    monkeypatch.setattr(store, "PAGE_ROWS", 2)
    splunkd.answer = Shelf(*(at(f"k{n}", n) for n in range(4)), at("a"), at("b"))

    found = [one["_key"] for one in incidents.find(sort="time:-1", limit=limit)]
    assert found == ["k3", "k2", "k1", "k0", "a", "b"]


@pytest.mark.parametrize("limit", [0, 5])
def test_what_is_skipped_stays_so_and_fields_that_are_not_read_sort_too(
    splunkd, incidents, monkeypatch, limit
):
    monkeypatch.setattr(store, "PAGE_ROWS", 3)
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
    monkeypatch.setattr(store, "PAGE_ROWS", 3)
    splunkd.answer = Shelf(*(at(f"k{n}", n // 2) for n in range(12)))

    found = [one["_key"] for one in incidents.find(sort="time:1", limit=7)]
    assert found == [f"k{n}" for n in range(7)]


def test_of_fewer_than_a_limit_beyond_a_page_none_is_read_again(splunkd, incidents, monkeypatch):
    """Whether there are more, of another type or without the value, their keys alone tell."""
    monkeypatch.setattr(store, "PAGE_ROWS", 10)
    splunkd.answer = shelf = Shelf(*(at(f"k{n:02}", n) for n in range(95)))

    found = incidents.find(sort="time:-1", limit=1000, fields=("time",))
    assert [one["time"] for one in found] == list(range(94, -1, -1))
    pages = [one for one in shelf.asked if one["fields"] != "_key"]
    # Each begins with the last of the one before.
    assert len(pages) == 11


@pytest.mark.parametrize("sort", ["time:1", "time:-1"])
def test_those_that_are_deleted_meanwhile_hide_none_without_the_value(
    splunkd, incidents, monkeypatch, sort
):
    """As many were found as there are by then: the wrong ones."""
    monkeypatch.setattr(store, "PAGE_ROWS", 3)
    stays = [{"_key": "t", "time": "soon"}, *(at(f"k{n}", n) for n in range(4, 8))]
    goes = [at("g0", 3.5), at("g1", 7.5)]

    def between(known):
        if len(shelf.asked) > 2:
            known[:] = stays

    splunkd.answer = shelf = Shelf(*goes, *stays, between=between)
    found = [one["_key"] for one in incidents.find(sort=sort, limit=100)]
    assert {one["_key"] for one in stays} <= set(found)
