"""Nobody hears of what was announced before they were there."""

from __future__ import annotations

import pytest

from incident_management.incidents.routing import Routing
from tests.unit.notify.desk import Desk

RESOLVED = {"from": "new", "to": "resolved", "reason": "fixed"}


def routing(opened: str, resolved: str = "slack", **payments: str) -> Routing:
    return Routing.from_stanzas(
        {
            "announce": {"opened": opened, "resolved": resolved},
            "team:payments": payments,
            "team:payments.eu": payments,
        }
    )


@pytest.fixture
def desk():
    """An incident that was announced to Slack a minute ago, by a worker that has ended."""
    desk = Desk()
    desk.open()
    desk.announce(routing("slack"))
    desk.clock.advance(60)
    desk.restart()
    return desk


def heard(desk: Desk, channel: str) -> list[str]:
    return [event for name, event in desk.told() if name == channel]


@pytest.mark.parametrize("wish", ["slack, pagerduty", "slack, pagerduty?"])
def test_a_channel_that_is_added_receives_what_comes_after(desk, wish):
    assert desk.announce(routing(wish, wish)) == 0
    desk.clock.advance(5)
    desk.write("status", **RESOLVED)
    desk.restart()
    desk.announce(routing(wish, wish))
    assert heard(desk, "pagerduty") == ["resolved"]


def test_what_nobody_was_notified_of_yet_is_announced_to_a_new_channel_too(desk):
    """Splunk is restarted with the changed conf, and an incident changes meanwhile."""
    desk.write("status", **RESOLVED)
    desk.clock.advance(600)
    desk.announce(routing("slack, teams", "slack, teams"))
    assert heard(desk, "slack") == ["opened", "resolved"]
    assert heard(desk, "teams") == ["resolved"]


def test_an_event_that_is_added_takes_nothing_from_the_others(desk):
    """A member's clock is behind: its entries come with times before the change."""
    desk.clock.advance(-90)
    desk.write("status", **RESOLVED)
    desk.clock.advance(90)
    desk.announce(Routing.from_stanzas({"announce": {"resolved": "slack", "routed": "slack"}}))
    assert heard(desk, "slack") == ["opened", "resolved"]


def test_a_team_that_adds_a_channel_receives_what_comes_after():
    desk = Desk()
    desk.open()
    desk.announce(routing("slack, teams", channels="slack"))
    desk.clock.advance(60)
    desk.restart()
    assert desk.announce(routing("slack, teams", channels="slack, teams")) == 0
    desk.open("INC-20260101-BBBBBB")
    desk.announce(routing("slack, teams", channels="slack, teams"))
    assert desk.told("INC-20260101-BBBBBB") == [("slack", "opened"), ("teams", "opened")]


def test_a_subscription_receives_what_comes_after_it_was_made(desk):
    made = {"SUB-1": {"events": ["*"], "created_at": desk.clock.now() - 10}}
    desk.announce(routing("slack"), made)
    desk.clock.advance(5)
    desk.write("status", **RESOLVED)
    desk.announce(routing("slack"), made)
    assert heard(desk, "webhook:SUB-1") == ["resolved"]


def test_a_subscription_made_while_no_worker_ran_receives_nothing_from_before(desk):
    desk.write("note", text="before it was made")
    desk.clock.advance(5)
    made = {"SUB-1": {"events": ["*"], "created_at": desk.clock.now()}}
    desk.write("status", **RESOLVED)
    desk.announce(routing("slack"), made)
    assert heard(desk, "webhook:SUB-1") == ["resolved"]


@pytest.mark.parametrize(
    "before", [{"events": ["*"], "enabled": False}, {"events": ["resolved"], "enabled": True}]
)
def test_a_subscription_that_is_changed_hears_more_of_what_comes_after(desk, before):
    long_ago = {"created_at": 0.0}
    desk.announce(routing("slack"), {"SUB-1": {**before, **long_ago}})
    desk.open("INC-20260101-BBBBBB")
    desk.announce(routing("slack"), {"SUB-1": {**before, **long_ago}})
    desk.clock.advance(5)
    desk.restart()
    changed = {"SUB-1": {"events": ["opened", "resolved"], **long_ago}}
    desk.announce(routing("slack"), changed)
    assert heard(desk, "webhook:SUB-1") == []
    desk.write("status", **RESOLVED)
    desk.announce(routing("slack"), changed)
    assert heard(desk, "webhook:SUB-1") == ["resolved"]


def test_a_checkpoint_of_an_earlier_version_takes_nothing_from_anybody(desk):
    (checkpoint,) = [c for c in desk.stores.claims.all() if c["_key"].startswith("worker:announce")]
    checkpoint["value"] = {"left_out": {}}
    desk.stores.claims.save([checkpoint])
    desk.clock.advance(-90)
    desk.write("status", **RESOLVED)
    desk.clock.advance(90)
    desk.announce(routing("slack"))
    assert heard(desk, "slack") == ["opened", "resolved"]


@pytest.mark.parametrize(
    ("once", "told"),
    [
        ("ticket:jira:10001:state:0", ["slack"]),
        ("ticket:servicenow:1:resolve:0", ["jira", "slack"]),
        ("", ["jira", "slack"]),
    ],
)
def test_what_came_from_a_ticket_is_announced_everywhere_but_there(desk, once, told):
    desk.services = {**desk.services, "jira": None}
    desk.write("status", once=once, **RESOLVED)
    desk.announce(routing("slack", "slack, jira"))
    assert sorted(name for name, event in desk.told() if event == "resolved") == told
