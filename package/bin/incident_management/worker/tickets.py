"""The duty that polls ServiceNow, Jira and PagerDuty for changes of tickets.

It polls the tickets of incidents and, in ServiceNow and Jira, those of follow-ups, each with a
tracker of its own. One request for each batch of tickets returns which have changed (PagerDuty's
log covers all at once). Only those are read in detail, and once more the next time, so that changes
that become visible late are not missed. No local time is compared with one of the service. A ticket
counts as read when its entries are written; a worker that is killed before leaves it to the next.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping, Protocol, Sequence, Set, Tuple

from ..channels import FOLLOW_UP_SYSTEMS, INBOUND, NAMES
from ..incidents import lifecycle, timeline
from ..incidents.act import Act
from ..incidents.errors import IllegalMove
from ..incidents.items import REASON_CHARACTERS
from ..incidents.lifecycle import Ending
from ..incidents.review.writing import change_follow_up
from ..incidents.stores import chunks
from ..notify.delivery.outbox import FINAL
from ..notify.inbound.read_failures import note_key
from ..notify.inbound.ticket import Reader, Remark, Ticket
from ..notify.inbound.ticket_changes import KIND, Known, News
from ..notify.message import plain
from ..notify.senders import readers
from ..notify.services.tickets import FAILURES, Refused, meaning
from ..outside.network import NotConfigured
from ..ports import Clock, Document, Stores
from ..splunk.configuration.channel_settings import ACKNOWLEDGE, NOTE_ONLY, RESOLVE
from ..splunk.configuration.settings import SHARED_PARTS, Settings
from .tracked_tickets import TicketTracker, TrackedTicket

__all__ = ["Tickets"]

# The most tickets in one poll; the others follow in the next one.
MAX_AT_ONCE = 500
# The most tickets in one poll that the service reports as unchanged.
UNCHANGED_AT_ONCE = 20
LONGEST_BACKOFF_SECONDS = 900.0
# Repeating a refused login often would lock the account there.
REFUSED_SECONDS = 1800.0
LONGEST_WAIT_SECONDS = 3600.0
# Other duties wait during a poll; the remaining tickets follow soon.
LOOK_SECONDS = 10.0
GOES_ON_SECONDS = 10.0
# Covers clock differences for a message that was sent about when a ticket was read.
SETTLING_SECONDS = 5.0

Trouble = Callable[[str, str], None]


class Current(Protocol):
    """The current settings; ``is_read``: False before they were read."""

    settings: Settings
    is_read: bool


@dataclass
class _Look:
    """One poll of one service's tickets."""

    reader: Reader
    progress: TicketTracker
    resolves: bool
    acknowledges: bool
    counts: Dict[str, int]
    # Why comments can't be read; the rest of the poll continues without them.
    blind: str = ""
    complaints: List[str] = field(default_factory=list)


class Tickets:
    """Polls tickets. An instance lives as long as its process.

    Args:
        trouble: takes a name and one sentence about a problem.
    """

    def __init__(
        self,
        stores: Stores,
        clock: Clock,
        configuration: Current,
        trouble: Trouble,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stores = stores
        self._clock = clock
        self._config = configuration
        self._trouble = trouble
        self._monotonic = monotonic
        # The settings with which a poll failed; changed ones are tried at once.
        self._failed_with: Dict[str, Any] = {}
        # Until when a tracker saved by this process has nothing to do.
        self._rests_until: Dict[str, float] = {}
        # Trackers that are not polled, and whose trouble has been cleared.
        self._at_rest: Set[str] = set()

    def run(self) -> Mapping[str, int]:
        """Poll the services that are due; return the counts of entries and changes.

        Raises what the stores raise; then the next turn polls the same again.
        """
        counts = {
            "ticket_entries": 0,
            "incidents_resolved_by_ticket": 0,
            "incidents_acknowledged_there": 0,
            "follow_ups_changed_there": 0,
        }
        settings = self._config.settings
        if not self._config.is_read:
            return counts
        for channel in INBOUND:
            if not any(part in settings.problems for part in (channel, *SHARED_PARTS)):
                for follow_ups in (False, True) if channel in FOLLOW_UP_SYSTEMS else (False,):
                    self._run(channel, follow_ups, settings, counts)
        return counts

    def _run(
        self, channel: str, follow_ups: bool, settings: Settings, counts: Dict[str, int]
    ) -> None:
        chosen, key = getattr(settings, channel), note_key(channel, follow_ups)
        if not chosen.look_every or channel not in settings.set_up:
            if key not in self._at_rest:
                self._forget_trouble(channel, follow_ups)
                self._at_rest.add(key)
            return
        self._at_rest.discard(key)
        now = self._clock.now()
        if 0 < self._rests_until.get(key, 0.0) - now <= chosen.look_every:
            return
        progress = TicketTracker.read(self._stores, channel, follow_ups)
        used = (chosen, settings.network, settings.proxy)
        is_corrected = self._failed_with.get(key, used) != used
        if not is_corrected and self._has_to_wait(progress, chosen.look_every, now):
            return
        progress.follow_new(self._stores, now)
        due = progress.due(self._stores, now)
        wait, trouble = chosen.look_every, ""
        try:
            if due:
                reader = readers(settings, self._clock, follow_ups)[channel]()
                acts = _acts(chosen)
                look = _Look(reader, progress, *acts, counts)
                if not self._poll(look, _chosen(look, due)[:MAX_AT_ONCE]):
                    wait = min(GOES_ON_SECONDS, wait)
                trouble = " ".join(dict.fromkeys(look.complaints))
            self._note(progress, trouble)
            progress.failures = 0
            self._failed_with.pop(key, None)
        except (NotConfigured, *FAILURES) as error:
            self._failed_with[key] = used
            wait = self._failed(progress, error, chosen.look_every)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            # JSON of another form than the service's reference documents; other services continue.
            strange = Refused.unreadable(f"{NAMES[channel]} ({type(error).__name__})")
            wait = self._failed(progress, strange, chosen.look_every)
        progress.next = self._clock.now() + wait
        progress.save(self._stores, self._clock)
        # After a failure, another member may record a delivery that ends the wait earlier.
        self._rests_until[key] = 0.0 if progress.failures else progress.next

    def _forget_trouble(self, channel: str, follow_ups: bool) -> None:
        """Clear the trouble of a service that is no longer polled."""
        progress = TicketTracker.read(self._stores, channel, follow_ups)
        if progress.trouble:
            progress.trouble, progress.failures = "", 0
            progress.save(self._stores, self._clock)

    def _has_to_wait(self, progress: TicketTracker, every: float, now: float) -> bool:
        # A wait that is too long was set by a wrong clock, or under an earlier setting.
        longest = max(LONGEST_WAIT_SECONDS, every) if progress.failures else every
        if not 0 < progress.next - now <= longest:
            return False
        is_paced = 0 <= now - progress.failed_at < every
        return is_paced or not progress.is_reached_again(self._stores)

    def _failed(self, progress: TicketTracker, error: Exception, every: float) -> float:
        """Record a failure; return after how many seconds to retry."""
        said, wait = str(error), REFUSED_SECONDS
        is_final = isinstance(error, NotConfigured)
        if not is_final:
            delivery = meaning(error)
            said, is_final = delivery.detail, delivery.outcome == "dead"
            asked = delivery.retry_after or 0.0
            backoff = min(LONGEST_BACKOFF_SECONDS, every * 2.0 ** min(progress.failures, 20))
            wait = REFUSED_SECONDS if is_final else max(every, backoff, asked)
        progress.failures, progress.failed_at = progress.failures + 1, self._clock.now()
        again = " This is retried every 30 minutes, and after a message is delivered there."
        what = f"Tickets in {NAMES[progress.channel]} can't be read: {said.rstrip('.')}."
        self._note(progress, what + (again if is_final else ""))
        return min(wait, LONGEST_WAIT_SECONDS)

    def _note(self, progress: TicketTracker, sentence: str) -> None:
        """Store a problem where the API shows it, and log it."""
        progress.trouble = sentence
        if sentence:
            self._trouble(note_key(progress.channel, progress.follow_ups), sentence)

    # --- one poll ----------------------------------------------------------------------------

    def _poll(self, look: _Look, due: Sequence[TrackedTicket]) -> bool:
        """Poll tickets in turn. Return False if the time ran out before the last one."""
        size, until = look.reader.batch, self._monotonic() + LOOK_SECONDS
        for some in chunks(due, size):
            asked_at = self._clock.now()
            found = look.reader.tickets([one.ticket for one in some])
            for one in some:
                # A ticket that can't be read must not block the others.
                look.progress.after = one.of
                ticket = found.get(one.ticket)
                if ticket is None:
                    self._missing(look, one)
                elif ticket.stamp != one.stamp or not one.settled:
                    self._changed(look, one, ticket, asked_at)
                if self._monotonic() > until and one is not due[-1]:
                    return False
            look.progress.save(self._stores, self._clock)
        return True

    def _missing(self, look: _Look, one: TrackedTicket) -> None:
        if one.stamp == "gone" or not look.reader.is_gone(one.ticket):
            return
        entries = timeline.read(self._stores, one.incident_id)
        news = Known(look.progress.channel, one.ticket, entries, ()).gone(one.number)
        self._write(look, one, [news] if news else [])
        one.stamp, one.settled = "gone", True

    def _changed(self, look: _Look, one: TrackedTicket, ticket: Ticket, asked_at: float) -> None:
        channel = look.progress.channel
        of = {"incident_id": one.incident_id, "channel": channel}
        sent: List[Document] = self._stores.outbox.find(of)
        messages = [each for each in sent if str(each.get("follow_up") or "") == one.follow_up]
        if not _is_quiet(messages, asked_at):
            # The app's own current change of the ticket must not be mistaken for another user's.
            return
        entries = timeline.read(self._stores, one.incident_id)
        known = Known(channel, one.ticket, entries, messages, (one.state, one.over))
        try:
            if known.needs_history(ticket):
                ticket = look.reader.with_history(ticket)
            remarks = self._remarks(look, ticket, known)
        except Refused as error:
            if error.delivery.outcome != "dead" or error.status == 401:
                raise
            if error.status != 404:
                look.complaints.append(f"{ticket.number} can't be read: {error}")
            # With 404, the ticket was just deleted, which the next poll records.
            return
        state = known.state(ticket)
        found = [*known.remarks(ticket.number, remarks), known.assignee(ticket), state]
        if state and one.follow_up:
            if not self._follow(look, one, state, *known.ending(ticket, state)):
                return
        elif state and state.ends and look.resolves:
            self._resolve(look, one.incident_id, *known.ending(ticket, state))
        elif state and ticket.taken and look.acknowledges:
            self._acknowledge(look, one.incident_id, state)
        self._write(look, one, [news for news in found if news])
        one.number, one.state, one.over = ticket.number, ticket.state, ticket.over
        if not look.blind:
            one.settled, one.stamp = one.stamp == ticket.stamp, ticket.stamp

    def _remarks(self, look: _Look, ticket: Ticket, known: Known) -> Sequence[Remark]:
        """Read the comments; if they are hidden, skip those of the other tickets in this poll."""
        if look.blind:
            return ()
        read = None
        try:
            read = look.reader.remarks(ticket, known.read_from)
        except Refused as error:
            if error.status != 403:
                raise
        # Comments without read permission may also be left out of a response silently.
        if read is None or (not read.found and known.has_own_notes):
            look.blind = look.reader.hidden
            look.complaints.append(look.blind)
            return ()
        if not read.whole:
            look.complaints.append(
                f"{ticket.number} has more new comments than can be read at once. The "
                "oldest are not on the timeline."
            )
        return read.found

    def _resolve(self, look: _Look, incident_id: str, ending: Ending, once: str) -> None:
        """Resolve the incident as its ticket was; do nothing if it is no longer open."""
        try:
            lifecycle.resolve(self._act(look, once), incident_id, ending)
        except IllegalMove:
            return
        look.counts["incidents_resolved_by_ticket"] += 1

    def _act(self, look: _Look, once: str = "") -> Act:
        """Return an act in the name of the polled channel."""
        return Act(self._stores, self._clock, look.progress.channel, once)

    def _acknowledge(self, look: _Look, incident_id: str, news: News) -> None:
        """Acknowledge the incident as its ticket was; do nothing if that is no longer possible."""
        once = f"{news.once}:acknowledge"
        try:
            lifecycle.acknowledge(self._act(look, once), incident_id, takes=False)
        except IllegalMove:
            return
        look.counts["incidents_acknowledged_there"] += 1

    def _follow(
        self, look: _Look, one: TrackedTicket, news: News, ending: Ending, once: str
    ) -> bool:
        """Close or reopen a follow-up as its ticket was; a dropped one stays dropped.

        Returns False if another change is being made at the moment; the next poll retries.
        """
        known = timeline.refresh(self._stores, one.incident_id).follow_ups
        now = next((each for each in known if each["id"] == one.follow_up), None)
        state = "done" if news.ends else "open" if news.reopens else ""
        if now is None or not state or (now["state"] == "open") == (state == "open"):
            return True
        changes = {"state": state, "reason": plain(ending.reason, REASON_CHARACTERS)}
        who, seen_at = self._act(look, once), now["at"]
        try:
            change_follow_up(who, one.incident_id, one.follow_up, changes, seen_at)
        except IllegalMove:
            return False
        look.counts["follow_ups_changed_there"] += 1
        return True

    def _write(self, look: _Look, one: TrackedTicket, news: Sequence[News]) -> None:
        """Write entries, and refresh the incident's document."""
        if not news:
            return
        whose, incident_id = {"follow_up": one.follow_up} if one.follow_up else {}, one.incident_id
        for each in news:
            timeline.append(self._act(look), incident_id, KIND, {**each.data, **whose}, each.once)
        timeline.refresh(self._stores, incident_id)
        look.counts["ticket_entries"] += len(news)


def _chosen(look: _Look, due: Sequence[TrackedTicket]) -> List[TrackedTicket]:
    """Return the tickets to poll: all or, if the service reports changes, changed ones first.

    A few of the unchanged tickets are polled in turn as well, so that nothing depends on that
    report alone.
    """
    progress = look.progress
    changes = look.reader.changes(progress.changed)
    if changes is None:
        return list(due)
    for one in due:
        if not changes.whole or changes.touch(one.ticket, one.stamp):
            one.settled = False
    progress.changed = changes.reached
    rest = [one for one in due if one.settled]
    return [*(one for one in due if not one.settled), *rest[:UNCHANGED_AT_ONCE]]


def _acts(chosen: Any) -> Tuple[bool, bool]:
    """Tell whether ends, and whether acknowledgements, in the service apply to the incident."""
    acknowledges = getattr(chosen, "when_acknowledged", NOTE_ONLY) == ACKNOWLEDGE
    return chosen.when_resolved == RESOLVE, acknowledges


def _is_quiet(messages: Sequence[Mapping[str, Any]], asked_at: float) -> bool:
    """Tell whether no message was on its way to a ticket when it was read, or later."""
    return all(
        one["state"] in FINAL and float(one["sent_at"]) < asked_at - SETTLING_SECONDS
        for one in messages
    )
