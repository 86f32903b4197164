"""Notes and assignees of PagerDuty come back once, and only what has changed there is asked for."""

from __future__ import annotations

import pytest

from incident_management.incidents import lifecycle, timeline
from incident_management.incidents.act import Act
from incident_management.notify.inbound.pagerduty import PagerDutyReader
from incident_management.worker import tickets

from .ticket_desk import TicketDesk


class PagedDesk(TicketDesk):
    """A desk with other incidents, each paged."""

    def page(self, count):
        for number in range(count):
            incident = f"INC-20260202-{number:06d}"
            opened = {"title": "Slow", "severity": "high", "signals": {f"s{number}": 1}}
            timeline.append(Act(self.stores, self.clock, "tester"), incident, "opened", opened)
            routed = {"team": "web", "owner": "", "reason": "rule"}
            timeline.append(Act(self.stores, self.clock, "tester"), incident, "routed", routed)
            timeline.refresh(self.stores, incident)
        for _turn in range(2):
            self.clock.advance(60)
            self.tell()

    def look(self, minutes=3.0):
        """Time passes there, too."""
        self.system.clock.now += int(60 * minutes)
        return super().look(minutes)

    def asked(self, minutes=3.0):
        """What one look asks for."""
        self.system.asked.clear()
        self.look(minutes)
        return list(self.system.asked)

    def told_of(self, incident):
        found = timeline.effective(timeline.read(self.stores, incident))
        return [one.data["text"] for one in found if one.kind == "ticket"]


@pytest.fixture
def desk(tls_receiver, ca_file, monkeypatch):
    monkeypatch.setattr(tickets, "UNCHANGED_AT_ONCE", 3)
    monkeypatch.setattr(tickets, "LOOK_SECONDS", 1000.0)
    return PagedDesk("pagerduty", tls_receiver, ca_file=ca_file)


def test_a_note_comes_once_with_whoever_wrote_it(desk):
    desk.look()
    desk.system.say("Mia", "Restarted the pool, password=hunter2hunter2.")
    for _look in range(4):
        desk.look()
    (told,) = desk.told()
    assert told.startswith("comment: Restarted the pool, ") and "hunter2hunter2" not in told
    (entry,) = desk.entries()
    assert (entry.data["by"], entry.data["what"], entry.actor) == ("Mia", "note", "pagerduty")
    desk.system.say("Lee", "It helped.")
    desk.look()
    desk.restart()
    desk.stores.claims.delete("worker:tickets:pagerduty")
    for _look in range(3):
        desk.look()
    assert desk.told()[1:] == ["comment: It helped."]


def test_who_was_paged_and_who_is_next_stands_on_the_timeline(desk):
    desk.look()
    desk.work(to="Mia")
    desk.look()
    desk.work(to="Lee, Mia")
    for _look in range(3):
        desk.look()
    assert desk.told() == ["assignee: Assigned to Mia.", "assignee: Assigned to Lee, Mia."]
    assert desk.incident["owner"] == "", "PagerDuty's people are no users of Splunk"


def test_that_nobody_has_it_any_more_once_it_is_resolved_is_no_news(desk):
    desk.work(to="Mia")
    desk.look()
    desk.work("resolved")
    for _look in range(3):
        desk.look()
    assert desk.told() == ["assignee: Assigned to Mia.", "state: Now Resolved, by Mia."]


def test_of_many_incidents_those_are_asked_about_that_have_changed(desk):
    desk.page(11)
    for _look in range(4):
        desk.look()
    quiet = desk.asked()
    assert quiet == ["/log_entries", *["/incidents"] * 3], "the log, and a few others in turn"
    changed = f"INC-20260202-{7:06d}"
    number = [one["_key"] for one in desk.system.incidents].index(changed)
    desk.system.work("Mia", number, status="acknowledged")
    desk.look()
    assert desk.told_of(changed) == ["Now Acknowledged, by Mia."]


def test_each_is_still_checked_in_turn(desk):
    desk.page(6)
    for _look in range(3):
        desk.look()
    missed = f"INC-20260202-{5:06d}"
    number = [one["_key"] for one in desk.system.incidents].index(missed)
    desk.system.work("Mia", number, status="acknowledged")
    del desk.system.log[-1]
    for _look in range(4):
        desk.look()
    assert desk.told_of(missed) == ["Now Acknowledged, by Mia."]


def test_an_incident_that_follows_another_under_the_same_key_is_found(desk):
    desk.look()
    desk.resolve()
    desk.run()
    desk.do(lifecycle.reopen, reason="again")
    desk.run()
    for _look in range(3):
        desk.look()
    desk.clock.advance(1800)
    desk.look()
    desk.work("acknowledged")
    desk.look()
    assert desk.told() == ["state: Now Acknowledged, by Mia."]


def test_a_key_that_may_not_read_the_log_has_all_asked_about(desk):
    desk.system.hides_log = True
    desk.page(6)
    for _look in range(3):
        desk.look()
    assert desk.asked().count("/incidents") == 7
    desk.system.say("Mia", "Seen.", 0)
    desk.system.work("Mia", 0, status="acknowledged")
    desk.look()
    assert "comment: Seen." in desk.told() and desk.said == []


def test_after_an_outage_with_more_news_than_are_read_all_are_checked(desk):
    desk.look()
    desk.look()
    desk.system.say("Mia", "Early on.")
    incident = desk.system.incidents[0]
    other = {**incident, "_key": "another", "id": "Q99"}
    for _entry in range(1200):
        desk.system._logged(other, "notify", desk.system._now())
    desk.look()
    assert desk.told() == ["comment: Early on."]
    assert desk.system.asked.count("/log_entries") < 30


def test_a_worker_that_ends_between_the_log_and_the_incidents_misses_nothing(desk, monkeypatch):
    desk.look()
    desk.look()
    desk.work("acknowledged")

    class Killed(BaseException):
        pass

    def killed(*_more):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(PagerDutyReader, "tickets", killed)
        with pytest.raises(Killed):
            desk.look()
    desk.restart()
    desk.clock.advance(3600)
    desk.look()
    assert desk.told() == ["state: Now Acknowledged, by Mia."]
