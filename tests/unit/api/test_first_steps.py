"""``GET /system/first-steps``: each step says what is there, and nothing else counts as done."""

from typing import Any, Dict

import pytest

from incident_management.incidents.routing import Routing, Team
from incident_management.incidents.routing.rotas import Rota
from incident_management.incidents.stores import claim_document
from incident_management.notify.announcing.announcer import CHECKPOINT
from incident_management.splunk.users import MOST_USERS
from incident_management.worker_health import Failures
from tests.fakes.api import ALL_CAPABILITIES, FakeApi
from tests.fakes.search import FakeSearcher

NOTHING: Dict[str, Any] = {"entry": []}
ROLES = [
    {
        "name": "admin",
        "content": {"capabilities": ["admin_all_objects", "incident_write"]},
    },
    {
        "name": "incident_responder",
        "content": {"capabilities": ["incident_write"], "imported_capabilities": ["search"]},
    },
    {
        "name": "oncall",
        "content": {"capabilities": [], "imported_capabilities": ["incident_write"]},
    },
    {"name": "user", "content": {"capabilities": ["search"]}},
]


@pytest.fixture
def api():
    made = FakeApi()
    made.searcher_value = FakeSearcher(
        {"incident_indexes": [{"events": "0"}], "incident_change_index": [{"events": "0"}]}
    )
    made.answers = {
        "/configs/conf-incident_management_settings": NOTHING,
        "/saved/searches": NOTHING,
        "/authentication/users": {"entry": [person("root", "admin"), person("pat", "user")]},
        "/authorization/roles": {"entry": ROLES},
    }
    return made


def person(name, *roles):
    return {"name": name, "content": {"roles": list(roles)}}


def search(name, disabled="0"):
    settings = {"is_scheduled": "1", "disabled": disabled, "action.open_incident": "1"}
    return {"name": name, "acl": {}, "content": settings}


def stanza(name, **settings):
    return {"name": name, "content": settings, "acl": {"app": "incident_management"}}


def steps(api):
    status, answer = api.call("GET", "/system/first-steps")
    assert status == 200
    return {one["name"]: (one["state"], one["detail"]) for one in answer["steps"]}


def test_of_an_empty_installation_nothing_is_done(api):
    found = steps(api)
    assert {state for state, _detail in found.values()} == {"todo"}
    assert found["worker"][1].startswith("The worker has not run yet.")
    assert "macro incident_indexes" in found["events"][1]


def test_each_step_is_done_by_what_it_asks_for(api):
    api.stores_value.claims.save([claim_document(CHECKPOINT, api.clock.now() - 20, {})])
    api.searcher_value = FakeSearcher(
        {"incident_indexes": [{"events": "1"}], "incident_change_index": [{"events": "1"}]}
    )
    settings = {
        "entry": [
            stanza("slack", bot_token="xoxb-1", channel="#incidents"),
            stanza("network", web_url="https://splunk.example.com:8000"),
        ]
    }
    api.answers["/configs/conf-incident_management_settings"] = settings
    mine = [search("High Error Rate"), search("Invoices Rejected"), search("Off", disabled="1")]
    api.answers["/saved/searches"] = {"entry": mine}
    people = [person("root", "admin"), person("mia", "oncall"), person("rob", "incident_responder")]
    api.answers["/authentication/users"] = {"entry": people}
    teams = {"web": Team("web", members=("mia",)), "ops": Team("ops"), "db": Team("db", rota="db")}
    api.routing_value = Routing(teams=teams, rotas={"db": Rota("db", ("rob",))})

    found = steps(api)
    assert found.pop("message") == (
        "todo",
        "Slack accepted no message yet. Open a test incident.",
    )
    assert {state for state, _detail in found.values()} == {"done"}
    assert found["people"][1] == "Besides administrators: mia, rob."
    assert found["detections"][1] == "2 enabled: High Error Rate, Invoices Rejected."
    assert found["teams"][1] == "Teams with members: db, web."

    sent = {"_key": "1", "channel": "slack", "state": "sent", "sent_at": api.clock.now()}
    api.stores_value.outbox.save([{**sent, "target": "#incidents", "receipt": {}}])
    assert steps(api)["message"] == ("done", "Accepted by Slack.")


def test_a_channel_that_refuses_is_no_step_done(api):
    refused = {"_key": "1", "channel": "slack", "state": "dead", "last_error": "invalid_auth"}
    api.stores_value.outbox.save([{**refused, "created_at": api.clock.now() - 5}])
    state, detail = steps(api)["message"]
    assert state == "todo"
    assert "invalid_auth" in detail


def test_high_error_rate_alone_and_administrators_alone_are_not_enough(api):
    api.answers["/saved/searches"] = {"entry": [search("High Error Rate")]}
    found = steps(api)
    assert found["detections"][0] == found["people"][0] == "todo"
    assert found["detections"][1].startswith("Only High Error Rate is enabled")


def test_of_more_users_than_are_checked_nothing_is_claimed(api):
    many = {"entry": [person(f"user{number}", "user") for number in range(MOST_USERS)]}
    api.answers["/authentication/users"] = many
    assert steps(api)["people"][0] == "unknown"


def test_a_named_person_who_is_no_user_is_reported(api):
    api.routing_value = Routing(teams={"web": Team("web", members=("pat", "mya"))})
    state, detail = steps(api)["teams"]
    assert state == "todo" and detail.startswith(
        "Teams name people who are not Splunk users: mya. Correct"
    )
    api.answers["/authentication/users"] = {"entry": [person("Pat"), person("MYA")]}
    assert steps(api)["teams"][0] == "done"


def test_a_worker_that_was_seen_long_ago_does_not_run(api):
    api.stores_value.claims.save([claim_document(CHECKPOINT, api.clock.now() - 900, {})])
    assert steps(api)["worker"] == (
        "todo",
        "The worker has not run for 15 minutes. Check the input 'worker' under Inputs.",
    )


@pytest.mark.parametrize("seen_before", [900.0, None])
def test_a_worker_that_fails_to_tell_people_is_not_said_not_to_run(api, seen_before):
    claims, now = api.stores_value.claims, api.clock.now()
    if seen_before:
        claims.save([claim_document(CHECKPOINT, now - seen_before, {})])
    Failures(api.stores_value, api.clock, "sh1").failed("announce", "no")
    assert steps(api)["worker"] == (
        "todo",
        "The worker sends no messages. The reason is below this list.",
    )


def test_what_can_not_be_checked_is_not_known_and_hides_nothing_else(api):
    api.searcher_value = FakeSearcher({"incident_change_index": [{"events": "0"}]})
    api.searcher_value.fail("incident_indexes", "The search was refused.")
    api.stores_value.claims.fail_after(0)
    found = steps(api)
    assert found["events"] == ("unknown", "This step could not be checked: The search was refused.")
    assert found["worker"][0] == "unknown"
    assert found["people"][0] == "todo"


def test_it_takes_the_right_to_administer(api):
    mine = ALL_CAPABILITIES - {"incident_admin"}
    assert api.call("GET", "/system/first-steps", capabilities=mine)[0] == 403
