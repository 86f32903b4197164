"""The duty of one monitor, wired to one splunkd."""

from __future__ import annotations

from typing import Any, Callable, Mapping, Sequence

from ..detection.monitors import Monitor
from ..incidents.grouping import Topology
from ..incidents.intake.ingest import Ingest
from ..incidents.model import Signal
from ..incidents.routing import Routing
from ..ports import Clock, Stores
from ..splunk import conf
from ..splunk.search import SplunkSearcher
from ..splunk.session import Session
from ..splunk.settings import SettingsError
from .duties import TOPOLOGY_FILE
from .monitoring import MonitorRunner

__all__ = ["monitor_duty"]


def monitor_duty(
    stanza: str,
    values: Mapping[str, Any],
    session: Session,
    stores: Stores,
    clock: Clock,
    holder: str,
    trouble: Callable[[str, str], None],
) -> Callable[[], Mapping[str, int]]:
    """Return what runs the monitor of a stanza of inputs.conf; it is read when that is called."""

    def ingest(signals: Sequence[Signal], actor: str) -> Any:
        routing = Routing.from_stanzas(conf.load(session, "incident_routing"))
        topology = Topology.from_rows(conf.read_lookup(TOPOLOGY_FILE))
        return Ingest(stores, clock, routing, topology).ingest(signals, actor)

    def run() -> Mapping[str, int]:
        try:
            monitor = Monitor.read(stanza, values)
        except ValueError as error:
            raise SettingsError(str(error)) from error
        searcher = SplunkSearcher(session)
        return MonitorRunner(monitor, stores, searcher, clock, ingest, trouble, holder).run()

    return run
