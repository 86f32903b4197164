"""Patterns that people write for names: ``*`` and ``?``, in any case, and nothing else.

``fnmatch`` knows sets in brackets, too, but hosts, disks and services have brackets in their names
(``Processor[_Total]``), and a pattern that is such a name means it.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

__all__ = ["fits"]


def fits(value: str, pattern: str) -> bool:
    """Tell whether a pattern fits a name."""
    return fnmatchcase(value.lower(), pattern.lower().replace("[", "[[]"))
