"""Incident channels in Slack, over the Web API of a strict workspace."""

from __future__ import annotations

import re

import pytest

from incident_management.incidents import timeline
from incident_management.incidents.act import Act
from incident_management.incidents.errors import IllegalMove
from incident_management.incidents.joining import merging
from incident_management.incidents.routing import Routing
from incident_management.incidents.signal import SIMULATED
from incident_management.notify.incident_channels import turn
from incident_management.notify.incident_channels.opening import IncidentChannels
from incident_management.notify.incident_channels.plan import name_of
from tests.unit.notify.desk import INCIDENT
from tests.unit.notify.services import Crash

from .room_desk import GRAVE, NAME, PEOPLE, STANZAS, RoomDesk
from .workspace import BOT, Workspace

OTHER = "INC-20260101-BBBBBB"
DAY = 86400.0


@pytest.fixture
def workspace():
    return Workspace(people=PEOPLE)


@pytest.fixture
def desk(workspace, receiver):
    return RoomDesk(workspace, receiver)


def test_a_grave_incident_gets_a_channel_with_its_people_a_topic_and_where_it_stands(desk):
    desk.open_grave()
    desk.turn()
    assert desk.story() == ["wanted", "opened"]
    room = desk.workspace.named(NAME)
    assert "U0DANA" in room.members, "in the same turn"
    desk.turn(times=3)
    assert not room.is_private and desk.room()["channel"] == room.id
    assert room.topic == (
        "HIGH · assigned · dana · "
        f"https://splunk.example/app/incident_management/workbench?incident={INCIDENT}"
    )
    assert room.members == {BOT, "U0DANA", "U0LEE"}, "the owner, and who is on call"
    (first,) = room.messages
    assert "HIGH · High Error Rate: checkout" in first["text"] and room.pins == [first["ts"]]
    team = desk.texts("payments")
    assert len(team) == 2 and "Incident channel opened" in team[1]
    calls = len(desk.workspace.calls)
    desk.turn(times=5)
    assert len(desk.workspace.calls) == calls, "what is as it should be is left alone"


def test_off_as_shipped_and_of_lesser_ones_none_is_opened(desk):
    desk.open_grave()
    desk.set(room_severities=())
    desk.turn(times=3)
    desk.set(room_severities=("critical",))
    desk.turn(times=3)
    assert desk.rooms_there() == [] and desk.story() == []
    desk.write("severity", **{"from": "high", "to": "critical"})
    desk.turn()
    assert desk.story() == ["wanted", "opened"]


def test_what_somebody_tries_the_way_with_gets_one_only_when_asked_for_and_says_so(desk):
    tried = {"title": "[Test] Trying out", "severity": "critical", "signals": {"a": 1}}
    desk.write("opened", rule=SIMULATED, entities=["web"], **tried)
    desk.turn(times=3)
    assert desk.rooms_there() == []
    desk.want()
    desk.turn(times=3)
    (room,) = desk.rooms_there()
    assert room.name.endswith("-test-trying-out") and room.topic.startswith("[Test] CRITICAL")
    assert "[Test] Trying out" in room.messages[0]["text"]


def test_what_was_grave_while_none_were_opened_gets_none_afterwards(desk):
    desk.open_grave()
    desk.turn()
    desk.set(room_severities=())
    desk.open_grave(OTHER)
    desk.turn(times=2)
    desk.turn(seconds=2 * 3600)
    desk.set(room_severities=("high",))
    desk.turn(times=2)
    assert desk.story() == ["wanted", "opened"] and desk.story(OTHER) == []


def test_a_person_has_one_opened_for_any_incident_and_is_invited(desk):
    desk.set(room_severities=(), room_private=True)
    desk.workspace.scopes.update(("groups:write", "groups:read"))
    desk.open_grave()
    desk.want()
    assert desk.want().room["state"] == "wanted", "a second press changes nothing"
    desk.turn(times=2)
    (room,) = desk.rooms_there()
    assert room.is_private and room.members == {BOT, "U0DANA", "U0LEE", "U0ZOE"}
    assert desk.want().room["state"] == "opened" and desk.story() == ["wanted", "opened"]


def test_details_go_to_the_room_and_what_the_channel_shows_to_both(desk):
    desk.open_grave()
    desk.turn(times=3)
    desk.write("note", text="Looking at the pool.")
    desk.write("escalation", level=1, owner="zoe", team="payments")
    desk.status("assigned", "resolved", resolution="Rolled back.")
    desk.turn(times=2)
    room, team = desk.texts(NAME), desk.texts("payments")
    assert sum("Note added" in one for one in room) == 1
    assert not any("Note added" in one for one in team)
    for said in ("Incident escalated", "Incident resolved"):
        assert sum(said in one for one in room) == sum(said in one for one in team) == 1
    assert "U0ZOE" in desk.workspace.named(NAME).members
    threads = [one.get("thread_ts") for one in desk.workspace.named("payments").messages]
    assert threads[0] is None and len(set(threads[1:])) == 1, "the team's thread goes on"
    assert all("thread_ts" not in one for one in desk.workspace.named(NAME).messages)
    assert desk.workspace.named(NAME).topics == 1, "sparingly"
    desk.turn(seconds=60)
    assert desk.workspace.named(NAME).topic.startswith("HIGH · resolved · zoe")
    desk.turn(times=3)
    assert desk.texts(NAME)[0].startswith("✅"), "the first message says where it stands now"
    assert desk.texts(NAME)[1:] == room[1:], "and the others what they said"


def test_who_has_a_role_is_invited_and_named_in_the_topic(desk):
    desk.open_grave()
    desk.turn(times=3)
    desk.write("role", role="scribe", person="zoe")
    desk.turn(seconds=60)
    desk.turn(times=3)
    room = desk.workspace.named(NAME)
    assert room.topic.endswith(" · scribe: zoe") and "U0ZOE" in room.members
    desk.write("role", role="scribe", person="", instead_of="zoe")
    desk.turn(seconds=60)
    desk.turn(times=3)
    assert "scribe" not in room.topic


def test_updates_keep_going_to_the_teams_channel(desk):
    group = {"stakeholders:sales": {"severity": "high", "slack_channels": "#payments"}}
    announced = {"announce": {**STANZAS["announce"], "update": "slack"}}
    desk.routing = Routing.from_stanzas({**STANZAS, **group, **announced})
    desk.open_grave()
    desk.turn(times=3)
    desk.write("update", text="Cards work again.", state="monitoring", services=[])
    desk.turn()
    assert "Cards work again." in desk.texts("payments")[-1]
    assert "Cards work again." in desk.texts(NAME)[-1]


def test_another_worker_that_reads_it_all_again_tells_nothing_again(desk):
    desk.open_grave()
    desk.turn(times=3)
    desk.write("note", text="Looking at the pool.")
    desk.turn()
    before = [len(one.messages) for one in desk.workspace.channels.values()]
    for _ in range(3):
        desk.restart()
        desk.turn()
    assert [len(one.messages) for one in desk.workspace.channels.values()] == before
    assert "Incident opened" not in " ".join(desk.texts(NAME))


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("number", range(1, 5))
def test_a_kill_at_any_request_makes_no_second_channel_and_loses_none(desk, number, moment):
    desk.open_grave()
    desk.kill_at((number, moment))
    with pytest.raises(Crash):
        desk.turn(times=4)
    desk.restart()
    desk.turn(times=6)
    (room,) = desk.rooms_there()
    assert desk.story() == ["wanted", "opened"] and desk.room()["channel"] == room.id
    assert room.members == {BOT, "U0DANA", "U0LEE"} and room.topic.startswith("HIGH")
    assert len(room.messages) == len(room.pins) == 1
    assert len(desk.texts("payments")) == 2


def test_a_kill_at_any_write_or_read_of_the_store_ends_the_same(receiver):
    """Each call of the turn that opens one, until there are no more."""
    for calls in range(1, 200):
        fresh = Workspace(people=PEOPLE)
        desk = RoomDesk(fresh, receiver)
        desk.open_grave()
        desk.clock.advance(10)
        left = [calls]

        def before(verb, name, left=left):
            left[0] -= 1
            if not left[0]:
                raise Crash

        touched = (desk.stores.claims, desk.stores.timeline, desk.stores.incidents)
        for collection in touched:
            collection.before = before
        try:
            desk.look()
            is_whole = True
        except Crash:
            is_whole = False
        for collection in touched:
            collection.before = None
        desk.restart()
        for _ in range(2):
            desk.clock.advance(10)
            desk.look()
        assert len(desk.rooms_there()) == 1 and desk.story() == ["wanted", "opened"], calls
        if is_whole:
            break
    assert 10 < calls < 200


@pytest.mark.parametrize("moment", ["before", "after"])
def test_of_two_workers_in_the_same_moment_one_opens_it(desk, moment):
    desk.open_grave()
    other = IncidentChannels(desk.stores, desk.clock, desk.trouble.append)

    def meanwhile(step):
        if step == (1, moment):
            desk.look(other)

    desk.meanwhile = meanwhile
    desk.turn(times=4)
    (room,) = desk.rooms_there()
    assert desk.story() == ["wanted", "opened"] and desk.room()["channel"] == room.id


def test_in_a_storm_so_many_an_hour_are_opened_by_themselves(desk):
    desk.set(room_per_hour=2)
    for number in range(6):
        desk.open_grave(f"INC-20260101-AAAAA{number}")
    desk.restart()
    desk.turn(times=4)
    desk.restart()
    desk.turn(times=4)
    assert len(desk.rooms_there()) == 2
    stories = [desk.story(f"INC-20260101-AAAAA{number}") for number in range(6)]
    assert sorted(stories) == [["held"]] * 4 + [["wanted", "opened"]] * 2
    held = f"INC-20260101-AAAAA{stories.index(['held'])}"
    assert "2 were already opened in this hour" in desk.reasons(held)[0]
    desk.want(held)
    desk.turn(times=2)
    assert desk.story(held) == ["held", "wanted", "opened"]


def test_a_closed_ones_is_archived_after_its_time_and_what_is_announced_meanwhile_arrives(desk):
    desk.open_grave()
    desk.turn(times=3)
    desk.close()
    desk.turn(times=2)
    desk.turn(seconds=DAY - 60)
    room = desk.workspace.named(NAME)
    assert not room.is_archived and "Incident resolved" in " ".join(desk.texts(NAME))
    desk.turn(seconds=60)
    assert room.is_archived and desk.story() == ["wanted", "opened", "archived"]
    assert desk.stores.claims.find({"purpose": "slack room"}) == []
    with pytest.raises(IllegalMove, match="can't be given a channel"):
        desk.want()


def test_never_leaves_it_open(desk):
    desk.set(room_archive_after=0.0)
    desk.open_grave()
    desk.turn(times=3)
    desk.close()
    desk.turn(times=2)
    desk.turn(seconds=30 * DAY)
    assert not desk.workspace.named(NAME).is_archived


def test_a_merged_ones_says_where_it_goes_on_and_is_archived(desk):
    desk.open_grave()
    desk.open(OTHER)
    desk.turn(times=4)
    merging.merge(Act(desk.stores, desk.clock, "dana"), INCIDENT, OTHER)
    desk.turn(times=2)
    room = desk.workspace.named(NAME)
    assert "Incident resolved" in room.messages[-1]["text"] and not room.is_archived
    desk.turn(seconds=60)
    assert room.is_archived and desk.reasons()[-1] == f"It was merged into {OTHER}."
    assert desk.story(OTHER) == ["wanted", "opened"]


def test_one_that_is_taken_out_again_gets_another_as_slack_gives_none_back(desk):
    desk.open_grave()
    desk.open(OTHER)
    desk.turn(times=4)
    merging.merge(Act(desk.stores, desk.clock, "dana"), INCIDENT, OTHER)
    desk.turn(seconds=60, times=2)
    merging.undo_merge(Act(desk.stores, desk.clock, "dana"), OTHER, INCIDENT)
    desk.turn(times=2)
    assert desk.story() == ["wanted", "opened", "archived", "wanted", "opened"]
    assert desk.room()["name"] == f"{NAME}-2"
    assert not desk.workspace.named(f"{NAME}-2").is_archived


def test_a_turn_makes_a_few_requests_and_the_next_one_goes_on(desk):
    for number in range(4):
        desk.open_grave(f"INC-20260101-AAAAA{number}")
    desk.clock.advance(10)
    desk.look()
    assert desk.requests == turn.REQUESTS and len(desk.rooms_there()) == turn.REQUESTS
    desk.turn(times=8)
    assert all("U0DANA" in one.members and one.pins for one in desk.rooms_there())


def test_one_that_is_over_before_its_channel_was_opened_gets_none(desk):
    desk.set(room_severities=())
    desk.open_grave()
    desk.want()
    desk.close()
    desk.turn()
    assert desk.rooms_there() == [] and desk.story() == ["wanted", "failed"]


@pytest.mark.parametrize(
    "title", ["", "Fehler: Größe  überschritten!", "数据库", "x" * 300, "a b " * 90]
)
@pytest.mark.parametrize(
    "template", [GRAVE.room_name, "{id}", "{title}-{id}", "{date}" * 7 + "{id}"]
)
def test_a_name_is_one_that_slack_takes(desk, title, template):
    desk.write("opened", title=title, severity="high", signals={"a": 1}, rule="r", entities=[])
    entries = timeline.read(desk.stores, INCIDENT)
    name = name_of(template, entries)
    assert re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,75}", name) and "aaaaaa" in name
