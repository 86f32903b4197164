"""Work is given only to people who exist, and a refusal says how to fix it."""

from __future__ import annotations

import pytest

from incident_management.incidents.routing import Routing
from incident_management.splunk.session import SplunkError
from tests.fakes.api import FakeApi


@pytest.fixture
def api():
    api = FakeApi()
    api.strangers = {"kimm", "gone", "dora"}
    api.names = ["admin", "kim", "nobody"]
    api.routing_value = Routing.from_stanzas({"member:lee": {"skills": "db"}})
    return api


def opened(api) -> str:
    return "/incidents/" + api.call("POST", "/incidents", {"title": "Slow"})[1]["id"]


NAMING = [
    ("POST", "/assign", {"owner": "kimm"}),
    ("POST", "/escalate", {"owner": "Kimm", "reason": "Too slow"}),
    ("PATCH", "", {"owner": "kimm"}),
    ("POST", "/tasks", {"title": "Call the vendor", "owner": "kimm"}),
    ("POST", "/roles", {"role": "scribe", "person": "kimm"}),
    ("POST", "/follow-ups", {"title": "Add a test", "owner": "kimm", "due": 2e9}),
]


@pytest.mark.parametrize(("method", "path", "body"), NAMING)
def test_a_name_that_nobody_has_is_refused_with_similar_ones(api, method, path, body):
    incident = opened(api)
    status, answer = api.call(method, incident + path, body)
    assert status == 400 and answer["detail"].startswith(
        "Nobody named 'kimm' can read incidents. Did you mean kim? Otherwise give that Splunk user"
    )
    assert api.call("GET", incident)[1]["owner"] == ""


@pytest.mark.parametrize(("method", "path", "body"), NAMING)
def test_a_user_and_a_person_of_the_routing_are_taken(api, method, path, body):
    field = "person" if "person" in body else "owner"
    for name in ("kim", "Lee"):
        api.strangers = {"lee", "kimm"}
        assert api.call(method, opened(api) + path, {**body, field: name})[0] == 200


def test_a_bulk_assignment_to_nobody_changes_nothing(api):
    incident = opened(api)
    body = {"action": "assign", "ids": [incident.split("/")[-1]], "owner": "gone"}
    status, answer = api.call("POST", "/incidents/bulk", body)
    assert status == 400 and "Nobody named 'gone'" in answer["detail"]
    assert "Did you mean" not in answer["detail"]


def test_somebody_who_has_left_keeps_what_they_have(api):
    """A form sends the owner along with what was changed."""
    api.strangers = set()
    incident = opened(api)
    api.call("POST", incident + "/assign", {"owner": "dora"})
    api.call("POST", incident + "/tasks", {"title": "Call", "owner": "eve"})
    api.strangers = {"dora", "eve"}
    body = {"title": "Slower", "severity": "high", "owner": "dora"}
    assert api.call("PUT", incident, body, headers={"If-Match": "*"})[0] == 200
    (task,) = api.call("GET", incident + "/tasks")[1]["tasks"]
    assert api.call("POST", f"{incident}/tasks/{task['id']}", {"owner": "eve"})[0] == 200


def test_where_splunkd_can_not_say_who_is_a_user_anybody_is(api):
    def fails(*_given):
        raise SplunkError(403, "no right")

    api.has_capability = fails
    assert api.call("POST", opened(api) + "/assign", {"owner": "kimm"})[0] == 200


def test_who_assigns_to_themselves_is_not_looked_up(api):
    api.strangers = {"ann"}
    assert api.call("POST", opened(api) + "/assign", {"owner": "Ann"})[0] == 200
