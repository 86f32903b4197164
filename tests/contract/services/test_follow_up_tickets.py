"""A follow-up's ticket: one of them, told what is said here, and heard what is done there."""

from __future__ import annotations

import pytest

from incident_management.incidents import timeline
from incident_management.incidents.errors import IllegalMove
from incident_management.utc import to_the_second
from incident_management.worker.tickets import Tickets
from tests.unit.incidents.movers import agreed

from .fake_jira import text_of
from .follow_up_desk import DAY, DONE, WORKED_ON, FollowUpDesk
from .ticket_desk import INCIDENT


@pytest.fixture(params=["servicenow", "jira"])
def desk(request, receiver):
    return FollowUpDesk(request.param, receiver)


def words(desk, number=0):
    """What a ticket said when it was made."""
    one = desk.made[number]
    if desk.channel == "servicenow":
        return one["short_description"], one["description"]
    return one["fields"]["summary"], text_of(one["fields"]["description"])


def remarks(desk):
    if desk.channel == "servicenow":
        return [row["value"] for row in desk.system.journal]
    return [text_of(one["body"]) for each in desk.made for one in each["comments"]]


def test_nobody_has_a_ticket_made_who_did_not_ask(desk):
    desk.add()
    desk.run()
    desk.follow_up_reviews()
    assert desk.made == []


def test_a_ticket_is_made_where_teams_plan_with_owner_and_date(desk):
    key = desk.with_ticket()
    (made,) = desk.made
    due = desk.follow_up(key)["due"]
    if desk.channel == "servicenow":
        assert (made["sys_class_name"], made["assigned_to"]) == ("task", "1ee0" * 8)
        assert made["due_date"] == f"{to_the_second(due)[:19]}"
        # Of a critical incident, whose records page people.
        assert "impact" not in made and "urgency" not in made
    else:
        assert made["key"].startswith("PLAN-")
        assert (made["fields"]["assignee"], made["fields"]["duedate"]) == (
            "Lee",
            to_the_second(due)[:10],
        )
    subject, text = words(desk)
    assert subject == "Alert on the pool"
    for part in ("Owner: lee", "Due: ", INCIDENT, "High Error Rate: checkout", key):
        assert part in text
    ticket = desk.ticket(key)
    assert (ticket["state"], ticket["by"]) == ("made", "dana")
    assert ticket["url"].startswith(desk.receiver.url) and ticket["number"]
    (told,) = [one for one in desk.entries("notification") if one.data["channel"] == desk.channel]
    assert told.data["follow_up"] == key and told.data["ticket"]["number"] == ticket["number"]
    assert desk.heard() == []
    agreed(desk.stores, INCIDENT)


def test_a_ticket_is_due_on_the_day_that_people_named(receiver):
    """The last minute of a day in New York is of the next one in UTC."""
    desk = FollowUpDesk("jira", receiver)
    key = desk.with_ticket(due=1796533140.0, due_day="2026-12-05")  # 2026-12-06 04:59 in UTC
    assert desk.made[0]["fields"]["duedate"] == "2026-12-05"
    assert "Due: 2026-12-05" in words(desk)[1]
    desk.clock.advance(max(0.0, 1796533200.0 - desk.clock.now()))
    desk.follow_up_reviews()  # Its owner is reminded, which sets no date.
    desk.system.delete()
    desk.look()
    desk.want(key)
    desk.run()
    assert desk.made[0]["fields"]["duedate"] == "2026-12-05"
    desk.change(key, due=1796619540.0, due_day="2026-12-06")
    desk.run()
    assert desk.made[0]["fields"]["duedate"] == "2026-12-06"
    assert "Due 2026-12-06." in remarks(desk)[0]


def test_an_owner_without_an_account_is_named_in_the_text(desk):
    desk.with_ticket(owner="zed")
    (made,) = desk.made
    fields = made if desk.channel == "servicenow" else made["fields"]
    assert not fields.get("assignee") and not fields.get("assigned_to")
    assert "Owner: zed" in words(desk)[1]


def test_a_second_request_learns_who_was_first_and_makes_no_second_ticket(desk):
    key = desk.add()
    desk.want(key)
    with pytest.raises(IllegalMove, match="already"):
        desk.want(key, "bob")
    desk.run()
    with pytest.raises(IllegalMove, match="already"):
        desk.want(key, "bob")
    assert len(desk.made) == 1


def test_a_follow_up_that_was_to_have_one_from_the_start_has_one(desk):
    key = desk.add(tickets=[desk.channel])
    desk.run()
    assert desk.ticket(key)["state"] == "made" and len(desk.made) == 1
    agreed(desk.stores, INCIDENT)


def test_a_remark_here_is_copied_there(desk):
    key = desk.with_ticket()
    before = desk.state_there()
    desk.change(key, state="done", reason="The alert is there.")
    desk.run()
    assert desk.state_there() == DONE[desk.channel] != before
    desk.change(key, state="open")
    desk.run()
    assert desk.state_there() != DONE[desk.channel]
    desk.change(key, title="Alert on both pools", due=desk.clock.now() + 30 * DAY)
    desk.run()
    said = remarks(desk)
    assert "The alert is there." in said[0] and "Follow-up done by dana" in said[0]
    assert "Follow-up reopened by dana" in said[1]
    assert "It is “Alert on both pools” now." in said[2]
    one = desk.made[0]
    day = to_the_second(desk.follow_up(key)["due"])[:10]
    fields = one if desk.channel == "servicenow" else one["fields"]
    assert str(fields.get("due_date") or fields.get("duedate"))[:10] == day
    assert desk.heard() == [] and len(desk.made) == 1
    agreed(desk.stores, INCIDENT)


def test_what_is_done_there_is_done_here_and_opened_again_there_is_open_here(desk):
    key = desk.with_ticket()
    desk.work(WORKED_ON[desk.channel])
    desk.look()
    assert desk.follow_up(key)["state"] == "open" and desk.ticket(key)["there"]
    desk.work(DONE[desk.channel])
    desk.look()
    done = desk.follow_up(key)
    assert (done["state"], done["by"]) == ("done", desk.channel)
    assert "by Mia" in done["reason"] and desk.ticket(key)["number"] in done["reason"]
    desk.work(WORKED_ON[desk.channel])
    desk.look()
    again = desk.follow_up(key)
    assert (again["state"], again["by"]) == ("open", desk.channel) and "by Mia" in again["reason"]
    for _turn in range(3):
        desk.run()
    # Nothing of it was told to the ticket that it came from.
    assert desk.written() == 0 and desk.follow_up(key) == again
    agreed(desk.stores, INCIDENT)


def test_ends_from_both_sides_do_not_run_in_circles(desk):
    key = desk.with_ticket()
    for _turn in range(3):
        desk.change(key, state="done")
        desk.run()
        desk.work(WORKED_ON[desk.channel])
        desk.look()
        assert desk.follow_up(key)["state"] == "open"
        desk.run()
        desk.work(DONE[desk.channel])
        desk.look()
        assert desk.follow_up(key)["state"] == "done"
        desk.change(key, state="open")
        desk.run()
        assert desk.state_there() != DONE[desk.channel]
    entries, written = len(desk.entries("follow_up", "ticket")), desk.written()
    for _turn in range(3):
        desk.run()
    assert (len(desk.entries("follow_up", "ticket")), desk.written()) == (entries, written)
    assert written == 6


def test_one_that_was_done_on_both_sides_at_once_is_done_and_nothing_more(desk):
    key = desk.with_ticket()
    desk.change(key, "bob", state="done")
    desk.work(DONE[desk.channel])
    desk.look()
    desk.run()
    assert (desk.follow_up(key)["state"], desk.follow_up(key)["by"]) == ("done", "bob")
    assert desk.state_there() == DONE[desk.channel]


def test_one_that_was_dropped_is_not_done_because_its_ticket_ends(desk):
    """As where people have to move the ticket by hand."""
    key = desk.with_ticket()
    desk.change(key, "bob", state="dropped", reason="Too dear.")
    desk.work(DONE[desk.channel])
    desk.look()
    desk.run()
    now = desk.follow_up(key)
    assert (now["state"], now["by"], now["reason"]) == ("dropped", "bob", "Too dear.")
    assert len(desk.heard()) == 1


def test_a_look_waits_for_messages_to_that_ticket_alone(desk):
    """The other's may be tried for a day."""
    first, second = desk.with_ticket(), desk.with_ticket(title="Enlarge the pool")
    desk.change(second, title="Enlarge both pools")
    desk.announcer.run(desk.routing, "", lambda: [desk.channel])
    desk.work(DONE[desk.channel])
    desk.look()
    assert desk.follow_up(first)["state"] == "done"


def test_somebody_who_just_says_something_else_is_heard_first(desk):
    """The other's claim is there, and what it is for is not: the look waits for it."""
    key = desk.with_ticket()
    desk.work(DONE[desk.channel])
    turn = f"edit:{INCIDENT}:{key}:1:0"
    desk.stores.claims.insert(
        {"_key": turn, "purpose": turn, "holder": "bob", "time": desk.clock.now() + 180}
    )
    desk.look()
    assert desk.follow_up(key)["state"] == "open" and desk.heard() == []
    desk.look()
    assert desk.follow_up(key)["state"] == "done" and len(desk.heard()) == 1


def test_a_ticket_that_was_deleted_is_reported_once_and_can_be_made_again(desk):
    key = desk.with_ticket()
    desk.system.delete()
    for _look in range(3):
        desk.look()
    (said,) = desk.heard()
    assert said.startswith("gone: The ticket was deleted in ")
    assert desk.ticket(key)["state"] == "gone"
    # What is said of the follow-up meanwhile makes no new one.
    desk.change(key, title="Alert on both pools")
    desk.run()
    assert desk.made == []
    desk.want(key)
    desk.run()
    assert len(desk.made) == 1 and desk.ticket(key)["state"] == "made"
    desk.work(DONE[desk.channel])
    desk.look()
    assert desk.follow_up(key)["state"] == "done" and len(desk.heard()) == 2
    agreed(desk.stores, INCIDENT)


def test_incidents_and_each_follow_up_have_tickets_of_their_own(receiver):
    desk = FollowUpDesk("jira", receiver, told_of_incidents=True)
    desk.set(follow_up_project="")
    desk.run()
    first, second = desk.with_ticket(), desk.with_ticket(title="Enlarge the pool")
    numbers = [desk.ticket(key)["number"] for key in (first, second)]
    assert [one["key"] for one in desk.made] == ["OPS-1", *numbers]
    desk.work("Done", 1)
    desk.look()
    states = [desk.follow_up(key)["state"] for key in (first, second)]
    assert states == ["done", "open"]
    desk.change(second, state="dropped", reason="Too dear.")
    desk.run()
    assert [one["fields"]["status"] for one in desk.made] == ["Done", "Done", "Done"]
    assert len(desk.made[0]["comments"]) == 1  # its own resolve


def test_remarks_come_to_the_timeline_and_name_their_follow_up(desk):
    key = desk.with_ticket()
    desk.system.say("Mia", "password=hunter2hunter2 is in the way <b>")
    desk.look()
    (remark,) = desk.entries("ticket")
    assert remark.data["follow_up"] == key and "hunter2" not in remark.data["text"]


HOSTILE = (
    "password=hunter2hunter2 [code]<img src=x onerror=alert(1)>[/code] \u202eevil | ](javascript:x)"
)


def test_a_hostile_title_is_text_and_its_secrets_stay_here(desk):
    desk.with_ticket(title=HOSTILE)
    subject, text = words(desk)
    for said in (subject, text):
        assert "hunter2" not in said and "\u202e" not in said
    assert "\n" not in subject and len(subject) <= 160
    if desk.channel == "servicenow":
        assert "[code]" not in text


def test_what_a_project_does_not_take_is_in_the_text(receiver):
    desk = FollowUpDesk("jira", receiver)
    desk.system.unknown = {"duedate"}
    key = desk.with_ticket()
    fields = desk.made[0]["fields"]
    assert fields["assignee"] == "Lee" and "duedate" not in fields
    assert "Due: " in words(desk)[1] and desk.ticket(key)["state"] == "made"
    desk.change(key, due=desk.clock.now() + 30 * DAY)
    desk.run()
    assert "Splunk could not change this issue's duedate." in remarks(desk)[0]


def test_a_ticket_that_is_refused_says_why_and_can_be_wanted_again(desk):
    handle, key = desk.receiver.respond, desk.add()
    desk.receiver.respond = lambda request: (
        (403, {}, {"error": {"message": "No"}, "errorMessages": ["No"]})
        if request.method == "POST" and not request.path.endswith("jql")
        else handle(request)
    )
    desk.want(key)
    desk.run()
    assert desk.ticket(key)["state"] == "failed" and "No" in desk.ticket(key)["reason"]
    desk.receiver.respond = handle
    desk.want(key)
    desk.run()
    assert desk.ticket(key)["state"] == "made" and len(desk.made) == 1
    agreed(desk.stores, INCIDENT)


def test_what_nobody_announced_for_days_is_announced_all_the_same(desk):
    """The announcer leaves out what is older than a day."""
    key = desk.with_ticket()
    desk.change(key, state="done")
    desk.clock.advance(3 * DAY)
    desk.tell()
    assert desk.written() == 0
    desk.follow_up_reviews()
    desk.deliver()
    assert desk.state_there() == DONE[desk.channel] and desk.written() == 1


def test_a_wish_whose_follow_up_is_lost_holds_up_nothing(desk):
    """As on a timeline that lost an entry."""
    lost = {"follow_up": "FUP-lost", "event": "ticket", "channel": desk.channel, "title": "x"}
    timeline.append(desk.act("dana"), INCIDENT, "follow_up", lost)
    key = desk.with_ticket()
    desk.follow_up_reviews()
    assert desk.ticket(key)["state"] == "made" and len(desk.made) == 1


def test_a_done_one_is_heard_of_for_a_month(desk):
    key = desk.with_ticket()
    desk.work(DONE[desk.channel])
    desk.look()
    desk.clock.advance(29 * DAY)
    desk.look()
    desk.work(WORKED_ON[desk.channel])
    desk.look()
    assert desk.follow_up(key)["state"] == "open"


def test_a_record_of_incidents_that_was_closed_for_good_is_followed_by_a_new_one(receiver):
    desk = FollowUpDesk("servicenow", receiver)
    desk.set(follow_up_table="")
    key = desk.with_ticket()
    desk.work("7")
    desk.look()
    assert desk.follow_up(key)["state"] == "done"
    first = desk.ticket(key)["number"]
    desk.change(key, state="open", reason="It is not.")
    desk.run()
    assert [one["state"] for one in desk.made] == ["7", "1"]
    assert desk.ticket(key)["number"] != first and "there" not in desk.ticket(key)
    desk.work("6", 1)
    desk.look()
    assert desk.follow_up(key)["state"] == "done"


def test_a_table_with_states_of_its_own_takes_those(receiver):
    desk = FollowUpDesk("servicenow", receiver)
    desk.set(follow_up_open_state="1", follow_up_done_state="4")
    key = desk.with_ticket()
    desk.change(key, state="done")
    desk.run()
    assert desk.state_there() == "4"
    desk.change(key, state="open")
    desk.run()
    assert desk.state_there() == "1"
    desk.work("7")
    desk.look()
    assert desk.follow_up(key)["state"] == "done"


def test_between_two_looks_nothing_is_read(desk):
    desk.with_ticket()
    calls = desk.stores.calls
    for _turn in range(3):
        desk.clock.advance(5)
        desk.duty.run()
    assert desk.stores.calls == calls


def test_what_keeps_tickets_of_incidents_and_of_follow_ups_from_being_read_has_two_names(receiver):
    """Under one the log would have each of two sentences at each look."""
    desk = FollowUpDesk("jira", receiver, told_of_incidents=True)
    desk.with_ticket()
    names = []
    desk.duty = Tickets(
        desk.stores, desk.clock, desk.config, lambda name, _said: names.append(name)
    )
    desk.receiver.respond = lambda _request: (401, {}, {})
    desk.look()
    assert len(set(names)) == 2
