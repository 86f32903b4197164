"""``/on-call``: who is, who is next, and who may agree on what."""

from __future__ import annotations

from incident_management.incidents.routing import Routing
from tests.fakes.api import ALL_CAPABILITIES, FakeApi

DAY = 86400.0
OTHERS = ALL_CAPABILITIES - {"incident_admin"}


def api_with_a_rota():
    api = FakeApi()
    stanzas = {
        "team:all": {"members": "ann, bob, cy"},
        "rota:first": {"members": "ann, bob", "handover": "daily 09:00", "start": "2026-11-30"},
    }
    api.routing_value = Routing.from_stanzas(stanzas)
    assert api.routing_value.problems == ()
    return api


def test_who_is_on_call_who_is_next_and_the_coming_two_weeks():
    api = api_with_a_rota()
    status, answer = api.call("GET", "/on-call")
    (rota,) = answer["rotas"]
    assert (status, answer["people"]) == (200, ["ann", "bob", "cy"])
    now, coming = rota["now"], rota["next"]
    assert {now["person"], coming["person"]} == {"ann", "bob"}
    assert now["start"] <= api.clock.now() < now["end"] == coming["start"]
    schedule = rota["schedule"]
    assert (schedule[0]["start"], schedule[-1]["end"]) == (
        api.clock.now(),
        api.clock.now() + 14 * DAY,
    )
    assert [one["end"] for one in schedule[:-1]] == [one["start"] for one in schedule[1:]]


def test_a_span_of_the_past_has_the_covers_of_then():
    api = api_with_a_rota()
    body = {"rota": "first", "person": "cy", "ends_at": api.clock.now() + 60}
    cover = api.call("POST", "/on-call/covers", body)[1]
    begun = api.clock.now()
    api.clock.advance(30 * DAY)
    query = {"from": str(begun), "to": str(begun + 60), "rota": "first"}
    (rota,) = api.call("GET", "/on-call", query=query)[1]["rotas"]
    assert [(one["person"], one["cover"]) for one in rota["schedule"]] == [("cy", cover["id"])]


def test_what_there_is_not_and_what_is_too_long_is_reported():
    api = api_with_a_rota()
    status, problem = api.call("GET", "/on-call", query={"rota": "none"})
    assert status == 404 and "the rotas are first." in problem["detail"]
    assert api.call("GET", "/on-call", query={"from": "1", "to": str(93 * DAY)})[0] == 400
    body = {"rota": "none", "ends_at": api.clock.now() + 60}
    assert api.call("POST", "/on-call/covers", body)[0] == 404


def test_people_agree_on_their_own_duty_and_an_admin_on_that_of_others():
    api = api_with_a_rota()
    # User names have no case.
    body = {"rota": "first", "person": "Cy", "instead_of": "BOB", "ends_at": api.clock.now() + 60}
    status, problem = api.call("POST", "/on-call/covers", body, capabilities=OTHERS)
    assert status == 403 and "hand over your own" in problem["detail"]
    status, made = api.call("POST", "/on-call/covers", body, user="bob", capabilities=OTHERS)
    assert (status, made["created_by"], made["in_force"]) == (201, "bob", True)
    assert (made["person"], made["instead_of"]) == ("cy", "bob")
    path = f"/on-call/covers/{made['id']}"
    assert api.call("DELETE", path, capabilities=OTHERS)[0] == 403
    status, ended = api.call("DELETE", path)
    assert (status, ended["ended_by"], ended["in_force"]) == (200, "ann", False)
    reading = frozenset({"incident_read"})
    assert api.call("GET", "/on-call/covers", capabilities=reading)[1]["covers"] == [ended]
    assert api.call("POST", "/on-call/covers", body, capabilities=reading)[0] == 403


def test_one_that_was_asked_for_twice_is_there_once():
    api = api_with_a_rota()
    body = {"rota": "first", "ends_at": api.clock.now() + 60}
    key = {"Idempotency-Key": "once"}
    answers = [api.call("POST", "/on-call/covers", body, headers=key) for _time in range(2)]
    assert answers[0] == answers[1] and answers[0][1]["person"] == "ann"
    assert len(api.call("GET", "/on-call/covers")[1]["covers"]) == 1
