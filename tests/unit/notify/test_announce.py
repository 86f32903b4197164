"""Which entries are told, where, in which order, and once."""

from __future__ import annotations

from email import message_from_bytes

import pytest

from incident_management.incidents import lifecycle, timeline
from incident_management.incidents.act import Act
from incident_management.incidents.clocks import assignment
from incident_management.incidents.routing import Routing
from incident_management.notify.announcing import announcer
from incident_management.notify.announcing.announcer import Announcer
from incident_management.notify.message import Message
from incident_management.notify.services.mail_layout import letter
from tests.fakes import Unavailable
from tests.unit.notify.desk import INCIDENT, ROUTING, Desk
from tests.unit.notify.services import Crash, FakeService


@pytest.fixture
def desk():
    return Desk()


def test_an_opened_incident_is_announced_on_its_teams_channels(desk):
    desk.open()
    assert desk.announce() == 2
    assert desk.told() == [("pagerduty", "opened"), ("slack", "opened")]
    slack = next(d for d in desk.stores.outbox.all() if d["channel"] == "slack")
    assert slack["target"] == "#payments"
    assert slack["message"]["team"] == "payments" and slack["message"]["events"] == 7


def test_a_team_without_channels_of_its_own_uses_all(desk):
    desk.open(team="web")
    desk.announce()
    assert desk.told() == [("pagerduty", "opened"), ("slack", "opened"), ("teams", "opened")]


def test_of_the_overlap_no_more_is_read_than_whether_it_is_news(desk):
    desk.open()
    desk.announce()
    seen: list[str] = []
    find = desk.stores.timeline.find

    def watched(*asked, **named):
        found = find(*asked, **named)
        seen.extend(name for document in found for name in document)
        return found

    desk.stores.timeline.find = watched
    desk.clock.advance(5)
    assert desk.announce() == 0
    assert set(seen) == {"_key", "incident_id", "kind", "time"}


def test_a_turn_reports_so_many_incidents_and_the_next_one_goes_on(desk, monkeypatch):
    monkeypatch.setattr(announcer, "MAX_AT_ONCE", 3)
    incidents = [f"INC-20260101-{number:06}" for number in range(7)]
    for incident in incidents:
        desk.open(incident)
        desk.clock.advance(1)
    assert [desk.announce(), desk.announce()] == [6, 6]
    desk.restart()  # the one that goes on does not know what the first one told
    assert [desk.announce() for _ in range(4)] == [0, 0, 2, 0]
    assert all(desk.told(incident) == desk.told(incidents[0]) for incident in incidents)
    desk.clock.advance(5)
    assert desk.announce() == 0


def test_an_incident_is_announced_once_its_team_is_known(desk):
    desk.open(team="")
    assert desk.announce() == 0
    desk.clock.advance(3)
    desk.write("routed", team="payments", owner="mia", reason="rule")
    assert desk.announce() == 2
    assert {d["message"]["owner"] for d in desk.stores.outbox.all()} == {"mia"}


def test_an_incident_that_is_never_routed_is_announced_all_the_same(desk):
    desk.open(team="")
    desk.announce()
    desk.clock.advance(2000)
    assert desk.announce() == 3


def test_a_channel_that_nobody_set_up_is_no_failure_and_receives_what_comes_later():
    desk = Desk()
    teams = desk.services.pop("teams")
    routing = Routing.from_stanzas({"announce": {"opened": "slack?, teams?", "resolved": "teams?"}})
    desk.open(team="web")
    assert desk.announcer.run(routing, "", desk.set_up) == 1
    desk.services["teams"] = teams
    desk.clock.advance(1)
    desk.write("status", **{"from": "new", "to": "resolved", "reason": "fixed"})
    assert desk.announcer.run(routing, "", desk.set_up) == 1
    assert desk.told() == [("slack", "opened"), ("teams", "resolved")]


def test_a_pager_that_is_set_up_later_is_not_called_for_what_is_over():
    """A worker that begins anew reads the last minutes again, from before the set-up, too."""
    desk = Desk()
    pager = desk.services.pop("pagerduty")
    wishes = {"announce": {"opened": "slack?, pagerduty?", "resolved": "slack?, pagerduty?"}}
    routing = Routing.from_stanzas(wishes)
    desk.open(team="web")
    desk.announcer.run(routing, "", desk.set_up)
    desk.services["pagerduty"] = pager
    desk.clock.advance(60)
    desk.write("status", **{"from": "new", "to": "resolved", "reason": "fixed"})
    desk.announcer.run(routing, "", desk.set_up)
    assert Announcer(desk.stores, desk.clock, desk.outbox).run(routing, "", desk.set_up) == 0
    assert [event for channel, event in desk.told() if channel == "pagerduty"] == ["resolved"]


def test_a_channel_that_was_asked_for_by_name_is_put_on_the_outbox_in_any_case():
    desk = Desk()
    desk.services.clear()
    routing = Routing.from_stanzas(
        {
            "announce": {"opened": "slack, teams?", "escalation": "teams?"},
            "team:payments": {"channels": "slack"},
        }
    )
    desk.open()
    desk.write("escalation", level=1, team="payments", reason="step", channels=["pagerduty"])
    desk.announcer.run(routing, "", desk.set_up, lambda: {"SUB-1": {"events": ["*"]}})
    assert desk.told() == [
        ("pagerduty", "escalation"),
        ("slack", "opened"),
        ("webhook:SUB-1", "opened"),
        ("webhook:SUB-1", "routed"),
        ("webhook:SUB-1", "escalation"),
    ]


def test_reading_again_tells_nothing_twice(desk):
    desk.open()
    desk.announce()
    assert desk.announce() == 0
    assert Announcer(desk.stores, desk.clock, desk.outbox).run(ROUTING, "", desk.set_up) == 0


def test_a_process_that_begins_inserts_nothing_that_is_there(desk):
    ids = [f"INC-20260101-{number:06}" for number in range(20)]
    for incident in ids:
        desk.open(incident)
    assert desk.announce() == 40
    desk.clock.advance(60)
    desk.open("INC-20260101-NEWEST")
    desk.restart()
    before = desk.stores.outbox.log.count("insert outbox")
    assert desk.announce() == 2
    assert desk.stores.outbox.log.count("insert outbox") - before == 2


def test_a_status_change_is_announced_by_what_it_means(desk):
    desk.open()
    desk.write("status", **{"from": "new", "to": "in_progress", "reason": ""})
    desk.write("status", **{"from": "in_progress", "to": "resolved", "reason": "fixed"})
    desk.write("status", **{"from": "resolved", "to": "new", "reason": "again"})
    desk.announce()
    told = [event for channel, event in desk.told() if channel == "slack"]
    assert told == ["opened", "resolved", "reopened"]


def test_two_entries_that_do_the_same_are_announced_once(desk):
    """An automatic resolve by two workers at once; the second one's clock is behind."""
    desk.open()
    data = {"from": "new", "to": "resolved", "reason": "recovered"}
    entries = timeline.read(desk.stores, INCIDENT)
    for seconds in (0, -1):
        desk.clock.advance(seconds)
        entry = timeline.Entry.create(
            INCIDENT, "status", data, "w", desk.clock.now(), timeline.head_of(entries), "resolve"
        )
        desk.stores.timeline.insert(entry.to_document())
        desk.announce()
    assert [e for c, e in desk.told() if c == "slack"] == ["opened", "resolved"]


def test_an_entry_with_a_late_clock_is_found_within_a_minute(desk):
    desk.open()
    desk.announce()
    desk.clock.advance(600)
    desk.announce()
    desk.clock.advance(-300)
    desk.write("status", **{"from": "new", "to": "resolved", "reason": "fixed"})
    desk.clock.advance(300)
    told = desk.announce()
    desk.clock.advance(60)
    assert told + desk.announce() == 2


def test_news_that_a_stopped_worker_missed_is_announced_when_it_is_back(desk):
    desk.open()
    desk.announce()
    desk.clock.advance(3 * 3600)
    desk.write("status", **{"from": "new", "to": "resolved", "reason": "fixed"})
    desk.clock.advance(3 * 3600)
    assert Announcer(desk.stores, desk.clock, desk.outbox).run(ROUTING, "", desk.set_up) == 2


def test_a_cause_comes_with_its_verified_quote(desk):
    desk.open()
    desk.stores.analyses.insert(
        {
            "_key": "ANA-0123456789",
            "hypotheses": [
                {"rank": 1, "blamed": True, "cause": "CHG-7 did it", "citations": ["C1"]}
            ],
            "citations": [{"id": "C1", "quote": "pool exhausted", "status": "verified"}],
        }
    )
    desk.write("analysis", analysis_id="ANA-0123456789", verdict="cause", cause="CHG-7 did it")
    desk.announce()
    message = next(d for d in desk.stores.outbox.all() if d["event"] == "analysis")["message"]
    assert (message["cause"], message["quote"]) == ("CHG-7 did it", "pool exhausted")


def test_notifications_about_notifications_are_not_told(desk):
    desk.open()
    desk.announce()
    routing = Routing.from_stanzas({"announce": {"notification": "slack"}})
    desk.write("notification", channel="slack", event="opened", outcome="sent")
    assert desk.announcer.run(routing, "", desk.set_up) == 0


@pytest.mark.parametrize("moment", range(14))
def test_a_process_killed_at_any_store_call_tells_everything_once(moment):
    desk = Desk()
    desk.open()
    desk.write("status", **{"from": "new", "to": "resolved", "reason": "fixed"})
    desk.stores.fail_after(moment, Crash if moment % 2 else Unavailable)
    try:
        desk.announce()
    except (Crash, Unavailable):
        desk.announcer = Announcer(desk.stores, desk.clock, desk.worker("sh2"))
    desk.stores.heal()
    desk.announce()
    desk.run(seconds=120)
    told = [m.event for m in desk.services["slack"].messages]
    assert told == ["opened", "resolved"]
    assert [m.event for m in desk.services["pagerduty"].messages] == ["opened", "resolved"]


CALLED = {
    "announce": {
        "acknowledged": "slack, pagerduty, jira",
        "assigned": "slack, jira",
        "escalation": "slack",
        "note": "slack",
    },
    "member:mia": {"slack_id": "T0OTHER/U0MIA"},
}


def mentions(desk):
    documents = [d for d in desk.stores.outbox.all() if d["channel"] == "slack"]
    return [d["message"]["mention"] for d in sorted(documents, key=lambda d: d["order"])]


def test_whose_an_incident_is_hears_it_in_slack_by_a_mention(desk):
    """Slack is silent about a channel's messages; a mention makes the telephone ring."""
    desk.open(team="")
    desk.write("assigned", owner="mia", team="web")
    desk.write("note", text="no news for the owner")
    desk.write("escalation", level=2, team="web", reason="late")
    desk.write("assigned", owner="zoe", team="web")
    desk.clock.advance(11)
    desk.announce(Routing.from_stanzas(CALLED))
    assert mentions(desk) == ["", "", "", ""], "it is zoe's by now, whom Slack does not know"
    desk.write("assigned", owner="mia", team="web")
    desk.announce(Routing.from_stanzas(CALLED))
    assert mentions(desk)[4:] == ["U0MIA"]


def test_whose_an_incident_is_hears_it_by_mail_where_the_address_is_known(desk):
    told = {"announce": {"assigned": "email"}, "member:mia": {"email": "mia@example.com"}}
    desk.open(team="")
    for owner in ("zoe", "mia"):
        desk.write("assigned", owner=owner, team="web")
        desk.clock.advance(11)
        desk.announce(Routing.from_stanzas(told))
    mails = [d for d in desk.stores.outbox.all() if d["channel"] == "email"]
    assert sorted(d["message"]["mention"] for d in mails) == ["", "mia@example.com"]


def test_who_was_given_an_incident_that_somebody_had_just_taken_is_not_called(desk):
    """As when a person takes it while the worker looks for a member of the team."""
    desk.open(team="")
    desk.write("assigned", owner="zoe", team="web")
    desk.write("assigned", owner="mia", team="web", vacant=True)
    desk.clock.advance(11)
    desk.announce(Routing.from_stanzas(CALLED))
    assert desk.told().count(("slack", "assigned")) == 1 and "U0MIA" not in mentions(desk)


def test_who_takes_an_incident_is_not_called(desk):
    desk.open(team="")
    desk.clock.advance(11)
    assignment.assign(Act(desk.stores, desk.clock, "mia"), Routing(), INCIDENT, owner="mia")
    desk.announce(Routing.from_stanzas(CALLED))
    assert mentions(desk) == [""]


def test_an_acknowledgement_is_announced_once_though_it_gives_the_incident_an_owner(desk):
    desk.open(team="")
    desk.clock.advance(11)
    lifecycle.acknowledge(Act(desk.stores, desk.clock, "mia"), INCIDENT)
    desk.announce(Routing.from_stanzas(CALLED), {"s": {"events": ["assigned"]}})
    told = [(channel, event) for channel, event in desk.told() if "webhook" not in channel]
    assert told == [(name, "acknowledged") for name in ("jira", "pagerduty", "slack")]
    assert ("webhook:s", "assigned") in desk.told(), "who subscribed to it hears of it"


def test_mails_keep_the_subject_that_the_incident_was_opened_with(desk):
    """Gmail shows a mail with another subject as another conversation."""
    desk.services["email"] = FakeService()
    routing = Routing.from_stanzas({"announce": {"opened": "email", "resolved": "email"}})
    desk.open(team="web")
    desk.announce(routing)
    desk.write("edited", title="Checkout: the pool is too small")
    desk.write("status", **{"from": "new", "to": "resolved", "reason": "fixed"})
    desk.announce(routing)
    told = sorted(desk.stores.outbox.all(), key=lambda one: one["order"])
    first, last = (Message.from_document(one["message"]) for one in told)
    subjects = []
    for one in (first, last):
        mail = message_from_bytes(letter(one, "n", "a@b.example", ["c@d.example"], 0.0))
        subjects.append(mail["Subject"])
    assert subjects[1] == f"Re: {subjects[0]}" and "High Error Rate" in subjects[0]
    assert last.title == "Checkout: the pool is too small"
