"""Chooses the next notifications on the outbox: the gravest first, then the oldest.

Each channel has a share of a round, in messages and in time, so that neither a long queue nor a
slow service delays the others. A channel whose service is down or asks to slow down pauses. The
notifications of a lane (one incident on one channel) are sent in their order; a grave one pulls
earlier, less severe ones of its lane forward.
"""

from __future__ import annotations

from typing import Collection as Names
from typing import Dict, Iterator, List, Optional, Sequence, Set, Tuple

from ...incidents.model import SEVERITIES
from ...ports import Clock, Collection, Document
from .malformed import is_malformed

__all__ = ["AT_ONCE", "Turns", "urgency"]

WAITING = ({"state": "pending"}, {"state": "sending"})
# As the time of an attempt: due now, whatever the clock says.
AT_ONCE = 0.0
# Longer than any pause (transport.LONGEST_RETRY_AFTER and a tenth): a time further ahead was
# written by a clock that ran ahead.
AHEAD_SECONDS = 4000.0
ORDER = "urgency:1,created_at:1,order:1"
PAGE = 200
# A channel's share of a round, in seconds; a running attempt is never interrupted.
SHARE_SECONDS = 10.0
# Up to this many failures in a row count as the messages' fault; more, as the service's.
FORGIVEN = 3
LONGEST_PAUSE_SECONDS = 30.0
# If attempts time out, the pause is this many times as long as one of them.
REST_OF_TIME = 5.0
# The most channels that the query excludes, as it is sent in a URL.
LEFT_OUT = 10


def urgency(severity: object) -> int:
    """Return a severity's rank for sending; 0 is sent first."""
    known = str(severity)
    return SEVERITIES.index(known) if known in SEVERITIES else len(SEVERITIES)


class Turns:
    """Selects due notifications. It lives as long as its process, whose failures it counts."""

    def __init__(self, outbox: Collection, clock: Clock) -> None:
        self._outbox = outbox
        self._clock = clock
        self._paused: Dict[str, float] = {}
        self._failures: Dict[str, int] = {}
        self._begin(0, ())

    def _begin(self, limit: int, held: Names[str]) -> None:
        now = self._clock.now()
        self._limit = limit
        self._paused = {
            name: until for name, until in self._paused.items() if not _is_due(until, now)
        }
        self._resting: Set[str] = {*held, *self._paused}
        self._given: Set[str] = set()
        self._blocked: Set[str] = set()
        self._made: Dict[str, int] = {}
        self._used: Dict[str, float] = {}

    def round(self, limit: int, held: Names[str]) -> Iterator[Document]:
        """Yield due notifications, each once; at most ``limit`` completed ones of a channel.

        Yields nothing for the channels in ``held``. Malformed ones are yielded at once, and the
        caller must set them aside. Between two, the caller reports results by :meth:`took`,
        :meth:`failed` and :meth:`worked`.
        """
        self._begin(limit, held)
        beyond: Sequence[Document] = ()
        rows = PAGE
        while True:
            known = set(self._resting)
            page = self._outbox.find(self._query(known, beyond), ORDER, rows)
            for document in page:
                if is_malformed(document):
                    yield from self._malformed(document)
                elif self._may_go(document):
                    yield from self._in_order(document)
            if self._resting - known:
                beyond, rows = (), PAGE
            elif len(page) < rows:
                return
            else:
                # Continue from the last place instead of by an offset: each notification that
                # another process sends meanwhile would shift an unread one before the offset.
                beyond, again = _beyond([one for one in page if not is_malformed(one)], beyond)
                rows = PAGE + again

    def took(self, channel: str, seconds: float, done: bool) -> None:
        """Count an attempt against its channel's share; ``done``: whether it changed anything."""
        self._made[channel] = self._made.get(channel, 0) + done
        self._used[channel] = self._used.get(channel, 0.0) + max(seconds, 0.0)
        if self._made[channel] >= self._limit or self._used[channel] >= SHARE_SECONDS:
            self._resting.add(channel)
        if self._failures.get(channel, 0) > FORGIVEN:
            rested = self._clock.now() + REST_OF_TIME * max(seconds, 0.0)
            self._paused[channel] = max(self._paused.get(channel, 0.0), rested)

    def failed(self, channel: str, asked: float = 0.0) -> None:
        """Pause a channel for the round, and for as long as its service asked.

        Repeated failures make the pause longer.
        """
        failures = self._failures[channel] = self._failures.get(channel, 0) + 1
        growing = 2.0 ** min(failures - FORGIVEN, 10) if failures > FORGIVEN else 0.0
        pause = max(asked, min(growing, LONGEST_PAUSE_SECONDS))
        self._resting.add(channel)
        self._paused[channel] = self._clock.now() + pause

    def worked(self, channel: str) -> None:
        """Note that the service accepted a message."""
        self._failures.pop(channel, None)

    # --- choosing ---------------------------------------------------------------------------

    def _query(self, resting: Set[str], beyond: Sequence[Document]) -> Document:
        now = self._clock.now()
        times = [{"next_attempt": {"$lte": now}}, {"next_attempt": {"$gt": now + AHEAD_SECONDS}}]
        left_out = [{"channel": {"$ne": channel}} for channel in sorted(resting)[:LEFT_OUT]]
        return {"$and": [{"$or": list(WAITING)}, {"$or": times}, *left_out, *beyond]}

    def _may_go(self, document: Document) -> bool:
        return not (
            document["_key"] in self._given
            or document["channel"] in self._resting
            or document["lane"] in self._blocked
        )

    def _in_order(self, document: Document) -> Iterator[Document]:
        """Yield the due notifications before it in its lane, and then the notification itself."""
        while self._may_go(document):
            first = self._before(document) if document["lane"] else None
            if first is None:
                self._given.add(document["_key"])
                yield document
            elif is_malformed(first) and first["_key"] not in self._given:
                yield from self._malformed(first)
            elif first["_key"] in self._given or not _is_due(
                first["next_attempt"], self._clock.now()
            ):
                self._blocked.add(document["lane"])
            else:
                self._given.add(first["_key"])
                yield first

    def _malformed(self, document: Document) -> Iterator[Document]:
        if document["_key"] not in self._given:
            self._given.add(document["_key"])
            yield document

    def _before(self, document: Document) -> Optional[Document]:
        """Return the first waiting notification of the lane, if it precedes this one."""
        query = {
            "incident_id": document["incident_id"],
            "lane": document["lane"],
            "order": {"$lt": document["order"]},
            "$or": list(WAITING),
        }
        found: List[Document] = self._outbox.find(query, "order:1", 1)
        return found[0] if found else None


def _beyond(page: Sequence[Document], before: Sequence[Document]) -> Tuple[Sequence[Document], int]:
    """Return the clause for a page's last place and later, and how many are at that place.

    ``before`` is the page's own clause, returned for an empty page.
    """
    if not page:
        return before, 0
    # One of an older version has no urgency and sorts first; the next round gets what is left of
    # those.
    places = [(one.get("urgency", -1), one["created_at"]) for one in page]
    urgent, created = places[-1]
    again = places.count(places[-1])
    same = {"urgency": urgent, "created_at": {"$gte": created}}
    return [{"$or": [{"urgency": {"$gt": urgent}}, same]}], again


def _is_due(moment: float, now: float) -> bool:
    """Return whether a time has come, or is so far ahead that only a wrong clock wrote it."""
    return moment <= now or moment > now + AHEAD_SECONDS
