"""Find whether a schedule that a change sets was due right before the errors began.

A nightly job that was moved into the peak is a change of hours ago; its run is what ties it to the
errors.
"""

from __future__ import annotations

import re
from datetime import timezone
from typing import Optional, Sequence

from ...detection.cron import Cron
from .effects import Effect

__all__ = ["due_before"]

LONGEST_RUN = 900.0
"""A job that was due up to this many seconds before the errors may have brought them about."""
MOST_OFTEN, DAY = 24, 86400.0
"""What is due more often than so many times a day is due at any time, and that says nothing."""

_FIELD = r"[\d*][\d*/,-]{0,40}"
_NAMES = r"[A-Za-z]{3}(?:[,-][A-Za-z]{3}){0,11}"
_CRON = re.compile(
    rf"(?<![\w*/,-]){_FIELD}[ \t]+{_FIELD}[ \t]+{_FIELD}[ \t]+(?:{_FIELD}|{_NAMES})[ \t]+"
    rf"(?:{_FIELD}|{_NAMES})(?![\w*/,-])"
)
_NUMBERS = {
    name: str(number)
    for names, first in (
        ("sun mon tue wed thu fri sat", 0),
        ("jan feb mar apr may jun jul aug sep oct nov dec", 1),
    )
    for number, name in enumerate(names.split(), first)
}


def due_before(removed: Sequence[str], added: Sequence[str], onset: float) -> Optional[Effect]:
    """Return the effect of added lines with a cron expression that was due before ``onset``.

    ``onset`` is epoch seconds. Expressions are read in UTC, as for CronJobs of Kubernetes and on
    most servers, and the effect says so: another time zone is not known here.
    """
    seen = {match[0] for line in removed for match in _CRON.finditer(line)}
    for line in added:
        for match in _CRON.finditer(line):
            if match[0] in seen:
                continue
            seen.add(match[0])
            if _was_due(match[0], onset):
                said = f"lets a job begin right before the errors ({match[0]}, read in UTC)"
                return Effect("job_moved", said)
    return None


def _was_due(text: str, onset: float) -> bool:
    numbers = re.sub(r"[a-z]{3}", lambda name: _NUMBERS.get(name[0], name[0]), text.lower())
    try:
        cron = Cron(numbers, timezone.utc)
    except ValueError:
        return False
    return (
        bool(cron.between(onset - LONGEST_RUN, onset, 1))
        and len(cron.between(onset - DAY, onset, MOST_OFTEN)) <= MOST_OFTEN
    )
