"""The duties' calls of the KV store when there is nothing to do."""

from __future__ import annotations

import pytest

from incident_management.incidents.routing.conf import Routing
from incident_management.incidents.upkeep.audit import AuditWriter
from incident_management.incidents.upkeep.retention import Retention
from incident_management.notify.refusals import refusals
from tests.unit.notify.desk import INCIDENT, Desk
from tests.unit.worker.desk import Desk as Office


@pytest.fixture
def desk():
    return Desk()


def _minute(desk, work, every=5):
    """Let a duty work for a minute, with everything known; return its calls."""
    work()
    before = desk.stores.calls
    for _round in range(60 // every):
        desk.clock.advance(every)
        work()
    return desk.stores.calls - before


def test_without_news_the_timeline_is_checked_and_little_else(desk):
    desk.open()
    desk.announce()
    desk.clock.advance(120)
    desk.announce()
    # The checkpoint and what follows it, each round; it is written twice.
    assert _minute(desk, desk.announce) == 2 * 12 + 2


def test_the_overlap_is_read_whole_once_a_minute(desk):
    desk.open()
    desk.announce()
    desk.clock.advance(300)
    desk.announce()
    read: list[int] = []
    find = desk.stores.timeline.find

    def counted(*given, **named):
        found = find(*given, **named)
        read.append(len(found))
        return found

    desk.stores.timeline.find = counted
    _minute(desk, desk.announce)
    assert sorted(read)[-2:] == [0, 2]


def test_a_checkpoint_that_is_half_a_minute_old_tells_nobody_twice(desk):
    desk.open()
    for _round in range(5):
        desk.announce()
        desk.clock.advance(5)
    told = desk.told()
    desk.restart()
    desk.announce()
    assert desk.told() == told


def test_a_subscription_receives_what_comes_right_after_it(desk):
    """Subscriptions are not read in each round, and still get the next event."""
    desk.announce()
    for _round in range(3):
        desk.clock.advance(5)
        desk.announce()
    made = {"SUB-1": {"events": ["*"], "created_at": desk.clock.now(), "severities": []}}
    desk.clock.advance(1)
    desk.open()
    desk.announce(subscriptions=made)
    assert ("webhook:SUB-1", "opened") in desk.told()


def test_summaries_are_searched_for_in_one_call(desk):
    assert _minute(desk, lambda: desk.announcer.summarize("")) == 12


def test_ends_that_a_crash_left_are_searched_for_once_a_minute(desk):
    assert _minute(desk, lambda: desk.outbox.deliver_due({})) == 12 + 1


def test_an_end_that_a_crash_left_is_written_down_within_a_minute(desk):
    desk.enqueue("1")
    desk.run()
    one = desk.only()
    desk.stores.outbox.save([{**one, "recorded": False}])
    desk.records.clear()
    desk.run(seconds=65)
    assert desk.records == [(one["_key"], "sent")] and desk.only()["recorded"]


def test_who_refuses_messages_is_asked_of_all_channels_at_once(desk):
    before = desk.stores.calls
    refusals(desk.stores, desk.clock, Routing())
    # And who was left out of the last mails, what Slack took elsewhere, why it opened no channel.
    assert desk.stores.calls - before == 4


def test_history_is_indexed_with_one_call_while_nothing_is_new(desk):
    desk.open()
    sent: list[str] = []
    writer = AuditWriter(desk.stores, desk.clock, lambda some: sent.extend(e.key for e in some))
    writer.run()
    assert _minute(desk, writer.run, every=10) == 6
    assert len(sent) == len(set(sent)) == 2


@pytest.mark.parametrize("late", [30, 890])
def test_an_entry_that_comes_late_is_indexed_within_a_minute(desk, late):
    desk.open()
    sent: list[str] = []
    writer = AuditWriter(desk.stores, desk.clock, lambda some: sent.extend(e.key for e in some))
    for _round in range(4):
        writer.run()
        desk.clock.advance(10)
    desk.open("INC-20260101-BBBBBB")
    writer.run()
    desk.clock.advance(-late)
    desk.write("note", text="late")
    desk.clock.advance(late)
    for _round in range(7):
        writer.run()
        desk.clock.advance(10)
    assert set(sent) == {one["_key"] for one in desk.stores.timeline.all()}


def test_clocks_write_their_checkpoint_twice_a_minute():
    office = Office()
    office.open()
    office.wait(10)
    rung = sum(call == "save claims" for call in office.stores.claims.log)
    office.until(office.clock.now() + 60, step=5.0)
    assert sum(call == "save claims" for call in office.stores.claims.log) - rung <= 3


def test_retention_goes_on_while_incidents_are_leaving_and_rests_after_that(desk):
    """They are deleted after five minutes; a duty that did nothing rests for ten."""
    desk.open()
    for kind, was, now in (("status", "new", "resolved"), ("status", "resolved", "closed")):
        desk.write(kind, **{"from": was, "to": now, "reason": "over"})
    entries = {one["_key"] for one in desk.stores.timeline.all()}
    indexed = {INCIDENT: entries}
    duty = Retention(desk.stores, desk.clock, lambda ids: indexed, lambda entries: None, print)
    desk.clock.advance(100 * 86400)
    for _minute in range(7):
        assert any(duty.run(0.0, 90 * 86400.0).values())
        desk.clock.advance(60)
    assert desk.stores.incidents.all() == []
    assert not any(duty.run(0.0, 90 * 86400.0).values())
