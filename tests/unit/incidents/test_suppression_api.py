"""Suppressions in the API: added, counted, listed, ended."""

from __future__ import annotations

from typing import Any

from incident_management.incidents import suppression
from incident_management.incidents.act import Act
from tests.fakes.api import FakeApi
from tests.unit.incidents.builders import START, ingest, signal


def test_the_api_adds_counts_and_ends_suppressions(stores, clock):
    api = FakeApi(stores, clock)
    body = {"kind": "mute", "reason": "known", "entity": "checkout", "starts_at": START}
    status, made = api.call("POST", "/suppressions", body)
    assert status == 201 and made["signals"] == 0 and made["created_by"] == "ann"
    ingest(stores, clock).ingest([signal()])
    _status, listed = api.call("GET", "/suppressions")
    assert [(one["id"], one["signals"]) for one in listed["suppressions"]] == [(made["id"], 1)]
    assert api.call("DELETE", f"/suppressions/{made['id']}")[0] == 200
    assert api.call("DELETE", f"/suppressions/{made['id']}")[0] == 404


def test_the_api_lists_suppressed_signals_and_their_suppressions(stores, clock):
    api = FakeApi(stores, clock)
    body = {"kind": "maintenance", "reason": "patch night", "starts_at": START, "seconds": 7200}
    later = {"starts_at": START + 7000, "seconds": 9000}
    _status, first = api.call("POST", "/suppressions", {**body, "entity": "checkout"})
    _status, other = api.call("POST", "/suppressions", {**body, "entity": "db", **later})
    found = [signal(), signal(rule="Slow", last_time=START + 90), signal(entity="web")]
    ingest(stores, clock).ingest(found)

    def held(**query):
        status, answer = api.call("GET", "/suppressions/signals", query=query)
        assert status == 200, answer
        return [one["rule"] for one in answer["signals"]], answer["more"]

    newest_first = ([found[1].rule, found[0].rule], False)
    assert held() == newest_first
    assert held(limit="1") == ([found[1].rule], True)
    assert held(limit="1", offset="1") == ([found[0].rule], False)
    assert held(suppression=other["id"]) == ([], False)

    def listed(in_force):
        _status, answer = api.call("GET", "/suppressions", query={"in_force": in_force})
        return [(one["id"], one["in_force"]) for one in answer["suppressions"]]

    assert listed("true") == [(first["id"], True)]
    assert listed("false") == [(other["id"], False)]
    assert api.call("DELETE", f"/suppressions/{first['id']}")[0] == 200
    assert held(suppression=first["id"]) == newest_first, "they name it still"


def test_suppressing_requires_the_write_capability(stores, clock):
    body = {"kind": "mute", "reason": "known", "entity": "checkout"}
    status, _answer = FakeApi(stores, clock).call(
        "POST", "/suppressions", body, capabilities={"incident_read", "incident_signal"}
    )
    assert status == 403


def test_a_suppression_of_a_storm_says_that_there_are_more_signals(stores, clock):
    wanted = {"kind": "mute", "reason": "known", "entity": "check*", "starts_at": START}
    mute = suppression.add(Act(stores, clock, "ann"), wanted)
    ingest(stores, clock).ingest([signal("checkout")])
    (held,) = stores.signals.all()
    api = FakeApi(stores, clock)

    def counted(signals: int) -> tuple[int, bool]:
        stores.signals.save([{**held, "_key": f"held-{n}"} for n in range(signals - 1)])
        status, answer = api.call("GET", "/suppressions")
        (one,) = answer["suppressions"]
        assert (status, one["id"]) == (200, mute.id)
        return one["signals"], one["more"]

    assert counted(1) == (1, False)
    assert counted(1000) == (1000, False)
    read = stores.signals.find
    stores.signals.find = lambda *given, **named: _of_at_most(1001, read(*given, **named))
    assert counted(1500) == (1000, True)


def _of_at_most(most: int, found: list[Any]) -> list[Any]:
    assert len(found) <= most
    return found
