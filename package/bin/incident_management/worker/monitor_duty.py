"""The duty of one monitor, wired to one splunkd."""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping, Sequence

from ..detection.monitors.monitor import Monitor, search_of
from ..incidents.grouping import Topology
from ..incidents.intake.ingest import Ingest
from ..incidents.routing import Routing
from ..incidents.signal import Signal
from ..ports import Clock, Stores
from ..splunk import conf
from ..splunk.session import Session
from ..splunk.stanza import SettingsError
from ..splunk.topology import TopologyLookup
from .monitor_search import MonitorSearcher
from .monitor_troubles import TroubleBook
from .monitoring import MonitorRunner

__all__ = ["is_monitor", "monitor_duty", "monitors_of"]

PREFIX = "incident_monitor://"


def is_monitor(values: Mapping[str, Any]) -> bool:
    """Tell whether a stanza of ``incident_monitor`` is a monitor; the others are the worker."""
    return bool(search_of(values) or str(values.get("detector") or "").strip())


def monitors_of(session: Session) -> Dict[str, Mapping[str, Any]]:
    """Return the settings of the monitors that are enabled, by name. Raises SplunkError."""
    stanzas = conf.load(session, "inputs")
    return {
        stanza[len(PREFIX) :]: values
        for stanza, values in stanzas.items()
        if stanza.startswith(PREFIX) and is_monitor(values)
    }


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

    lookup = TopologyLookup()

    def topology() -> Topology:
        found = lookup.read(session)
        if lookup.problem:
            trouble("topology", lookup.problem)
        return found

    def ingest(signals: Sequence[Signal], actor: str) -> Any:
        routing = Routing.from_stanzas(conf.load(session, "incident_routing"))
        return Ingest(stores, clock, routing, topology()).ingest(signals, actor)

    def run() -> Mapping[str, int]:
        try:
            monitor = Monitor.read(stanza, values)
        except ValueError as error:
            TroubleBook(stores, clock).note(stanza.partition("://")[2], holder, str(error))
            raise SettingsError(str(error)) from error
        searcher = MonitorSearcher(session)
        return MonitorRunner(monitor, stores, searcher, clock, ingest, trouble, holder).run()

    return run
