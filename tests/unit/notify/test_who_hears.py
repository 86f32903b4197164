"""Who counts as a stakeholder of an incident: by how it stood, after changes, merges and kills."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace

import pytest

from incident_management.incidents.act import Act
from incident_management.incidents.joining import merging
from incident_management.incidents.routing import Routing
from tests.unit.notify.desk import INCIDENT
from tests.unit.notify.services import Crash
from tests.unit.notify.stakeholder_desk import OTHER, ROUTING, STANZAS, StakeholderDesk, become


@pytest.fixture
def desk():
    desk = StakeholderDesk()
    desk.open()
    return desk


TEAMS = Routing.from_stanzas(
    {
        **STANZAS,
        "team:dba": {},
        "stakeholders:support": {
            "team": "payments",
            "slack_channels": "#support",
            "events": "opened",
        },
        "stakeholders:data": {"team": "dba", "slack_channels": "#data", "events": "opened"},
    }
)


def test_who_wants_it_hears_that_one_became_theirs_by_its_team_once(desk):
    desk.announce(TEAMS)
    desk.clock.advance(1)
    desk.write("assigned", owner="", team="dba", reason="not ours")
    desk.announce(TEAMS)
    desk.restart()
    desk.write("assigned", owner="", team="payments", reason="ours after all")
    desk.write("assigned", owner="lee", team="dba", reason="no")
    desk.announce(TEAMS)
    assert desk.outside() == [("support", "#support", "opened"), ("data", "#data", "opened")]
    # Who takes one, or names its owner, opens nothing for who was there all the while.
    late = {"team": "dba", "slack_channels": "#late", "events": "opened"}
    more = Routing.from_stanzas({**STANZAS, "team:dba": {}, "stakeholders:late": late})
    desk.announce(more)
    desk.clock.advance(1)
    desk.write("assigned", owner="mia", team="dba", reason="hers")
    desk.announce(more)
    assert not [one for one in desk.outside() if one[0] == "late"]


def test_a_finding_that_is_graver_makes_it_one_of_theirs(desk):
    desk.announce(ROUTING)
    desk.clock.advance(1)
    more = {"signals": {"b": 3}, "severity": "critical", "entities": ["checkout"]}
    desk.write("signal", **more, rule="High Error Rate")
    desk.announce(ROUTING)
    assert [one[0] for one in desk.outside()] == ["board"]


def test_a_worker_that_begins_tells_nobody_of_what_was_not_theirs_then(desk):
    """It reads the last minutes again, of an incident that has changed since."""
    desk.announce(ROUTING)
    desk.update("Early.")
    desk.clock.advance(1)
    desk.write("status", **{"from": "new", "to": "resolved", "reason": "fixed"})
    desk.write("status", **{"from": "resolved", "to": "new", "reason": "no"})
    desk.announce(ROUTING)
    become(desk, "critical")
    desk.announce(ROUTING)
    desk.restart()
    desk.announce(ROUTING)
    assert [event for group, _place, event in desk.outside() if group == "board"] == ["opened"]


def test_a_group_of_two_places_is_announced_in_both_though_the_worker_is_killed_between_them():
    both = {"severity": "critical", "email": "x@a.example", "slack_channels": "#board"}
    routing = Routing.from_stanzas(
        {"team:payments": {}, "stakeholders:board": {**both, "events": "opened, resolved"}}
    )
    for kind, data in (
        ("severity", {"from": "high", "to": "critical", "reason": "worse"}),
        ("status", {"from": "new", "to": "resolved", "reason": "fixed"}),
    ):
        desk = StakeholderDesk()
        desk.open()
        if kind == "status":
            become(desk, "critical")
        desk.announce(routing)
        desk.clock.advance(1)
        desk.write(kind, **data)
        inserted: list[str] = []

        def before(verb, _collection, inserted=inserted):
            inserted.append(verb)
            if inserted.count("insert") > 1:
                raise Crash

        desk.stores.outbox.before = before
        with contextlib.suppress(Crash):
            desk.announce(routing)
        desk.stores.heal()
        desk.restart()
        desk.announce(routing)
        last = [place for _group, place, event in desk.outside() if event != "opened"]
        assert sorted(last or [one[1] for one in desk.outside()]) == ["#board", "x@a.example"]


def test_what_is_over_became_nobodys():
    desk = StakeholderDesk()
    desk.open()
    desk.announce(ROUTING)
    desk.write("status", **{"from": "new", "to": "resolved", "reason": "fixed"})
    become(desk, "critical")
    desk.announce(ROUTING)
    assert "opened" not in [event for _group, _place, event in desk.outside()]


def test_an_escalation_takes_nothing_from_the_stakeholders_of_the_team_whose_service_it_is(desk):
    desk.announce(ROUTING)
    desk.write("escalation", team="web", level=1, reason="help")
    desk.update()
    desk.announce(ROUTING)
    assert desk.outside() == [("support", "#support", "update")]


def test_what_was_merged_into_what_is_merged_now_has_stakeholders_still(desk):
    desk.open(OTHER, team="web")
    third = "INC-20260101-CCCCCC"
    desk.open(third, team="web")
    desk.update("We are investigating.")
    desk.announce(ROUTING)
    for source, target in ((INCIDENT, OTHER), (OTHER, third)):
        desk.clock.advance(1)
        merging.merge(Act(desk.stores, desk.clock, "dana"), source, target, "one fault")
    desk.update("It is the database.", third)
    desk.announce(ROUTING)
    assert [m["text"] for m in sorted(desk.messages("support"), key=lambda m: m["time"])] == [
        "We are investigating.",
        "It is the database.",
    ]


def test_a_merged_incidents_document_of_an_older_version_stops_nobody(desk):
    desk.open(OTHER, team="web")
    desk.update("We are investigating.")
    desk.announce(ROUTING)
    desk.clock.advance(1)
    merging.merge(Act(desk.stores, desk.clock, "dana"), INCIDENT, OTHER, "one fault")
    desk.update("It is the database.", OTHER)
    (old,) = [one for one in desk.stores.incidents.all() if one["_key"] == INCIDENT]
    kept = {name: value for name, value in old.items() if not name.startswith("merged")}
    desk.stores.incidents.save([kept])
    desk.announce(ROUTING)
    assert len(desk.messages("support")) == 2


def test_what_is_affected_is_what_a_person_said_last(desk):
    become(desk, "critical")
    desk.update(services=["Card payments"])
    desk.clock.advance(1)
    desk.write("status", **{"from": "new", "to": "resolved", "reason": "fixed"})
    desk.announce(ROUTING)
    last = next(m for m in desk.messages("board") if m["event"] == "resolved")
    assert last["where"] == ["Card payments"]


def test_addresses_of_people_that_a_detection_named_are_masked():
    desk = StakeholderDesk()
    found = {"title": "x", "severity": "critical", "rule": "Brute Force", "signals": {"a": 1}}
    desk.write("opened", **found, entities=["joan.doe@example.com", "vpn"])
    desk.write("routed", team="payments", owner="", reason="rule")
    desk.update()
    desk.announce(ROUTING)
    told = json.dumps(desk.messages("board"))
    assert "joan" not in told and "vpn" in told


def test_a_storm_of_openings_asks_for_none_of_them_who_was_notified_before():
    desk = StakeholderDesk()
    everything = {"email": "ceo@example.com", "events": "opened"}
    routing = Routing.from_stanzas({**STANZAS, "stakeholders:board": everything})
    for number in range(20):
        desk.open(f"INC-20260101-{number:06}")
    found = []
    desk.stores.outbox.before = lambda verb, _collection: found.append(verb)
    desk.announce(replace(routing, tell_singly=0))
    assert len(desk.outside()) == 20
    assert found.count("find") == 1  # what of all is there already


def test_what_stakeholders_were_notified_is_not_what_responders_were(desk):
    routing = replace(ROUTING, announce={"resolved": ROUTING.announce["resolved"]})
    desk.announce(routing)
    desk.update()
    desk.announce(routing)
    desk.clock.advance(1)
    desk.write("status", **{"from": "new", "to": "resolved", "reason": "fixed"})
    desk.clock.advance(30 * 3600)
    desk.restart()
    desk.announce(routing)
    assert ("slack", "resolved") not in desk.told()
