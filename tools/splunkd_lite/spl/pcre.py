"""Regular expressions as Splunk has them: PCRE, through the `pcre2` package.

A pattern that means the same to Python's own `re` runs there, several times faster per call;
whatever `re` might read differently goes to PCRE.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import pcre2

from tools.splunkd_lite.spl.errors import SplError

__all__ = ["compile_pattern", "group_names"]

# Constructs that `re` reads as PCRE does: no backtracking verbs, possessives, \K, \R, POSIX
# classes, recursion, or inline flags outside the start.
_PCRE_ONLY = re.compile(
    r"\\[KRXhHvVNQEGzZpPgkol]|\(\?[^:=!<i]|\(\?<[^=!A-Za-z]|\(\*|[*+?}]\+|\[\[:|\[:|\(\?i|&&|--|\|\||~~|\$|[*+}]\)[*+{]"
)


@lru_cache(maxsize=1024)
def _compile(pattern: str) -> Any:
    pcre2_pattern = pcre2.compile(pattern)
    if not _PCRE_ONLY.search(pattern) and pattern.isascii():
        try:
            return re.compile(pattern.replace("(?<", "(?P<").replace("(?P<=", "(?<=")
                              .replace("(?P<!", "(?<!"), re.A)  # fmt: skip
        except re.error:
            return pcre2_pattern
    return pcre2_pattern


def compile_pattern(pattern: str, position: int | None = None, flags: str = "") -> Any:
    """A compiled pattern with `search`, `finditer` and `sub`. Raises SplError if it is wrong."""
    try:
        return _compile(f"(?{flags}){pattern}" if flags else pattern)
    except pcre2.error as error:
        raise SplError(
            f"the regular expression '{pattern}' is invalid: {error}", position
        ) from None


def group_names(compiled: Any) -> list[str]:
    """The names of a pattern's groups, in order."""
    return sorted(compiled.groupindex, key=compiled.groupindex.get)
