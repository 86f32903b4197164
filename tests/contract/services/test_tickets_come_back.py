"""What people do in a ticket comes back to its incident: each thing once, and nothing echoes."""

from __future__ import annotations

from contextlib import suppress

import pytest

from incident_management.incidents import lifecycle
from incident_management.worker.stale_documents import refresh_stale

from .ticket_desk import ENDED, WORKED_ON, TicketDesk

HOSTILE = "password=hunter2hunter2 \u202eevil\x1b[31m <b onload=x> [code]<a>[/code] " + "x" * 9000


@pytest.fixture(params=["servicenow", "jira"])
def desk(request, receiver):
    return TicketDesk(request.param, receiver)


@pytest.fixture(params=["servicenow", "jira"])
def resolving(request, receiver):
    return TicketDesk(request.param, receiver, "resolve")


def test_a_ticket_that_nobody_touched_says_nothing(desk):
    for _look in range(3):
        desk.look()
    assert desk.told() == []


def test_what_the_app_does_to_the_ticket_itself_is_no_news(desk):
    desk.do(lifecycle.acknowledge)
    desk.run()
    desk.do(lifecycle.add_note, text="Looking at it.")
    desk.run()
    desk.resolve()
    desk.run()
    desk.do(lifecycle.reopen, reason="again")
    desk.run()
    desk.look()
    assert desk.told() == []
    assert desk.written() == 4


def test_a_state_an_assignee_and_a_remark_are_announced_once(desk):
    desk.work(WORKED_ON[desk.channel], to="Lee")
    desk.system.say("Mia", "It is the pool.")
    for _look in range(4):
        desk.look()
    assert sorted(desk.told()) == [
        "assignee: Assigned to Lee.",
        "comment: It is the pool.",
        "state: Now In Progress, by Mia.",
    ]
    assert {one.actor for one in desk.entries()} == {desk.channel}
    assert desk.incident["owner"] == ""
    (remark,) = [one.data for one in desk.entries() if one.data["event"] == "comment"]
    assert remark["by"] == "Mia" and remark["at"] > desk.clock.now() + 1e8


def test_a_second_change_goes_on_from_the_first(desk):
    desk.work(WORKED_ON[desk.channel], to="Lee")
    desk.look()
    desk.work(ENDED[desk.channel], to="")
    desk.look()
    name = {"servicenow": "Resolved, by Mia.", "jira": "Done, by Mia. Fixed"}[desk.channel]
    assert desk.told()[-2:] == [
        "assignee: Assigned to nobody any more.",
        f"state: From In Progress to {name}",
    ]


def test_a_resolved_ticket_is_only_noted_unless_the_admin_says_more(desk):
    desk.work(ENDED[desk.channel])
    desk.look()
    assert desk.incident["status"] == "new"
    assert len(desk.told()) == 1


def test_a_resolved_ticket_resolves_the_incident_and_is_not_told_of_it(resolving):
    desk = resolving
    reasons = {"close_code": "Solution provided", "close_notes": "Pool enlarged"}
    desk.work(ENDED[desk.channel], **(reasons if desk.channel == "servicenow" else {}))
    desk.look()
    ended = {"servicenow": "Solution provided: Pool enlarged", "jira": "Fixed"}
    assert (desk.incident["status"], desk.incident["resolution"]) == (
        "resolved",
        ended[desk.channel],
    )
    (status,) = desk.entries("status")
    assert status.actor == desk.channel and "by Mia" in status.data["reason"]
    before = desk.written()
    desk.run()
    desk.run()
    assert desk.written() == before
    assert len(desk.entries("status")) == 1


def test_one_end_of_a_ticket_resolves_an_incident_once(resolving):
    desk = resolving
    desk.routing.announce.pop("reopened", None)
    desk.work(ENDED[desk.channel])
    desk.look()
    desk.do(lifecycle.reopen, reason="it is back")
    desk.look()
    desk.system.say("Mia", "Are you sure?")
    desk.look()
    assert desk.incident["status"] == "new"


def test_a_resolved_record_that_is_closed_does_not_end_the_incident_again(receiver):
    desk = TicketDesk("servicenow", receiver, "resolve")
    desk.routing.announce.pop("reopened", None)
    desk.work("6")
    desk.look()
    desk.do(lifecycle.reopen, reason="it is back")
    desk.run()
    # As a base system does by itself after a week.
    desk.work("7")
    desk.look()
    assert desk.incident["status"] == "new"
    assert desk.told()[-1] == "state: From Resolved to Closed, by Mia."


def test_reopened_here_and_ended_there_again_resolves_again(resolving):
    desk = resolving
    desk.work(ENDED[desk.channel])
    desk.look()
    desk.do(lifecycle.reopen, reason="it is back")
    desk.run()
    assert desk.incident["status"] == "new"
    desk.work(ENDED[desk.channel])
    desk.look()
    assert desk.incident["status"] == "resolved"
    assert [one.data["to"] for one in desk.entries("status")] == ["resolved", "new", "resolved"]


def test_a_ticket_that_is_opened_again_is_noted_and_opens_nothing(resolving):
    desk = resolving
    desk.resolve()
    desk.run()
    desk.work(WORKED_ON[desk.channel])
    desk.run()
    assert desk.incident["status"] == "resolved"
    assert desk.told() == ["state: Now In Progress, by Mia."]


def test_a_message_on_its_way_puts_the_look_off(resolving):
    desk = resolving
    desk.resolve()
    desk.run()
    desk.do(lifecycle.reopen, reason="it is back")
    desk.announcer.run(desk.routing, "", lambda: [desk.channel])
    desk.system.say("Mia", "Still bad.")
    desk.look()
    assert desk.incident["status"] == "new" and desk.told() == []
    desk.tell()
    desk.look()
    assert desk.told() == ["comment: Still bad."]


def test_a_deleted_ticket_is_announced_once(desk):
    desk.system.delete()
    for _look in range(3):
        desk.look()
    (said,) = desk.told()
    assert said.startswith("gone: The ticket was deleted in ")


def test_text_from_there_is_masked_made_plain_and_cut(desk):
    desk.system.say("Mia <x>\u202e", HOSTILE)
    desk.look()
    (entry,) = desk.entries()
    text = entry.data["text"]
    assert "hunter2" not in text and "\u202e" not in text and "\x1b" not in text
    assert len(text) <= 4000 and "\u202e" not in entry.data["by"]


def test_nothing_is_missed_over_an_outage_and_pages_are_read_to_the_end(desk):
    for number in range(120):
        desk.system.say("Mia", f"remark {number}")
    desk.receiver.answers = [(503, {"Retry-After": "600"}, b"")]
    desk.look()
    assert desk.told() == [] and "503" in desk.said[-1]
    asked = len(desk.receiver.requests)
    desk.look(9)
    assert len(desk.receiver.requests) == asked
    desk.look(2)
    assert desk.told() == [f"comment: remark {number}" for number in range(120)]
    desk.system.say("Mia", "one more")
    desk.look()
    assert desk.told()[-1] == "comment: one more" and len(desk.told()) == 121


def test_what_is_more_than_a_look_reads_is_reported(desk):
    for number in range(210):
        desk.system.say("Mia", f"remark {number}")
    desk.look()
    assert len(desk.told()) == 200
    assert any("more new comments than can be read at once" in said for said in desk.said)


def test_a_worker_that_is_ended_anywhere_is_repeated_and_nothing_counts_twice(resolving):
    class Killed(BaseException):
        pass

    desk = resolving
    desk.work(ENDED[desk.channel], to="Lee")
    desk.system.say("Mia", "first")
    desk.system.say("Mia", "second")
    for calls in range(30):
        desk.clock.advance(600)
        desk.stores.fail_after(calls, Killed)
        with suppress(Killed):
            desk.duty.run()
        desk.stores.heal()
        desk.restart()
    desk.look()
    refresh_stale(desk.stores, desk.clock)
    said = [line.split(":")[0] for line in desk.told()]
    assert sorted(said) == ["assignee", "comment", "comment", "state"]
    assert [one.data["to"] for one in desk.entries("status")] == ["resolved"]
    assert desk.incident["status"] == "resolved"
    assert desk.incident["entries"] == len(desk.stores.timeline.all())


def test_a_refused_login_is_tried_slowly_and_at_once_when_it_was_corrected(desk):
    desk.system.say("Mia", "hello")
    desk.set_secret("wrong")
    desk.look()
    (said,) = desk.said
    assert said.startswith("Tickets in ") and " rejected the request with 401: " in said
    asked = len(desk.receiver.requests)
    for _look in range(9):
        desk.look()
    assert len(desk.receiver.requests) == asked
    desk.set_secret("")
    desk.duty.run()
    assert desk.told() == ["comment: hello"]


def test_jira_comments_without_their_properties_do_not_echo(receiver):
    desk = TicketDesk("jira", receiver)
    desk.system.shows_properties = False
    desk.do(lifecycle.add_note, text="Looking at it.")
    desk.run()
    # The same account, used by a person.
    desk.system.say("Splunk", "I looked, too.")
    desk.look()
    assert desk.told() == ["comment: I looked, too."]


@pytest.mark.parametrize("how", ["rows", "table"])
def test_a_hidden_journal_is_reported_and_does_not_hide_the_state(how, receiver):
    desk = TicketDesk("servicenow", receiver)
    desk.do(lifecycle.add_note, text="Looking at it.")
    desk.run()
    desk.system.hides_journal = how
    desk.system.say("Mia", "hello")
    desk.work("3")
    for _look in range(3):
        desk.look()
    assert desk.told() == ["state: Now On Hold, by Mia."]
    assert "sys_journal_field" in desk.said[-1]
    desk.system.hides_journal = ""
    desk.look()
    assert desk.told()[-1] == "comment: hello"
