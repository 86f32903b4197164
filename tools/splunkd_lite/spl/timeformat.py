"""Times as text: the variables of strftime and strptime as Splunk reads them.

Source: https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/time-format-variables-and-modifiers/date-and-time-format-variables
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone, tzinfo
from functools import lru_cache

__all__ = ["format_time", "parse_time"]

_VARIABLE = re.compile(r"%(\d?[A-Za-z+%]|:{1,3}z)")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_PLAIN = {"n": "\n", "t": "\t", "%": "%"}
_EXPANSIONS = {
    "T": "%H:%M:%S",
    "F": "%Y-%m-%d",
    "D": "%m/%d/%y",
    "R": "%H:%M",
    "c": "%a %b %e %H:%M:%S %Y",
    "x": "%m/%d/%Y",
    "X": "%H:%M:%S",
    "+": "%a %b %e %H:%M:%S %Z %Y",
}


def format_time(moment: float, pattern: str, tz: tzinfo) -> str:
    """`moment` (epoch seconds) written as `pattern` says; unknown variables stay as they are."""
    when = datetime.fromtimestamp(moment, tz)

    def one(found: re.Match[str]) -> str:
        return _variable(found.group(1), when, moment, tz)

    return _VARIABLE.sub(one, pattern)


def _variable(name: str, when: datetime, moment: float, tz: tzinfo) -> str:
    if name in _PLAIN:
        return _PLAIN[name]
    if name in _EXPANSIONS:
        return format_time(moment, _EXPANSIONS[name], tz)
    if name[-1] in "NQ" and (len(name) == 1 or name[0].isdigit()):
        digits = int(name[0]) if len(name) == 2 else (9 if name == "N" else 3)
        return f"{when.microsecond * 1000:09d}"[:digits]
    if name == "s":
        return str(int(moment // 1))
    if name.endswith("z"):
        return _offset(when, colons=len(name) - 1)
    if name in "ekl":
        hour = when.hour % 12 or 12
        return f"{ {'e': when.day, 'k': when.hour, 'l': hour}[name]:2d}"
    if name in ("H", "I", "M", "S", "Y", "m", "d", "y", "j", "p", "a", "A", "b", "B", "h", "U", "W",
                "w", "V", "G", "g", "u", "Z", "f"):  # fmt: skip
        return when.strftime("%" + name)
    if name == "C":
        return f"{when.year // 100:02d}"
    return "%" + name


def _offset(when: datetime, colons: int) -> str:
    seconds = int((when.utcoffset() or timedelta()).total_seconds())
    sign, seconds = ("-", -seconds) if seconds < 0 else ("+", seconds)
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    if colons == 0:
        return f"{sign}{hours:02d}{minutes:02d}"
    if colons == 3:
        return f"{sign}{hours:02d}"
    if colons == 1:
        return f"{sign}{hours:02d}:{minutes:02d}"
    return f"{sign}{hours:02d}:{minutes:02d}:{seconds % 60:02d}"


_PARTS = {
    "Y": r"(?P<Y>\d{4})",
    "y": r"(?P<y>\d{2})",
    "m": r"(?P<m>\d{1,2})",
    "d": r"(?P<d>\d{1,2})",
    "e": r"\s?(?P<d>\d{1,2})",
    "H": r"(?P<H>\d{1,2})",
    "k": r"\s?(?P<H>\d{1,2})",
    "I": r"(?P<I>\d{1,2})",
    "l": r"\s?(?P<I>\d{1,2})",
    "M": r"(?P<M>\d{1,2})",
    "S": r"(?P<S>\d{1,2})",
    "p": r"(?P<p>[AaPp]\.?[Mm]\.?)",
    "b": r"(?P<b>[A-Za-z]{3,9})",
    "a": r"[A-Za-z]{3,9}",
    "j": r"(?P<j>\d{1,3})",
    "z": r"(?P<z>Z|[+-]\d{2}:?\d{2})",
    "Z": r"(?P<Z>[A-Za-z]{1,5}|[+-]\d{2}:?\d{2})",
    "s": r"(?P<s>\d{1,11})",
    "w": r"\d",
}
_PARTS |= {"B": _PARTS["b"], "h": _PARTS["b"], "A": _PARTS["a"]}
_NAMED_ZONES = {"utc": 0, "gmt": 0, "z": 0, "est": -5, "edt": -4, "cst": -6, "cdt": -5,
                "mst": -7, "mdt": -6, "pst": -8, "pdt": -7, "cet": 1, "cest": 2, "bst": 1,
                "jst": 9}  # fmt: skip


@lru_cache(maxsize=256)
def _pattern(text: str) -> re.Pattern[str] | None:
    parts, at = [], 0
    for expansion in ("T", "F", "D", "R", "c", "x", "X", "+"):
        text = text.replace("%" + expansion, _EXPANSIONS[expansion])
    for found in _VARIABLE.finditer(text):
        parts.append(_literal(text[at : found.start()]))
        at = found.end()
        name = found.group(1)
        if name[-1] in "NQf":
            pointed = parts[-1].endswith("\\.")
            parts[-1] = parts[-1][:-2] if pointed else parts[-1]
            parts.append(r"(?:\.(?P<N>\d{1,9}))?" if pointed else r"(?P<N>\d{1,9})")
        elif name.endswith("z"):
            parts.append(_PARTS["z"])
        elif name in _PLAIN:
            parts.append(_literal(_PLAIN[name]))
        elif name in _PARTS:
            parts.append(_PARTS[name])
        else:
            return None
    parts.append(_literal(text[at:]))
    try:
        return re.compile("".join(parts))
    except re.error:  # the same variable twice
        return None


def _literal(text: str) -> str:
    return re.sub(r"(?:\\\s|\s)+", r"\\s+", re.escape(text))


def parse_time(text: str, pattern: str, tz: tzinfo) -> float | None:
    """The epoch seconds that `text`, written as `pattern` says, stands for; None if it is not.

    Trailing text is ignored, as strptime does; a missing date is today's in `tz` only when the
    pattern has no date variable at all, and one without a day is none. A fraction after a point
    may be missing, as in the page's example with gentimes:
    https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/evaluation-functions/date-and-time-functions
    """
    compiled = _pattern(pattern)
    found = compiled.match(text.lstrip()) if compiled else None
    if found is None:
        return None
    parts = found.groupdict()
    fraction = float("0." + parts["N"]) if parts.get("N") else 0.0
    if parts.get("s"):
        return int(parts["s"]) + fraction
    if any(map(parts.get, "YymbB")) and not any(map(parts.get, "dj")):
        return None  # "must include a day"
    zone = _zone(parts, tz)
    try:
        return _moment(parts, zone).timestamp() + fraction
    except (ValueError, OverflowError):
        return None


def _zone(parts: dict[str, str | None], tz: tzinfo) -> tzinfo:
    text = parts.get("z") or parts.get("Z")
    if not text:
        return tz
    if text[0] in "+-":
        minutes = int(text[1:3]) * 60 + int(text[-2:])
        return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))
    hours = _NAMED_ZONES.get(text.lower())
    return tz if hours is None else timezone(timedelta(hours=hours))


def _moment(parts: dict[str, str | None], zone: tzinfo) -> datetime:
    def number(name: str, default: int) -> int:
        text = parts.get(name)
        return default if text is None else int(text)

    today = datetime.now(zone)
    dated = any(parts.get(name) for name in ("Y", "y", "m", "d", "b", "j"))
    year = number("Y", today.year)
    if parts.get("y"):
        short = number("y", 0)
        year = short + (2000 if short < 69 else 1900)
    month = number("m", 1 if dated else today.month)
    if parts.get("b"):
        month = _MONTHS.index((parts["b"] or "")[:3].lower()) + 1
    day = number("d", 1 if dated else today.day)
    hour = number("H", 0)
    if parts.get("I"):
        hour = number("I", 12) % 12
    if parts.get("p") and (parts["p"] or "")[0].lower() == "p" and hour < 12:
        hour += 12
    second = number("S", 0)
    when = datetime(year, month, day, hour, number("M", 0), min(second, 59), tzinfo=zone)
    if parts.get("j"):
        when += timedelta(days=number("j", 1) - 1)
    return when
