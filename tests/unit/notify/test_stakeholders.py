"""What those get who do not work on an incident: what a person wrote, once, and nothing else."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace

import pytest

from incident_management.incidents import updates
from incident_management.incidents.act import Act
from incident_management.incidents.joining import merging
from incident_management.incidents.lifecycle import Ending
from incident_management.incidents.routing import Routing
from incident_management.incidents.signal import SIMULATED
from incident_management.notify.channel import retry, sent
from incident_management.notify.first_messages import FirstMessages
from incident_management.notify.message import Message
from incident_management.notify.services.slack_layout import blocks
from tests.unit.notify.desk import INCIDENT
from tests.unit.notify.services import Crash
from tests.unit.notify.stakeholder_desk import (
    LINE,
    OTHER,
    ROUTING,
    STANZAS,
    StakeholderDesk,
    become,
)
from tests.unit.notify.test_first_messages import FakeSlack


@pytest.fixture
def desk():
    desk = StakeholderDesk()
    desk.open()
    return desk


def test_the_configuration_is_sound():
    assert ROUTING.problems == ()


def test_an_update_is_announced_to_those_it_is_for_and_to_the_incidents_own_thread(desk):
    desk.update(state="identified", next_in=1800)
    desk.announce(ROUTING)
    assert desk.outside() == [("support", "#support", "update")]
    assert ("slack", "update") in desk.told()
    (message,) = desk.messages("support")
    assert message["headline"] == "Identified"
    assert message["text"] == "Payments fail for some."
    assert message["where"] == ["checkout"]
    assert message["next_by"] == desk.clock.now() + 1800


def test_neither_logs_nor_names_nor_links_leave_and_secrets_in_the_text_are_masked():
    desk = StakeholderDesk()
    desk.write(
        "opened",
        title=f"New log line: {LINE}",
        description=LINE,
        severity="critical",
        entities=["checkout"],
        signals={"a": 7},
        rule="New Log Lines",
    )
    desk.write("routed", team="payments", owner="mia", reason="rule")
    desk.write("analysis", analysis_id="ANA-1", verdict=LINE, cause=f"because {LINE}")
    desk.update("Our token is password=hunter2, sorry <!channel>", services=["Card payments"])
    desk.announce(ROUTING)
    told = json.dumps(desk.messages("support") + desk.messages("board"))
    for inside in ("SocketTimeout", "4111", "hunter2", "New Log Lines", "mia", "splunk.example"):
        assert inside not in told
    (message,) = desk.messages("support")
    assert message["title"] == message["opened_as"] == "Problem with checkout"
    assert message["where"] == ["Card payments"]


def test_a_title_that_a_person_wrote_is_announced(desk):
    desk.write("edited", title="Card payments fail")
    desk.update()
    desk.announce(ROUTING)
    (message,) = desk.messages("support")
    # The subject of its mails stays.
    assert (message["title"], message["opened_as"]) == (
        "Card payments fail",
        "Problem with checkout",
    )


def test_who_wants_it_hears_that_one_of_theirs_began_once_also_where_it_became_one(desk):
    desk.announce(ROUTING)
    assert desk.outside() == []
    become(desk, "critical")
    desk.announce(ROUTING)
    become(desk, "high")
    become(desk, "critical")
    desk.announce(ROUTING)
    mails = "ceo@example.com,cfo@example.com"
    assert desk.outside() == [("board", mails, "opened")]
    (message,) = desk.messages("board")
    assert message["headline"] == "Incident opened" and message["text"] == ""


def test_who_was_notified_goes_on_to_receive_it_when_it_is_less_grave(desk):
    become(desk, "critical")
    desk.announce(ROUTING)
    become(desk, "low")
    desk.update("It is less than we thought.")
    desk.clock.advance(1)
    desk.write("status", **{"from": "new", "to": "resolved", "reason": "fixed"})
    desk.announce(ROUTING)
    assert [event for group, _place, event in desk.outside() if group == "board"] == [
        "opened",
        "update",
        "resolved",
    ]


def test_a_merge_is_no_end_and_the_survivors_updates_go_on_to_who_was_notified(desk):
    desk.open(OTHER, team="web")
    desk.update("We are investigating.")
    desk.announce(ROUTING)
    desk.clock.advance(1)
    merging.merge(Act(desk.stores, desk.clock, "dana"), INCIDENT, OTHER, "one fault")
    desk.announce(ROUTING)
    desk.update("It is the database.", OTHER)
    desk.announce(ROUTING)
    assert desk.outside() == [
        ("support", "#support", "update"),
        ("support", "#support", "update"),
    ]
    told = [d for d in desk.stores.outbox.all() if d.get("stakeholders")]
    assert [d["incident_id"] for d in sorted(told, key=lambda d: d["message"]["time"])] == [
        INCIDENT,
        OTHER,
    ]


def test_an_update_that_raced_with_the_merge_reaches_the_survivors_stakeholders(desk):
    desk.open(OTHER, team="web")
    become(desk, "critical", OTHER)
    desk.announce(ROUTING)
    merging.merge(Act(desk.stores, desk.clock, "dana"), INCIDENT, OTHER, "one fault")
    # Written by who had not seen the merge.
    desk.write("update", text="We are investigating.", state="", services=["checkout"])
    desk.announce(ROUTING)
    updates_told = {one[0] for one in desk.outside() if one[2] == "update"}
    assert updates_told == {"support", "board"}


def test_nobody_is_notified_twice_in_one_place(desk):
    stanzas = {
        **STANZAS,
        "stakeholders:a": {"slack_channels": "#support, #payments", "email": "x@a.example"},
        "stakeholders:b": {"email": "x@a.example, y@a.example", "teams": "1"},
        "announce": {"update": "slack, teams"},
    }
    routing = Routing.from_stanzas(stanzas)
    assert routing.problems == ()
    desk.update()
    desk.announce(routing)
    desk.restart()
    desk.announce(routing)
    # The team's own channel, and that in Teams, have the incident's own message.
    assert sorted(one[:2] for one in desk.outside()) == [
        ("a", "x@a.example"),
        ("b", "y@a.example"),
        ("support", "#support"),
    ]


def test_one_place_that_is_written_in_two_ways_is_announced_once(desk):
    group = {"slack_channels": "#Status, status, payments", "email": "x@a.example"}
    again = {"slack_channels": "#status", "email": "X@A.example"}
    stanzas = {**STANZAS, "stakeholders:support": group, "stakeholders:more": again}
    desk.update()
    desk.announce(Routing.from_stanzas(stanzas))
    assert sorted(place for _group, place, _event in desk.outside()) == ["#Status", "x@a.example"]


def test_who_is_added_receives_what_comes_after(desk):
    before = Routing.from_stanzas({k: v for k, v in STANZAS.items() if "stakeholders" not in k})
    desk.update()
    desk.announce(before)
    desk.clock.advance(60)
    desk.restart()
    assert desk.announce(ROUTING) == 0
    desk.update("Again.")
    desk.announce(ROUTING)
    assert [m["text"] for m in desk.messages("support")] == ["Again."]


def test_a_group_that_changes_loses_nothing_that_was_not_announced(desk):
    desk.announce(ROUTING)
    desk.clock.advance(1)
    desk.update()
    changed = {**STANZAS["stakeholders:support"], "slack_channels": "#support, #more"}
    desk.announce(Routing.from_stanzas({**STANZAS, "stakeholders:support": changed}))
    assert [place for _group, place, _event in desk.outside()] == ["#more", "#support"]


def test_updates_are_announced_each_by_itself_in_a_storm(desk):
    stormy = replace(ROUTING, tell_singly=1)
    for number in range(5):
        desk.update(f"Update {number}.", routing=stormy)
    desk.announce(stormy)
    assert {d["state"] for d in desk.stores.outbox.all() if d["event"] == "update"} == {"pending"}
    assert len(desk.outside()) == 5


def test_a_storm_of_openings_is_a_summary_that_shows_nothing_of_the_inside():
    desk = StakeholderDesk()
    stormy = replace(ROUTING, tell_singly=1, tell_critical_singly=1)
    for number in range(4):
        incident = f"INC-20260101-{number:06}"
        desk.open(incident)
        become(desk, "critical", incident)
    desk.announce(stormy)
    desk.clock.advance(40)
    desk.announcer.summarize("https://splunk.example")
    (summary,) = [
        d
        for d in desk.stores.outbox.all()
        if d.get("stakeholders") == "board" and d["event"] == "summary"
    ]
    assert summary["target"] == "ceo@example.com,cfo@example.com"
    assert (summary["message"]["url"], summary["message"]["rules"]) == ("", [])
    assert "payments" not in json.dumps(summary["message"]["title"])


def test_a_worker_that_is_killed_anywhere_tells_it_once(desk):
    desk.update()
    for allowed in range(12):
        calls: list[str] = []

        def before(verb, _collection, calls=calls, allowed=allowed):
            calls.append(verb)
            if len(calls) > allowed:
                raise Crash

        desk.stores.outbox.before = before
        with contextlib.suppress(Crash):
            desk.announce(ROUTING)
        desk.stores.heal()
        desk.restart()
    desk.announce(ROUTING)
    assert desk.outside() == [("support", "#support", "update")]


def test_stakeholders_whose_channel_is_in_trouble_keep_no_responder_waiting(desk):
    slack = desk.services["slack"]
    send = slack.send
    slack.send = lambda one: retry("busy") if one.message.get("stakeholders") else send(one)
    desk.update()
    desk.announce(ROUTING)
    desk.run()
    desk.clock.advance(1)
    desk.write("status", **{"from": "new", "to": "resolved", "reason": "fixed"})
    desk.announce(ROUTING)
    desk.run(60)
    states = {d["state"] for d in desk.stores.outbox.all() if not d.get("stakeholders")}
    assert states == {"sent"}
    assert {d["state"] for d in desk.stores.outbox.all() if d.get("stakeholders")} == {"pending"}


def test_their_first_message_is_not_brought_up_to_date_with_the_incident(desk):
    slack = desk.services["slack"] = FakeSlack()
    desk.senders["slack"] = lambda: slack
    desk.update()
    desk.announce(ROUTING)
    desk.run()
    changed = []

    class Updater:
        def update(self, channel, ts, message, notification_id):
            changed.append(notification_id)
            return sent({})

    first = FirstMessages(desk.stores, desk.clock)
    first.run(Updater, "")
    desk.write("analysis", analysis_id="ANA-1", verdict=LINE, cause=LINE)
    first.run(Updater, "")
    own = {d["_key"] for d in desk.stores.outbox.all() if d["event"] == "opened"}
    assert set(changed) == own and len(own) == 1


def test_a_test_is_not_told_by_itself_and_an_update_of_one_says_what_it_is():
    desk = StakeholderDesk()
    opened = {"title": "[Test] The way", "severity": "critical", "entities": ["checkout"]}
    desk.write("opened", **opened, signals={"a": 1}, rule=SIMULATED)
    desk.write("routed", team="payments", owner="", reason="rule")
    desk.write("status", **{"from": "new", "to": "resolved", "reason": "tried"})
    desk.announce(ROUTING)
    assert desk.outside() == []
    desk.update("We try this out.")
    desk.announce(ROUTING)
    assert {m["title"] for m in desk.messages("board")} == {"[Test] Problem with checkout"}


def test_they_get_no_buttons():
    for event in ("opened", "update", "resolved"):
        told = Message(event, "x", "y", incident_id="INC-1", status="new", stakeholders="board")
        assert not [one for one in blocks(told, answers=True) if one["type"] == "actions"]


def test_who_subscribed_by_a_webhook_gets_what_stakeholders_get(desk):
    subscription = {"events": ["update"], "created_at": 0.0}
    desk.write("analysis", analysis_id="ANA-1", verdict=LINE, cause=LINE)
    desk.update()
    desk.announce(ROUTING, {"SUB-1": subscription})
    (told,) = [d for d in desk.stores.outbox.all() if d["channel"] == "webhook:SUB-1"]
    assert told["event"] == "update" and told["message"]["text"] == "Payments fail for some."
    assert "Socket" not in json.dumps(told) and told["message"]["cause"] == ""


def test_a_resolve_with_a_last_update_is_announced_once_with_what_the_person_wrote(desk):
    become(desk, "critical")
    desk.announce(ROUTING)
    desk.clock.advance(1)
    act = Act(desk.stores, desk.clock, "dana", "r1")
    updates.resolve(act, ROUTING, INCIDENT, Ending(), "All payments work again.")
    desk.announce(ROUTING)
    events = [event for group, _place, event in desk.outside() if group == "board"]
    assert events == ["opened", "update"]
    (told,) = [one for one in desk.messages("board") if one["event"] == "update"]
    assert told["headline"] == "Resolved" and told["text"] == "All payments work again."
    laid = blocks(Message.from_document(told))
    assert laid[0]["text"]["text"].startswith("✅") and "(for " in json.dumps(laid)
    # Those who work on it hear of both. What comes back and ends without a word is told.
    assert [e for c, e in desk.told() if c == "slack"][-2:] == ["update", "resolved"]
    desk.clock.advance(1)
    desk.write("status", **{"from": "resolved", "to": "new", "reason": "found again"})
    desk.write("status", **{"from": "new", "to": "resolved", "reason": "quiet"})
    desk.announce(ROUTING)
    events = [event for group, _place, event in desk.outside() if group == "board"]
    assert events == ["opened", "update", "reopened", "resolved"]


def test_an_end_is_announced_where_the_last_update_said_something_else(desk):
    become(desk, "critical")
    desk.update("Over, we think.", state="resolved")
    desk.clock.advance(1)
    desk.update("No, it is not.", state="monitoring")
    desk.clock.advance(1)
    desk.write("status", **{"from": "new", "to": "resolved", "reason": "quiet"})
    desk.announce(ROUTING)
    events = [event for group, _place, event in desk.outside() if group == "board"]
    assert events == ["opened", "update", "update", "resolved"]
