"""Merge, split and bulk over the API; and what the list can be sorted by."""

import pytest

from incident_management.api.incidents import listing
from incident_management.api.incidents.bulk import ACTIONS, MAX_AT_ONCE
from incident_management.incidents import timeline
from incident_management.incidents.act import Act
from incident_management.incidents.errors import Contended
from incident_management.incidents.joining import moves
from incident_management.incidents.routing import Routing
from incident_management.notify.message import build
from tests.fakes import Unavailable
from tests.fakes.api import FakeApi
from tests.unit.incidents.builders import START, ingest, signal


@pytest.fixture
def api() -> FakeApi:
    made = FakeApi()
    made.clock.set(START + 100)
    made.routing_value = Routing.from_stanzas({"field:region": {}})
    return made


def opened(api, *found):
    return ingest(api.stores_value, api.clock).ingest(list(found))[0].incident_id


def get(api, incident_id):
    return api.call("GET", f"/incidents/{incident_id}")[1]


def test_an_incident_is_merged_into_another(api):
    a, b = opened(api, signal("checkout")), opened(api, signal("cart"))
    status, merged = api.call("POST", f"/incidents/{a}/merge", {"into": b, "reason": "one fault"})

    assert (status, merged["id"], merged["signals"], merged["merged"]) == (200, b, 2, [a])
    assert api.headers["ETag"]
    assert (get(api, a)["status"], get(api, a)["merged_into"]) == ("closed", b)
    for incident in (a, b):
        _status, told = api.call("GET", f"/incidents/{incident}/timeline")
        assert told["verified"], told["problems"]
    assert len(api.call("GET", f"/incidents/{b}/signals")[1]["signals"]) == 2


def test_an_incident_takes_several_over(api):
    ids = [opened(api, signal(name)) for name in ("a", "b", "c")]
    status, merged = api.call("POST", f"/incidents/{ids[0]}/merge", {"from": ids[1:]})

    assert (status, merged["signals"], merged["merged"]) == (200, 3, ids[1:])


def test_a_list_that_is_broken_off_says_what_was_merged(api):
    a, b, c = (opened(api, signal(name)) for name in ("a", "b", "c"))
    body = {"from": [b, "INC-20260101-000000", c]}
    key = {"Idempotency-Key": "k"}
    status, problem = api.call("POST", f"/incidents/{a}/merge", body, headers=key)

    assert (status, problem["merged"]) == (404, [b])
    assert problem["detail"].endswith(f"Already merged: {b}. The others were not tried.")
    assert (get(api, a)["merged"], get(api, c)["status"]) == ([b], "new")
    assert api.call("POST", f"/incidents/{a}/merge", body, headers=key) == (status, problem)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"into": "x", "from": ["y"]}, 400),
        ({"into": "INC-20260101-000000"}, 404),
        ({"into": "itself"}, 409),
    ],
)
def test_a_wrong_merge_is_refused(api, body, status):
    a = opened(api, signal())
    sent = {k: a if v == "itself" else v for k, v in body.items()}
    answered, problem = api.call("POST", f"/incidents/{a}/merge", sent)
    assert answered == status and problem["detail"].endswith(".")


def test_a_merge_heeds_if_match(api):
    a, b = opened(api, signal("checkout")), opened(api, signal("cart"))
    old = {"If-Match": '"0"'}
    assert api.call("POST", f"/incidents/{a}/merge", {"into": b}, headers=old)[0] == 412
    assert get(api, a)["status"] == "new"


def test_signals_are_split_off_and_a_merge_is_undone(api):
    a = opened(api, signal("checkout"), signal("checkout", 1))
    b = opened(api, signal("cart"))
    api.call("POST", f"/incidents/{a}/merge", {"into": b})
    keys = [signal("checkout", 1).key]
    status, new = api.call("POST", f"/incidents/{b}/split", {"signals": keys, "title": "Other"})
    assert (status, new["title"], new["signals"], new["split_from"]) == (201, "Other", 1, b)
    status, back = api.call("POST", f"/incidents/{b}/split", {"incident": a})
    assert (status, back["id"], back["status"], back["signals"]) == (200, a, "new", 1)
    status, problem = api.call("POST", f"/incidents/{b}/split", {"signals": ["0" * 40]})
    assert (status, problem["detail"][:20]) == (400, f"{b} "[:20])


def test_when_others_are_always_faster_the_answer_is_503_and_says_when_to_try_again(
    api, monkeypatch
):
    a, b = opened(api, signal("checkout")), opened(api, signal("cart"))
    monkeypatch.setattr(moves, "take", lambda _stores, _move: False)
    status, problem = api.call("POST", f"/incidents/{a}/merge", {"into": b})
    assert (status, api.headers["Retry-After"]) == (503, "5")
    assert "Try again" in problem["detail"]


def test_a_contended_ingest_is_503_too(api, monkeypatch):
    def contended(*_args, **_named):
        raise Contended(
            "Too many requests open incidents of one rule at once. Send this one again."
        )

    monkeypatch.setattr("incident_management.incidents.intake.ingest.Ingest.ingest", contended)
    body = {"signals": [{"rule": "r", "entity": "e", "severity": "low"}]}
    assert api.call("POST", "/signals", body)[0] == 503


def test_an_incident_shows_what_its_detection_suggests(api):
    a = opened(api, signal(runbook="https://wiki/x", actions=["rollback"], tags=["prod", "eu"]))
    opened(api, signal(run=1, actions=["restart", "rollback"]))
    shown = get(api, a)
    assert (shown["runbook"], shown["actions"]) == ("https://wiki/x", ["rollback", "restart"])
    assert shown["tags"] == ["prod", "eu"]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("-severity", ["critical", "high", "medium", "low", "info"]),
        ("severity", ["info", "low", "medium", "high", "critical"]),
    ],
)
def test_a_list_is_sorted_by_how_grave_it_is_page_by_page(api, sort, expected):
    for number, severity in enumerate(["low", "critical", "info", "high", "medium"]):
        opened(api, signal(f"s{number}", severity=severity))
    assert [one["severity"] for one in _pages(api, sort)] == expected


def test_of_incidents_as_grave_the_one_whose_deadline_passed_or_comes_first_leads(api):
    due = {"none": None, "later": 9000.0, "soon": 60.0, "late": -600.0}
    names = {}
    for name, left in due.items():
        names[opened(api, signal(name, severity="high"))] = name
        if left is not None:
            when = api.clock.now() + left
            promise = {"event": "timed", "life": 1, "policies": ["x"], "acknowledge_due": when}
            one = list(names)[-1]
            timeline.append(Act(api.stores_value, api.clock, "system"), one, "sla", promise)
            timeline.refresh(api.stores_value, one)
    opened(api, signal("grave", severity="critical"))
    shown = [names.get(one["id"], "grave") for one in _pages(api, "-severity")]
    assert shown == ["grave", "late", "soon", "later", "none"]


def test_a_list_is_sorted_by_status_signals_and_last_signal(api):
    many = opened(api, signal("a"), signal("a", 1), signal("a", 2))
    late = opened(api, signal("b", 5))
    done = opened(api, signal("c"))
    api.call("POST", f"/incidents/{done}/resolve", {})
    _status, by_hand = api.call("POST", "/incidents", {"title": "no signal"})

    def first(sort):
        found = _pages(api, sort)
        assert len(found) == 4
        return found[0]["id"]

    assert first("-signals") == many
    assert first("signals") == by_hand["id"]
    assert first("-last_time") == late
    assert first("-status") == done
    assert "severity_rank" not in _pages(api, "status")[0]


def test_a_list_is_sorted_by_the_deadline_that_comes_next(api):
    times = {"a": (900, 5000), "b": (400, 9000), "c": (300, 2000), "d": (100, 200), "none": ()}
    ids = {}
    for name, due in times.items():
        ids[name] = opened(api, signal(name))
        if due:
            acknowledge, resolve = (START + seconds for seconds in due)
            data = {"event": "timed", "acknowledge_due": acknowledge, "resolve_due": resolve}
            act = Act(api.stores_value, api.clock, "system")
            timeline.append(act, ids[name], "sla", {**data, "life": 1})
            timeline.refresh(api.stores_value, ids[name])
    api.call("POST", f"/incidents/{ids['c']}/acknowledge", {})
    api.call("POST", f"/incidents/{ids['d']}/resolve", {})

    shown = _pages(api, "sla_due")
    names = {incident_id: name for name, incident_id in ids.items()}
    order = [names[one["id"]] for one in shown]
    assert order[:3] == ["b", "a", "c"]
    assert set(order[3:]) == {"d", "none"}
    assert "next_due" not in shown[0]


def _pages(api, sort):
    found, query = [], {"sort": sort, "limit": "1"}
    while True:
        _status, page = api.call("GET", "/incidents", query=query)
        found += page["incidents"]
        if not page["next_cursor"]:
            return found
        query["cursor"] = page["next_cursor"]


def test_a_bulk_move_has_a_result_for_each(api):
    a, b = opened(api, signal("a")), opened(api, signal("b"))
    api.call("POST", f"/incidents/{b}/resolve", {})
    body = {"action": "acknowledge", "ids": [a, b, "INC-20260101-000000", a]}
    status, answer = api.call("POST", "/incidents/bulk", body)

    assert (status, answer["succeeded"], answer["failed"]) == (200, 1, 2)
    results = {one["id"]: one for one in answer["results"]}
    assert results[a] == {"id": a, "ok": True, "status": 200, "incident_status": "in_progress"}
    assert (results[b]["status"], results[b]["detail"][-16:]) == (409, "reopen it first.")
    assert results["INC-20260101-000000"]["status"] == 404
    assert get(api, a)["owner"] == "ann"


BODIES = {
    "assign": {"owner": "bob"},
    "escalate": {"reason": "why"},
    "note": {"text": "hello"},
    "severity": {"severity": "info"},
    "review": {"state": "not_needed", "reason": "A known outage of the provider."},
    "resolve": {"resolution": "done", "feedback": "true_positive"},
    "field": {"field": "region", "value": "eu"},
}


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_each_bulk_action_does_what_its_own_route_does(api, action):
    a = opened(api, signal("a"))
    if action in ("reopen", "close", "review"):
        api.call("POST", f"/incidents/{a}/resolve", {})
    before = get(api, a)["entries"]
    body = {"action": action, "ids": [a], **BODIES.get(action, {})}
    status, answer = api.call("POST", "/incidents/bulk", body)
    assert (status, answer["succeeded"]) == (200, 1), answer
    assert get(api, a)["entries"] > before


def test_a_bulk_move_of_a_filter_is_bounded(api):
    ids = [opened(api, signal(name)) for name in ("a", "b", "c")]
    body = {"action": "note", "text": "hello", "filter": {"status": "open"}}
    status, problem = api.call("POST", "/incidents/bulk", {**body, "most": 2})
    assert (status, problem["detail"]) == (
        400,
        "The filter matches more than 2 incidents. Narrow it down.",
    )
    assert {get(api, one)["entries"] for one in ids} == {2}
    status, answer = api.call("POST", "/incidents/bulk", {**body, "filter": {"entity": "a,b"}})
    assert [one["id"] for one in answer["results"]] == sorted(ids[:2])


def test_a_bulk_move_of_all_that_a_search_finds(api, monkeypatch):
    ids = [opened(api, signal(name)) for name in ("cart-1", "shop", "cart-2")]
    body = {"action": "acknowledge", "filter": {"text": "CART"}}
    assert api.call("POST", "/incidents/bulk", {**body, "most": 1})[0] == 400

    # a text that was not looked for in all of them must not act on some
    monkeypatch.setattr(listing, "SCAN_PAGE", 1)
    monkeypatch.setattr(listing, "TEXT_SCAN", 2)
    status, problem = api.call("POST", "/incidents/bulk", body)
    assert status == 400 and "searches at most 2 incidents" in problem["detail"]
    monkeypatch.undo()
    assert {get(api, one)["status"] for one in ids} == {"new"}

    status, answer = api.call("POST", "/incidents/bulk", body)
    assert [one["id"] for one in answer["results"]] == sorted([ids[0], ids[2]])
    assert get(api, ids[1])["status"] == "new"


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"action": "note", "text": "x"}, "Give either 'ids' or a 'filter'"),
        ({"action": "note", "text": "x", "filter": {}}, "The 'filter' is empty"),
        ({"action": "note", "ids": ["x"]}, "'text' is empty"),
        ({"action": "note", "text": "x", "ids": ["x"], "owner": "bob"}, "does not take 'owner'"),
        ({"action": "assign", "ids": ["x"]}, "Name an owner or a team"),
        ({"action": "note", "text": "x", "ids": ["x"] * (MAX_AT_ONCE + 1)}, "ids"),
        ({"action": "note", "text": "x", "filter": {"status": "odd"}}, "is not a status"),
    ],
)
def test_a_wrong_bulk_request_changes_nothing(api, body, sentence):
    status, problem = api.call("POST", "/incidents/bulk", body)
    assert status == 400 and sentence in problem["detail"]


def test_a_bulk_move_stops_when_the_kv_store_is_gone_and_says_what_was_not_tried(api):
    ids = [opened(api, signal(name)) for name in ("a", "b", "c")]
    calls = []

    def before(verb, _name):
        calls.append(verb)
        if len(calls) > 8:
            raise Unavailable()

    api.stores_value.timeline.before = before
    body = {"action": "acknowledge", "ids": ids}
    status, answer = api.call("POST", "/incidents/bulk", body)
    api.stores_value.timeline.before = None

    assert status == 200 and answer["succeeded"] == 1
    assert [one["status"] for one in answer["results"]] == [200, 503, 503]
    assert answer["results"][2]["detail"].startswith("Not tried")


def test_a_repeated_bulk_move_with_its_key_is_done_once(api):
    a = opened(api, signal("a"))
    headers = {"Idempotency-Key": "once"}
    body = {"action": "note", "text": "hello", "ids": [a]}
    first = api.call("POST", "/incidents/bulk", body, headers=headers)
    assert api.call("POST", "/incidents/bulk", body, headers=headers) == first
    assert get(api, a)["entries"] == 3


def test_whoever_was_informed_of_a_merged_incident_hears_that_it_is_over(api):
    a, b = opened(api, signal("checkout")), opened(api, signal("cart"))
    api.call("POST", f"/incidents/{a}/merge", {"into": b})
    _status, told = api.call("GET", f"/incidents/{a}/timeline")
    message = build(get(api, a), told["entries"][-1])
    assert (message.event, message.text) == ("resolved", f"This incident was merged into {b}.")
