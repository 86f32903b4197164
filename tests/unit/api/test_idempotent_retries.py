"""A POST that failed with a 5xx and comes again: with an Idempotency-Key nothing is doubled."""

import pytest

from incident_management.incidents import timeline
from incident_management.splunk.session import SplunkError
from tests.fakes import ManualClock, Unavailable
from tests.fakes.api import FakeApi
from tests.unit.incidents.builders import ROUTING, ingest, signal

KEY = {"Idempotency-Key": "k1"}


@pytest.fixture
def api():
    made = FakeApi()
    made.routing_value = ROUTING
    return made


@pytest.fixture
def incident(api):
    return api.call("POST", "/incidents", {"title": "Checkout is down"})[1]["id"]


def test_a_key_in_the_body_stands_for_the_header(api, incident):
    note = {"text": "looking", "idempotency_key": "k1"}
    first = api.call("POST", f"/incidents/{incident}/notes", note)
    assert api.call("POST", f"/incidents/{incident}/notes", note) == first
    assert api.headers["Idempotency-Replayed"] == "true"
    # The same request, by whichever way its key came.
    assert (
        api.call("POST", f"/incidents/{incident}/notes", {"text": "looking"}, headers=KEY) == first
    )


def fail_at(api, verb, name):
    """Have the KV store fail from this call on."""

    def before(called, collection):
        if (called, collection) == (verb, name):
            raise Unavailable

    getattr(api.stores_value, name).before = before


def fail_once(api, verb, name, number):
    """Have one call of the KV store fail, that of this number."""
    calls = []

    def before(called, _collection):
        if called == verb:
            calls.append(1)
            if len(calls) == number:
                raise Unavailable

    getattr(api.stores_value, name).before = before


def fails_then_comes_again(api, path, body, verb="save", name="incidents", wait=5.0):
    """What the first attempt and its repeat answered."""
    fail_at(api, verb, name)
    first = api.call("POST", path, body, headers=KEY)
    api.stores_value.heal()
    api.clock.advance(wait)
    return first[0], api.call("POST", path, body, headers=KEY)


def kinds(api, incident_id):
    entries = timeline.read(api.stores_value, incident_id)
    assert timeline.verify(entries).ok
    return [entry.kind for entry in entries]


def is_up_to_date(api, incident_id):
    entries = timeline.read(api.stores_value, incident_id)
    return timeline.fold(entries).to_document() == api.stores_value.incidents.get(incident_id)


@pytest.mark.parametrize(
    ("verb", "name"), [("save", "timeline"), ("save", "incidents"), ("find", "timeline")]
)
def test_one_incident_is_opened(api, verb, name):
    first, (status, body) = fails_then_comes_again(
        api, "/incidents", {"title": "Checkout is down"}, verb, name
    )

    assert (first, status) == (503, 201)
    assert kinds(api, body["id"]) == ["opened", "routed"]
    assert {entry["incident_id"] for entry in api.stores_value.timeline.all()} == {body["id"]}


def test_one_incident_is_opened_over_midnight():
    api = FakeApi(clock=ManualClock(1_700_006_399.0))  # a second before midnight, UTC
    first, (status, _) = fails_then_comes_again(api, "/incidents", {"title": "Slow"})

    assert (first, status) == (503, 201)
    assert len({entry["incident_id"] for entry in api.stores_value.timeline.all()}) == 1


@pytest.mark.parametrize(
    ("path", "body", "written"),
    [
        ("acknowledge", {}, ["assigned", "status"]),
        ("assign", {"owner": "zoe"}, ["assigned"]),
        ("escalate", {"reason": "nobody answers", "owner": "zoe"}, ["escalation"]),
        ("notes", {"text": "rolled back"}, ["note"]),
        ("pin", {"pinned": True}, ["pinned"]),
        ("resolve", {"resolution": "rolled back"}, ["status"]),
    ],
)
@pytest.mark.parametrize("wait", [5.0, 500.0])
def test_what_was_asked_for_is_written_once(api, incident, path, body, written, wait):
    first, (status, answer) = fails_then_comes_again(
        api, f"/incidents/{incident}/{path}", body, wait=wait
    )

    assert (first, status) == (503, 200)
    assert kinds(api, incident) == ["opened", "routed", *written]
    assert answer["entries"] == 2 + len(written)
    assert is_up_to_date(api, incident)


def test_a_close_is_written_once(api, incident):
    api.call("POST", f"/incidents/{incident}/resolve", {})

    first, (status, answer) = fails_then_comes_again(api, f"/incidents/{incident}/close", {})

    assert (first, status, answer["status"]) == (503, 200, "closed")
    assert kinds(api, incident)[2:] == ["status", "status"]


def test_an_acknowledgement_that_was_half_written_is_completed(api, incident):
    fail_once(api, "insert", "timeline", 2)
    path = f"/incidents/{incident}/acknowledge"
    assert api.call("POST", path, {}, headers=KEY)[0] == 503
    api.stores_value.heal()

    assert api.call("POST", path, {}, headers=KEY)[1]["status"] == "in_progress"
    assert kinds(api, incident)[2:] == ["assigned", "status"]


def test_the_version_that_was_read_is_the_repeats_too(api, incident):
    api.call("GET", f"/incidents/{incident}")
    headers = {**KEY, "If-Match": api.headers["ETag"]}
    path, body = f"/incidents/{incident}/notes", {"text": "rolled back"}
    fail_at(api, "save", "incidents")
    assert api.call("POST", path, body, headers=headers)[0] == 503
    api.stores_value.heal()

    assert api.call("POST", path, body, headers=headers)[0] == 200
    assert kinds(api, incident)[2:] == ["note"]


def test_the_same_key_a_day_later_is_another_request(api, incident):
    path, body = f"/incidents/{incident}/notes", {"text": "rolled back"}
    api.call("POST", path, body, headers=KEY)
    api.clock.advance(25 * 3600)

    assert api.call("POST", path, body, headers=KEY)[0] == 200
    assert kinds(api, incident)[2:] == ["note", "note"]


def test_another_body_under_the_key_of_a_failure_is_refused(api, incident):
    path = f"/incidents/{incident}/notes"
    fail_at(api, "save", "incidents")
    assert api.call("POST", path, {"text": "rolled back"}, headers=KEY)[0] == 503
    api.stores_value.heal()

    assert api.call("POST", path, {"text": "something else"}, headers=KEY)[0] == 409


@pytest.mark.parametrize(("number", "results"), [(1, [503] * 3), (2, [200, 503, 503])])
def test_what_a_bulk_left_undone_is_done_by_its_repeat(api, number, results):
    ids = [api.call("POST", "/incidents", {"title": str(n)})[1]["id"] for n in range(3)]
    fail_once(api, "save", "incidents", number)
    body = {"action": "note", "ids": ids, "text": "rolled back"}
    status, first = api.call("POST", "/incidents/bulk", body, headers=KEY)
    assert (status, [one["status"] for one in first["results"]]) == (200, results)
    api.stores_value.heal()

    status, again = api.call("POST", "/incidents/bulk", body, headers=KEY)

    assert (status, again["succeeded"]) == (200, 3)
    assert all(kinds(api, one)[2:] == ["note"] for one in ids)
    assert all(is_up_to_date(api, one) for one in ids)
    assert api.call("POST", "/incidents/bulk", body, headers=KEY)[1] == again


def test_one_suppression_is_made(api):
    body = {"kind": "mute", "reason": "r", "rule": "High*", "seconds": 600}
    first, (status, made) = fails_then_comes_again(
        api, "/suppressions", body, verb="find", name="signals"
    )

    assert (first, status) == (503, 201)
    assert [one["_key"] for one in api.stores_value.suppressions.all()] == [made["id"]]


def test_one_simulation_is_made(api):
    first, (status, answer) = fails_then_comes_again(api, "/simulate-incident", {}, name="signals")

    assert (first, status) == (503, 201)
    assert [one["id"] for one in api.stores_value.incidents.all()] == [answer["incident_id"]]


def test_one_notification_is_sent(api):
    body = {"channel": "slack", "message": "hello"}
    api.answers["incident_management_settings"] = {"entry": []}
    fail_at(api, "save", "claims")  # when the answer is kept
    assert api.call("POST", "/notifications", body, headers=KEY)[0] == 503
    api.stores_value.heal()
    api.clock.advance(300.0)

    assert api.call("POST", "/notifications", body, headers=KEY)[0] == 200
    assert len(api.stores_value.outbox.all()) == 1


def test_one_subscription_is_made_and_the_secret_that_is_reported_is_the_one_in_use(api):
    body = {"url": "http://127.0.0.1:9/hook", "events": ["opened"]}
    first, (status, made) = fails_then_comes_again(
        api, "/subscriptions", body, verb="save", name="claims", wait=300.0
    )

    assert (first, status) == (503, 201)
    assert [one["_key"] for one in api.stores_value.subscriptions.all()] == [made["id"]]
    (_path, before), (_path, now) = api.posted
    assert (before["name"], now["name"]) == (made["id"], made["id"])
    assert before["password"] != now["password"] == made["secret"]
    assert api.deleted[-1].endswith(f"{made['id']}%3A")


def resolved(api, incident):
    assert api.call("POST", f"/incidents/{incident}/resolve", {})[0] == 200


def read(api, incident):
    """The headers of a change that goes by the version that is there now."""
    api.call("GET", f"/incidents/{incident}")
    return {**KEY, "If-Match": api.headers["ETag"]}


@pytest.mark.parametrize("wait", [5.0, 500.0])
@pytest.mark.parametrize("guarded", [False, True])
def test_a_reopening_is_written_once_and_told_again(api, incident, wait, guarded):
    resolved(api, incident)
    headers = read(api, incident) if guarded else KEY
    fail_at(api, "save", "incidents")
    path = f"/incidents/{incident}/reopen"
    assert api.call("POST", path, {"reason": "again"}, headers=headers)[0] == 503
    api.stores_value.heal()
    api.clock.advance(wait)

    status, answer = api.call("POST", path, {"reason": "again"}, headers=headers)

    assert (status, answer.get("status")) == (200, "new")
    assert kinds(api, incident)[2:] == ["status", "status"]
    assert is_up_to_date(api, incident)


def test_a_reopening_of_before_is_not_taken_for_one_that_is_asked_for_now(api, incident):
    resolved(api, incident)
    path = f"/incidents/{incident}/reopen"
    assert api.call("POST", path, {}, headers=KEY)[0] == 200
    api.clock.advance(5)

    assert api.call("POST", path, {}, headers={"Idempotency-Key": "k2"})[0] == 409
    resolved(api, incident)
    api.clock.advance(5)
    assert api.call("POST", path, {}, headers={"Idempotency-Key": "k3"})[0] == 200
    assert kinds(api, incident)[2:] == ["status"] * 4


@pytest.mark.parametrize("guarded", [False, True])
def test_a_merge_is_made_once_and_told_again(api, incident, guarded):
    other = api.call("POST", "/incidents", {"title": "Cart is down"})[1]["id"]
    headers = read(api, incident) if guarded else KEY
    path, body = f"/incidents/{incident}/merge", {"into": other}
    fail_at(api, "save", "incidents")
    assert api.call("POST", path, body, headers=headers)[0] == 503
    api.stores_value.heal()

    status, answer = api.call("POST", path, body, headers=headers)

    assert (status, answer.get("id")) == (200, other)
    assert kinds(api, other).count("joined") == kinds(api, incident).count("merged") == 1
    assert is_up_to_date(api, incident) and is_up_to_date(api, other)


def test_what_is_left_of_a_merge_of_several_is_done_by_its_repeat(api, incident):
    others = [api.call("POST", "/incidents", {"title": str(n)})[1]["id"] for n in range(3)]
    fail_once(api, "save", "incidents", 3)
    path, body = f"/incidents/{incident}/merge", {"from": others}
    assert api.call("POST", path, body, headers=KEY)[0] == 503
    api.stores_value.heal()

    status, answer = api.call("POST", path, body, headers=KEY)

    assert (status, sorted(answer.get("merged", []))) == (200, sorted(others))
    assert kinds(api, incident).count("joined") == 3


@pytest.mark.parametrize("guarded", [False, True])
def test_a_split_is_made_once_and_its_incident_named(api, guarded):
    ingest(api.stores_value, api.clock).ingest([signal("web-1", run) for run in range(3)], "ann")
    (incident,) = [one["_key"] for one in api.stores_value.incidents.all()]
    keys = sorted(one["_key"] for one in api.stores_value.signals.all())[:1]
    headers = read(api, incident) if guarded else KEY
    path, body = f"/incidents/{incident}/split", {"signals": keys}
    fail_at(api, "save", "signals")
    assert api.call("POST", path, body, headers=headers)[0] == 503
    api.stores_value.heal()

    status, answer = api.call("POST", path, body, headers=headers)

    assert status == 201 and answer["split_from"] == incident
    assert len(api.stores_value.incidents.all()) == 2
    assert kinds(api, incident).count("split") == 1
    (moved,) = [one for one in api.stores_value.signals.all() if one["_key"] in keys]
    assert moved["incident_id"] == answer["id"]


def test_an_undone_merge_is_undone_once_and_told_again(api, incident):
    other = api.call("POST", "/incidents", {"title": "Cart is down"})[1]["id"]
    assert api.call("POST", f"/incidents/{incident}/merge", {"into": other})[0] == 200
    path, body = f"/incidents/{other}/split", {"incident": incident}
    fail_at(api, "save", "claims")  # when the answer is kept
    assert api.call("POST", path, body, headers=KEY)[0] == 503
    api.stores_value.heal()
    api.clock.advance(300.0)

    status, answer = api.call("POST", path, body, headers=KEY)

    assert (status, answer.get("id"), answer.get("status")) == (200, incident, "new")
    assert kinds(api, incident).count("unmerged") == 1


def test_a_subscription_is_deleted_with_its_secret_also_when_it_takes_two_attempts(
    api, monkeypatch
):
    made = api.call("POST", "/subscriptions", {"url": "http://127.0.0.1:9/hook"})[1]

    def busy(_path):
        raise SplunkError(503, "splunkd is busy.")

    with monkeypatch.context() as patched:
        patched.setattr(api, "_delete", busy)
        assert api.call("DELETE", f"/subscriptions/{made['id']}")[0] == 503
    assert api.call("DELETE", f"/subscriptions/{made['id']}")[0] == 200
    assert [path.endswith(f"{made['id']}%3A") for path in api.deleted] == [True]
    assert api.stores_value.subscriptions.all() == []
