"""``GET /incidents/{id}/similar``: what was like an incident, why, and how it ended."""

import json

import pytest

from incident_management.incidents import similar as module
from incident_management.incidents.model import Incident
from incident_management.splunk.kv.store import LONGEST_URL_QUERY_BYTES
from tests.fakes.api import FakeApi

NOW = 1_700_000_000.0
POOL = "pool queuepool overflow reached timed connection"
DISK = "device left space write journal block"


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


def stored(api, number, **fields):
    incident = Incident(
        f"INC-20260101-{number:06}",
        f"Incident {number}",
        **{"status": "closed", "opened_at": NOW - number, "resolved_at": NOW, **fields},
    )
    api.stores_value.incidents.save([incident.to_document()])
    of_it = {"incident_id": incident.id, "received_at": NOW - number}
    api.stores_value.signals.save(
        [{"_key": f"{number}-{rule}", "rule": rule, **of_it} for rule in incident.rules]
    )
    return incident.id


def similar(api, incident_id, **query):
    status, answer = api.call("GET", f"/incidents/{incident_id}/similar", query=query)
    assert status == 200, answer
    return answer


def mine(api, **fields):
    known = {"rules": ["Errors"], "entities": ["checkout"], "wordings": [POOL], "status": "new"}
    return stored(api, 0, **{**known, **fields})


def test_earlier_incidents_tell_why_they_are_alike_and_how_they_ended(api):
    solved = {"resolution": "Pool set back to 20", "category": "Change", "cause": "CHG-8"}
    same = {"rules": ["Errors"], "entities": ["checkout"]}
    words = stored(api, 3, **same, wordings=[POOL + " late"], **solved)
    rule = stored(api, 1, rules=["Errors"], entities=["search"], wordings=[DISK])
    stored(api, 2, rules=["Disk"], entities=["db"], wordings=[POOL])
    answer = similar(api, mine(api))

    assert [one["id"] for one in answer["earlier"]] == [words, rule]
    first = answer["earlier"][0]
    assert {name: first[name] for name in solved} == solved
    assert first["why"] == [
        "The same detection found it: Errors.",
        "It affects the same: checkout.",
        "Its events say nearly the same.",
    ]
    assert first["score"] > answer["earlier"][1]["score"] > 0
    assert answer["open"] == []


def test_an_earlier_episode_comes_first_and_what_helped_is_named(api):
    oldest = stored(api, 9)
    before = stored(api, 8, previous=oldest)
    alike = stored(api, 1, rules=["Errors"], entities=["checkout"], wordings=[DISK])
    plan = {"incident_id": before, "action": "rollback"}
    helped = {**plan, "_key": "PLAN-1", "status": "recovered", "summary": "Roll back r8"}
    api.stores_value.plans.save([helped, {**plan, "_key": "PLAN-2", "status": "rejected"}])
    earlier = similar(api, mine(api, previous=before))["earlier"]

    assert [one["id"] for one in earlier] == [before, oldest, alike]
    assert [one["score"] for one in earlier] == [1.0, 1.0, 0.65]
    assert [one["fixes"] for one in earlier] == [["Roll back r8"], [], []]


def test_what_is_open_is_distinguished_and_what_was_merged_is_left_out(api):
    same = {"rules": ["Errors"], "entities": ["checkout"]}
    other = stored(api, 1, **same, status="in_progress")
    stored(api, 2, **same, merged_into=other)
    answer = similar(api, mine(api))

    assert [one["id"] for one in answer["open"]] == [other]
    assert answer["earlier"] == []


def test_one_entity_of_many_is_no_likeness(api):
    stored(api, 1, rules=["Disk"], entities=["checkout", *"abcdef"])
    assert similar(api, mine(api))["earlier"] == []


def test_an_incident_without_detection_and_entity_is_like_none(api):
    stored(api, 1, rules=["Errors"], entities=["checkout"])
    incident_id = mine(api, rules=[], entities=[], wordings=[])
    assert similar(api, incident_id) == {"incident_id": incident_id, "open": [], "earlier": []}


def test_the_answer_is_bounded_and_reads_a_bounded_part(api):
    for number in range(1, 30):
        stored(api, number, rules=["Errors"], entities=["checkout"])
    incident_id = mine(api)
    before = api.stores_value.incidents.calls
    assert len(similar(api, incident_id)["earlier"]) == 10
    assert len(similar(api, incident_id, limit="25")["earlier"]) == 25
    assert api.stores_value.incidents.calls - before <= 8
    assert api.call("GET", f"/incidents/{incident_id}/similar", query={"limit": "51"})[0] == 400
    assert api.call("GET", "/incidents/INC-20260101-999999/similar")[0] == 404


def test_those_of_its_detections_are_found_by_their_signals(api, monkeypatch):
    """In the order of time, all incidents would be looked at for those of a rare detection."""
    monkeypatch.setattr(module, "MAX_SIGNALS", 2)
    older, newer, newest = (
        stored(api, number, rules=["Errors"], entities=[f"web-{number}"], wordings=[POOL])
        for number in (3, 2, 1)
    )
    incident_id = mine(api)
    api.stores_value.signals.delete("0-Errors")
    asked: list[object] = []
    api.stores_value.incidents.find = _noting(api.stores_value.incidents.find, asked)
    assert [one["id"] for one in similar(api, incident_id)["earlier"]] == [newest, newer]
    assert not any("rules" in json.dumps(query) for query in asked)
    assert older


def test_an_incident_of_many_signals_hides_none_that_its_detections_found_before(api, monkeypatch):
    monkeypatch.setattr(module, "MAX_SIGNALS", 2)
    earlier = stored(api, 9, rules=["Errors"], entities=["search"], wordings=[POOL])
    incident_id = mine(api, opened_at=NOW - 5)
    of_it = {"incident_id": incident_id, "rule": "Errors"}
    api.stores_value.signals.save(
        [{**of_it, "_key": f"own-{n}", "received_at": NOW - n} for n in range(5)]
    )
    assert [one["id"] for one in similar(api, incident_id)["earlier"]] == [earlier]


def _noting(find, asked):
    def noted(query=None, *rest, **more):
        asked.append(query)
        return find(query, *rest, **more)

    return noted


def test_what_is_compared_stays_bounded_whatever_the_names_are_like(api):
    """A query too long for a URL has no limit: all that matched was read, or 50,000 refused."""
    names = [f"{number:02} {'ü' * 90}" for number in range(20)]
    incident = mine(api, rules=names, entities=names)
    like = stored(api, 1, rules=names[:10], entities=names[:10])
    asked, find = [], api.stores_value.incidents.find

    def noted(query=None, sort="", limit=0, skip=0, fields=()):
        asked.append((len(json.dumps(query)), limit))
        return find(query, sort, limit, skip, fields)

    api.stores_value.incidents.find = noted
    assert [one["id"] for one in similar(api, incident)["earlier"]] == [like]
    # The first is for those that are found by their signals, by their ids.
    assert [limit for _length, limit in asked] == [0, 500, 500]
    assert max(length for length, _limit in asked) <= LONGEST_URL_QUERY_BYTES
