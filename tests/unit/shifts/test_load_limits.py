"""The on-call load report reads a bounded amount, and its work grows only with the calls."""

from __future__ import annotations

import json

import pytest

from incident_management.incidents.clocks.assignment import with_covers
from incident_management.incidents.model import ACTOR, Incident
from incident_management.incidents.routing import Routing
from incident_management.shifts.load.report import load_of
from tests.fakes import FakeStores
from tests.fakes.clock import ManualClock
from tests.unit.shifts.test_report_limits import counted_bytes

NOW = 1_796_000_000.0
DAY = 86_400.0
SPAN = 90 * DAY
PEOPLE = [f"person{number:02d}" for number in range(30)]
ROUTING = Routing.from_stanzas(
    {
        "team:shop": {"members": ", ".join(PEOPLE), "rota": "first"},
        "rota:first": {
            **{"members": ", ".join(PEOPLE), "handover": "daily 09:00", "start": "2026-08-01"},
            "time_zone": "America/New_York",
        },
    }
)


def filled(incidents):
    """Store that many incidents over 90 days, each with three messages and an acknowledgement."""
    stores = FakeStores()
    for number in range(incidents):
        key, at = f"INC-20261127-{number:06d}", NOW - SPAN * (number + 0.5) / incidents
        opened = Incident(key, "Slow", description="x" * 500, team="shop", feedback="duplicate")
        document = {**opened.to_document(), "rules": [f"Detection {number % 40}"]}
        stores.incidents.insert(document)
        owner, reason = PEOPLE[number % 30], "On call by rota 'first', in the turn until Monday."
        told = (
            ("assigned", ACTOR, {"team": "shop", "owner": owner, "reason": reason}),
            ("status", owner, {"from": "assigned", "to": "in_progress"}),
            ("note", owner, {"text": "x" * 500}),
        )
        for seq, (kind, actor, data) in enumerate(told):
            entry = {"incident_id": key, "kind": kind, "time": at + 60 * seq, "seq": seq}
            entry = {**entry, "_key": f"{key}-{seq}", "actor": actor, "data": data}
            stores.timeline.insert(entry)
        for order, (event, channel) in enumerate(
            (("opened", "slack"), ("assigned", "slack"), ("assigned", "pagerduty"))
        ):
            message = {"team": "shop", "owner": owner, "text": "x" * 500}
            fields = {"incident_id": key, "event": event, "channel": channel, "state": "sent"}
            times = {"created_at": at + 1, "sent_at": at + 2, "order": f"{order:09d} {at:017.6f} k"}
            sent = {"_key": f"{key}-m{order}", **fields, **times, "message": message}
            stores.outbox.insert(sent)
    return stores


def made(stores, routing=ROUTING):
    return load_of(stores, routing, "shop", 90, NOW, lambda names: {})


@pytest.mark.one_python
def test_of_very_many_calls_it_reads_little_in_few_calls():
    stores = filled(4000)
    read, before = counted_bytes(stores), stores.calls
    load = made(stores)
    assert (load.totals["calls"], load.totals["acknowledged"], load.cut) == (4000, 4000, False)
    assert len(load.people) == 30 and {one["calls"] for one in load.people} == {133, 134}
    assert sum(one["shifts"] for one in load.people) in (90, 91)
    assert sum(one["hours"] for one in load.people) == pytest.approx(90 * 24, abs=2)
    # Thirteen weeks of messages; of each 2,000 incidents entries and documents.
    assert stores.calls - before == 13 + 2 * 2
    assert sum(read) < 6_500_000, sum(read)
    assert len(json.dumps(load.to_document())) < 30_000


def test_a_cover_of_long_ago_counts_in_its_shift():
    stores, starts = FakeStores(), NOW - 60 * DAY
    cover = {"rota": "first", "person": "zoe", "starts_at": starts, "ends_at": starts + DAY}
    stores.covers.insert({"_key": "COV-1", "id": "COV-1", **cover, "created_at": starts})
    routing = with_covers(stores, ManualClock(NOW), ROUTING, NOW - SPAN)
    found = {one["person"]: one for one in made(stores, routing).people}
    assert (found["zoe"]["shifts"], found["zoe"]["hours"]) == (1, 24.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"sent_at": "soon"},
        {"sent_at": [1]},
        {"sent_at": 1e300},
        {"order": "when it came"},
        {"order": {"a": "b c"}},
    ],
)
def test_a_malformed_message_affects_only_itself(wrong):
    stores = filled(3)
    for order in range(3):
        key = f"INC-20261127-000001-m{order}"
        stores.outbox.save([{**stores.outbox.get(key), **wrong}])
    assert made(stores).totals["calls"] == 2


def test_where_no_more_is_read_it_begins_with_what_was(monkeypatch):
    monkeypatch.setattr("incident_management.shifts.load.reading.MAX_MESSAGES", 3)
    load = made(filled(2))
    # The first message that is not read is of 67 days ago; of the nine weeks since all were.
    assert (load.cut, load.totals["calls"], load.since) == (True, 1, NOW - 63 * DAY)
