"""Numbers of a text, with their units, to compare a claim's with an event's."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Iterator, List, NamedTuple, Tuple

__all__ = [
    "COUNTS", "UNITS", "has_percent", "is_other_unit", "measured", "numbers", "occurs",
    "unit_not_in_event", "without_known_amounts",
]  # fmt: skip

# The size of each unit, in the smallest unit of its kind. Logs mix up powers of 1000 and of 1024.
_SIZES = {
    "ms": ("time", 0.001),
    "s": ("time", 1.0),
    "min": ("time", 60.0),
    "h": ("time", 3600.0),
    "d": ("time", 86400.0),
    "%": ("share", 0.01),
    "B": ("bytes", 1.0),
    "KB": ("bytes", 1e3),
    "MB": ("bytes", 1e6),
    "GB": ("bytes", 1e9),
}
UNITS = {
    unit: kind
    for kind, names in {
        "ms": "ms msec millisecond milliseconds",
        "s": "s sec secs second seconds",
        "min": "m min mins minute minutes",
        "h": "h hr hrs hour hours",
        "d": "d day days",
        "%": "% pct percent",
        "B": "b byte bytes",
        "KB": "kb kib kilobyte kilobytes",
        "MB": "mb mib megabyte megabytes",
        "GB": "gb gib gigabyte gigabytes",
    }.items()
    for unit in names.split()
}
_SMALL = "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
COUNTS = {word: str(number) for number, word in enumerate(_SMALL.split("|"), 2)}

# A date, or a number with what is written next to it and changes it: -1, $5, 1%, 1k, 5th
_NUMBER = re.compile(
    r"\d{4}-\d\d-\d\d|(?<![\w.])(?:[-$€£](?=\d))?v?\d+(?:[.:]\d+)*(?:%|[A-Za-z]\w{0,20})?"
)
_HTTP_ERRORS = re.compile(r"([45]\d\d)s")
_MEASURED = re.compile(r"(?<![\w.])(?![45]\d\ds\b)(\d+(?:\.\d+)?) ?(%|[a-zA-Z]{1,12}\b)")
# latency_ms=1250, "p99_ms": 5230, seconds=412
_KEYED = re.compile(
    r"(?:[_.-]|(?<![\w.-])(?=(?:ms|sec|minutes|hours|days|percent|bytes|[kmg]b)\w{0,4}[\"']?\s{0,2}[=:]))([a-z]{1,12})[\"']?\s{0,2}[=:]\s{0,2}[\"']?(\d+(?:\.\d+)?)(?![\w.])",
    re.I,
)
_BARE = re.compile(r"(?<![\w.:-])(0?\.\d{1,9}|[01]\.0)(?![\w.:-])")
_SMALL_WORD = re.compile(rf"\b(?:{_SMALL})\b(?= (?:{'|'.join(sorted(UNITS)[1:])})\b)", re.I)
NEAR = 0.002
"""1 GiB told as 1.074 GB is the same; 1.1 for 1.07 is so by rounding."""


class _Told(NamedTuple):
    """``amount`` as written, with its unit: a key of _SIZES."""

    amount: str
    unit: str


def numbers(text: str) -> List[str]:
    """Return the numbers of a text, each once, as logs write them: 12,000 is 12000, v1.2 is 1.2.

    A unit is left out, see :func:`is_other_unit`: 30s may be 30 seconds there, or timeout=30.
    """
    found = _NUMBER.findall(re.sub(r"(?<=\d),(?=\d{3}\b)", "", text))
    plain = (_HTTP_ERRORS.sub(r"\1", number.lstrip("v")) for number in found)
    return list(dict.fromkeys(map(_without_unit, plain)))


def occurs(name: str, text: str) -> bool:
    """Return whether a name or number occurs in a text as a whole: 1 is neither 12 nor 0.1."""
    if name not in text:
        return False
    before = r"(?<![\d.])" if name[:1].isdigit() else ""
    return re.search(rf"{before}{re.escape(name)}(?!\d)", text) is not None


def is_other_unit(amount: str, unit: str, text: str) -> bool:
    """Return whether a text has that amount with a unit, and never with this one."""
    meant = UNITS.get(unit.lower())
    if meant is None:
        return False
    found = [told.unit for told in _amounts_with_unit(text) if told.amount == amount]
    return bool(found) and meant not in found


def measured(text: str) -> List[Tuple[str, str]]:
    """Return the amounts of a text with what is written after them: a unit, or another word."""
    return list(dict.fromkeys(_MEASURED.findall(text)))


def unit_not_in_event(said: str, text: str) -> str:
    """Return an amount of a claim whose unit is not in an event's text, "" if there is none."""
    told = {one.amount for one in _amounts_with_unit(text)}
    for amount, unit in measured(said):
        if unit.lower() in UNITS and amount not in told and occurs(amount, text):
            return f"{amount} {unit}"
    return ""


def without_known_amounts(said: str, text: str) -> str:
    """Return a claim without the amounts that an event has in another unit, or more exactly.

    1.84 seconds is 1840 ms, 94 percent is 0.94, 8.4 seconds is 8.412 s.
    """
    said = _SMALL_WORD.sub(lambda m: COUNTS[m[0].lower()], said)
    sizes = set(_sizes(text))
    parts, done = [], 0
    for found in _MEASURED.finditer(said):
        unit = UNITS.get(found[2].lower(), "")
        if unit and any(_is_same(found[1], unit, kind, size) for kind, size in sizes):
            parts.append(said[done : found.start()])
            done = found.end()
    return "".join(parts) + said[done:]


def has_percent(amount: str, text: str) -> bool:
    """Return whether a text has that amount with a key that means percent: cpu_pct=97."""
    return _Told(amount, "%") in _keyed(text)


def _is_same(amount: str, unit: str, kind: str, size: float) -> bool:
    of, factor = _SIZES[unit]
    if of != kind:
        return False
    digits = len(amount.partition(".")[2])
    exact = len(amount.replace(".", "").lstrip("0")) < 2
    rounding = 0.0 if exact else 0.5 * factor * 10.0**-digits
    return abs(float(amount) * factor - size) <= max(rounding, NEAR * size)


def _sizes(text: str) -> Iterator[Tuple[str, float]]:
    for told in _amounts_with_unit(text):
        kind, factor = _SIZES[told.unit]
        yield kind, float(told.amount) * factor
    for share in _BARE.findall(text):
        yield "share", float(share)


@lru_cache(maxsize=4)
def _amounts_with_unit(text: str) -> List[_Told]:
    """Return the amounts of a text that have a unit."""
    beside = [_Told(amount, UNITS.get(unit.lower(), "")) for amount, unit in measured(text)]
    return [one for one in [*beside, *_keyed(text)] if one.unit]


def _keyed(text: str) -> List[_Told]:
    """Return the amounts of a text whose keys name the unit."""
    return [_Told(amount, UNITS.get(unit.lower(), "")) for unit, amount in _KEYED.findall(text)]


def _without_unit(number: str) -> str:
    amount = number.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return amount if number[len(amount) :].lower() in UNITS else number
