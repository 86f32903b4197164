"""Updates over the API: written once, seen by the next, with a draft of facts."""

import pytest

from incident_management.incidents import timeline
from incident_management.incidents.act import Act
from incident_management.incidents.routing import Routing
from incident_management.notify.announcing.announcer import Announcer
from incident_management.notify.delivery.outbox import Outbox
from tests.fakes import Unavailable
from tests.fakes.api import FakeApi

ROUTING = Routing.from_stanzas(
    {
        "team:payments": {},
        "rule:default": {"team": "payments"},
        "stakeholders:board": {
            "severity": "critical",
            "email": "ceo@example.com, cfo@example.com",
            "slack_channels": "#board",
            "update_every": "30m",
        },
    }
)


@pytest.fixture
def api():
    made = FakeApi()
    made.routing_value = ROUTING
    return made


@pytest.fixture
def incident(api):
    body = {"title": "Payments fail", "severity": "critical", "affected_systems": ["checkout"]}
    return api.call("POST", "/incidents", body)[1]["id"]


def write(api, incident, text="We are investigating.", **more):
    headers = more.pop("headers", None)
    user = more.pop("user", "dana")
    path = f"/incidents/{incident}/updates"
    return api.call("POST", path, {"text": text, **more}, headers=headers, user=user)


def told(api, incident):
    return api.call("GET", f"/incidents/{incident}/updates")[1]


def test_an_update_is_written_and_the_incident_shows_it_and_the_promise(api, incident):
    status, after = write(api, incident, state="investigating", next_update_in="45m")
    assert status == 200
    assert after["update_due"] == after["update_promised"] == api.clock.now() + 2700
    last = after["last_update"]
    assert (last["text"], last["by"], last["services"]) == (
        "We are investigating.",
        "dana",
        ["checkout"],
    )
    assert after["status"] == "new"
    shown = api.call("GET", f"/incidents/{incident}")[1]
    assert (shown["last_update"], shown["update_due"]) == (last, after["update_due"])
    listed = api.call("GET", "/incidents", query={"fields": "update_due"})[1]["incidents"]
    assert listed == [{"id": incident, "update_due": after["update_due"]}]


def test_without_a_time_it_promises_what_stakeholders_want(api, incident):
    assert write(api, incident)[1]["update_due"] == api.clock.now() + 1800
    assert "update_due" not in write(api, incident, "Over.", state="resolved")[1]


def test_the_list_is_newest_first_with_who_is_informed_and_when_the_next_is_due(api, incident):
    write(api, incident, "One.", next_update_in="5m")
    api.clock.advance(400)
    found = told(api, incident)
    assert found["overdue"] is True and found["update_every"] == 1800
    write(api, incident, "Two.", services=["Card payments"], next_update_by=api.clock.now() + 60)
    found = told(api, incident)
    assert [one["text"] for one in found["updates"]] == ["Two.", "One."]
    assert found["updates"][0]["services"] == ["Card payments"]
    assert (found["overdue"], found["update_due"]) == (False, api.clock.now() + 60)
    assert found["stakeholders"] == [
        {"name": "board", "slack_channels": ["#board"], "mail_addresses": 2, "teams": False}
    ]


def test_a_repeat_with_the_same_key_is_one_update_also_after_a_failure(api, incident):
    key = {"Idempotency-Key": "k1"}

    def fails(verb, _collection):
        if verb == "save":
            raise Unavailable

    api.stores_value.incidents.before = fails
    assert write(api, incident, headers=key)[0] == 503
    api.stores_value.heal()
    api.clock.advance(5)
    assert write(api, incident, headers=key)[0] == 200
    assert len(told(api, incident)["updates"]) == 1


def test_of_two_who_write_at_once_the_second_sees_the_firsts_and_both_are_informed(api, incident):
    api.call("GET", f"/incidents/{incident}")
    seen = {"If-Match": api.headers["ETag"]}
    assert write(api, incident, "It is the database.", headers=seen)[0] == 200
    status, problem = write(api, incident, "It is the network.", headers=seen, user="lee")
    assert status == 412 and "Reload it first" in problem["detail"]
    api.call("GET", f"/incidents/{incident}")
    fresh = {"If-Match": api.headers["ETag"]}
    assert write(api, incident, "And the network.", headers=fresh, user="lee")[0] == 200
    # Without a version, both stand.
    write(api, incident, "A.", user="mia")
    write(api, incident, "B.", user="lee")
    outbox = Outbox(api.stores_value, api.clock, "w", lambda _document: None)
    api.clock.advance(20)
    Announcer(api.stores_value, api.clock, outbox).run(ROUTING, "", lambda: ["slack"])
    texts = [d["message"]["text"] for d in api.stores_value.outbox.all() if d["target"] == "#board"]
    assert sorted(texts) == ["A.", "And the network.", "B.", "It is the database."]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"text": "   "}, "'text' is empty"),
        ({"text": "x", "next_update_in": "soon"}, "'next_update_in' is 'soon'"),
        ({"text": "x", "next_update_in": "30"}, "'next_update_in' is '30'"),
        ({"text": "x", "next_update_in": "60d"}, "within the next 30 days"),
        ({"text": "x", "next_update_by": 1.0}, "within the next 30 days"),
        ({"text": "x", "next_update_in": "5m", "next_update_by": 4e9}, "not both"),
        (
            {"text": "x", "state": "resolved", "next_update_in": "5m"},
            "A final update can't promise",
        ),
        ({"text": "x", "state": "fixed"}, "state"),
        ({"text": "x" * 2001}, "text"),
    ],
)
def test_what_can_not_be_reported_or_promised_is_refused_in_one_sentence(api, incident, body, said):
    status, problem = api.call("POST", f"/incidents/{incident}/updates", body)
    assert status == 400 and said in problem["detail"]
    assert told(api, incident)["updates"] == []


def test_who_may_not_write_may_read(api, incident):
    path = f"/incidents/{incident}/updates"
    reader = {"capabilities": ["incident_read"], "user": "eve"}
    assert api.call("POST", path, {"text": "x"}, **reader)[0] == 403
    assert api.call("GET", path, **reader)[0] == 200


def test_a_merged_incident_sends_the_writer_on(api, incident):
    other = api.call("POST", "/incidents", {"title": "Cart is slow"})[1]["id"]
    api.call("POST", f"/incidents/{incident}/merge", {"into": other})
    status, problem = write(api, incident)
    assert status == 409 and other in problem["detail"]
    assert write(api, other)[0] == 200


def test_a_resolve_may_bring_the_last_update_along_once(api, incident):
    write(api, incident)
    path, key = f"/incidents/{incident}/resolve", {"Idempotency-Key": "k2"}
    body = {"resolution": "rolled back", "update": "It works again."}

    def fails(verb, _collection):
        if verb == "save":
            raise Unavailable

    api.stores_value.incidents.before = fails
    assert api.call("POST", path, body, headers=key)[0] == 503
    api.stores_value.heal()
    api.clock.advance(5)
    status, after = api.call("POST", path, body, headers=key)
    assert (status, after["status"]) == (200, "resolved") and "update_due" not in after
    found = told(api, incident)["updates"]
    assert [one["state"] for one in found] == ["resolved", ""]
    assert found[0]["text"] == "It works again."
    assert timeline.verify(timeline.read(api.stores_value, incident)).ok
    assert api.call("POST", path, {"update": "Again."})[0] == 409
    assert len(told(api, incident)["updates"]) == 2


def test_the_draft_is_made_of_facts_and_shows_no_log_line(api, incident):
    draft = told(api, incident)["draft"]
    opened = "14 Nov 22:13 UTC"
    assert draft == {
        "text": f"checkout has been affected since {opened}. We are investigating.",
        "state": "investigating",
        "services": ["checkout"],
    }
    api.clock.advance(60)
    api.call("POST", f"/incidents/{incident}/acknowledge", {}, user="dana")
    stores, clock = api.stores_value, api.clock
    secret = {"verdict": "java.lang.Oops", "cause": "java.lang.Oops"}
    timeline.append(Act(stores, clock, "x"), incident, "analysis", secret)
    draft = told(api, incident)["draft"]
    assert draft["state"] == "identified" and "Oops" not in draft["text"]
    assert draft["text"].endswith(
        "A team is working on it. A likely cause was found at 14 Nov 22:14 UTC."
    )
    timeline.append(Act(stores, clock, "x"), incident, "action", {"phase": "done", "detail": "r8"})
    assert told(api, incident)["draft"]["state"] == "monitoring"
    write(api, incident, services=["Card payments", "Refunds"])
    draft = told(api, incident)["draft"]["text"]
    assert draft.startswith("Card payments and Refunds have been affected since")


def test_stakeholders_whose_mail_failed_are_written_to_where_they_are_by_now(api, incident):
    write(api, incident)
    api.clock.advance(20)
    outbox = Outbox(api.stores_value, api.clock, "w", lambda _document: None)
    Announcer(api.stores_value, api.clock, outbox).run(ROUTING, "", lambda: ["slack"])
    dead = [{**d, "state": "dead"} for d in api.stores_value.outbox.all()]
    api.stores_value.outbox.save(dead)
    stanza = {"severity": "critical", "email": "new@example.com"}
    api.routing_value = Routing.from_stanzas({"stakeholders:board": stanza})
    for document in dead:
        assert api.call("POST", f"/outbox/{document['_key']}/retry", {})[0] == 200
    now = {d["channel"]: d["target"] for d in api.stores_value.outbox.all()}
    assert now == {"email": "new@example.com", "slack": "#board"}


def test_what_an_earlier_version_left_on_a_merged_incident_is_not_waited_for(api, incident):
    other = api.call("POST", "/incidents", {"title": "The cart fails", "severity": "high"})[1]["id"]
    write(api, incident, next_update_in="45m")
    api.call("POST", f"/incidents/{incident}/merge", {"into": other})
    left = {**api.stores_value.incidents.get(incident), "update_due": api.clock.now() + 2700}
    api.stores_value.incidents.save([left])
    assert "update_due" not in api.call("GET", f"/incidents/{incident}")[1]
    listed = api.call("GET", "/incidents", query={"status": "closed"})[1]["incidents"]
    assert [one["id"] for one in listed if "update_due" not in one] == [incident]
    assert told(api, incident)["update_due"] is None
