"""Whether a schedule that a change sets was due right before errors began.

A nightly job that was moved into the peak is a change of hours ago; what ties it to the errors is
that it ran then.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import List, Optional, Sequence, Set

from .effects import Effect

__all__ = ["due_before"]

LONGEST_RUN = 15
"""A job that was due up to this many minutes before the errors may have brought them about."""
MOST_OFTEN = 24
"""Minutes and hours, multiplied: what is due more often than so many times a day is due at any
time, and that says nothing."""

_FIELD = r"[\d*][\d*/,-]{0,40}"
_CRON = re.compile(
    rf"(?<![\w*/,-])({_FIELD})\s+({_FIELD})\s+{_FIELD}\s+(?:{_FIELD}|[A-Za-z]{{3}})\s+"
    rf"(?:{_FIELD}|[A-Za-z]{{3}}(?:[,-][A-Za-z]{{3}}){{0,6}})(?![\w*/,-])"
)


def due_before(removed: Sequence[str], added: Sequence[str], onset: float) -> Optional[Effect]:
    """Return the effect of lines that put in a cron expression which was due before ``onset``.

    ``onset`` is epoch seconds. Expressions are read in UTC, as CronJobs of Kubernetes and most
    servers have them; of another time zone nothing is known here, and none is assumed.
    """
    old = {match[0] for line in removed for match in _CRON.finditer(line)}
    moments = [
        datetime.fromtimestamp(onset, timezone.utc) - timedelta(minutes=back)
        for back in range(LONGEST_RUN + 1)
    ]
    for line in added:
        for match in _CRON.finditer(line):
            minutes, hours = _values(match[1], 60), _values(match[2], 24)
            seldom = 0 < len(minutes) * len(hours) <= MOST_OFTEN
            due = any(moment.minute in minutes and moment.hour in hours for moment in moments)
            if match[0] not in old and seldom and due:
                return Effect("job_moved", f"lets a job begin right before the errors ({match[0]})")
    return None


def _values(text: str, size: int) -> Set[int]:
    """Return the minutes or hours of a field of crontab(5); none if it is no such field."""
    found: Set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        bounds: List[str] = ["0", str(size - 1)] if span == "*" else span.split("-")
        if len(bounds) > 2 or not all(one.isdigit() for one in [*bounds, step or "1"]):
            return set()
        first, last = int(bounds[0]), int(bounds[-1])
        if step and len(bounds) == 1:
            last = size - 1
        if not 0 <= first <= last < size or int(step or 1) < 1:
            return set()
        found.update(range(first, last + 1, int(step or 1)))
    return found
