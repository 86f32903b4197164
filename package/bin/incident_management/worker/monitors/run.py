"""One run of a monitor, connected to one splunkd."""

from __future__ import annotations

from typing import Any, Callable, Mapping, Sequence

from ...detection.monitors.monitor import Monitor
from ...detection.monitors.search import MonitorSearcher
from ...incidents.grouping import Topology
from ...incidents.intake.ingest import Ingest
from ...incidents.routing import Routing
from ...incidents.signal import Signal
from ...splunk.configuration import conf
from ...splunk.configuration.topology import TopologyLookup
from ..member import Member
from ..reconciling.alerts import SplunkAlerts
from .app_off import record_app_off
from .runner import MonitorRunner

__all__ = ["run_monitor"]


def run_monitor(
    monitor: Monitor, member: Member, trouble: Callable[..., None]
) -> Mapping[str, int]:
    """Judge the due spans of a monitor; return the counts. Raises what its parts raise."""
    session, stores, clock = member.session, member.stores, member.clock
    lookup = TopologyLookup()

    def topology() -> Topology:
        found = lookup.read(session)
        if lookup.problem:
            trouble("topology", lookup.problem)
        return found

    def ingest(signals: Sequence[Signal], actor: str) -> Any:
        routing = Routing.from_stanzas(conf.load_with_disabled(session, "incident_routing"))
        return Ingest(stores, clock, routing, topology()).ingest(signals, actor)

    started = SplunkAlerts(session).splunkd_started
    record_app_off(stores, clock, member.name, lambda: [monitor.name], started)
    searcher = MonitorSearcher(session)
    return MonitorRunner(monitor, stores, searcher, clock, ingest, trouble, member.name).run()
