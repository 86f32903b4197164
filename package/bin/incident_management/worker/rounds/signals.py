"""The rounds that ingest signals that were undelivered, interrupted, pending or suppressed."""

from __future__ import annotations

from typing import Any, List, Mapping, Sequence

from ...incidents.act import Act
from ...incidents.intake import conditions
from ...incidents.intake.ingest import Ingest, Outcome
from ...incidents.intake.spooled import CAPABILITY, deliver_spool
from ...incidents.model import ACTOR
from ...incidents.signal import Signal
from ...incidents.story import StoryCache
from ...incidents.upkeep import suppressed
from ...incidents.upkeep.recovery import end_already_over
from ...notify import requested
from ...notify.delivery.outbox import Outbox
from ...splunk import spool
from ...splunk.users import has_capability
from ..reconciling.alerts import SplunkAlerts
from ..reconciling.before_restart import RunsBeforeRestart
from ..reconciling.reconciler import Reconciler
from ..reconciling.run_history import PastRuns
from ..reconciling.untracked import UntrackedRuns
from .shared import Shared

__all__ = ["Signals"]


class Signals:
    """The rounds on signals. An instance lives as long as its process, and remembers stories.

    Args:
        outbox: where undelivered requests for a message are queued.
    """

    def __init__(self, shared: Shared, outbox: Outbox) -> None:
        self._shared = shared
        self._outbox = outbox
        self._remembered = StoryCache()
        stores, clock, report_trouble = shared.stores, shared.clock, shared.report_trouble
        alerts = SplunkAlerts(shared.session)
        past = PastRuns(stores, clock, alerts, shared.holder, report_trouble)
        forgotten, untracked = RunsBeforeRestart(past), UntrackedRuns(past)
        self._reconciler = Reconciler(
            stores, clock, alerts, forgotten, untracked, self._ingest, report_trouble
        )

    def deliver_spool(self) -> Mapping[str, int]:
        """Execute the requests that alert actions on this machine could not deliver."""
        shared = self._shared

        def notify(body: Mapping[str, Any], actor: str) -> Any:
            web_url = shared.config.settings.network.web_url
            act = Act(shared.stores, shared.clock, actor)
            return requested.enqueue(act, self._outbox, body, web_url)

        return deliver_spool(
            spool.pending(),
            self._ingest,
            notify,
            lambda user: has_capability(shared.session, user, CAPABILITY),
            shared.clock,
            shared.report_trouble,
        )

    def reconcile(self) -> Mapping[str, int]:
        """Ingest again what alerts with an interrupted action found."""
        return self._reconciler.run()

    def ingest_waiting(self) -> Mapping[str, int]:
        """Evaluate pending signals again."""
        waiting = conditions.pending_now(self._shared.stores, self._shared.clock)
        outcomes = self._ingest(waiting, ACTOR) if waiting else []
        return {"waiting_signals_done": sum(1 for one in outcomes if one.what != "pending")}

    def ingest_suppressed(self) -> Mapping[str, int]:
        """Ingest suppressed signals that continue, of tools that do not send them again."""
        stores, clock = self._shared.stores, self._shared.clock
        signals = suppressed.still_firing(stores, clock) if self._shared.config.is_read else []
        outcomes = self._ingest(signals, ACTOR) if signals else []
        end_already_over(Act(stores, clock, ACTOR), zip(signals, outcomes))
        return {"held_signals_done": sum(1 for one in outcomes if one.what != "suppressed")}

    def _ingest(self, signals: Sequence[Signal], actor: str) -> List[Outcome]:
        shared, config = self._shared, self._shared.config
        ingest = Ingest(
            shared.stores, shared.clock, config.routing, config.topology(), self._remembered
        )
        return ingest.ingest(signals, actor)
