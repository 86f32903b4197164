"""All duties of the worker, wired to one splunkd."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any, Callable, List, Mapping, Optional, Sequence, Set, Tuple

from ..detection.health.enabled import note_enabled
from ..detection.monitors.inputs import monitors_of
from ..incidents.act import Act
from ..incidents.clocks import handover, windows
from ..incidents.clocks.assignment import as_agreed, place_waiting
from ..incidents.intake import conditions
from ..incidents.intake.ingest import Ingest, Outcome
from ..incidents.intake.spooled import CAPABILITY, deliver_spool
from ..incidents.joining.carrying_out import finish_recent
from ..incidents.model import ACTOR
from ..incidents.review.reminding import remind
from ..incidents.review.waiting import note_waiting
from ..incidents.routing import Routing
from ..incidents.signal import Signal
from ..incidents.story import Stories
from ..incidents.upkeep import flapping, held, tally
from ..incidents.upkeep.audit import AuditWriter
from ..incidents.upkeep.opened_twice import Compared, join_raced
from ..incidents.upkeep.quiet import Quiet
from ..incidents.upkeep.recovery import end_at_once
from ..incidents.upkeep.retention import Retention
from ..installed import build_number
from ..notify import asked
from ..notify.announcing.summaries import EVERY_SECONDS as SUMMARIZED_EVERY_SECONDS
from ..notify.first_messages import EVERY_SECONDS as FIRST_EVERY_SECONDS
from ..notify.rooms.opening import EVERY_SECONDS as ROOMS_EVERY_SECONDS
from ..ports import Clock, Stores
from ..processes import has_ended, process_name
from ..remediation import approval, settling
from ..remediation.context import Context
from ..remediation.executors.factory import executors
from ..remediation.verify import Verifier
from ..rerun.raising import raising_of
from ..splunk import spool
from ..splunk.bulletin import Bulletin, notice
from ..splunk.configuration.settings import Lifecycle
from ..splunk.kv.replica import forget_marks
from ..splunk.searching.detections import detections
from ..splunk.searching.search import SplunkSearcher
from ..splunk.session import Session
from ..splunk.users import has_capability
from .audit_index import AuditIndex
from .carried_over import carry_over_if_ours
from .clocks import Clocks
from .configuration import Configuration
from .cycle import Duty
from .events import EventStream
from .messages import Messages
from .monitors.app_off import note_app_off
from .monitors.roster import MonitorRoster
from .monitors.troubles import MonitorMessages
from .reconciling.alerts import SplunkAlerts
from .reconciling.forgotten import ForgottenRuns
from .reconciling.reconciler import Reconciler
from .reconciling.run_history import PastRuns
from .reconciling.untracked import UntrackedRuns
from .refreshing import refresh_stale
from .refused_messages import NAME as REFUSED_MESSAGE
from .refused_messages import RefusedMessages
from .renewing import renew_documents
from .runs import SplunkRuns
from .tickets import Tickets
from .tidy import forget_answers, forget_monitors

__all__ = ["Duties"]

# Turns that duties share. The last of each is the one that may take long: it keeps none waiting.
TELLING = "tell"
SLACK = "slack"
TICKETS = "tickets"
DOCUMENTS = "documents"
INCIDENTS = "incidents"
UPKEEP = "upkeep"
# While documents are made anew, as after an upgrade; lists may lack some of them meanwhile.
RENEWED_SECONDS = 10.0
# A member of an earlier version may have written there until its own restart.
CARRIED_SECONDS = 600.0


def _no_trouble(_name: str, _sentence: str) -> None:
    return


@dataclass
class Duties:
    """Makes the list of duties.

    ``write_event``: ``EventWriter.write_event`` of the modular input, for audit events.
    ``holder``: this member's name.
    """

    session: Session
    stores: Stores
    clock: Clock
    write_event: Callable[[Any], None]
    holder: str = ""
    _remembered: Stories = field(default_factory=Stories, init=False)
    trouble: Callable[[str, str], None] = field(default=_no_trouble, init=False)

    def __post_init__(self) -> None:
        self._config = Configuration(self.session)
        self._messages = Messages(self.session, self.stores, self.clock, self._config, self._tell)
        self._tickets = Tickets(self.stores, self.clock, self._config, self._tell)
        self._verifier: Optional[Verifier] = None
        self._clocks = Clocks(self.stores, self.clock)
        self._waiting: Set[Tuple[str, str]] = set()
        self._handed_over: handover.Seen = set()
        self._compared: Compared = {}
        self._agreed: Optional[Routing] = None
        self._build = build_number()
        self._audit_index = AuditIndex(self.session, SplunkSearcher(self.session))
        self._events = EventStream(self.write_event, self._audit_index.name)
        bulletin = Bulletin(self.session)
        self._roster = MonitorRoster(
            self.stores, self.clock, self.holder, partial(monitors_of, self.session)
        )
        self._monitor_messages = MonitorMessages(
            self.stores, self.clock, self.holder, bulletin, self._roster
        )
        self._refused = RefusedMessages(
            self.stores,
            self.clock,
            notice(self.session, REFUSED_MESSAGE),
            lambda: self._config.routing.channel_names,
        )

    def all(self) -> List[Duty]:
        """The duties in the order of the flow: signals in, messages out, fixes after.

        What an earlier version has stored is carried over before anything looks at it.
        """
        return [
            *self._taking_in(),
            *self._looking_after_incidents(),
            *self._telling(),
            *self._fixing(),
            *self._keeping_documents(),
            *self._going_on(),
            *self._upkeep(),
        ]

    def _taking_in(self) -> List[Duty]:
        """Settings and signals."""
        alerts = SplunkAlerts(self.session)
        past = PastRuns(self.stores, self.clock, alerts, self.holder, self._tell)
        forgotten, untracked = ForgottenRuns(past), UntrackedRuns(past)
        reconciler = Reconciler(
            self.stores, self.clock, alerts, forgotten, untracked, self._ingest, self._tell
        )
        return [
            Duty("carry over", self._carry_over, rest=CARRIED_SECONDS, everywhere=True),
            Duty("configuration", self._configure, everywhere=True),
            Duty("spool", self._spool, everywhere=True),
            Duty("reconcile", reconciler.run, every=20.0),
        ]

    def _looking_after_incidents(self) -> List[Duty]:
        """Whose they are, until when something must have happened, and what if it has not."""
        return [
            Duty("raced", self._join_raced, every=5.0, turn=TELLING),
            Duty("assign", self._assign, every=5.0, turn=TELLING),
            Duty("handover", self._hand_over, every=5.0, turn=TELLING),
            Duty("clocks", self._run_clocks, every=5.0, turn=TELLING),
        ]

    def _telling(self) -> List[Duty]:
        """Messages out, and what comes back by tickets."""
        return [
            Duty("announce", self._messages.announce, turn=TELLING),
            Duty(
                "summarize", self._messages.summarize, every=SUMMARIZED_EVERY_SECONDS, turn=TELLING
            ),
            Duty("deliver", self._messages.deliver, turn=TELLING),
            Duty(
                "first messages",
                self._messages.bring_up_to_date,
                every=FIRST_EVERY_SECONDS,
                turn=SLACK,
            ),
            Duty("rooms", self._see_to_rooms, every=ROOMS_EVERY_SECONDS, turn=SLACK),
            Duty("reach", self._messages.note_reach, every=30.0, turn=TICKETS),
            Duty("refusals", self._refused.run, every=30.0, everywhere=True),
            Duty("tickets", self._tickets.run, every=5.0, turn=TICKETS),
        ]

    def _fixing(self) -> List[Duty]:
        return [
            Duty("settle", self._settle, every=15.0),
            Duty("verify", self._verify, every=5.0),
            Duty("expire", self._expire, every=30.0, turn=DOCUMENTS),
        ]

    def _keeping_documents(self) -> List[Duty]:
        """What incidents' documents lack of their timelines."""
        return [
            Duty(
                "refresh",
                lambda: refresh_stale(self.stores, self.clock),
                every=60.0,
                turn=DOCUMENTS,
            ),
            Duty("renew", self._renew, every=RENEWED_SECONDS, rest=60.0, turn=DOCUMENTS),
        ]

    def _going_on(self) -> List[Duty]:
        """What waited, or was interrupted."""
        return [
            Duty("waiting", self._look_at_waiting, every=30.0, turn=INCIDENTS),
            Duty("held", self._look_at_held, every=60.0, turn=INCIDENTS),
            Duty("calm", self._calm_down, every=30.0, turn=INCIDENTS),
            Duty(
                "moves", lambda: finish_recent(self.stores, self.clock), every=60.0, turn=INCIDENTS
            ),
        ]

    def _upkeep(self) -> List[Duty]:
        return [
            Duty(
                "audit",
                AuditWriter(self.stores, self.clock, self._events.send).run,
                every=10.0,
                turn=UPKEEP,
            ),
            Duty("quiet", self._quiet, every=60.0, turn=UPKEEP),
            Duty("retention", self._retention, every=60.0, rest=600.0, turn=UPKEEP),
            Duty("follow-ups", self._look_afterwards, every=300.0, turn=UPKEEP),
            Duty("enabled", self._note_enabled, every=120.0, turn=UPKEEP),
            Duty("monitor roster", self._sign_for_monitors, every=60.0, everywhere=True),
            Duty("monitor messages", self._monitor_messages.run, every=10.0, everywhere=True),
            Duty("forget", self._forget, every=600.0, turn=UPKEEP),
            Duty(
                "tally",
                lambda: tally.count_hours(self.stores, self.clock),
                every=60.0,
                rest=600.0,
                turn=UPKEEP,
            ),
        ]

    def _look_afterwards(self) -> Mapping[str, int]:
        done = remind(self.stores, self.clock, self._messages.see_to_tickets)
        if self._config.is_read:
            note_waiting(self.stores, self.clock, self._config.routing.review_severities)
        return done

    def _configure(self) -> Mapping[str, int]:
        self._agreed = None
        return self._config.refresh()

    def _routing(self) -> Routing:
        """The routing with who covers for whom, read once for all duties of a cycle."""
        if self._agreed is None:
            self._agreed = as_agreed(self.stores, self.clock, self._config.routing)
        return self._agreed

    # --- signals ----------------------------------------------------------------------------

    def _ingest(self, signals: Sequence[Signal], actor: str) -> List[Outcome]:
        topology = self._config.topology()
        ingest = Ingest(self.stores, self.clock, self._config.routing, topology, self._remembered)
        return ingest.ingest(signals, actor)

    def _join_raced(self) -> Mapping[str, int]:
        if not self._config.is_read:
            return {}
        topology = self._config.topology()
        return join_raced(self.stores, self.clock, self._config.routing, topology, self._compared)

    def _calm_down(self) -> Mapping[str, int]:
        if not self._config.is_read:
            return {}
        return flapping.calm_down(self.stores, self.clock, self._config.routing)

    def _look_at_waiting(self) -> Mapping[str, int]:
        """Look again at the signals whose detection waits for more of them."""
        waiting = conditions.pending_now(self.stores, self.clock)
        outcomes = self._ingest(waiting, ACTOR) if waiting else []
        return {"waiting_signals_done": sum(1 for one in outcomes if one.what != "pending")}

    def _look_at_held(self) -> Mapping[str, int]:
        """Take in what was held back and goes on, of tools that do not send it again."""
        signals = held.going_on(self.stores, self.clock) if self._config.is_read else []
        outcomes = self._ingest(signals, ACTOR) if signals else []
        end_at_once(Act(self.stores, self.clock, ACTOR), zip(signals, outcomes))
        return {"held_signals_done": sum(1 for one in outcomes if one.what != "suppressed")}

    def _spool(self) -> Mapping[str, int]:
        def notify(body: Mapping[str, Any], actor: str) -> Any:
            web_url = self._config.settings.network.web_url
            act = Act(self.stores, self.clock, actor)
            return asked.enqueue(act, self._messages.outbox, body, web_url)

        return deliver_spool(
            spool.pending(),
            self._ingest,
            notify,
            lambda user: has_capability(self.session, user, CAPABILITY),
            self.clock,
            self._tell,
        )

    def _assign(self) -> Mapping[str, int]:
        return place_waiting(self.stores, self.clock, self._routing(), self._waiting)

    def _hand_over(self) -> Mapping[str, int]:
        return handover.hand_over(self.stores, self.clock, self._routing(), self._handed_over)

    def _run_clocks(self) -> Mapping[str, int]:
        return self._clocks.run(self._routing()) if self._config.is_read else {}

    def _see_to_rooms(self) -> Mapping[str, int]:
        return self._messages.see_to_rooms(self._routing())

    # --- fixes ------------------------------------------------------------------------------

    def _context(self) -> Context:
        known = executors(lambda: self._config.settings)
        may = partial(has_capability, self.session)
        catalogue = self._config.catalogue
        return Context(self.stores, self.clock, catalogue, known, may, process_name(), has_ended)

    def _settle(self) -> Mapping[str, int]:
        return {"runs_settled": settling.settle_all(self._context(), failed=self.trouble)}

    def _verify(self) -> Mapping[str, int]:
        if self._verifier is None:
            raising = raising_of(self.session, self.stores, self._roster.all)
            self._verifier = Verifier(self._context(), SplunkSearcher(self.session), raising)
        self._verifier.use(self._context())
        return {"plans_verified": self._verifier.run(failed=self.trouble)}

    def _expire(self) -> Mapping[str, int]:
        return {"plans_expired": approval.expire(self._context())}

    # --- growing old ------------------------------------------------------------------------

    def _carry_over(self) -> Mapping[str, int]:
        return carry_over_if_ours(self.session, self.stores.incidents, self._tell)

    def _renew(self) -> Mapping[str, int]:
        indexed = self._audit_index.entries
        return renew_documents(self.stores, self.clock, self._build, indexed, self._tell)

    def _lifecycle(self) -> Optional[Lifecycle]:
        """What becomes of incidents by themselves; None: it can't be read, so nothing does."""
        is_known = self._config.is_read and "lifecycle" not in self._config.settings.problems
        return self._config.settings.lifecycle if is_known else None

    def _quiet(self) -> Mapping[str, int]:
        mine = self._lifecycle()
        if mine is None:
            return {}
        runs = SplunkRuns(self.session, SplunkSearcher(self.session))
        quiet = Quiet(self.stores, self.clock, runs, self._tell)
        return quiet.run(mine.resolve_after, mine.resolve_not)

    def _retention(self) -> Mapping[str, int]:
        mine = self._lifecycle()
        if mine is None:
            return {}
        duty = Retention(
            self.stores, self.clock, self._audit_index.keys, self._events.send, self._tell
        )
        # What was resolved is not closed while it may still be reopened by a finding.
        close_after = (
            max(mine.close_after, self._config.routing.reopen_window) if mine.close_after else 0
        )
        return duty.run(close_after, mine.keep)

    def _sign_for_monitors(self) -> Mapping[str, int]:
        started = SplunkAlerts(self.session).splunkd_started
        own = partial(monitors_of, self.session)
        note_app_off(self.stores, self.clock, self.holder, own, started)
        return self._roster.sign()

    def _note_enabled(self) -> Mapping[str, int]:
        note_enabled(self.stores, self.clock, detections(self.session))
        return {}

    def _tell(self, name: str, text: str) -> None:
        self.trouble(name, text)

    def _forget(self) -> Mapping[str, int]:
        forget_marks(self.stores, self.clock)
        forget_answers(self.stores, self.clock)
        forget_monitors(self.stores, self.clock, self._roster.all)
        mine = self._lifecycle()
        if mine is not None and mine.keep:
            for kept in (self.stores.freezes, self.stores.covers):
                windows.forget_over(kept, self.clock.now() - mine.keep)
        return {}
