"""Earliest and latest of a search, as text, to epoch seconds."""

from __future__ import annotations

from tools.splunkd_lite.errors import SplunkdError

__all__ = ["parse_time"]


def parse_time(value: str | float | None, now: float) -> float | None:
    """Epoch seconds, or None for no bound (empty text; earliest ``0`` is a bound of its own).

    Raises:
        SplunkdError: 400, not a time modifier.
    """
    if value is None or value == "":
        return None
    if isinstance(value, (int, float)):
        return float(value)
    from tools.splunkd_lite.spl import SplError
    from tools.splunkd_lite.spl.timemod import resolve

    if value.startswith("rt"):
        raise SplunkdError(400, f"Real-time searches are not supported: '{value}'.", "FATAL")
    try:
        return resolve(value, now)
    except SplError as error:
        raise SplunkdError(400, f"Invalid time '{value}': {error}", "FATAL") from error
