"""The rounds of upkeep: audit events, resolve, retention, reminders and counts."""

from __future__ import annotations

from typing import Any, Callable, Mapping, Optional

from ...detection.health.enabled import note_enabled
from ...incidents.clocks import windows
from ...incidents.review.due_counts import save_due_counts
from ...incidents.review.reminders import send_reminders
from ...incidents.upkeep import signal_counts
from ...incidents.upkeep.audit import AuditWriter
from ...incidents.upkeep.quiet_resolve import QuietResolver
from ...incidents.upkeep.retention import Retention
from ...splunk.configuration.settings import Lifecycle
from ...splunk.kv.replica import forget_marks
from ...splunk.searching.detections import detections
from ...splunk.searching.search import SplunkSearcher
from ..audit_index import AuditIndex
from ..cleanup import delete_expired_answers, delete_removed_monitors
from ..events import EventStream
from ..messages import Messages
from ..monitors.roster import MonitorRoster
from ..search_runs import SplunkRuns
from .shared import Shared

__all__ = ["Upkeep"]


class Upkeep:
    """The rounds of upkeep.

    ``write_event`` writes audit events; ``audit_index`` tells which of them are indexed.
    """

    def __init__(
        self, shared: Shared, audit_index: AuditIndex, write_event: Callable[[Any], None]
    ) -> None:
        self._shared = shared
        self._audit_index = audit_index
        self._events = EventStream(write_event, audit_index.name)
        self._audit = AuditWriter(shared.stores, shared.clock, self._events.send)

    def write_audit(self) -> Mapping[str, int]:
        """Write new entries to the audit index."""
        return self._audit.run()

    def resolve_quiet(self) -> Mapping[str, int]:
        """Resolve incidents that have been quiet for long enough."""
        shared, mine = self._shared, self._lifecycle()
        if mine is None:
            return {}
        runs = SplunkRuns(shared.session, SplunkSearcher(shared.session))
        quiet = QuietResolver(shared.stores, shared.clock, runs, shared.report_trouble)
        return quiet.run(mine.resolve_after, mine.resolve_not)

    def apply_retention(self) -> Mapping[str, int]:
        """Close incidents resolved long ago, and delete those closed long ago."""
        shared, mine = self._shared, self._lifecycle()
        if mine is None:
            return {}
        indexed, send = self._audit_index.keys, self._events.send
        duty = Retention(shared.stores, shared.clock, indexed, send, shared.report_trouble)
        # A resolved incident is not closed while a finding may still reopen it.
        reopen_window = shared.config.routing.reopen_window
        close_after = max(mine.close_after, reopen_window) if mine.close_after else 0
        return duty.run(close_after, mine.keep)

    def follow_up_reviews(self, messages: Messages) -> Mapping[str, int]:
        """Send reminders of follow-ups, and count the incidents whose review is due."""
        shared = self._shared
        done = send_reminders(shared.stores, shared.clock, messages.update_follow_up_tickets)
        if shared.config.is_read:
            save_due_counts(shared.stores, shared.clock, shared.config.routing.review_severities)
        return done

    def note_enabled(self) -> Mapping[str, int]:
        """Record which detections are enabled now."""
        shared = self._shared
        note_enabled(shared.stores, shared.clock, detections(shared.session))
        return {}

    def count_hours(self) -> Mapping[str, int]:
        """Count the signals of hours that are over."""
        return signal_counts.count_hours(self._shared.stores, self._shared.clock)

    def forget(self, roster: MonitorRoster) -> Mapping[str, int]:
        """Delete expired data."""
        stores, clock = self._shared.stores, self._shared.clock
        forget_marks(stores, clock)
        delete_expired_answers(stores, clock)
        delete_removed_monitors(stores, clock, roster.all)
        mine = self._lifecycle()
        if mine is not None and mine.keep:
            for kept in (stores.freezes, stores.covers):
                windows.delete_ended(kept, clock.now() - mine.keep)
        return {}

    def _lifecycle(self) -> Optional[Lifecycle]:
        """Return the settings for automatic upkeep; None if unreadable: then none is done."""
        config = self._shared.config
        is_known = config.is_read and "lifecycle" not in config.settings.problems
        return config.settings.lifecycle if is_known else None
