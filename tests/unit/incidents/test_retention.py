"""Old incidents are deleted as a whole, and only when their history is in the index."""

from __future__ import annotations

from contextlib import suppress

import pytest

from incident_management.incidents import lifecycle, suppression, timeline
from incident_management.incidents.act import Act
from incident_management.incidents.errors import NotFound
from incident_management.incidents.joining import merging
from incident_management.incidents.upkeep.retention import (
    Retention,
    gone_sentence,
    tombstone,
    totals,
)
from incident_management.notify.delivery.notification import NewNotification
from incident_management.notify.delivery.outbox import Outbox
from tests.fakes import Unavailable
from tests.unit.incidents.builders import ingest, signal

DAY = 86_400.0
KEEP = 90 * DAY
CLOSE = 7 * DAY


class Index:
    """The indexed entries; ``lost`` ones never arrive."""

    def __init__(self):
        self.found = {}
        self.lost = set()

    def send(self, entries):
        for entry in entries:
            if entry.key not in self.lost:
                self.found.setdefault(entry.incident_id, set()).add(entry.key)

    def keys(self, incident_ids):
        return {one: self.found.get(one, set()) for one in incident_ids}


class Old:
    """A closed incident, and the duty that deletes it."""

    def __init__(self, stores, clock):
        self.stores, self.clock, self.index, self.told = stores, clock, Index(), []
        (outcome,) = ingest(stores, clock).ingest([signal("checkout")])
        self.id = outcome.incident_id
        outbox = Outbox(stores, clock, "sh1", lambda document: None)
        outbox.enqueue(NewNotification("entry", "slack", "opened", {}, incident_id=self.id))
        (self.message,) = [one["_key"] for one in stores.outbox.all()]
        for purpose in (f"deliver:{self.message}:1", f"outcome:{self.message}:1"):
            self.claim(purpose, purpose)
        self.claim("monitor:latency:1", "monitor:latency")
        call = {"_key": f"model call:{self.id}:1", "purpose": "model call", "holder": self.id}
        stores.claims.insert({**call, "time": clock.now(), "value": {}})
        first = {"_key": f"slack first:{self.message}", "purpose": "slack first", "holder": self.id}
        stores.claims.insert({**first, "time": clock.now(), "value": {}})
        stores.plans.save([{"_key": "PLAN-1", "incident_id": self.id, "status": "recovered"}])
        stores.analyses.save([{"_key": "ANA-1", "incident_id": self.id}])
        lifecycle.resolve(Act(stores, clock, "ann"), self.id)
        lifecycle.close(Act(stores, clock, "ann"), self.id)

    def claim(self, key, purpose):
        document = {"_key": key, "purpose": purpose, "holder": "sh1", "value": {}}
        self.stores.claims.insert({**document, "time": self.clock.now()})

    def indexed(self):
        self.index.send(timeline.read(self.stores, self.id))

    def run(self, close=CLOSE, keep=KEEP):
        told = lambda name, text: self.told.append(text)  # noqa: E731
        duty = Retention(self.stores, self.clock, self.index.keys, self.index.send, told)
        return duty.run(close, keep)

    def leave(self):
        """Let the incident grow old and be deleted."""
        self.indexed()
        self.clock.advance(KEEP + DAY)
        self.run()
        self.clock.advance(301)
        return self.run()

    def left(self):
        """Return what remains of it, besides its tombstone."""
        rest = []
        for collection in self.stores.collections:
            for document in collection.all():
                text = repr(document)
                kept = ("pruned:", "episode")
                if (self.id in text or self.message in text) and not document["_key"].startswith(
                    kept
                ):
                    rest.append((collection.name, document["_key"]))
        return rest


@pytest.fixture
def old(stores, clock):
    return Old(stores, clock)


def test_a_closed_incident_leaves_with_all_that_belongs_to_it(old):
    assert old.leave()["incidents_pruned"] == 1
    assert old.left() == []


def test_the_tombstone_names_the_history(old):
    old.leave()
    stone = tombstone(old.stores, old.id)

    assert stone is not None
    assert stone["value"]["phase"] == "left"
    assert stone["value"]["title"] == "High Error Rate: checkout"
    assert f"`incident_history({old.id})`" in gone_sentence(stone)


def test_those_that_have_left_are_not_looked_through_for_those_that_are_leaving(old):
    """Their tombstones are kept forever: hundreds of thousands over the years."""
    old.leave()
    among = old.stores.claims.find({"purpose": "pruned", "time": {"$gt": 0.0}})
    assert among == []


def test_tombstones_of_an_earlier_version_are_set_aside(old):
    old.leave()
    stone = tombstone(old.stores, old.id)
    assert stone is not None
    old.stores.claims.save([{**stone, "purpose": "pruned"}])
    old.leave()
    assert tombstone(old.stores, old.id) == stone


def test_of_what_was_kept_for_all_incidents_only_its_own_is_checked(old):
    """First messages and model calls have a claim for each: 100,000 of one purpose."""
    asked = []
    delete = old.stores.claims.delete_matching

    def noted(query):
        asked.append(query)
        delete(query)

    old.stores.claims.delete_matching = noted
    old.leave()
    of_all = [query for query in asked if query.get("purpose") in ("slack first", "model call")]
    assert asked and of_all == []
    assert old.left() == []


def test_monitors_and_their_memory_stay(old):
    old.leave()

    assert old.stores.claims.get("monitor:latency:1") is not None


@pytest.mark.parametrize("status", ["open", "resolved"])
def test_only_closed_incidents_leave(stores, clock, status):
    old = Old(stores, clock)
    (outcome,) = ingest(stores, clock).ingest([signal("orders")])
    if status == "resolved":
        lifecycle.resolve(Act(stores, clock, "ann"), outcome.incident_id)
    old.index.send(timeline.read(stores, outcome.incident_id))
    clock.advance(KEEP + DAY)
    old.run(close=0)
    clock.advance(301)
    old.run(close=0)

    assert timeline.read(stores, outcome.incident_id)


def test_a_merged_incident_stays_with_the_one_that_took_it_over_and_leaves_with_it(stores, clock):
    old = Old(stores, clock)
    ids = [ingest(stores, clock).ingest([signal(name)])[0].incident_id for name in ("a", "b", "c")]
    merging.merge(Act(stores, clock, "ann"), ids[0], ids[1])
    merging.merge(Act(stores, clock, "ann"), ids[1], ids[2])
    old.leave()
    assert tombstone(stores, old.id) and not any(tombstone(stores, one) for one in ids)

    lifecycle.resolve(Act(stores, clock, "ann"), ids[2])
    lifecycle.close(Act(stores, clock, "ann"), ids[2])
    for one in ids:
        old.index.send(timeline.read(stores, one))
    clock.advance(KEEP + DAY)
    old.run()
    assert all(tombstone(stores, one) for one in ids)
    clock.advance(301)
    assert old.run()["incidents_pruned"] == 3


def test_one_that_is_not_old_enough_stays(old):
    old.indexed()
    old.clock.advance(KEEP - DAY)
    old.run()
    old.clock.advance(301)

    assert old.run()["incidents_pruned"] == 0
    assert tombstone(old.stores, old.id) is None


def test_it_can_be_switched_off(old):
    old.indexed()
    old.clock.advance(10 * KEEP)

    assert old.run(close=0, keep=0) == {"incidents_closed": 0}


def test_a_resolved_incident_is_closed_after_a_while(stores, clock, old):
    (outcome,) = ingest(stores, clock).ingest([signal("orders")])
    lifecycle.resolve(Act(stores, clock, "ann"), outcome.incident_id)
    clock.advance(CLOSE - 60)
    assert old.run()["incidents_closed"] == 0
    clock.advance(120)

    assert old.run()["incidents_closed"] == 1
    assert timeline.refresh(stores, outcome.incident_id).status == "closed"


def test_nothing_is_deleted_that_the_index_does_not_have(old):
    entries = timeline.read(old.stores, old.id)
    old.index.lost = {entries[-1].key}
    old.leave()
    for _hour in range(3):
        old.clock.advance(3600)
        old.run()

    assert timeline.read(old.stores, old.id) == entries
    assert "1 of its entries are not in the audit index" in old.told[-1]


def test_entries_missing_in_the_index_are_sent_again_before_deletion(old):
    old.clock.advance(KEEP + DAY)
    old.run()
    old.clock.advance(301)
    assert old.run()["audit_events"] == 4
    old.clock.advance(61)

    assert old.run()["incidents_pruned"] == 1
    assert old.left() == []


def test_a_missing_entry_is_sent_once_a_minute_and_reported_after_an_hour(old):
    old.index.lost = {timeline.read(old.stores, old.id)[-1].key}
    old.leave()
    assert old.told == [] and old.run()["audit_events"] == 0, "it was sent just now"
    old.clock.advance(61)
    assert old.run()["audit_events"] == 1 and old.told == []
    old.clock.advance(3600)
    old.run()
    assert len(old.told) == 1


def test_a_tombstone_without_a_readable_time_waits_from_now_on(old):
    old.indexed()
    old.clock.advance(KEEP + DAY)
    old.run()
    stone = old.stores.claims.get(f"pruned:{old.id}")
    old.stores.claims.save([{**stone, "time": "yesterday"}])
    assert old.run()["incidents_pruned"] == 0
    old.clock.advance(200)
    assert old.run()["incidents_pruned"] == 0
    old.clock.advance(101)
    assert old.run()["incidents_pruned"] == 1


@pytest.mark.parametrize("calls", range(1, 40))
def test_a_kill_at_any_call_leaves_nothing_half_visible(stores, clock, calls):
    old = Old(stores, clock)
    whole = len(timeline.read(stores, old.id))
    old.indexed()
    clock.advance(KEEP + DAY)
    old.run()
    clock.advance(301)
    stores.fail_after(calls)
    with suppress(Unavailable):
        old.run()
    stores.heal()

    # Seen whole, or by its tombstone alone.
    document = stores.incidents.get(old.id)
    assert tombstone(stores, old.id) is not None
    assert document is None or document["entries"] == whole
    if document is not None:
        assert len(timeline.read(stores, old.id)) == whole
    old.run()
    assert old.left() == []
    assert stores.claims.get(f"pruned:{old.id}")["value"]["phase"] == "left"


def test_two_members_at_once_do_no_harm(old):
    old.indexed()
    old.clock.advance(KEEP + DAY)
    old.run()
    old.run()
    old.clock.advance(301)
    old.run()

    assert old.run()["incidents_pruned"] == 0
    assert old.left() == []


def test_the_same_problem_opens_a_new_incident_that_names_the_old_one(old):
    old.leave()
    (outcome,) = ingest(old.stores, old.clock).ingest([signal("checkout", run=99_000)])
    incident = timeline.refresh(old.stores, outcome.incident_id)

    assert outcome.what == "opened"
    assert incident.previous == old.id != incident.id
    with pytest.raises(NotFound):
        timeline.refresh(old.stores, old.id)


def test_suppressed_signals_are_deleted_by_age(old):
    held = {"_key": "s1", "incident_id": "", "received_at": old.clock.now(), "rule": "x"}
    old.stores.signals.save([held])
    old.clock.advance(KEEP + DAY)

    assert old.run()["signals_pruned"] == 1


def test_suppressed_signals_of_a_storm_are_deleted_as_fast_as_they_came(old):
    """100,000 an hour are 1,667 a minute, the interval of the rounds."""
    came = old.clock.now()
    held = {"incident_id": "", "rule": "x"}
    old.stores.signals.save(
        [{**held, "_key": f"s{n}", "received_at": came + n / 100} for n in range(3000)]
    )
    kept = [{**held, "_key": "young", "received_at": came + KEEP}, {**held, "_key": "taken"}]
    old.stores.signals.save([kept[0], {**kept[1], "received_at": came, "incident_id": "INC-1"}])
    old.clock.advance(KEEP + DAY / 2)
    old.stores.signals.log.clear()

    assert old.run()["signals_pruned"] == 3000
    assert totals(old.stores)["signals"] == 3000
    assert {"young", "taken"} <= {one["_key"] for one in old.stores.signals.all()}
    assert len([call for call in old.stores.signals.log if "delete" in call]) <= 2


def test_claims_of_no_more_use_are_deleted_by_age(old):
    old.claim("reconciled:sid1", "reconciled")
    old.claim("worker:deliver:77", "worker:deliver")
    old.claim("model call of a day:2023-11-14:1", "model call of a day")
    old.claim("slack room hour:472222:0", "slack room hour:472222")
    old.claim(f"slack room:{old.id}:name:1", "slack room name")
    checkpoint = {"_key": "worker:announce:checkpoint", "purpose": "worker:announce:checkpoint"}
    old.stores.claims.insert({**checkpoint, "holder": "", "time": old.clock.now(), "value": {}})
    old.clock.advance(KEEP + DAY)
    old.run()

    left = {one["_key"] for one in old.stores.claims.all()}
    assert not left & {"reconciled:sid1", "worker:deliver:77", "model call of a day:2023-11-14:1"}
    assert "slack room hour:472222:0" not in left
    assert "worker:announce:checkpoint" in left
    old.leave()
    assert old.stores.claims.get(f"slack room:{old.id}:name:1") is None


def test_rounds_are_bounded(stores, clock, monkeypatch):
    monkeypatch.setattr("incident_management.incidents.upkeep.retention.INCIDENTS_A_ROUND", 3)
    old = Old(stores, clock)
    for number in range(7):
        (outcome,) = ingest(stores, clock).ingest([signal(f"service-{number}")])
        lifecycle.resolve(Act(stores, clock, "ann"), outcome.incident_id)
        lifecycle.close(Act(stores, clock, "ann"), outcome.incident_id)
        old.index.send(timeline.read(stores, outcome.incident_id))
    old.indexed()
    clock.advance(KEEP + DAY)
    counts = []
    for _round in range(8):
        counts.append(old.run()["incidents_pruned"])
        stones = stores.claims.find({"purpose": "pruned", "value.phase": "leaving"}, "_key:1", 99)
        assert len(stones) <= 3
        clock.advance(301)

    assert max(counts) == 3
    assert sum(counts) == 8
    assert stores.claims.get("retention:totals")["value"]["incidents"] == 8


def test_suppressions_that_were_over_long_ago_leave_and_the_others_stay(stores, clock):
    old = Old(stores, clock)

    def add(**more):
        wanted = {"kind": "maintenance", "reason": "patches", "entity": "web-*", **more}
        return suppression.add(Act(stores, clock, "ann"), wanted).id

    add(seconds=300)
    kept = {add(days=["fri"]), add(kind="mute")}
    clock.advance(DAY)
    kept.add(add(seconds=300))
    clock.advance(KEEP - DAY + 600)
    old.run(keep=0)
    assert len(stores.suppressions.all()) == 4
    old.run()
    assert {one["_key"] for one in stores.suppressions.all()} == kept
