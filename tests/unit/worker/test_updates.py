"""A promised update for stakeholders is written, or its owner is reminded once."""

from __future__ import annotations

import contextlib

from incident_management.incidents import lifecycle, timeline, updates
from incident_management.incidents.act import Act
from incident_management.incidents.clocks import assignment
from incident_management.incidents.clocks.checkpoint import KEY as CHECKPOINT
from incident_management.incidents.editing import edit
from incident_management.incidents.joining import execution, merging
from incident_management.incidents.lifecycle import Ending
from incident_management.incidents.model import Entry
from incident_management.incidents.routing import Routing
from incident_management.incidents.signal import SIMULATED
from incident_management.incidents.stores import claim_document
from incident_management.worker.clocks import Clocks
from incident_management.worker.stale_documents import refresh_stale
from tests.unit.incidents.builders import ingest, signal
from tests.unit.notify.services import Crash
from tests.unit.worker.desk import STANZAS, Desk, local

GROUP = {"severity": "critical", "slack_channels": "#status"}
EVERY = {"stakeholders__support": {**GROUP, "update_every": "30m"}}


class Promises(Desk):
    """A desk whose only promises are those to stakeholders."""

    def __init__(self, **more):
        off = {name.replace(":", "__"): {"disabled": "1"} for name in STANZAS if name[:3] == "sla"}
        more.setdefault("stakeholders__support", GROUP)
        more.setdefault("announce", {"update_overdue": "slack"})
        super().__init__(**off, **more, escalation__critical={"disabled": "1"})

    def update(self, text="We are investigating.", **more):
        if "next_in" in more:
            more["next_by"] = self.clock.now() + more.pop("next_in")
        act = Act(self.stores, self.clock, more.pop("actor", "dana"), more.pop("once", ""))
        return updates.publish(act, self.routing, self.id, updates.Update(text, **more))

    def said(self, event="missed"):
        entries = timeline.effective(timeline.read(self.stores, self.id))
        return [
            local(e.time) for e in entries if e.kind == "update_due" and e.data["event"] == event
        ]

    def due(self):
        due = self.incident.get("update_due")
        return local(due) if due else None


def test_no_entry_without_a_promise_or_an_interval():
    desk = Promises()
    desk.open()
    desk.update()
    desk.wait(600, step=600)
    assert (desk.due(), desk.said(), desk.said("set")) == (None, [], [])


def test_a_missed_promise_reminds_its_author_and_the_owner_once():
    desk = Promises(member__dana={"slack_id": "U0123ABCD"})
    desk.open()
    assignment.assign(Act(desk.stores, desk.clock, "lee"), desk.routing, desk.id, owner="dana")
    desk.update(next_in=1800)
    assert desk.due() == "Mon 10:30"
    desk.wait(29)
    assert desk.said() == []
    desk.wait(90)
    assert desk.said() == ["Mon 10:30"]
    desk.announce()
    (told,) = [d for d in desk.stores.outbox.all() if d["event"] == "update_overdue"]
    assert told["message"]["mention"] == "U0123ABCD"
    assert told["message"]["text"] == (
        "dana promised stakeholders an update by 2026-11-30 09:30 UTC, but none was written."
    )


def test_an_update_in_time_keeps_the_promise_and_may_give_another():
    desk = Promises()
    desk.open()
    desk.update(next_in=1800)
    desk.wait(20)
    desk.update("A fix is on its way.", next_in=3600)
    assert desk.due() == "Mon 11:20"
    desk.wait(55)
    desk.update("It is over.", state="resolved")
    desk.wait(300, step=300)
    assert (desk.due(), desk.said()) == (None, [])


def test_each_promise_is_reminded_of():
    desk = Promises()
    desk.open()
    desk.update(next_in=600)
    desk.wait(15)
    desk.update("Still at it.", next_in=600)
    desk.wait(15)
    assert desk.said() == ["Mon 10:10", "Mon 10:25"]


def test_a_promise_is_looked_after_where_no_other_clock_runs_and_by_a_worker_that_begins():
    desk = Promises()
    desk.routing = Routing.from_stanzas({})
    desk.open()
    assert desk.stores.claims.get("worker:clocks:checkpoint") is None
    desk.update(next_in=600)
    desk.clocks = Clocks(desk.stores, desk.clock)
    desk.wait(15)
    desk.clocks = Clocks(desk.stores, desk.clock)
    desk.wait(5)
    assert desk.said() == ["Mon 10:10"]


def test_who_was_promised_an_update_gets_it_though_the_incident_is_resolved():
    desk = Promises()
    desk.open()
    desk.update(next_in=1800)
    lifecycle.resolve(Act(desk.stores, desk.clock, "incident_management"), desk.id, by_itself=True)
    assert desk.due() == "Mon 10:30"
    desk.wait(40)
    assert desk.said() == ["Mon 10:30"]
    (entry,) = [e for e in timeline.read(desk.stores, desk.id) if e.kind == "update_due"]
    assert entry.data["reason"].endswith("The incident is resolved, but the update is still due.")


def test_where_nobody_wants_to_hear_sooner_any_more_what_was_promised_is_waited_for():
    desk = Promises(**EVERY)
    desk.open()
    desk.update(next_in=7200)
    desk.wait(1)
    assert desk.due() == "Mon 10:30"
    edit(Act(desk.stores, desk.clock, "dana"), desk.id, {"severity": "high"})
    desk.wait(1)
    assert desk.due() == "Mon 12:00"
    *_, last = [e for e in timeline.read(desk.stores, desk.id) if e.kind == "update_due"]
    assert last.data["every"] == 0.0
    assert last.data["reason"] == "Stakeholders were promised an update by 2026-11-30 11:00 UTC."


def test_with_the_last_update_or_the_close_nobody_waits_any_more():
    desk = Promises()
    desk.open()
    desk.update(next_in=1800)
    act = Act(desk.stores, desk.clock, "dana")
    updates.resolve(act, desk.routing, desk.id, Ending("rolled back"), "It works again.")
    assert desk.incident["status"] == "resolved" and desk.due() is None
    desk.open(entity="cart")
    desk.update(next_in=1800)
    lifecycle.resolve(Act(desk.stores, desk.clock, "dana"), desk.id)
    lifecycle.close(Act(desk.stores, desk.clock, "dana"), desk.id)
    desk.wait(60)
    assert (desk.due(), desk.said()) == (None, [])


def test_those_who_want_to_hear_regularly_do_from_the_opening_on():
    desk = Promises(**EVERY)
    desk.open()
    assert (desk.due(), desk.said("set")) == ("Mon 10:30", ["Mon 10:00"])
    desk.wait(20)
    desk.update()
    # It promises the next one by itself, and stakeholders are told so.
    assert desk.incident["last_update"]["next_by"] == desk.incident["update_due"]
    assert desk.due() == "Mon 10:50"
    desk.wait(35)
    assert desk.said() == ["Mon 10:50"]
    desk.wait(120)
    assert desk.said() == ["Mon 10:50"]


def test_who_was_informed_that_it_is_over_waits_for_nothing_until_it_comes_back():
    desk = Promises(**EVERY)
    desk.open()
    desk.wait(10)
    desk.update("It works again.", state="resolved")
    desk.wait(60)
    assert (desk.due(), desk.said()) == (None, [])
    lifecycle.resolve(Act(desk.stores, desk.clock, "dana"), desk.id)
    lifecycle.reopen(Act(desk.stores, desk.clock, "dana"), desk.id)
    desk.wait(1)
    assert desk.due() == "Mon 11:40"


def test_a_promise_for_later_than_they_want_is_due_when_they_want_it():
    desk = Promises(**EVERY)
    desk.open()
    desk.update(next_in=7200)
    desk.wait(1)
    assert desk.due() == "Mon 10:30"
    assert local(desk.incident["update_promised"]) == "Mon 12:00"


def test_only_the_incidents_that_they_want_to_receive_regularly():
    desk = Promises(**EVERY)
    desk.open("high")
    desk.wait(60)
    assert (desk.due(), desk.said()) == (None, [])
    data = {"from": "high", "to": "critical", "reason": "worse"}
    timeline.append(Act(desk.stores, desk.clock, "dana"), desk.id, "severity", data)
    timeline.refresh(desk.stores, desk.id)
    desk.wait(1)
    assert desk.due() == "Mon 11:30"  # from the moment on from which they want it
    lifecycle.resolve(Act(desk.stores, desk.clock, "dana"), desk.id)
    desk.wait(60)
    assert (desk.due(), desk.said()) == (None, [])


def test_a_group_that_is_added_or_gone_counts_from_then_on():
    desk = Promises()
    desk.open()
    desk.wait(5)
    assert desk.due() is None
    desk.routing = Promises(**EVERY).routing
    desk.wait(1)
    assert desk.due() == "Mon 10:30"
    desk.routing = Promises().routing
    desk.wait(1)
    assert desk.due() is None
    assert len(desk.said("set")) == 2


def test_a_promise_goes_along_into_the_incident_that_takes_another_over():
    desk = Promises()
    first = desk.open()
    desk.update(next_in=1800)
    second = desk.open(entity="cart")
    merging.merge(Act(desk.stores, desk.clock, "dana"), first, second, "one fault")
    assert desk.due() == "Mon 10:30"
    desk.wait(40)
    assert desk.said() == ["Mon 10:30"]
    desk.id = first
    assert desk.said() == []


def test_two_workers_remind_once():
    desk = Promises()
    desk.open()
    desk.update(next_in=600)
    workers = [Clocks(desk.stores, desk.clock) for _ in range(2)]
    for _ in range(15):
        desk.clock.advance(60)
        for worker in workers:
            worker.run(desk.routing)
    assert desk.said() == ["Mon 10:10"]


def test_whoever_writes_it_is_killed_anywhere_and_a_promise_on_the_timeline_is_looked_after():
    for allowed in range(12):
        desk = Promises(stakeholders__support={"disabled": "1"})
        desk.routing = Routing.from_stanzas({})
        desk.open()
        calls: list[str] = []

        def before(verb, _collection, calls=calls, allowed=allowed):
            calls.append(verb)
            if len(calls) > allowed:
                raise Crash

        for collection in (desk.stores.claims, desk.stores.timeline, desk.stores.incidents):
            collection.before = before
        with contextlib.suppress(Crash):
            desk.update(next_in=600)
        desk.stores.heal()
        written = any(e.kind == "update" for e in timeline.read(desk.stores, desk.id))
        refresh_stale(desk.stores, desk.clock)
        desk.wait(15)
        assert desk.said() == (["Mon 10:10"] if written else []), allowed
    assert written, "the last one was not killed at all"


def test_a_later_promise_is_reminded_of_also_where_they_wanted_to_hear_sooner():
    desk = Promises(**EVERY)
    desk.open()
    desk.update(next_in=7200)
    desk.wait(150)
    assert desk.said() == ["Mon 10:30", "Mon 12:00"]
    (last,) = [
        e.data["reason"]
        for e in timeline.read(desk.stores, desk.id)
        if e.kind == "update_due" and local(e.time) == "Mon 12:00"
    ]
    assert last.startswith("dana promised stakeholders an update by")


def test_a_test_of_the_way_waits_for_no_update():
    desk = Promises(**EVERY)
    finding = signal("payments", rule=SIMULATED, severity="critical")
    (outcome,) = ingest(desk.stores, desk.clock, desk.routing).ingest([finding])
    desk.id = outcome.incident_id
    desk.wait(60)
    assert (desk.due(), desk.said(), desk.said("set")) == (None, [], [])
    desk.update()
    assert desk.due() is None


def test_who_is_promised_something_by_default_is_what_the_team_at_home_wants():
    group = {"team": "payments", "slack_channels": "#status", "update_every": "30m"}
    desk = Promises(stakeholders__support={**group, "severity": "*"})
    desk.open()
    assignment.escalate(
        Act(desk.stores, desk.clock, "dana"), desk.routing, desk.id, reason="help", team="leads"
    )
    desk.update()
    assert desk.due() == "Mon 10:30"
    assert desk.incident["last_update"]["next_by"] == desk.incident["update_due"]


def test_a_merge_that_is_undone_takes_the_promise_back():
    desk = Promises()
    first = desk.open()
    desk.update(next_in=1800)
    second = desk.open(entity="cart")
    act = Act(desk.stores, desk.clock, "dana")
    merging.merge(act, first, second, "one fault")
    desk.wait(1)
    merging.undo_merge(act, second, first, "two faults")
    desk.wait(40)
    assert (desk.due(), desk.said()) == (None, [])
    desk.id = first
    assert (desk.due(), desk.said()) == ("Mon 10:30", ["Mon 10:30"])


def test_the_promise_of_a_merged_incident_is_described_truly():
    desk = Promises()
    first = desk.open()
    desk.update(next_in=1800)
    second = desk.open(entity="cart")
    desk.update("The cart, too.", actor="lee", next_in=7200)
    merging.merge(Act(desk.stores, desk.clock, "max"), first, second, "one fault")
    desk.wait(40)
    said = [e.data for e in timeline.read(desk.stores, second) if e.kind == "update_due"]
    assert [one["event"] for one in said] == ["taken_over", "missed"]
    assert said[0]["reason"].startswith(f"Stakeholders of {first} were promised an update by")
    assert said[1]["reason"].startswith("Stakeholders were due an update by")
    # They still wait, for news of the other one.
    assert not [e for e in timeline.read(desk.stores, first) if e.kind == "update_due"]


def test_a_promise_in_an_update_that_raced_with_the_merge_goes_along():
    desk = Promises()
    first = desk.open()
    second = desk.open(entity="cart")
    stale = timeline.read(desk.stores, first)
    merging.merge(Act(desk.stores, desk.clock, "max"), first, second, "one fault")
    # Written by who had not seen the merge.
    due = desk.clock.now() + 1800
    data = {"text": "We are investigating.", "state": "", "services": [], "next_by": due}
    head = timeline.head_of(stale)
    entry = Entry.create(first, "update", data, "dana", desk.clock.now(), head, "")
    timeline.write(desk.stores, [entry])
    timeline.refresh(desk.stores, first)
    # Of the merged one nobody waits for news.
    merged = desk.stores.incidents.get(first)
    assert "update_due" not in merged and merged["update_promised"] == due
    desk.stores.claims.insert(claim_document(CHECKPOINT, desk.clock.now()))
    execution.finish_recent(desk.stores, desk.clock)
    desk.wait(40)
    assert (desk.due(), desk.said()) == ("Mon 10:30", ["Mon 10:30"])


def test_who_writes_in_the_moment_of_a_merge_hands_the_promise_on():
    desk = Promises()
    first = desk.open()
    second = desk.open(entity="cart")
    desk.id = first

    def merged_meanwhile(verb, _collection):
        desk.stores.heal()
        merging.merge(Act(desk.stores, desk.clock, "max"), first, second, "one fault")

    desk.stores.claims.before = merged_meanwhile
    desk.update(next_in=1800)
    desk.id = second
    assert desk.due() == "Mon 10:30"
