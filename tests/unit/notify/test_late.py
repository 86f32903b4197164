"""After a day and more without a worker: what is told late, and what is left out."""

from __future__ import annotations

import pytest

from incident_management.incidents import timeline
from incident_management.incidents.routing import Routing
from incident_management.notify.announcing import late
from incident_management.notify.announcing.announcer import CHECKPOINT
from tests.unit.notify.desk import INCIDENT, Desk

HOUR = 3600.0
OVER = {"from": "new", "to": "resolved", "reason": "fixed"}
AGAIN = {"from": "resolved", "to": "new", "reason": "found again"}


@pytest.fixture
def desk():
    """A worker that has announced all there was, and then ends."""
    desk = Desk()
    desk.announce()
    desk.clock.advance(60)
    return desk


def back(desk: Desk, hours: float = 25.0) -> int:
    desk.clock.advance(hours * HOUR)
    desk.restart()
    return desk.announce()


def test_an_open_incident_that_nobody_was_notified_of_is_announced_once_late(desk):
    desk.open()
    opened_at = desk.clock.now()
    desk.write("severity", **{"from": "high", "to": "critical", "reason": "worse"})
    assert back(desk) == 2
    assert desk.told() == [("pagerduty", "opened"), ("slack", "opened")]
    message = desk.stores.outbox.all()[0]["message"]
    assert message["severity"] == "critical" and message["time"] == opened_at
    assert (
        message["text"].startswith("Delayed notification: this was at 2")
        and "UTC" in message["text"]
    )
    (said,) = desk.said
    assert "1 are announced late, with their current state. 0 are not" in said
    assert back(desk, 0.1) == back(desk) == 0
    assert len(desk.said) == 1


def test_what_is_over_and_was_never_told_is_left_out_and_that_is_reported(desk):
    desk.open()
    desk.write("status", **OVER)
    assert back(desk) == 0
    (said,) = desk.said
    assert "0 are announced late, with their current state. 1 are not" in said


def test_an_end_is_announced_late_where_the_beginning_was_announced(desk):
    """Else its page would stay open."""
    desk.open()
    desk.announce()
    desk.clock.advance(60)
    desk.write("status", **OVER)
    desk.write("status", **{"from": "resolved", "to": "closed", "reason": ""})
    assert back(desk) == 2
    assert [event for _channel, event in desk.told()] == ["opened", "resolved"] * 2


def test_of_a_change_back_and_forth_only_the_last_is_announced(desk):
    desk.open()
    desk.announce()
    for _ in range(3):
        desk.clock.advance(60)
        desk.write("status", **OVER)
        desk.clock.advance(60)
        desk.write("status", **AGAIN)
    back(desk)
    assert [event for channel, event in desk.told() if channel == "slack"] == ["opened", "reopened"]


def test_what_changed_again_within_the_day_is_announced_as_ever(desk):
    desk.open()
    desk.clock.advance(2 * HOUR)
    desk.write("status", **OVER)
    back(desk, 23)
    assert [event for channel, event in desk.told() if channel == "slack"] == ["resolved"]
    assert "Delayed notification" not in desk.stores.outbox.all()[0]["message"]["text"]


def test_before_the_first_worker_ever_ran(desk):
    desk = Desk()
    desk.open()
    assert back(desk, 50) == 2
    assert desk.said[0].startswith("No notifications were sent since the app was installed. ")


def test_a_worker_that_was_away_for_less_says_nothing(desk):
    desk.open()
    assert back(desk, 23) == 2
    assert desk.said == []
    assert desk.told(INCIDENT) == [("pagerduty", "opened"), ("slack", "opened")]


def test_of_incidents_that_nobody_was_notified_of_and_that_are_over_no_more_is_read(desk):
    """A worker without a checkpoint read each entry of thousands, and made two calls for each."""
    for number in range(30):
        incident = f"INC-20260101-{number:06}"
        desk.open(incident)
        desk.write("signal", incident, signals={"b": 1})
        if number:
            desk.write("status", incident, **OVER)
        else:
            desk.write("analysis", incident, analysis_id="ANA-1", cause="A deploy")
    stores, rows = desk.stores, []
    find = stores.timeline.find

    def counted(*asked, **named):
        rows.extend(find(*asked, **named))
        return find(*asked, **named)

    stores.timeline.find = counted
    for one in (stores.outbox, stores.analyses, stores.timeline):
        one.calls = 0
    assert back(desk) == 2
    assert len(rows) == 59 + 4  # what began or ended, and the one that is told
    assert stores.outbox.calls <= 6 and stores.analyses.calls == 1
    assert "1 are announced late, with their current state. 29 are not" in desk.said[-1]


def test_an_update_that_nobody_was_notified_of_for_a_day_says_so_on_its_timeline_once(desk):
    desk.open()
    desk.announce()
    desk.clock.advance(60)
    desk.write("update", text="Payments fail.", state="identified", services=[])
    back(desk)
    told = [e for e in timeline.read(desk.stores, INCIDENT) if e.kind == "notification"]
    (said,) = [e.data for e in told if e.data["channel"] == "stakeholders"]
    assert (said["event"], said["outcome"]) == ("update", "dead")
    assert "was not sent: no notifications went out for more than a day" in said["detail"]
    assert desk.stores.incidents.get(INCIDENT)["entries"] == len(
        timeline.read(desk.stores, INCIDENT)
    )
    entries = len(timeline.read(desk.stores, INCIDENT))
    # A worker that was killed before its checkpoint was written finds the same again.
    late.record_undelivered_updates(desk.stores, desk.clock, 1.0, desk.clock.now())
    assert len(timeline.read(desk.stores, INCIDENT)) == entries


def test_an_update_that_was_announced_before_the_worker_ended_is_not_said_to_be_untold(desk):
    desk.open()
    desk.announce()
    desk.clock.advance(60)
    desk.write("update", text="Payments fail.", state="identified", services=[])
    checkpoint = desk.stores.claims.get(CHECKPOINT)
    assert desk.announce(Routing.from_stanzas({"announce": {"update": "slack"}})) == 1
    desk.stores.claims.save([checkpoint])
    back(desk)
    entries = timeline.read(desk.stores, INCIDENT)
    assert not [e for e in entries if e.data.get("channel") == "stakeholders"]
