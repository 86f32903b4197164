"""A finding while a fix is judged and the incident resolved, in every order of their KV calls."""

from __future__ import annotations

import pytest

from incident_management.incidents import timeline
from incident_management.incidents.intake.ingest import Ingest
from incident_management.incidents.signal import Signal
from incident_management.remediation import approval, execution
from tests.fakes.turns import orders
from tests.unit.incidents.builders import ROUTING
from tests.unit.remediation.bench import INCIDENT, Bench

pytestmark = pytest.mark.one_python


def test_a_finding_that_the_verdict_did_not_know_keeps_the_incident_open():
    made = []

    def begun():
        bench = Bench()
        bench.plan = approval.propose(bench.context, INCIDENT, "", "mia")["_key"]
        approval.approve(bench.context, bench.plan, "omar")
        execution.execute(bench.context, bench.plan, "mia")
        bench.raising.fixed_at = bench.clock.now() + 1
        now = bench.clock.now() + 85
        bench.clock.advance(85)
        found = Signal.create(
            rule="High Error Rate",
            entity="checkout",
            severity="high",
            first_time=now - 5,
            last_time=now + 5,
            received_at=now,
            count=5,
            run="1",
            group=False,
        )
        key = f"episode:{found.dedup_key}"
        value = {"dedup_key": found.dedup_key, "episode": 1, "incident_id": INCIDENT}
        bench.stores.claims.insert({"_key": key, "time": now, "purpose": "episode", "value": value})
        made.append((bench, found))
        deliver = Ingest(bench.stores, bench.clock, ROUTING)
        return bench.stores, [bench.verifier().run, lambda: deliver.ingest([found])]

    resolved = 0
    for stores, order in orders(begun, 1):
        _bench, found = made.pop()
        entries = timeline.effective(timeline.read(stores, INCIDENT))
        places = {entry.kind: place for place, entry in enumerate(entries)}
        (place,) = [n for n, e in enumerate(entries) if found.key in e.data.get("signals", ())]
        incident = timeline.fold(entries)
        assert incident.to_document() == stores.incidents.get(INCIDENT), order
        if incident.status == "resolved":
            resolved += 1
            assert place < places["verification"], order
    assert resolved, "the finding came before anything was judged"
