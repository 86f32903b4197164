"""Patterns that people write for names: ``*`` and ``?``, in any case, and nothing else.

``fnmatch`` knows sets in brackets, too, but hosts, disks and services have brackets in their names
(``Processor[_Total]``), and a pattern that is such a name means it.
"""

from __future__ import annotations

import re
from fnmatch import translate
from functools import lru_cache
from typing import Pattern

__all__ = ["matches"]

# fnmatch of Python 3.9 remembers 256: with more rules and suppressions than that it makes each
# expression anew for each signal.
PATTERNS_REMEMBERED = 10_000


def matches(value: str, pattern: str) -> bool:
    """Tell whether a pattern fits a name."""
    return pattern == "*" or _expression(pattern).match(value.lower()) is not None


@lru_cache(maxsize=PATTERNS_REMEMBERED)
def _expression(pattern: str) -> Pattern[str]:
    return re.compile(translate(pattern.lower().replace("[", "[[]")))
