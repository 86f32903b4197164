"""Refuse searches whose rows a monitor can't use, when its stanza is saved."""

from __future__ import annotations

import re

__all__ = ["check_rows", "check_times"]

_OF_NUMBERS = re.compile(r"\s*\|\s*(tstats|mstats)\b", re.I)
"""A search whose rows are numbers and not events ("tstats", "mstats" in the Search Reference)."""
_TIMED = {"tstats": r"\b_time\b", "mstats": r"\bspan\s*="}
_HOW_TIMED = {
    "tstats": "add _time to its BY, as in by host, _time span=1m",
    "mstats": "add span=1m",
}
# Commands whose rows have only the named fields, and commands that add no unnamed ones.
_NAMING = re.compile(r"\|\s*(stats|chart|top|rare|table)\b", re.I)
_KEEPING = frozenset(
    ["where", "search", "eval", "fields", "rename", "sort", "head", "tail", "dedup", "fillnull"]
)
_COMMAND = re.compile(r"\|\s*(\w+)")
_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"', re.S)
_OTHER_NAME = re.compile(r"\w+\(_time\)\s+as\s+(?!_time\b)\w+", re.I)
# Parts that may add a time: its name, or macros, subsearches and wildcards.
_MAY_BE_TIMED = re.compile(r"_time\b|[`\[*]")


def check_rows(search: str, detector: str, value: str, lacks_total: bool) -> None:
    """Refuse rows of ``tstats`` and ``mstats`` in which a monitor would never find anything.

    Those are rows that it would count as events, and rows without a time ("mstats" in the Search
    Reference: grouped by time if there is a span). Problems hidden in a macro are not seen here.

    Args:
        lacks_total: the detector needs the number of all events, and no field is named for it.

    Raises:
        ValueError: one sentence that says what to change.
    """
    match = _OF_NUMBERS.match(search)
    if match is None:
        return
    command = match[1].lower()
    if lacks_total:
        raise ValueError(
            f"{command} gives numbers, not events; name the field that holds how many events a row "
            f"stands for in total, so that {detector} can count all of them."
        )
    if detector == "new_template":
        raise ValueError(
            f"{detector} needs events, and {command} gives numbers; search the events themselves."
        )
    if detector == "baseline" and value == "count":
        raise ValueError(
            f"value = count would count the rows of {command}, one a span; say which of its fields "
            "is the number, such as sum(count)."
        )
    if "`" not in search and not re.search(_TIMED[command], search):
        raise ValueError(f"the rows of {command} have no time; {_HOW_TIMED[command]}.")


def check_times(search: str) -> None:
    """Refuse a search whose last rows certainly have no time: a monitor would never find
    anything.
    """
    unquoted = _QUOTED.sub(lambda found: "_" * len(found[0]), search)
    *_, last = [None, *_NAMING.finditer(unquoted)]
    if last is None or not _KEEPING.issuperset(_COMMAND.findall(unquoted.lower(), last.end())):
        return
    if not _MAY_BE_TIMED.search(_OTHER_NAME.sub("", search[last.start() :])):
        raise ValueError(
            f"the rows of {last[1]} have no time; leave {last[1]} out, as a monitor counts "
            "events itself, or keep _time in it, after | bin _time span=1m."
        )
