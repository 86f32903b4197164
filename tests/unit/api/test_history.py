"""Pins, history out of the index, and what is answered for an incident that was deleted by age."""

from __future__ import annotations

import pytest

from incident_management.incidents import lifecycle, timeline
from incident_management.incidents.act import Act
from incident_management.incidents.upkeep.audit import event_of
from incident_management.incidents.upkeep.retention import tombstone
from incident_management.ports import SearchResult
from tests.fakes.api import FakeApi


@pytest.fixture
def api():
    return FakeApi()


def opened(api):
    _status, incident = api.call("POST", "/incidents", {"title": "Down", "severity": "high"})
    return incident["id"]


def index(api, incident_id):
    """Put the incident's events where the search finds them; returns its entries."""
    entries = timeline.read(api.stores_value, incident_id)
    rows = [{"_raw": event_of(entry)} for entry in entries]
    api.searcher_value.answers["incident_audit_events"] = rows
    return entries


def condemn(api, incident_id, gone):
    claim = {"_key": f"pruned:{incident_id}", "purpose": "pruned", "holder": "", "time": 1.0}
    value = {"incident_id": incident_id, "phase": "leaving"}
    api.stores_value.claims.insert({**claim, "value": value})
    if gone:
        api.stores_value.incidents.delete(incident_id)
        api.stores_value.timeline.delete_matching({"incident_id": incident_id})


CHANGES = [
    ("POST", "/acknowledge", {}),
    ("POST", "/notes", {"text": "late"}),
    ("POST", "/pin", {"pinned": True}),
    ("PATCH", "", {"title": "x"}),
]


@pytest.mark.parametrize("gone", [False, True])
@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
def test_nothing_is_done_to_an_incident_that_leaves(api, method, path, body, gone):
    incident = opened(api)
    condemn(api, incident, gone)
    status, problem = api.call(method, f"/incidents/{incident}{path}", body)

    assert status == 410
    assert f"`incident_history({incident})`" in problem["detail"]


@pytest.mark.parametrize("path", ["", "/timeline", "/signals", "/report"])
def test_one_that_left_is_gone_and_one_that_leaves_is_still_whole(api, path):
    incident = opened(api)
    condemn(api, incident, gone=False)
    assert api.call("GET", f"/incidents/{incident}{path}")[0] == 200
    condemn(api, incident, gone=True)
    assert api.call("GET", f"/incidents/{incident}{path}")[0] == 410


def test_reading_in_the_middle_of_the_deletion_brings_nothing_back(api):
    incident = opened(api)
    condemn(api, incident, gone=False)
    api.stores_value.incidents.delete(incident)  # its entries are still there

    assert api.call("GET", f"/incidents/{incident}")[0] == 410
    assert api.stores_value.incidents.get(incident) is None
    assert tombstone(api.stores_value, incident) is not None


def test_an_incident_that_never_was_is_not_found(api):
    assert api.call("GET", "/incidents/INC-20260101-AAAAAA")[0] == 404
    assert api.call("POST", "/incidents/INC-20260101-AAAAAA/notes", {"text": "x"})[0] == 404


def test_history_needs_no_kv_store(api):
    incident = opened(api)
    lifecycle.add_note(Act(api.stores_value, api.clock, "ann"), incident, "looking")
    index(api, incident)
    condemn(api, incident, gone=True)
    status, found = api.call("GET", f"/incidents/{incident}/history")

    assert status == 200
    assert found["verified"] is True, found["problems"]
    assert found["incident"]["title"] == "Down"
    assert [entry["kind"] for entry in found["entries"]] == ["opened", "routed", "note"]


def test_history_misses_an_entry_that_the_kv_store_knows(api):
    incident = opened(api)
    index(api, incident)
    lifecycle.add_note(Act(api.stores_value, api.clock, "ann"), incident, "not indexed yet")
    _status, found = api.call("GET", f"/incidents/{incident}/history")

    assert found["verified"] is False
    assert "is not indexed" in found["problems"][0]


def test_history_says_that_its_search_may_lack_entries(api):
    incident = opened(api)
    index(api, incident)
    part = "incident_audit_events"
    rows = api.searcher_value.answers[part]
    api.searcher_value.answers[part] = SearchResult(rows[1:], warnings=["Peer idx2 is down."])
    _status, found = api.call("GET", f"/incidents/{incident}/history")
    assert found["verified"] is False
    assert found["problems"][0] == "The search may lack entries: Peer idx2 is down."

    api.searcher_value.answers[part] = SearchResult(rows, warnings=["Peer idx2 is down."])
    _status, found = api.call("GET", f"/incidents/{incident}/history")
    assert (found["verified"], found["problems"]) == (True, []), "nothing is missing"

    api.searcher_value.answers[part] = SearchResult([], warnings=["Peer idx2 is down."])
    status, problem = api.call("GET", f"/incidents/{incident}/history")
    assert status == 404 and problem["detail"].endswith("entries: Peer idx2 is down.")


def test_no_history_is_not_found(api):
    api.searcher_value.answers["incident_audit_events"] = []

    assert api.call("GET", "/incidents/INC-20260101-AAAAAA/history")[0] == 404


@pytest.mark.parametrize("wild", ["*", "INC-*", "INC-20260101-AAAAA*", "a\nb"])
def test_a_wildcard_is_no_incidents_id(api, wild):
    """In a search it would stand for any incidents, and read all of their events."""
    index(api, opened(api))

    status, problem = api.call("GET", f"/incidents/{wild}/history")

    assert (status, problem["detail"].startswith("No incident ")) == (404, True)
    assert api.searcher_value.asked == []


def test_what_was_masked_is_named(api):
    incident = opened(api)
    token = "xox" + "b-123456789012-abcdefghijkl"
    lifecycle.add_note(Act(api.stores_value, api.clock, "ann"), incident, f"use {token}")
    entries = index(api, incident)
    _status, found = api.call("GET", f"/incidents/{incident}/history")

    assert found["masked"] == [entries[-1].key]
    assert token not in str(found)


def test_pinning_twice_is_one_entry(api):
    incident = opened(api)
    for _time in range(2):
        _status, shown = api.call("POST", f"/incidents/{incident}/pin", {"pinned": True})

    assert shown["pinned"] is True
    kinds = [entry.kind for entry in timeline.read(api.stores_value, incident)]
    assert kinds.count("pinned") == 1


@pytest.mark.parametrize(
    ("method", "path", "needs"),
    [("GET", "/history", "incident_read"), ("POST", "/pin", "incident_write")],
)
def test_each_needs_its_capability(api, method, path, needs):
    incident = opened(api)
    index(api, incident)
    body = {"pinned": True} if method == "POST" else None
    others = {"incident_read", "incident_write", "incident_signal", "incident_admin"} - {needs}

    assert api.call(method, f"/incidents/{incident}{path}", body, capabilities=others)[0] == 403
    assert api.call(method, f"/incidents/{incident}{path}", body, capabilities={needs})[0] == 200
