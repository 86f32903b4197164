"""The modular input ``incident_monitor``: the worker, and monitors.

splunkd starts one process for each stanza, and the next ``interval`` seconds after it has ended.
A stanza with a ``monitor_search`` is a monitor: the process judges the spans that are due, and
ends. Any other is the worker: it works in cycles for ``run_seconds``, or until the app is upgraded.
SIGTERM ends either after its present duty.
"""

import import_declare_test  # noqa: F401  isort: skip  - puts lib/ on sys.path

import signal
import socket
import threading
import time

from incident_management.detection.monitors.inputs import is_monitor
from incident_management.detection.monitors.monitor import Monitor
from incident_management.installed import Installed
from incident_management.splunk import log
from incident_management.splunk.clock import SystemClock
from incident_management.splunk.kv.replica import Replica, stores_of
from incident_management.splunk.session import Session
from incident_management.worker.cycle import Duty, Worker
from incident_management.worker.member import Member
from incident_management.worker.monitors.duty import MonitorDuty
from incident_management.worker.timing import Timing


def validate_input(definition):
    """Check a stanza that is being saved. Raises ValueError, one sentence."""
    name, values = definition.metadata["name"], definition.parameters
    Timing.read(name, values)
    if is_monitor(values):
        from incident_management.detection.monitors.search import check_search
        from incident_management.detection.monitors.unused_settings import unused_setting

        try:
            monitor = Monitor.read(name, values)
        except ValueError as error:
            # The page that is told knows which input it is.
            raise ValueError(str(error.__cause__ or error)) from None
        ignored = unused_setting(monitor, values)
        if ignored:
            raise ValueError(ignored)
        session = Session(definition.metadata["server_uri"], definition.metadata["session_key"])
        check_search(session, monitor)


def stream_events(inputs, event_writer):
    """Work until the time is over or splunkd says stop. The worker writes audit events."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    session = Session(inputs.metadata["server_uri"], inputs.metadata["session_key"])
    clock = SystemClock()
    name = inputs.metadata.get("server_host") or socket.gethostname()
    member = Member(name, session, stores_of(session, Replica(clock)), clock)
    monitors = {name: values for name, values in inputs.inputs.items() if is_monitor(values)}
    if monitors:
        _watch(monitors, member, stop)
    else:
        _work(inputs.inputs, member, stop, event_writer)


def _watch(stanzas, member, stop):
    """Judge once what is due of these monitors; one that fails does not stop the others."""
    logger = log.get("monitor")
    duties = []
    # It runs each minute, and most often nothing is due: no line then.
    worker = Worker(
        duties,
        member.stores,
        member.clock,
        member.name,
        logger,
        notice=lambda sentence: None,
        stopping=stop.is_set,
        logs_heartbeat=False,
    )
    for stanza, values in stanzas.items():
        run = MonitorDuty(stanza, values, member, worker.trouble, stop.wait).run
        # A monitor takes turns by itself; a slot of the worker's would outlive this process.
        duties.append(Duty(f"monitor {stanza.partition('://')[2]}", run, everywhere=True))
    with member.session.kept_open():
        worker.cycle()


def _work(stanzas, member, stop, event_writer):
    # Not needed by a monitor, and most of what a process of this input imports.
    from incident_management.splunk.bulletin import notice
    from incident_management.worker.duties import all_duties
    from incident_management.worker_health import Failures

    logger = log.get("worker")
    timing = Timing.of_inputs(stanzas, logger.error)
    duties = all_duties(
        member, event_writer.write_event, lambda name, sentence: worker.trouble(name, sentence)
    )
    worker = Worker(
        duties,
        member.stores,
        member.clock,
        member.name,
        logger,
        notice(member.session),
        stop.is_set,
        failures=Failures(member.stores, member.clock, member.name),
    )
    end = time.monotonic() + timing.run_seconds
    installed = Installed()
    while not stop.is_set() and time.monotonic() < end and not installed.replaced():
        # Dozens of small requests a cycle: most of what one takes alone is its handshake.
        with member.session.kept_open():
            worker.cycle()
        stop.wait(timing.cycle_seconds)
