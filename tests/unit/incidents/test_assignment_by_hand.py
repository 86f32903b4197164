"""Assignments that name a team or a person: by hand, by an escalation, by the API."""

import pytest

from incident_management.incidents.act import Act
from incident_management.incidents.clocks import assignment
from incident_management.incidents.errors import Invalid
from incident_management.incidents.routing import Routing
from tests.fakes import ManualClock
from tests.fakes.api import FakeApi
from tests.unit.incidents.shifts import MONDAY, last, opened, routing


@pytest.fixture
def clock():
    return ManualClock(MONDAY)


def test_assigning_a_team_assigns_an_available_member(stores, clock):
    conf = routing(member__dana={"away": "2026-11-30"})
    incident_id = opened(stores, clock, conf, "web")
    incident = assignment.assign(Act(stores, clock, "ann"), conf, incident_id, team="payments")
    assert (incident.team, incident.owner) == ("payments", "lee")
    assert "dana is off shift until Tue 09:00" in last(stores, incident_id).data["reason"]


def test_a_named_owner_is_taken_at_their_word(stores, clock):
    incident_id = opened(stores, clock, routing(), "web")
    incident = assignment.assign(
        Act(stores, clock, "ann"), routing(), incident_id, owner="zoe", team="payments"
    )
    assert (incident.team, incident.owner) == ("payments", "zoe")
    assert "reason" not in last(stores, incident_id).data


def test_an_escalation_to_a_team_passes_by_who_has_it(stores, clock):
    conf = routing()
    incident_id = opened(stores, clock, conf)
    assignment.assign_waiting(stores, clock, conf)
    incident = assignment.escalate(
        Act(stores, clock, "ann"), conf, incident_id, "stuck", team="payments"
    )
    assert (incident.owner, incident.level) == ("lee", 1)
    reason = last(stores, incident_id).data["reason"]
    assert (
        reason.startswith("stuck. lee of team 'payments' takes the incident")
        and "dana already has the incident" in reason
    )


def test_an_escalation_without_a_target_goes_to_the_next_step_of_the_path(stores, clock):
    conf = routing(
        escalation__up={
            "step.1": "15m, member:dana, channel:slack",
            "step.2": "30m, team:night",
        }
    )
    incident_id = opened(stores, clock, conf)
    first = assignment.escalate(Act(stores, clock, "ann"), conf, incident_id, "no answer")
    assert (first.owner, last(stores, incident_id).data["channels"]) == ("dana", ["slack"])
    second = assignment.escalate(Act(stores, clock, "ann"), conf, incident_id, "still none")
    # Nobody of the night team works now, so dana keeps the incident.
    assert (second.team, second.owner, second.level) == ("night", "dana", 2)


def test_an_escalation_without_a_target_and_a_path_is_one_level_up(stores, clock):
    incident_id = opened(stores, clock, routing())
    incident = assignment.escalate(Act(stores, clock, "ann"), routing(), incident_id, "loud")
    assert (incident.level, incident.owner, incident.team) == (1, "", "payments")


def test_an_escalation_needs_its_reason_before_anything_else(stores, clock):
    incident_id = opened(stores, clock, routing())
    with pytest.raises(Invalid, match="needs a reason"):
        assignment.escalate(Act(stores, clock, "ann"), routing(), incident_id, " ", team="night")


def test_a_team_that_does_not_exist_is_refused_by_name(stores, clock):
    api = FakeApi(stores, clock)
    api.routing_value = routing()
    path = f"/incidents/{opened(stores, clock, api.routing_value)}"
    for method, target, body in (
        ("POST", f"{path}/assign", {"team": "paymets"}),
        ("POST", f"{path}/escalate", {"team": "paymets", "reason": "stuck"}),
        ("PATCH", path, {"team": "paymets"}),
    ):
        status, problem = api.call(method, target, body)
        assert status == 400
        assert "no team 'paymets'" in problem["detail"] and "night, payments" in problem["detail"]
    ids = [path.rpartition("/")[2]]
    _, bulk = api.call(
        "POST", "/incidents/bulk", {"action": "assign", "team": "paymets", "ids": ids}
    )
    assert bulk["results"][0]["status"] == 400


def test_a_team_that_was_taken_out_of_the_file_does_not_bar_other_corrections(stores, clock):
    api = FakeApi(stores, clock)
    path = f"/incidents/{opened(stores, clock, routing())}"
    api.routing_value = Routing.from_stanzas({"team:night": {"members": "nik"}})
    body = {"title": "Other", "severity": "low", "team": "payments"}
    status, incident = api.call("PUT", path, body, headers={"If-Match": "*"})
    assert (status, incident["team"]) == (200, "payments")


def test_the_api_assigns_and_lists_teams_with_their_people(stores, clock):
    api = FakeApi(stores, clock)
    api.routing_value = routing(member__lee={"away": "2026-11-30"})
    incident_id = opened(stores, clock, api.routing_value)
    opened(stores, clock, api.routing_value, "pay-2")
    status, incident = api.call("POST", f"/incidents/{incident_id}/assign", {"team": "payments"})
    assert (status, incident["owner"]) == (200, "dana")

    status, answer = api.call("GET", "/teams")
    assert status == 200
    night, payments = answer["teams"]
    assert (payments["name"], payments["on_shift"]) == ("payments", ["dana", "kim"])
    assert (payments["open_incidents"], payments["unassigned"]) == (2, 1)
    assert payments["people"][0] == {
        "name": "dana",
        "on_shift": True,
        "on_shift_again": "",
        "load": 1,
        "capacity": 5,
        "skills": ["db", "java"],
    }
    assert payments["people"][1]["on_shift_again"] == "Tue 09:00 Europe/Berlin"
    assert night["people"][0]["capacity"] is None
    assert api.call("GET", "/teams", capabilities=["incident_write"])[0] == 403
