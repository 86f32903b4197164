"""The duty of a monitor: nothing, until a span is due."""

from __future__ import annotations

import logging
from typing import Any, Callable, Mapping

from ...detection.monitors.monitor import Monitor
from ...incidents.stores import checkpoints_of
from ...ports import Clock, SearchFailed, Stores
from ...splunk.session import Session, SplunkError
from ...splunk.stanza import SettingsError

__all__ = ["is_idle", "monitor_duty"]


def monitor_duty(
    stanza: str,
    values: Mapping[str, Any],
    session: Session,
    stores: Stores,
    clock: Clock,
    holder: str,
    trouble: Callable[..., None],
    wait: Callable[[float], bool],
) -> Callable[[], Mapping[str, int]]:
    """Return what runs the monitor of a stanza of inputs.conf; it is read when that is called.

    ``wait`` lets so many seconds pass, or tells (True) that the process is to end.
    """

    def note(sentence: str) -> None:
        from .troubles import TroubleBook

        TroubleBook(stores, clock).note(stanza.partition("://")[2], holder, sentence)

    def run() -> Mapping[str, int]:
        try:
            monitor = Monitor.read(stanza, values)
        except ValueError as error:
            note(str(error))
            raise SettingsError(str(error)) from error
        if is_idle(monitor, stores, clock.now()):
            return {}
        from ...detection.monitors.unheeded import unheeded
        from .roster import place_in_the_minute
        from .run import run_monitor

        if wait(place_in_the_minute(stores, holder, monitor.name)):
            return {}
        ignored = unheeded(monitor, values)
        if ignored:
            trouble(f"monitor:{monitor.name}", ignored, level=logging.WARNING)
        try:
            return run_monitor(monitor, session, stores, clock, holder, trouble)
        except (SplunkError, SearchFailed):
            raise
        except Exception as error:
            # A log alone would leave a monitor that judges nothing any more unseen.
            note(
                f"It failed ({type(error).__name__}: {error}), judges nothing and is tried again; "
                "incident_management_monitor.log says where."
            )
            raise

    return run


def is_idle(monitor: Monitor, stores: Stores, now: float) -> bool:
    """Tell whether a monitor has nothing to do yet, by its newest checkpoint alone.

    splunkd starts a process for each monitor each minute, and most often nothing is due: so that
    is found out before what a run needs is imported, which is most of its time.
    """
    known = checkpoints_of(stores, monitor.name)
    if not known or known[-1]["value"].get("learned_as") != monitor.learned_as:
        return False
    value = known[-1]["value"]
    end, raising_from = float(value["end"]), float(value["raising_from"])
    until = monitor.complete_until(now)
    # One that lies in the future was made by a wrong clock: that is told of, and mended.
    return max(end, raising_from) <= now and not monitor.is_due(end, raising_from, until)
