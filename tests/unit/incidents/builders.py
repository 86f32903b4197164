"""Short builders of signals and routings for tests."""

from __future__ import annotations

from typing import Any, List

from incident_management.incidents.grouping import Topology
from incident_management.incidents.intake.ingest import Ingest
from incident_management.incidents.routing import Routing
from incident_management.incidents.signal import Signal
from tests.fakes import FakeStores, ManualClock

START = 1_700_000_000.0

ROUTING = Routing.from_stanzas(
    {
        "general": {"reopen_window": "4h", "group_window": "15m"},
        "team:shop": {"members": "ann, bob", "channels": "slack, pagerduty"},
        "team:payments": {"members": "cy"},
        "rule:pay": {"order": "1", "entity": "pay*", "team": "payments"},
        "rule:default": {"order": "0", "team": "shop"},
        "announce": {"opened": "slack, teams", "resolved": "slack"},
    }
)


def signal(entity: str = "checkout", run: int = 0, **more: Any) -> Signal:
    """Return a finding of High Error Rate about an entity, in the run with that number."""
    time = START + 300.0 * run
    values = {
        "rule": "High Error Rate",
        "entity": entity,
        "severity": "high",
        "first_time": time,
        "last_time": time + 60,
        "run": str(run),
        "received_at": time + 90,
        "count": 5,
        "group": False,
        **more,
    }
    return Signal.create(**values)


def signals(problems: int, runs: int) -> List[Signal]:
    return [signal(f"service-{p}", run) for run in range(runs) for p in range(problems)]


def ingest(
    stores: FakeStores,
    clock: ManualClock,
    routing: Routing = ROUTING,
    topology: Topology = Topology(),  # noqa: B008 - frozen
) -> Ingest:
    return Ingest(stores, clock, routing, topology)
