"""A malformed entry, as after a change by hand at any depth, counts as missing."""

from __future__ import annotations

from typing import Any

import pytest

from incident_management.incidents import timeline
from incident_management.incidents.entry_validation import is_readable, readable_entries
from incident_management.incidents.model import Entry

ID = "INC-20260101-0A1B2C"
OPENED = Entry.create(ID, "opened", {"title": "t", "signals": {"a": 1}}, "x", 1.0)


def document(kind: str, data: Any, **fields: Any) -> dict[str, Any]:
    entry = Entry.create(ID, "note", {}, "x", 2.0, timeline.head_of([OPENED]))
    return {**entry.to_document(), "kind": kind, "data": data, **fields}


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        *(("signal", {"signals": {"b": odd}}) for odd in (None, "x", [1], {"c": 1})),
        *(("fields", {"set": odd}) for odd in (5, "x", ["region"])),
        *(("escalation", {"level": odd}) for odd in ("x", [1], {"a": 1})),
        ("joined", {"number": 1}),
    ],
)
def test_what_the_fold_could_not_add_up_counts_as_gone(kind, data):
    assert readable_entries([OPENED.to_document(), document(kind, data)]) == [OPENED]


@pytest.mark.parametrize("prev", [5, "x", [5], [None], [["x"]], [{"a": 1}]])
def test_an_entry_that_follows_what_no_entry_is_counts_as_gone(prev):
    odd = document("note", {"text": "n"}, prev=prev)
    assert readable_entries([odd]) == []
    assert not is_readable(odd, ("incident_id", "prev"))


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("signal", {"signals": None, "fields": None, "last_time": None}),
        ("fields", {"set": None}),
        ("escalation", {"level": None}),
        ("joined", {"from": ID, "number": -1.5, "signals": {"a": 1.0}}),
        ("a kind of a later version", {"number": "x", "level": "x", "set": 5}),
    ],
)
def test_no_malformed_entry_stops_the_fold(kind, data):
    entries = readable_entries([OPENED.to_document(), document(kind, data)])
    assert len(entries) == 2
    assert timeline.fold(entries).entries == 2
