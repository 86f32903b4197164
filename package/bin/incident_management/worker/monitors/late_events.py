"""Detects events that were indexed after their span was judged, and so were not counted.

One judged span in twelve is searched once more, an hour after its end or later, and its events are
counted again. If there are noticeably more, people are notified of this, and of the ``lag`` with
which all of them would have been counted. It costs a twelfth of the monitor's searches at most.
"""

from __future__ import annotations

import math
from typing import Optional, Sequence, Tuple

from ...detection.monitors.monitor import MAX_EVENTS, Monitor
from ...detection.monitors.rows import Row, by_span, count_of, number_of
from ...incidents.canonical import digest
from ...incidents.stores import claim_document
from ...ports import Clock, Document, Searcher, SearchFailed, SearchTooSlow, Stores
from ...utc import to_the_minute

__all__ = ["LATE", "Judged", "LateEvents"]

LATE = "late"
SPANS_A_LOOK = 12
AFTER_SECONDS = 3600.0
NOTICEABLE = 0.01
"""The share of a span's events. A few of very many can be neither avoided nor noticed."""

Judged = Tuple[int, int]
"""The end of a span that was judged as a whole, and its number of events at that time."""


class LateEvents:
    """Checks one monitor's spans for late events.

    Its note in the KV store holds the span of the next or last check, and the result.
    """

    def __init__(
        self, monitor: Monitor, stores: Stores, searcher: Searcher, clock: Clock, holder: str
    ) -> None:
        self._monitor = monitor
        self._claims = stores.claims
        self._searcher = searcher
        self._clock = clock
        self._holder = holder
        self._key = f"monitor:{monitor.name}:{LATE}"
        self._pause = float(SPANS_A_LOOK * monitor.span)
        # A result under another lag, or of another search, does not apply.
        self._settings = digest([monitor.learned_as, monitor.lag], 16)

    def run(self, judged: Optional[Judged]) -> str:
        """Check a span again if it is time; return the sentence to show to people, maybe empty.

        ``judged``: the newest span that was judged in this run. Raises what the stores raise.
        """
        now, known = self._clock.now(), self._claims.get(self._key)
        note: Document = dict(known["value"]) if known else {}
        if note.get("settings") != self._settings or note["end"] > now:
            note = {"sentence": "", "count": None, "settings": self._settings, "end": -math.inf}
        before = dict(note)
        if note["count"] is not None and now - note["end"] >= AFTER_SECONDS:
            note.update(sentence=self._count_again(note), count=None)
        elif judged and note["count"] is None and judged[0] - note["end"] >= self._pause:
            note.update(end=judged[0], count=judged[1])
        if note != before:
            document = claim_document(
                self._key, now, note, purpose="monitor late", holder=self._holder
            )
            self._claims.save([document])
        return str(note["sentence"])

    def _count_again(self, note: Document) -> str:
        end, span = int(note["end"]), self._monitor.span
        try:
            result = self._searcher.run(
                self._monitor.spl(indexed=True),
                str(end - span),
                str(end),
                limit=MAX_EVENTS,
                timeout=self._monitor.timeout,
            )
            rows = by_span(result.rows, span).get(end - span, [])
        except (SearchFailed, SearchTooSlow, ValueError):
            return str(note["sentence"])
        if result.truncated or result.cut_short or result.warnings:
            return str(note["sentence"])
        return self._late_sentence(end, int(note["count"]), rows)

    def _late_sentence(self, end: int, judged: int, rows: Sequence[Row]) -> str:
        count = count_of(self._monitor, rows)
        if count - judged <= NOTICEABLE * count:
            return ""
        span = f"its span from {to_the_minute(end - self._monitor.span)}"
        late = count - judged
        delay = max((number_of(row.get("indexed")) or 0.0 for row in rows), default=0.0) - end
        if delay > self._monitor.lag:
            return (
                f"Of {count} events of {span}, {late} were indexed after it was judged and not "
                f"counted. Set lag to {math.ceil(delay / 60)}m, which would have included them, or "
                "find what delays them."
            )
        # A search of indexed fields has no time of indexing; a lookup may have changed, too.
        return (
            f"{span[0].upper()}{span[1:]} has {count} events now, {late} more than when it was "
            "judged. If they were indexed late, set a longer lag, or find what delays them."
        )
