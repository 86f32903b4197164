"""What those get who do not work on an incident: what a person wrote, once, and nothing else."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace

import pytest

from incident_management.incidents import updates
from incident_management.incidents.joining import merging
from incident_management.incidents.routing import Routing
from incident_management.incidents.signal import SIMULATED
from incident_management.notify.channel import retry, sent
from incident_management.notify.first_messages import FirstMessages
from incident_management.notify.message import Message
from incident_management.notify.slack_layout import blocks
from tests.unit.notify.desk import INCIDENT, Desk
from tests.unit.notify.services import Crash, FakeService
from tests.unit.notify.test_first_messages import FakeSlack

OTHER = "INC-20260101-BBBBBB"
LINE = "java.net.SocketTimeoutException: card 4111-1111-1111-1111 password=hunter2"
STANZAS = {
    "announce": {"opened": "slack", "update": "slack", "resolved": "slack", "severity": ""},
    "team:payments": {"slack_channel": "#payments"},
    "team:web": {},
    "rule:default": {"team": "web"},
    "stakeholders:support": {"team": "payments", "slack_channels": "#support"},
    "stakeholders:board": {
        "severity": "critical",
        "email": "ceo@example.com, cfo@example.com",
        "events": "opened, resolved",
    },
}
ROUTING = Routing.from_stanzas(STANZAS)


class StakeholderDesk(Desk):
    """A desk whose responders write updates."""

    def __init__(self):
        super().__init__()
        self.services["email"] = FakeService("impossible")
        self.senders["email"] = lambda: self.services["email"]

    def update(self, text="Payments fail for some.", incident=INCIDENT, routing=ROUTING, **more):
        return updates.write(self.stores, self.clock, routing, incident, "dana", text, **more)

    def outside(self):
        """Who was told what: the group, where, the event, in the order of the entries."""
        documents = [d for d in self.stores.outbox.all() if d.get("stakeholders")]
        documents.sort(key=lambda d: (d["order"], d["target"]))
        return [(d["stakeholders"], d["target"], d["event"]) for d in documents]

    def messages(self, group):
        return [d["message"] for d in self.stores.outbox.all() if d.get("stakeholders") == group]


@pytest.fixture
def desk():
    desk = StakeholderDesk()
    desk.open()
    return desk


def become(desk, severity, incident=INCIDENT):
    desk.clock.advance(1)
    desk.write("severity", incident, **{"from": "high", "to": severity, "reason": "worse"})


def test_the_configuration_is_sound():
    assert ROUTING.problems == ()


def test_an_update_is_told_to_those_it_is_for_and_to_the_incidents_own_thread(desk):
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


def test_a_title_that_a_person_wrote_is_told(desk):
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


def test_who_was_told_goes_on_to_hear_of_it_when_it_is_less_grave(desk):
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


def test_a_merge_is_no_end_and_the_survivors_updates_go_on_to_who_was_told(desk):
    desk.open(OTHER, team="web")
    desk.update("We look into it.")
    desk.announce(ROUTING)
    desk.clock.advance(1)
    merging.merge(desk.stores, desk.clock, INCIDENT, OTHER, "dana", "one fault")
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
    merging.merge(desk.stores, desk.clock, INCIDENT, OTHER, "dana", "one fault")
    # Written by who had not seen the merge.
    desk.write("update", text="We look into it.", state="", services=["checkout"])
    desk.announce(ROUTING)
    updates_told = {one[0] for one in desk.outside() if one[2] == "update"}
    assert updates_told == {"support", "board"}


def test_nobody_is_told_twice_in_one_place(desk):
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


def test_one_place_that_is_written_in_two_ways_is_told_once(desk):
    group = {"slack_channels": "#Status, status, payments", "email": "x@a.example"}
    again = {"slack_channels": "#status", "email": "X@A.example"}
    stanzas = {**STANZAS, "stakeholders:support": group, "stakeholders:more": again}
    desk.update()
    desk.announce(Routing.from_stanzas(stanzas))
    assert sorted(place for _group, place, _event in desk.outside()) == ["#Status", "x@a.example"]


def test_who_is_added_hears_of_what_comes_after(desk):
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


def test_updates_are_told_each_by_itself_in_a_storm(desk):
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


def test_a_group_of_two_places_is_told_in_both_though_the_worker_is_killed_between_them():
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
    desk.update("We look into it.")
    desk.announce(ROUTING)
    for source, target in ((INCIDENT, OTHER), (OTHER, third)):
        desk.clock.advance(1)
        merging.merge(desk.stores, desk.clock, source, target, "dana", "one fault")
    desk.update("It is the database.", third)
    desk.announce(ROUTING)
    assert [m["text"] for m in sorted(desk.messages("support"), key=lambda m: m["time"])] == [
        "We look into it.",
        "It is the database.",
    ]


def test_a_merged_incidents_document_of_an_older_version_stops_nobody(desk):
    desk.open(OTHER, team="web")
    desk.update("We look into it.")
    desk.announce(ROUTING)
    desk.clock.advance(1)
    merging.merge(desk.stores, desk.clock, INCIDENT, OTHER, "dana", "one fault")
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


def test_a_storm_of_openings_asks_for_none_of_them_who_was_told_before():
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


def test_what_stakeholders_were_told_is_not_what_responders_were(desk):
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
