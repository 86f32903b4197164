"""Reads the kinds of values that .conf files hold."""

from __future__ import annotations

import re

from .errors import RunnerError

__all__ = ["lifetime", "names", "seconds", "truthy"]

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_PERIOD = re.compile(r"(\d+)\s*([a-z]*)\Z")
_LONG = {"sec": "s", "secs": "s", "second": "s", "seconds": "s", "min": "m", "mins": "m"}
_LONG |= {"minute": "m", "minutes": "m", "hr": "h", "hrs": "h", "hour": "h", "hours": "h"}
_LONG |= {"day": "d", "days": "d", "week": "w", "weeks": "w"}

_TRUE = frozenset({"1", "true", "t", "yes", "y", "enabled", "on"})
_FALSE = frozenset({"0", "false", "f", "no", "n", "disabled", "off", ""})


def truthy(value: str | None, default: bool = False, setting: str = "a setting") -> bool:
    """A boolean of a .conf file.

    Raises:
        RunnerError: the value is neither true nor false.
    """
    if value is None:
        return default
    word = value.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise RunnerError(f"The value '{value}' of {setting} is neither true nor false.")


def seconds(value: str, setting: str) -> int:
    """A period such as ``300``, ``5m``, ``24h`` or ``2d``, in seconds.

    Raises:
        RunnerError: it is not a period.
    """
    match = _PERIOD.match(value.strip().lower())
    unit = _LONG.get(match.group(2), match.group(2)) if match else None
    if match is None or unit not in _UNITS:
        raise RunnerError(
            f"The value '{value}' of {setting} is not a period such as 300, 5m or 1h."
        )
    return int(match.group(1)) * _UNITS[unit]


def lifetime(value: str, period: float, setting: str) -> float:
    """How long a job's results are kept: seconds, or with a ``p`` periods of its schedule.

    Raises:
        RunnerError: it is neither.
    """
    text = value.strip().lower()
    count = text[:-1] if text.endswith("p") else text
    if not count.isdigit():
        raise RunnerError(f"The value '{value}' of {setting} is not a number of seconds or 2p.")
    return int(count) * (period if text.endswith("p") else 1.0)


def names(value: str | None) -> list[str]:
    """A comma separated list."""
    return [part.strip().strip('"') for part in (value or "").split(",") if part.strip()]
