"""The figures of a detection's health: firing, precision by feedback, silence, noise.

Pure functions: stored documents in, figures out. A page is an incident that is opened or reopened;
it belongs to the detection that opened the incident. Times are epoch seconds.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

__all__ = [
    "DAY",
    "MONTH_DAYS",
    "PAGES_A_DAY",
    "WEEK_DAYS",
    "Verdicts",
    "firing",
    "noise",
    "quietness",
    "wilson",
]

DAY = 86400.0
WEEK_DAYS = 7
MONTH_DAYS = 30
PAGES_A_DAY = 10.0
"""Pages a day over a week above which a detection is noisy, whatever the feedback on them."""
DOUBTFUL_PRECISION = 0.5
_Z = 1.959963984540054


def wilson(successes: int, total: int) -> Tuple[float, float]:
    """Return the bounds of a share with 95% confidence; 0 to 1 if there are no cases.

    Wilson's score interval: E. B. Wilson, "Probable Inference, the Law of Succession, and
    Statistical Inference", 1927. It is valid for few cases too: two of two are "at least a third".
    """
    if not total:
        return 0.0, 1.0
    share, square = successes / total, _Z * _Z
    middle = share + square / (2 * total)
    half = _Z * math.sqrt(share * (1 - share) / total + square / (4 * total * total))
    scale = 1 + square / total
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)


@dataclass(frozen=True)
class Verdicts:
    """The feedback that people gave when they resolved incidents.

    A duplicate counts as unwanted: someone was paged for a known problem.
    """

    true_positive: int = 0
    false_positive: int = 0
    duplicate: int = 0
    none: int = 0

    @classmethod
    def of(cls, incidents: Sequence[Mapping[str, Any]]) -> Verdicts:
        counts = Counter(str(one.get("feedback") or "none") for one in incidents)
        return cls(**{name: counts.get(name, 0) for name in cls.__dataclass_fields__})

    @property
    def judged(self) -> int:
        return self.true_positive + self.false_positive + self.duplicate

    @property
    def bounds(self) -> Tuple[float, float]:
        """Return the bounds of the precision, with 95% confidence."""
        return wilson(self.true_positive, self.judged)

    def to_document(self) -> Dict[str, Any]:
        """Return counts and precision; the precision is None until an incident has feedback."""
        low, high = self.bounds
        return {
            "true_positive": self.true_positive,
            "false_positive": self.false_positive,
            "duplicate": self.duplicate,
            "none": self.none,
            "precision": round(self.true_positive / self.judged, 3) if self.judged else None,
            "precision_low": round(low, 3),
            "precision_high": round(high, 3),
        }


def firing(
    incidents: Sequence[Mapping[str, Any]],
    reopened: Mapping[str, Sequence[float]],
    signals: int,
    days: int,
    now: float,
) -> Dict[str, Any]:
    """Return the figures of the last ``days``, for the incidents that one detection opened.

    ``reopened`` gives the times at which incidents were reopened, by id.
    """
    since = now - days * DAY
    opened = [one for one in incidents if since <= float(one.get("opened_at") or 0.0) <= now]
    again = [time for one in incidents for time in reopened.get(str(one["id"]), ())]
    pages = len(opened) + sum(since <= time <= now for time in again)
    return {
        "days": days,
        "signals": signals,
        "incidents": len(opened),
        "pages": pages,
        "pages_per_day": round(pages / days, 2),
    }


def quietness(
    enabled: Optional[bool], last_fired: Optional[float], now: float, since: Optional[float] = None
) -> Tuple[str, str]:
    """Return the state of a detection by its firing alone, and a sentence about it.

    ``enabled`` is None for a detection that is not a saved search. ``since`` is the time since
    when it is known to be enabled; None if that was not recorded.
    """
    if enabled is False:
        return (
            "disabled",
            "The detection is disabled or has no schedule, so it can't find anything.",
        )
    if last_fired is None and since is not None and now - since < WEEK_DAYS * DAY:
        return (
            "new",
            "The detection was enabled less than 7 days ago, as far as "
            "is known, and has found nothing yet.",
        )
    if last_fired is None:
        return "never_fired", (
            "The detection never fired. Replay it with | "
            "incidentbacktest and a lower threshold, to "
            "see whether it can find anything."
        )
    age = (now - last_fired) / DAY
    if age > MONTH_DAYS:
        return "silent", f"The detection last fired {age:.0f} days ago."
    return "ok", ""


def noise(verdicts: Verdicts, pages_per_day: float, limit: float = PAGES_A_DAY) -> str:
    """Return why a detection is noisy; empty if it is not.

    Verdicts count once they leave no doubt: the whole interval of the precision must lie below one
    half. That takes at least four unwanted incidents, and more if some were right.
    """
    _low, high = verdicts.bounds
    if high < DOUBTFUL_PRECISION:
        return (
            f"Of {verdicts.judged} incidents with feedback, {verdicts.true_positive} were true, "
            f"{verdicts.false_positive} false and {verdicts.duplicate} duplicates."
        )
    if pages_per_day > limit:
        return f"The detection pages {pages_per_day:g} times a day, more than {limit:g}."
    return ""
