"""Rooms: a grave incident's own channel in Slack, over the Web API of a strict workspace."""

from __future__ import annotations

import re

import pytest

from incident_management.incidents import timeline
from incident_management.incidents.errors import IllegalMove
from incident_management.incidents.joining import merging
from incident_management.incidents.routing import Routing
from incident_management.notify import rooms as duty
from incident_management.notify.refusals import refusals
from incident_management.notify.room_plan import name_of
from incident_management.notify.rooms import Rooms
from tests.unit.notify.desk import INCIDENT
from tests.unit.notify.services import Crash

from .room_desk import GRAVE, STANZAS, RoomDesk
from .workspace import BOT, Workspace

OTHER = "INC-20260101-BBBBBB"
PEOPLE = ("U0DANA", "U0LEE", "U0ZOE")
NAME = "inc-20231114-aaaaaa-high-error-rate-checkout"
DAY = 86400.0


@pytest.fixture
def workspace():
    return Workspace(people=PEOPLE)


@pytest.fixture
def desk(workspace, receiver):
    return RoomDesk(workspace, receiver)


def rooms_of(workspace):
    return [one for one in workspace.channels.values() if one.name.startswith("inc-")]


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
    assert len(team) == 2 and "Slack channel of its own opened" in team[1]
    calls = len(desk.workspace.calls)
    desk.turn(times=5)
    assert len(desk.workspace.calls) == calls, "what is as it should be is left alone"


def test_off_as_shipped_and_of_lesser_ones_none_is_opened(desk):
    desk.open_grave()
    desk.set(room_severities=())
    desk.turn(times=3)
    desk.set(room_severities=("critical",))
    desk.turn(times=3)
    assert rooms_of(desk.workspace) == [] and desk.story() == []
    desk.write("severity", **{"from": "high", "to": "critical"})
    desk.turn()
    assert desk.story() == ["wanted", "opened"]


def test_a_person_has_one_opened_for_any_incident_and_is_invited(desk):
    desk.set(room_severities=(), room_private=True)
    desk.workspace.scopes.update(("groups:write", "groups:read"))
    desk.open_grave()
    desk.want()
    assert desk.want().room["state"] == "wanted", "a second press changes nothing"
    desk.turn(times=2)
    (room,) = rooms_of(desk.workspace)
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


def test_who_is_told_updates_in_the_teams_channel_goes_on_to_be(desk):
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
    (room,) = rooms_of(desk.workspace)
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
        assert len(rooms_of(fresh)) == 1 and desk.story() == ["wanted", "opened"], calls
        if is_whole:
            break
    assert 10 < calls < 200


@pytest.mark.parametrize("moment", ["before", "after"])
def test_of_two_workers_in_the_same_moment_one_opens_it(desk, moment):
    desk.open_grave()
    other = Rooms(desk.stores, desk.clock, desk.trouble.append)

    def meanwhile(step):
        if step == (1, moment):
            desk.look(other)

    desk.meanwhile = meanwhile
    desk.turn(times=4)
    (room,) = rooms_of(desk.workspace)
    assert desk.story() == ["wanted", "opened"] and desk.room()["channel"] == room.id


def test_a_lost_answer_is_settled_by_the_name(desk):
    desk.workspace.instead["conversations.create"] = [None]
    desk.open_grave()
    desk.turn()
    assert desk.story() == ["wanted"] and len(rooms_of(desk.workspace)) == 1
    desk.turn(times=4)
    (room,) = rooms_of(desk.workspace)
    assert desk.room()["channel"] == room.id
    assert desk.workspace.calls.count("conversations.create") == 2


def test_a_name_that_others_have_gets_a_number_once_it_is_sure_not_to_be_ours(desk):
    desk.workspace.add(NAME, members=set())
    desk.open_grave()
    desk.turn(times=3)
    assert desk.story() == ["wanted"], "our own may be in the list a moment later"
    desk.turn(seconds=120)
    assert desk.room()["name"] == f"{NAME}-2" and len(rooms_of(desk.workspace)) == 2


def test_without_the_scope_one_sentence_says_so_and_messages_go_on_as_before(desk):
    desk.workspace.scopes.discard("channels:manage")
    desk.open_grave()
    desk.turn(times=2)
    desk.write("note", text="Looking at the pool.")
    desk.turn(times=2)
    assert desk.story() == ["wanted", "failed"]
    assert desk.reasons()[1] == (
        "Slack did not let the app open a channel: missing_scope (the token lacks the scope "
        "channels:manage)."
    )
    (said,) = refusals(desk.stores, desk.clock)
    assert "channels:manage" in said
    assert len(desk.texts("payments")) == 2 and desk.workspace.calls.count("chat.postMessage") == 2
    desk.workspace.scopes.add("channels:manage")
    desk.want()
    desk.turn()
    assert desk.story()[-1] == "opened" and refusals(desk.stores, desk.clock) == []


def test_scopes_that_are_only_wishes_cost_only_what_they_are_for(desk):
    desk.workspace.scopes.discard("pins:write")
    desk.open_grave()
    desk.turn(times=4)
    desk.write("assigned", owner="gone", team="payments")
    desk.turn(times=2)
    room = desk.workspace.named(NAME)
    assert room.pins == [] and room.members == {BOT, "U0DANA", "U0LEE"}
    assert refusals(desk.stores, desk.clock) == []


def test_no_token_is_said_on_the_timeline(desk):
    desk.set(room_severities=(), bot_token="")
    desk.open_grave()
    desk.want()
    desk.turn()
    assert desk.reasons()[-1].startswith("No Slack token is set")


def test_in_a_storm_so_many_an_hour_are_opened_by_themselves(desk):
    desk.set(room_per_hour=2)
    for number in range(6):
        desk.open_grave(f"INC-20260101-AAAAA{number}")
    desk.restart()
    desk.turn(times=4)
    desk.restart()
    desk.turn(times=4)
    assert len(rooms_of(desk.workspace)) == 2
    stories = [desk.story(f"INC-20260101-AAAAA{number}") for number in range(6)]
    assert sorted(stories) == [["held"]] * 4 + [["wanted", "opened"]] * 2
    held = f"INC-20260101-AAAAA{stories.index(['held'])}"
    assert "2 were in this hour already" in desk.reasons(held)[0]
    desk.want(held)
    desk.turn(times=2)
    assert desk.story(held) == ["held", "wanted", "opened"]


def test_a_closed_ones_is_archived_after_its_time_and_what_is_told_meanwhile_arrives(desk):
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
    merging.merge(desk.stores, desk.clock, INCIDENT, OTHER, "dana")
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
    merging.merge(desk.stores, desk.clock, INCIDENT, OTHER, "dana")
    desk.turn(seconds=60, times=2)
    merging.undo_merge(desk.stores, desk.clock, OTHER, INCIDENT, "dana")
    desk.turn(times=2)
    assert "conversations.unarchive" in desk.workspace.calls
    assert desk.story() == ["wanted", "opened", "archived", "wanted", "opened"]
    assert desk.room()["name"] == f"{NAME}-2"
    assert not desk.workspace.named(f"{NAME}-2").is_archived


@pytest.mark.parametrize("private", [False, True])
def test_a_room_that_people_archive_or_throw_us_out_of_costs_no_message(desk, private):
    desk.set(room_private=private)
    desk.workspace.scopes.update(("groups:write", "groups:read"))
    desk.open_grave()
    desk.turn(times=3)
    room = desk.workspace.named(NAME)
    if private:
        room.members.discard(BOT)
    else:
        room.is_archived = True
    desk.write("note", text="Looking at the pool.")
    desk.turn()
    assert "Note added" in desk.texts("payments")[-1]
    assert desk.workspace.named("payments").messages[-1]["thread_ts"]
    desk.status("assigned", "in_progress")
    desk.turn(seconds=60)
    assert desk.story() == ["wanted", "opened", "gone"]
    desk.turn(times=3)
    assert len(rooms_of(desk.workspace)) == 1, "what people ended is not begun again by itself"
    desk.want()
    desk.turn(times=2)
    assert desk.room()["name"] == f"{NAME}-2" and not desk.workspace.named(f"{NAME}-2").is_archived
    assert "conversations.unarchive" not in desk.workspace.calls


def test_a_message_whose_answer_was_lost_is_found_in_the_room_and_not_told_again(desk):
    desk.open_grave()
    desk.turn(times=3)
    desk.workspace.instead["chat.postMessage"] = [None]
    desk.write("note", text="Looking at the pool.")
    desk.turn(times=4)
    told = [*desk.texts(NAME), *desk.texts("payments")]
    assert sum("Note added" in one for one in told) == 1
    assert "conversations.history" in desk.workspace.calls
    (note,) = [one for one in desk.stores.outbox.all() if one["event"] == "note"]
    assert note["state"] == "sent" and note["receipt"]["note"] == "in its own channel"
    desk.write("severity", **{"from": "high", "to": "critical"})
    desk.turn(times=2)
    assert "Note added" in desk.texts(NAME)[-1], "what is no first message stays as it was"


def test_slack_that_asks_to_slow_down_is_left_alone_for_so_long(desk):
    limited = (429, {"Retry-After": "45"}, {"ok": False, "error": "ratelimited"})
    desk.workspace.instead["conversations.create"] = [limited]
    desk.open_grave()
    desk.turn()
    desk.turn(times=4)
    assert desk.workspace.calls.count("conversations.create") == 1
    desk.turn()
    assert desk.story() == ["wanted", "opened"]


def test_a_turn_makes_a_few_requests_and_the_next_one_goes_on(desk):
    for number in range(4):
        desk.open_grave(f"INC-20260101-AAAAA{number}")
    desk.clock.advance(10)
    desk.look()
    assert desk.requests == duty.REQUESTS and len(rooms_of(desk.workspace)) == duty.REQUESTS
    desk.turn(times=8)
    assert all("U0DANA" in one.members and one.pins for one in rooms_of(desk.workspace))


def test_one_that_is_over_before_its_channel_was_opened_gets_none(desk):
    desk.set(room_severities=())
    desk.open_grave()
    desk.want()
    desk.close()
    desk.turn()
    assert rooms_of(desk.workspace) == [] and desk.story() == ["wanted", "failed"]


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
