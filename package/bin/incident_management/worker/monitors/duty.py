"""The duty of a monitor: it does nothing until a span is due."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Callable, Mapping

from ...detection.monitors.monitor import Monitor
from ...incidents.stores import checkpoints_of
from ...ports import SearchFailed, Stores
from ...splunk.configuration.stanza import SettingsError
from ...splunk.session import SplunkError
from ..member import Member

__all__ = ["MonitorDuty", "is_idle"]


@dataclass(frozen=True)
class MonitorDuty:
    """The monitor of a stanza of inputs.conf, which is read at each run.

    Attributes:
        values: the stanza's settings.
        trouble: takes a name and one sentence about a problem, and ``level=logging.WARNING`` for a
            setting that has no effect.
        wait: waits that many seconds, or returns True if the process is to end.
    """

    stanza: str
    values: Mapping[str, Any]
    member: Member
    trouble: Callable[..., None]
    wait: Callable[[float], bool]

    def run(self) -> Mapping[str, int]:
        """Judge the due spans; return the counts. Raises what its parts raise."""
        monitor, member = self._read(), self.member
        if is_idle(monitor, member.stores, member.clock.now()):
            return {}
        from .roster import start_delay

        if self.wait(start_delay(member.stores, member.name, monitor.name)):
            return {}
        self._report_unused_setting(monitor)
        return self._judge(monitor)

    def _read(self) -> Monitor:
        """Read the monitor. Raises SettingsError if the stanza is malformed."""
        try:
            return Monitor.read(self.stanza, self.values)
        except ValueError as error:
            self._note(str(error))
            raise SettingsError(str(error)) from error

    def _report_unused_setting(self, monitor: Monitor) -> None:
        from ...detection.monitors.unused_settings import unused_setting

        ignored = unused_setting(monitor, self.values)
        if ignored:
            self.trouble(f"monitor:{monitor.name}", ignored, level=logging.WARNING)

    def _judge(self, monitor: Monitor) -> Mapping[str, int]:
        from .run import run_monitor

        try:
            return run_monitor(monitor, self.member, self.trouble)
        except (SplunkError, SearchFailed):
            raise
        except Exception as error:
            # With a log line alone, nobody would notice a monitor that judges nothing any more.
            self._note(
                f"It failed ({type(error).__name__}: {error}), judges nothing and is retried. "
                "Read incident_management_monitor.log."
            )
            raise

    def _note(self, sentence: str) -> None:
        from .troubles import TroubleBook

        book = TroubleBook(self.member.stores, self.member.clock)
        book.note(self.stanza.partition("://")[2], self.member.name, sentence)


def is_idle(monitor: Monitor, stores: Stores, now: float) -> bool:
    """Tell whether a monitor has nothing to do yet, by its newest checkpoint alone.

    splunkd starts a process for each monitor each minute, and usually nothing is due. So this is
    checked before the imports of a run, which take most of its time.
    """
    known = checkpoints_of(stores, monitor.name)
    if not known or known[-1]["value"].get("learned_as") != monitor.learned_as:
        return False
    value = known[-1]["value"]
    end, raising_from = float(value["end"]), float(value["raising_from"])
    until = monitor.complete_until(now)
    # A checkpoint from the future was made by a wrong clock, which is reported and repaired.
    return max(end, raising_from) <= now and not monitor.is_due(end, raising_from, until)
