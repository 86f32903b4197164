"""A storm's summaries say what is true, have nothing twice, and leave an incident its thread."""

from __future__ import annotations

import pytest

from incident_management.incidents.routing import Routing
from incident_management.notify.announcing import summaries
from incident_management.notify.announcing.announcer import Announcer
from tests.unit.notify.services import Crash
from tests.unit.notify.stormy import WEB, Storm


@pytest.fixture
def storm():
    return Storm()


def summaries_of(storm):
    return [one for one in storm.stores.outbox.all() if one["event"] == "summary"]


def told_of(storm):
    """The notifications that summaries tell of, each as often as one does."""
    return sorted(key for one in summaries_of(storm) for key in one["members"])


def escalates(storm, numbers, level=1):
    for number in numbers:
        storm.write("escalation", storm.named(number), level=level, team="web", reason="late")


def test_what_follows_a_summary_goes_on_in_the_incidents_thread(storm):
    storm.comes(20)
    storm.goes_on(5)
    escalates(storm, range(1, 21), level=1)
    escalates(storm, range(1, 21), level=2)
    storm.goes_on(60)
    told = [one for one in storm.stores.outbox.all() if one["channel"] == "slack" and one["order"]]
    summed_up = max((one for one in told if "summary" in one), key=lambda one: one["sent_at"])
    mine = [one for one in told if one["incident_id"] == summed_up["incident_id"]]
    storm.write("status", summed_up["incident_id"], **{"from": "new", "to": "resolved"})
    storm.goes_on(5)
    last = storm.services["slack"].messages[-1]
    assert last.event == "resolved" and last.incident_id == summed_up["incident_id"]
    assert last.thread["ts"] in [one["receipt"].get("ts") for one in mine]


def test_an_incident_that_only_a_summary_told_of_gets_a_thread_with_its_next_news(storm):
    storm.comes(30)
    storm.goes_on(60)
    escalates(storm, [30])
    storm.write("assigned", storm.named(30), owner="dana", team="web", reason="by hand")
    storm.goes_on(5)
    escalation, assigned = storm.services["slack"].messages[-2:]
    assert escalation.thread is None
    assert assigned.thread == {"ts": f"{len(storm.services['slack'].messages) - 1}.0"}


def test_one_that_is_left_alone_is_announced_by_itself_in_its_own_thread(storm):
    storm.comes(21)
    storm.goes_on(60)
    storm.write("status", storm.named(21), **{"from": "new", "to": "resolved"})
    storm.goes_on(5)
    opened, resolved = storm.services["slack"].messages[-2:]
    assert (opened.event, opened.incident_id) == ("opened", storm.named(21))
    assert opened.thread is None and resolved.thread == {"ts": "21.0"}
    assert summaries_of(storm) == []


def test_one_that_is_left_alone_counts_as_a_summary_for_the_next(storm):
    storm.comes(21)
    storm.goes_on(60)
    storm.comes(1)
    storm.goes_on(200)
    assert len(storm.services["slack"].messages) == 21
    storm.goes_on(120)
    assert len(storm.services["slack"].messages) == 22


def test_one_incident_told_of_twice_is_one(storm):
    storm.comes(20)
    for level in (1, 2, 3):
        escalates(storm, range(1, 21), level)
    storm.goes_on(60)
    (summary,) = storm.summaries("slack")
    told = [
        one for one in storm.stores.outbox.all() if "summary" in one and one["channel"] == "slack"
    ]
    incidents = len({one["incident_id"] for one in told})
    assert incidents < len(told) == 40
    assert summary.message["title"].startswith(f"{incidents} more incidents of team web")
    assert summary.message["text"].startswith(f"{incidents} high.")


def test_what_a_summary_says_holds_when_the_limit_has_changed(storm):
    storm.comes(30)
    storm.routing = Routing.from_stanzas(
        {"general": {"tell_singly": "500"}, "announce": {"opened": "slack?"}, "team:web": {}}
    )
    storm.goes_on(60)
    (summary,) = storm.summaries("slack")
    assert "500" not in summary.message["text"]


def test_a_critical_one_never_waits_for_the_end_of_the_storm(storm):
    storm.comes(100, severity="critical")
    storm.goes_on(60)
    assert len(storm.summaries("slack")) == 1
    storm.comes(2, severity="critical")
    storm.goes_on(35)
    assert len(storm.summaries("slack")) == 2


def test_a_summary_that_comes_late_says_so(storm):
    storm.comes(30)
    storm.clock.advance(3600)
    storm.announcer.summarize(WEB)
    storm.outbox.deliver_due(storm.senders, 1000)
    (summary,) = storm.summaries("slack")
    assert summary.message["text"].startswith("Delayed notification: this was at")


@pytest.mark.one_python
@pytest.mark.parametrize("most", [summaries.MOST, 8])
@pytest.mark.parametrize("writes", range(1, 8))
def test_a_kill_while_a_summary_waits_puts_nothing_in_two(storm, monkeypatch, most, writes):
    """The service is down for ten minutes, so that the next summaries come first."""
    monkeypatch.setattr(summaries, "SAVED_AT_ONCE", 3)
    monkeypatch.setattr(summaries, "MOST", most)
    storm.comes(40)
    storm.clock.advance(31)
    storm.stores.outbox.before = killing(writes)
    with pytest.raises(Crash):
        storm.announcer.summarize(WEB)
        storm.stores.outbox.before = killing(0)
        storm.announcer.summarize(WEB)
    storm.stores.outbox.before = None
    storm.restart()
    for _ in range(20):
        storm.clock.advance(31)
        storm.announcer.summarize(WEB)
    members = told_of(storm)
    assert len(members) == len(set(members)) == 2 * 20
    storm.goes_on(20)
    assert {one["state"] for one in storm.stores.outbox.all()} == {"sent"}


def test_what_a_killed_worker_had_yet_to_mark_is_not_told_singly_as_well(storm):
    """The other had read both as waiting, and found one of them marked when it came to it."""
    storm.comes(22)
    storm.clock.advance(31)
    storm.outbox.deliver_due(storm.senders, 1000)
    other = Announcer(storm.stores, storm.clock, storm.worker("sh2"))
    outbox, calls = storm.stores.outbox, []

    def meanwhile(_verb, _name):
        calls.append(1)
        if len(calls) == 4:
            # A summary and all of its marks but the first one's.
            outbox.before = killing(2)
            with pytest.raises(Crash):
                other.summarize(WEB)
            outbox.before = meanwhile

    outbox.before = meanwhile
    storm.announcer.summarize(WEB)
    outbox.before = None
    storm.goes_on(600)
    assert storm.arrived("slack") == ["opened"] * 20 + ["summary"]


def killing(writes):
    """A worker dies with its next write after so many."""
    left = [writes]

    def call(verb, _name):
        if verb in ("save", "insert"):
            if left[0] == 0:
                raise Crash
            left[0] -= 1

    return call


@pytest.mark.one_python
@pytest.mark.parametrize("at", range(1, 25))
def test_two_workers_that_summarize_at_once_put_nothing_in_two(storm, monkeypatch, at):
    monkeypatch.setattr(summaries, "SAVED_AT_ONCE", 3)
    monkeypatch.setattr(summaries, "MOST", 8)
    storm.comes(40)
    storm.clock.advance(31)
    other = Announcer(storm.stores, storm.clock, storm.worker("sh2"))
    calls = [0]

    def meanwhile(_verb, _name):
        calls[0] += 1
        if calls[0] == at:
            storm.stores.outbox.before = None
            for _ in range(3):
                other.summarize(WEB)
                storm.outbox.deliver_due(storm.senders, 1000)

    storm.stores.outbox.before = meanwhile
    storm.announcer.summarize(WEB)
    storm.stores.outbox.before = None
    storm.goes_on(700, step=50)
    members = told_of(storm)
    assert len(members) == len(set(members)) == 2 * 20
    assert {one["state"] for one in storm.stores.outbox.all()} == {"sent"}


def test_what_a_slower_worker_sets_back_while_a_summary_is_settled_is_ended(storm):
    storm.comes(30)
    storm.clock.advance(31)
    storm.announcer.summarize(WEB)
    outbox = storm.stores.outbox
    old = [one for one in outbox.all() if one["state"] == "gathered"]
    storm.outbox.deliver_due(storm.senders, 1000)

    def saved_late(verb, _name):
        if verb == "get":
            outbox.before = None
            outbox.save(old)

    outbox.before = saved_late
    storm.announcer.summarize(WEB)
    storm.announcer.summarize(WEB)
    assert {one["state"] for one in outbox.all()} == {"sent"}


def test_two_workers_that_announce_at_once_keep_to_the_limit_together(storm):
    announced = storm.announcer
    storm.announcer = None
    with pytest.raises(AttributeError):
        storm.comes(60)
    other = Announcer(storm.stores, storm.clock, storm.worker("sh2"))

    def meanwhile(verb, _name):
        if verb == "insert":
            storm.stores.outbox.before = killing(3 * 22)
            with pytest.raises(Crash):
                other.run(storm.routing, WEB, storm.set_up)
            storm.stores.outbox.before = None

    storm.stores.outbox.before = meanwhile
    announced.run(storm.routing, WEB, storm.set_up)
    slack = [one for one in storm.stores.outbox.all() if one["channel"] == "slack"]
    assert len(slack) == 60
    assert [one["state"] for one in slack].count("pending") == 20


def test_a_summary_of_somebodys_mails_stays_theirs(storm):
    storm.comes(30)
    for number in range(1, 31):
        storm.write("assigned", storm.named(number), owner="dana", team="web", reason="all")
    storm.goes_on(60)
    (mine,) = [one for one in summaries_of(storm) if one["target"] == "dana@shop.example"]
    assert "team" not in mine and mine["message"]["mention"] == ""
