"""What Slack refuses of rooms, loses, or is asked for too often; over a strict workspace."""

from __future__ import annotations

import pytest

from incident_management.incidents.routing import Routing
from incident_management.notify.refusals import refusals

from .receiver import Answer
from .room_desk import NAME, PEOPLE, STANZAS, RoomDesk
from .workspace import BOT, Workspace

OTHER = "INC-20260101-BBBBBB"
DAY = 86400.0


@pytest.fixture
def desk(receiver):
    return RoomDesk(Workspace(people=PEOPLE), receiver)


def refusal(error: str, **more: str) -> Answer:
    return (200, {}, {"ok": False, "error": error, **more})


def escalate(desk):
    desk.write("escalation", level=1, owner="zoe", team="payments")


def test_a_lost_answer_is_settled_by_the_name(desk):
    desk.workspace.instead["conversations.create"] = [None]
    desk.open_grave()
    desk.turn()
    assert desk.story() == ["wanted"] and len(desk.rooms_there()) == 1
    desk.turn(times=4)
    (room,) = desk.rooms_there()
    assert desk.room()["channel"] == room.id
    assert desk.workspace.calls.count("conversations.create") == 2


def test_a_name_that_others_have_gets_a_number_once_it_is_sure_not_to_be_ours(desk):
    desk.workspace.add(NAME, members=set())
    desk.open_grave()
    desk.turn(times=3)
    assert desk.story() == ["wanted"], "our own may be in the list a moment later"
    desk.turn(seconds=120, times=2)
    assert desk.room()["name"] == f"{NAME}-2" and len(desk.rooms_there()) == 2


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
    (said,) = refusals(desk.stores, desk.clock, Routing())
    assert "channels:manage" in said
    assert len(desk.texts("payments")) == 2 and desk.workspace.calls.count("chat.postMessage") == 2
    desk.workspace.scopes.add("channels:manage")
    desk.want()
    desk.turn()
    assert desk.story()[-1] == "opened" and refusals(desk.stores, desk.clock, Routing()) == []


def test_scopes_that_are_only_wishes_cost_only_what_they_are_for(desk):
    desk.workspace.scopes.discard("pins:write")
    desk.open_grave()
    desk.turn(times=4)
    desk.write("assigned", owner="gone", team="payments")
    desk.turn(times=2)
    room = desk.workspace.named(NAME)
    assert room.pins == [] and room.members == {BOT, "U0DANA", "U0LEE"}
    assert refusals(desk.stores, desk.clock, Routing()) == []


def test_no_token_is_reported_on_the_timeline(desk):
    desk.set(room_severities=(), bot_token="")
    desk.open_grave()
    desk.want()
    desk.turn()
    assert desk.reasons()[-1].startswith("No Slack token is set")


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
    assert len(desk.rooms_there()) == 1, "what people ended is not begun again by itself"
    desk.want()
    desk.turn(times=2)
    assert desk.room()["name"] == f"{NAME}-2" and not desk.workspace.named(f"{NAME}-2").is_archived


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
    assert note["state"] == "sent" and note["receipt"]["note"] == "in the incident channel"
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


def test_what_the_team_was_notified_as_well_is_not_told_there_again_when_the_room_is_gone(desk):
    desk.open_grave()
    desk.turn(times=3)
    desk.workspace.named(NAME).is_archived = True
    escalate(desk)
    desk.turn()
    assert sum("Incident escalated" in one for one in desk.texts("payments")) == 1
    sent = [one for one in desk.stores.outbox.all() if one["event"] == "escalation"]
    assert [one["state"] for one in sent] == ["sent", "sent"]
    notes = {one["receipt"].get("note") for one in sent}
    assert notes == {None, "in the team's channel; the incident channel rejected it"}


def test_what_the_team_does_not_hear_in_slack_stays_out_of_a_channel_that_is_nobodys_room(desk):
    elsewhere = {**STANZAS["team:payments"], "channels": "teams"}
    desk.routing = Routing.from_stanzas({**STANZAS, "team:payments": elsewhere})
    desk.set(room_private=True)
    desk.workspace.scopes.update(("groups:write", "groups:read"))
    desk.open_grave()
    desk.turn(times=3)
    desk.write("note", text="First.")
    desk.turn()
    assert "Note added" in desk.texts(NAME)[-1]
    desk.workspace.named(NAME).is_archived = True
    desk.write("note", text="The key is under the mat.")
    desk.turn()
    assert desk.texts("payments") == []
    (dead,) = [one for one in desk.stores.outbox.all() if one["state"] == "dead"]
    assert "is_archived" in dead["last_error"]


def test_a_room_in_which_the_app_may_not_write_costs_no_message(desk):
    desk.open_grave()
    desk.turn(times=3)
    desk.workspace.named(NAME).is_read_only = True
    desk.write("note", text="Looking at the pool.")
    desk.turn()
    assert "Note added" in desk.texts("payments")[-1]


def test_what_went_to_the_team_instead_is_searched_for_there_when_its_answer_is_lost(desk):
    desk.open_grave()
    desk.turn(times=3)
    desk.workspace.named(NAME).is_archived = True
    desk.workspace.instead["chat.postMessage"] = [refusal("is_archived"), None]
    desk.write("note", text="Looking at the pool.")
    desk.turn(times=4)
    (note,) = [one for one in desk.stores.outbox.all() if one["event"] == "note"]
    assert note["state"] == "sent" and not note["in_room"]
    assert sum("Note added" in one for one in desk.texts("payments")) == 1


def test_what_went_to_the_team_instead_begins_its_thread_where_there_is_none(desk):
    desk.open_grave()
    desk.turn(times=3)
    for one in desk.stores.outbox.all():
        # As in a storm, where a summary tells of what was opened.
        desk.stores.outbox.save([{**one, "receipt": {}}])
    desk.workspace.named(NAME).is_archived = True
    for text in ("One.", "Two."):
        desk.write("note", text=text)
        desk.turn()
    first, second = desk.workspace.named("payments").messages[-2:]
    assert "thread_ts" not in first and second["thread_ts"] == first["ts"]


@pytest.mark.parametrize("method", ["conversations.create", "conversations.setTopic"])
def test_with_a_token_that_is_revoked_it_waits_for_another_one(desk, method):
    revoked = refusal("token_revoked")
    desk.workspace.instead[method] = [revoked, revoked]
    desk.open_grave()
    desk.turn(times=3)
    assert "set the bot token again" in desk.trouble[0]
    desk.turn(seconds=60, times=3)
    room = desk.workspace.named(NAME)
    assert desk.story() == ["wanted", "opened"] and room.topic.startswith("HIGH")
    assert room.members == {BOT, "U0DANA", "U0LEE"}


def test_people_whom_the_scope_was_missing_for_are_invited_once_it_is_there(desk):
    missing = refusal("missing_scope", needed="channels:manage")
    desk.workspace.instead["conversations.invite"] = [missing] * 9
    desk.open_grave()
    desk.turn(times=6)
    room = desk.workspace.named(NAME)
    assert room.members == {BOT} and room.pins, "what is allowed is done"
    assert "channels:manage" in refusals(desk.stores, desk.clock, Routing())[0]
    asked = desk.workspace.calls.count("conversations.invite")
    desk.turn(times=6)
    assert desk.workspace.calls.count("conversations.invite") == asked, "not all the time"
    desk.workspace.instead.clear()
    desk.turn(seconds=600)
    assert room.members == {BOT, "U0DANA", "U0LEE"}


def test_a_room_that_may_not_be_archived_is_once_somebody_allows_it(desk):
    refused = refusal("restricted_action")
    desk.workspace.instead["conversations.archive"] = [refused]
    desk.open_grave()
    desk.turn(times=3)
    desk.close()
    desk.turn(times=2)
    desk.turn(seconds=DAY)
    assert desk.story() == ["wanted", "opened"] and desk.room()["state"] == "opened"
    assert "archive a channel" in refusals(desk.stores, desk.clock, Routing())[0]
    desk.turn(seconds=600)
    assert desk.workspace.named(NAME).is_archived and desk.story()[-1] == "archived"


def test_where_several_names_are_taken_the_next_one_is_found_and_others_wait_for_nothing(desk):
    for name in (NAME, f"{NAME}-2", f"{NAME}-3"):
        desk.workspace.add(name, members=set())
    desk.open_grave()
    desk.open_grave(OTHER)
    desk.turn(times=4)
    assert desk.story(OTHER) == ["wanted", "opened"]
    desk.turn(seconds=121, times=6)
    assert desk.room()["name"] == f"{NAME}-4"


def test_an_answer_that_is_lost_under_the_second_name_makes_no_third_channel(desk):
    """Although the channel is not yet in the list when it is looked for."""
    desk.workspace.add(NAME, members=set())
    desk.open_grave()
    desk.turn(times=3)
    desk.turn(seconds=121)
    desk.workspace.instead["conversations.create"] = [None]
    desk.workspace.instead["users.conversations"] = [(200, {}, {"ok": True, "channels": []})]
    desk.turn()
    desk.turn(seconds=31, times=3)
    assert len(desk.rooms_there()) == 2 and desk.room()["name"] == f"{NAME}-2"


def test_a_room_at_which_slack_fails_keeps_no_other_waiting(desk):
    desk.workspace.broken.add(NAME)
    desk.open_grave()
    desk.open_grave(OTHER)
    desk.turn(seconds=40, times=6)
    assert desk.story() == ["wanted"] and desk.story(OTHER) == ["wanted", "opened"]
    assert "U0DANA" in desk.workspace.channels[desk.room(OTHER)["channel"]].members


def test_a_channel_whose_answer_was_lost_is_not_left_behind_by_an_incident_that_is_over(desk):
    desk.workspace.instead["conversations.create"] = [None]
    desk.open_grave()
    desk.turn()
    desk.close()
    desk.turn(times=6)
    assert desk.story() == ["wanted", "opened"]
    desk.turn(seconds=DAY)
    assert [one.is_archived for one in desk.rooms_there()] == [True]


def test_a_topic_whose_answer_was_lost_is_set_again_although_it_is_the_one_before_by_now(desk):
    desk.open_grave()
    desk.turn(times=3)
    desk.workspace.instead["conversations.setTopic"] = [None]
    desk.status("assigned", "resolved", resolution="Rolled back.")
    desk.turn(seconds=60)
    assert "resolved" in desk.workspace.named(NAME).topic
    desk.status("resolved", "assigned", reason="Again.")
    desk.turn(seconds=60, times=2)
    assert "assigned" in desk.workspace.named(NAME).topic
