"""Name patterns that people write: ``*`` and ``?`` in any case, nothing else.

``fnmatch`` also supports sets in brackets, but hosts, disks and services have brackets in their
names (``Processor[_Total]``), and a pattern that is such a name must match it literally.
"""

from __future__ import annotations

import re
from fnmatch import translate
from functools import lru_cache
from typing import Pattern

__all__ = ["matches"]

# fnmatch in Python 3.9 caches 256 patterns: with more rules and suppressions, it would compile each
# pattern again for each signal.
PATTERNS_REMEMBERED = 10_000


def matches(value: str, pattern: str) -> bool:
    """Tell whether a name matches a pattern."""
    return pattern == "*" or _expression(pattern).match(value.lower()) is not None


@lru_cache(maxsize=PATTERNS_REMEMBERED)
def _expression(pattern: str) -> Pattern[str]:
    return re.compile(translate(pattern.lower().replace("[", "[[]")))
