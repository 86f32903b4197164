"""Small helpers of Splunk's that apps import."""

from __future__ import annotations

import calendar
from typing import Any

__all__ = ["mktimegm", "normalizeBoolean"]

_TRUE = ("1", "true", "t", "yes", "y", "on", "enabled")
_FALSE = ("0", "false", "f", "no", "n", "off", "disabled")


def mktimegm(moment: Any) -> int:
    """Epoch seconds of a UTC time tuple."""
    return calendar.timegm(moment)


def normalizeBoolean(
    value: Any, enableStrictMode: bool = False, includeIntegers: bool = True
) -> Any:
    """A boolean for what reads like one; anything else is returned as it is.

    With ``enableStrictMode`` anything else raises ValueError.
    """
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if not includeIntegers and text in ("0", "1"):
        return value
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if enableStrictMode:
        raise ValueError(f"'{value}' is not a boolean")
    return value


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    raise AttributeError(f"splunk.util.{name} is not provided by this stand-in for Splunk")
