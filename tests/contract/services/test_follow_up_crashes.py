"""One ticket for a follow-up, and each thing said once, whatever is killed or lost on the way."""

from __future__ import annotations

from contextlib import suppress

import pytest

from incident_management.worker.stale_documents import refresh_stale
from tests.fakes.turns import Killed, orders

from .follow_up_desk import DONE, WORKED_ON, FollowUpDesk
from .receiver import Request

pytestmark = pytest.mark.one_python

CHANNELS = ["servicenow", "jira"]
# More than a life takes, of calls to the KV store and of requests to the service.
CALLS, REQUESTS = 80, 16


def live(desk, key):
    """What one worker does from the wish for a ticket to its end on both sides."""
    desk.run()
    if not desk.made:
        return
    desk.run()
    if desk.follow_up(key)["state"] == "open" and "there" not in desk.ticket(key):
        desk.work(WORKED_ON[desk.channel])
        desk.look()


def settle(desk):
    """Others go on: a worker that begins anew."""
    desk.restart()
    for _turn in range(4):
        desk.run()
        desk.follow_up_reviews()
    refresh_stale(desk.stores, desk.clock)


def in_order(desk, key):
    """There is one ticket, which was told each thing once."""
    assert len(desk.made) == 1
    ticket = desk.ticket(key)
    assert ticket["state"] == "made"
    told = [one for one in desk.entries("notification") if one.data.get("follow_up")]
    assert {one.data["outcome"] for one in told} == {"sent"}
    assert len({one.data["notification_id"] for one in told}) == len(told)
    assert len(desk.stores.timeline.all()) == desk.stores.incidents.all()[0]["entries"]


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_worker_killed_at_any_call_leaves_one_ticket_that_is_announced_and_heard_once(
    channel, receiver
):
    for calls in range(0, CALLS, 3):
        desk = FollowUpDesk(channel, receiver)
        key = desk.add()
        desk.want(key)
        desk.stores.fail_after(calls, Killed)
        with suppress(Killed):
            live(desk, key)
            desk.stores.heal()
            desk.change(key, state="done", reason="It is there.")
            desk.stores.fail_after(calls, Killed)
            desk.run()
        desk.stores.heal()
        settle(desk)
        if desk.follow_up(key)["state"] == "open":
            desk.change(key, state="done", reason="It is there.")
            settle(desk)
        assert desk.state_there() == DONE[channel] and desk.written() == 1, calls
        in_order(desk, key)
        desk.work(WORKED_ON[channel])
        desk.stores.fail_after(calls, Killed)
        with suppress(Killed):
            desk.look()
        desk.stores.heal()
        settle(desk)
        assert desk.follow_up(key)["state"] == "open" and desk.written() == 1, calls
        reopened = [one for one in desk.entries("follow_up") if one.actor == channel]
        assert len(reopened) == 1, calls
        in_order(desk, key)


@pytest.mark.parametrize("taken", [True, False], ids=["answer lost", "request lost"])
@pytest.mark.parametrize("channel", CHANNELS)
def test_a_request_that_is_lost_is_not_executed_twice(channel, taken, receiver):
    lost_any = 0
    for lost in range(REQUESTS):
        desk = FollowUpDesk(channel, receiver)
        key = desk.add()
        desk.want(key)
        handle = receiver.respond
        seen: list[Request] = []

        def some_lost(request, handle=handle, seen=seen, lost=lost):
            seen.append(request)
            if len(seen) - 1 != lost:
                return handle(request)
            if taken:
                handle(request)
            return "lost"

        receiver.respond = some_lost
        desk.run()
        settle(desk)
        desk.change(key, state="done", reason="It is there.")
        desk.run()
        settle(desk)
        lost_any += len(seen) > lost
        assert desk.state_there() == DONE[channel] and desk.written() == 1, lost
        assert desk.follow_up(key)["state"] == "done" and desk.heard() == [], lost
        in_order(desk, key)
    assert lost_any == REQUESTS


def test_of_two_workers_one_makes_the_ticket_whoever_is_killed(receiver):
    """In Jira, whose search does not know at once what was made."""
    desks = []

    def begun():
        desk = FollowUpDesk("jira", receiver)
        desk.want(desk.add())
        desk.clock.advance(30)
        desks.append(desk)
        return desk.stores, [desk.tell, desk.another().tell]

    for _stores, order in orders(begun, 1, at=("outbox",), kills=1, elsewhere=True):
        settle(desks[-1])
        (follow_up,) = desks[-1].stores.incidents.all()[0]["follow_ups"]
        assert follow_up["tickets"][0]["state"] == "made", order
        in_order(desks[-1], follow_up["id"])
    assert len(desks) > 10
