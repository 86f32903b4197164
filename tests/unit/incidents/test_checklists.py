"""Checklists and roles in incident_routing.conf."""

from __future__ import annotations

import pytest

from incident_management.incidents.errors import Invalid
from incident_management.incidents.model import Incident
from incident_management.incidents.routing import Routing
from incident_management.incidents.routing.changes import check_change, check_settings

STEPS = {"step.1": "Look"}


def one(**values):
    return Routing.from_stanzas({"checklist:c": {"step.1": "Look", **values}})


def fits(values, **incident):
    (checklist,) = one(**values).checklists
    return checklist.fits(Incident("INC-1", **incident))


def test_every_pattern_must_fit_and_of_several_entities_one():
    assert fits({})
    assert fits({"severity": "critical, high", "team": "pay*"}, severity="high", team="payments")
    assert not fits({"severity": "high", "team": "pay*"}, severity="high", team="shop")
    assert fits({"entity": "db-*"}, entities=["web-1", "DB-2"])
    assert not fits({"entity": "db-*"}, entities=[])
    assert fits({"rule": "High*", "tag": "*"}, rules=["High Error Rate"])
    assert not fits({"tag": "batch"}, tags=["night"])


def test_steps_are_in_the_order_of_their_numbers_with_role_and_runbook():
    values = {
        "step.10": "Last",
        "step.2": "Tell  support | runbook: https://wiki/a:b?c=d | role: scribe",
        "step.3": "",
    }
    (checklist,) = one(**values).checklists
    assert [step.title for step in checklist.steps] == ["Look", "Tell support", "Last"]
    step = checklist.steps[1]
    assert (step.role, step.runbook) == ("scribe", "https://wiki/a:b?c=d")


def test_the_lowest_order_comes_first_and_one_that_is_off_counts_for_nothing():
    routing = Routing.from_stanzas(
        {
            "checklist:b": STEPS,
            "checklist:a": {**STEPS, "order": "200"},
            "checklist:off": {**STEPS, "disabled": "1"},
        }
    )
    assert [checklist.name for checklist in routing.checklists] == ["b", "a"]


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"step.1": ""}, "has 0 steps"),
        (
            {"step.2": "x | role: pilot"},
            "names the unknown role 'pilot'; the roles are lead, communica",
        ),
        ({"step.2": "x | owner: ann"}, "has 'owner: ann'; after the task write"),
        ({"step.2": "x | role:"}, "after the task write"),
        ({"step.2": "| role: scribe"}, "write 1 to 300 characters"),
        ({"step.2": "Look | role: scribe"}, "has 'Look' twice"),
        ({"order": "first"}, "order is 'first'"),
        ({"severty": "high"}, "has no setting 'severty'.*would apply to every incident"),
        ({f"step.{number}": str(number) for number in range(2, 32)}, "has 31 steps"),
    ],
)
def test_a_malformed_one_is_left_out_and_said_and_the_page_refuses_it(values, error):
    routing = one(**values)
    assert routing.checklists == ()
    with pytest.raises(Invalid, match=error):
        check_change({}, "checklist", "c", {**STEPS, **values}, lambda _team: [], 0.0)


def test_roles_are_those_of_the_settings():
    assert Routing().roles == ("communications", "scribe")
    general = {"general": {"roles": "scribe, customer liaison, scribe"}}
    assert Routing.from_stanzas(general).roles == ("scribe", "customer liaison")
    assert Routing.from_stanzas({"general": {"roles": ""}}).roles == ()


@pytest.mark.parametrize(
    "roles", ["scribe, Lead", ",".join(f"role{n}" for n in range(11)), "x" * 41]
)
def test_roles_that_can_not_be_are_refused_and_the_shipped_ones_hold(roles):
    assert Routing.from_stanzas({"general": {"roles": roles}}).roles == Routing().roles
    with pytest.raises(Invalid, match=r"\[general\] roles"):
        check_settings({"general": {"roles": "scribe"}}, "general", {"roles": roles})


def test_a_role_that_a_step_names_is_not_taken_from_the_settings():
    stanzas = {"general": {"roles": "scribe"}, "checklist:c": {"step.1": "Write | role: scribe"}}
    with pytest.raises(Invalid, match="names the unknown role 'scribe'; the roles are lead"):
        check_settings(stanzas, "general", {"roles": ""})
