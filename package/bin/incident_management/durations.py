"""Spans of time as people write them in settings and options (``90s``, ``1.5h``), or are told them.

What they write is a number, which may have a fraction, then one of s, m, h, d, w, in either case
and with blanks around it. A number alone is seconds. Splunk's time modifiers (``-1d@d``) are
another grammar: :mod:`.detection.timemodifiers`.
"""

from __future__ import annotations

import re

__all__ = ["LONGEST", "seconds_of", "span"]

LONGEST = 3650 * 86400.0
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_SPAN = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,12})?)\s*([smhdw]?)")


def seconds_of(text: str, low: float = 0.0, *, unit: bool = False, never: bool = False) -> float:
    """Return the seconds of a span of time.

    Args:
        text: what somebody wrote.
        low: the least, in seconds, which is allowed itself as LONGEST is.
        unit: a number alone is refused; where taking hours for seconds would do harm.
        never: the word ``never`` is allowed as well, and is 0 whatever the bounds.

    Raises:
        ValueError: it is none, or out of bounds. The text goes on after the setting's name: ``is
            'soon'; write a number and s, m, h, d or w, such as 15m, at most 3650d``.
    """
    value = text.strip().lower()
    if never and value == "never":
        return 0.0
    match = _SPAN.fullmatch(value)
    if match and (match[2] or not unit):
        seconds = float(match[1]) * _UNITS[match[2] or "s"]
        if low <= seconds <= LONGEST:
            return seconds
    most = _written(LONGEST)
    limits = f"from {_written(low)} to {most}" if low else f"at most {most}"
    raise ValueError(
        f"is '{text.strip()[:60]}'; write a number and s, m, h, d or w, such as 15m, "
        f"{limits}{', or never' if never else ''}"
    )


def _written(seconds: float) -> str:
    """A span in the largest unit up to days of which it is a whole number."""
    unit = next((unit for unit in "dhm" if seconds and seconds % _UNITS[unit] == 0), "s")
    return f"{seconds / _UNITS[unit]:.12g}{unit}"


def span(seconds: float) -> str:
    """Tell a span of time to people, in its two largest units: ``1 h 5 min``."""
    left = int(max(seconds, 0.0))
    parts = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"
