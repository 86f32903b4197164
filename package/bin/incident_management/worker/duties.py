"""All duties of the worker, connected to one splunkd."""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, List

from ..notify.announcing.summaries import EVERY_SECONDS as SUMMARIZED_EVERY_SECONDS
from ..notify.first_messages import EVERY_SECONDS as FIRST_EVERY_SECONDS
from ..notify.incident_channels.opening import EVERY_SECONDS as ROOMS_EVERY_SECONDS
from ..splunk.bulletin import notice
from ..splunk.searching.search import SplunkSearcher
from .audit_index import AuditIndex
from .cycle import Duty
from .member import Member
from .messages import Messages
from .refused_messages import NAME as REFUSED_MESSAGE
from .refused_messages import RefusedMessages
from .rounds.documents import Documents
from .rounds.fixes import Fixes
from .rounds.incidents import Incidents
from .rounds.monitors import Monitors
from .rounds.shared import Shared
from .rounds.signals import Signals
from .rounds.upkeep import Upkeep
from .tickets import Tickets

__all__ = ["all_duties"]

# Turns that duties share. The last duty of each may take long, as it delays no other.
TELLING = "tell"
SLACK = "slack"
TICKETS = "tickets"
DOCUMENTS = "documents"
INCIDENTS = "incidents"
UPKEEP = "upkeep"
# The interval while documents are rebuilt, as after an upgrade; lists may lack some meanwhile.
RENEWED_SECONDS = 10.0
# A member with an earlier version may have written there until its own restart.
CARRIED_SECONDS = 600.0


def all_duties(
    member: Member, write_event: Callable[[Any], None], report_trouble: Callable[[str, str], None]
) -> List[Duty]:
    """Return the duties in the order of the flow: signals in, messages out, then fixes.

    Data of an earlier version is migrated before any duty reads it.

    Args:
        write_event: ``EventWriter.write_event`` of the modular input, for audit events.
        report_trouble: takes a name and one sentence about a problem.
    """
    shared = Shared(member, report_trouble)
    session, stores, clock, config = member.session, member.stores, member.clock, shared.config
    audit_index = AuditIndex(session, SplunkSearcher(session))
    messages = Messages(session, stores, clock, config, report_trouble)
    refused = RefusedMessages(
        stores, clock, notice(session, REFUSED_MESSAGE), lambda: config.routing
    )
    tickets = Tickets(stores, clock, config, report_trouble)
    signals = Signals(shared, messages.outbox)
    incidents = Incidents(shared)
    monitors = Monitors(shared)
    fixes = Fixes(shared, monitors.roster)
    documents = Documents(shared, audit_index)
    upkeep = Upkeep(shared, audit_index, write_event)
    return [
        # Settings and signals.
        Duty("carry over", documents.migrate, rest=CARRIED_SECONDS, everywhere=True),
        Duty("configuration", shared.configure, everywhere=True),
        Duty("spool", signals.deliver_spool, everywhere=True),
        Duty("reconcile", signals.reconcile, every=20.0),
        # Assignment, deadlines and escalation.
        Duty("raced", incidents.merge_raced, every=5.0, turn=TELLING),
        Duty("assign", incidents.assign, every=5.0, turn=TELLING),
        Duty("handover", partial(incidents.hand_over, messages), every=5.0, turn=TELLING),
        Duty("clocks", incidents.run_clocks, every=5.0, turn=TELLING),
        # Outgoing messages, and changes of tickets.
        Duty("announce", messages.announce, turn=TELLING),
        Duty("summarize", messages.summarize, every=SUMMARIZED_EVERY_SECONDS, turn=TELLING),
        Duty("deliver", messages.deliver, turn=TELLING),
        Duty(
            "first messages",
            messages.update_first_messages,
            every=FIRST_EVERY_SECONDS,
            turn=SLACK,
        ),
        Duty(
            "rooms",
            lambda: messages.run_incident_channels(shared.routing()),
            every=ROOMS_EVERY_SECONDS,
            turn=SLACK,
        ),
        Duty("reach", messages.save_configured_channels, every=30.0, turn=TICKETS),
        Duty("refusals", refused.run, every=30.0, everywhere=True),
        Duty("tickets", tickets.run, every=5.0, turn=TICKETS),
        # Fixes.
        Duty("settle", fixes.settle, every=15.0),
        Duty("verify", fixes.verify, every=5.0),
        Duty("expire", fixes.expire, every=30.0, turn=DOCUMENTS),
        # Incident documents that lack entries of their timelines.
        Duty("refresh", documents.refresh, every=60.0, turn=DOCUMENTS),
        Duty("renew", documents.renew, every=RENEWED_SECONDS, rest=60.0, turn=DOCUMENTS),
        # Signals that waited, and work that was interrupted.
        Duty("waiting", signals.ingest_waiting, every=30.0, turn=INCIDENTS),
        Duty("held", signals.ingest_suppressed, every=60.0, turn=INCIDENTS),
        Duty("calm", incidents.release_calm, every=30.0, turn=INCIDENTS),
        Duty("moves", incidents.finish_moves, every=60.0, turn=INCIDENTS),
        # Upkeep of older data.
        Duty("audit", upkeep.write_audit, every=10.0, turn=UPKEEP),
        Duty("quiet", upkeep.resolve_quiet, every=60.0, turn=UPKEEP),
        Duty("retention", upkeep.apply_retention, every=60.0, rest=600.0, turn=UPKEEP),
        Duty("follow-ups", partial(upkeep.follow_up_reviews, messages), every=300.0, turn=UPKEEP),
        Duty("enabled", upkeep.note_enabled, every=120.0, turn=UPKEEP),
        Duty("monitor roster", monitors.sign, every=60.0, everywhere=True),
        Duty("monitor messages", monitors.show_troubles, every=10.0, everywhere=True),
        Duty("forget", partial(upkeep.forget, monitors.roster), every=600.0, turn=UPKEEP),
        Duty("tally", upkeep.count_hours, every=60.0, rest=600.0, turn=UPKEEP),
    ]
