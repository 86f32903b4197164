"""A service level objective and its burn rates, as a monitor's settings give them.

An objective of 99.9 percent over 30 days allows one event in a thousand to be bad: the error
budget. A burn rate of 1 uses it up in exactly those days, one of 14.4 in about two. As in "Alerting
on SLOs" in Google's SRE Workbook, a rate must be exceeded over two windows: the long one shows that
it matters, the short one that it still lasts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Tuple

from ...conf_values import listed
from ...durations import seconds_of
from ...incidents.model import SEVERITIES
from ..options import Kind

__all__ = [
    "DEFAULT_RATES",
    "WINDOW",
    "BurnRate",
    "BurnRates",
    "Objective",
    "check_objective",
    "percent_of",
]

WINDOW = 30 * 86400.0
"""Seconds that an error budget is for, unless a monitor says otherwise."""
MAX_RATES = 8
MAX_LONG_SPANS = 10_000
"""Spans of the longest window: three days of spans of half a minute."""
HOW = "write 14.4x 1h/5m critical, 6x 6h/30m high"

_RATE = re.compile(
    r"(\d{1,6}(?:\.\d{1,6})?)\s*x?\s+([^\s/]+)\s*/\s*([^\s/]+)(?:\s+([a-z]+))?", re.I
)


@dataclass(frozen=True)
class BurnRate:
    """How many times faster than allowed is too fast over two windows, in whole seconds.

    ``severity``: of its findings; empty: its monitor's.
    """

    rate: float
    long: int
    short: int
    severity: str = ""


DEFAULT_RATES = (
    BurnRate(14.4, 3600, 300, "critical"),
    BurnRate(6.0, 6 * 3600, 1800, "high"),
    BurnRate(1.0, 3 * 86400, 6 * 3600, "medium"),
)


class BurnRates(Kind):
    """``14.4x 1h/5m critical, 6x 6h/30m high``: rate, long and short window, severity."""

    def parse(self, value: str) -> Tuple[BurnRate, ...]:
        rates = tuple(map(_rate, listed(value)))
        if not 1 <= len(rates) <= MAX_RATES:
            raise ValueError(f"it has {len(rates)} burn rates; {HOW}, at most {MAX_RATES}.")
        return rates


def _rate(text: str) -> BurnRate:
    match = _RATE.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text[:60]}' is not a burn rate; {HOW}.")
    rate, severity = float(match[1]), (match[4] or "").lower()
    try:
        long, short = (seconds_of(match[part], 1.0, unit=True) for part in (2, 3))
    except ValueError as error:
        raise ValueError(f"a window of '{text[:60]}' {error}.") from error
    if severity and severity not in SEVERITIES:
        raise ValueError(f"'{severity}' is not a severity; use one of {', '.join(SEVERITIES)}.")
    if long % 1 or short % 1:
        raise ValueError(f"the windows of '{text[:60]}' are not whole seconds; {HOW}.")
    return BurnRate(rate, int(long), int(short), severity)


@dataclass(frozen=True)
class Objective:
    """Which share of the events of a window must be good, and which burn rates are too fast.

    ``percent`` is between 0 and 100, the window in seconds. Shares are exact fractions, because
    99.9 is no binary number and a rate that is just reached is not exceeded.
    """

    percent: float
    window: int
    rates: Tuple[BurnRate, ...]

    @property
    def budget(self) -> Fraction:
        """The share of events that may be bad."""
        return 1 - Fraction(str(self.percent)) / 100

    def limit(self, rate: float) -> Fraction:
        """Return the share of bad events above which a rate is exceeded."""
        return Fraction(str(rate)) * self.budget


def check_objective(objective: Objective, span: int) -> None:
    """Check that burn rates can be judged in spans of seconds. Raises ValueError, one sentence."""
    percent, window = objective.percent, objective.window
    if not 0 < percent < 100:
        raise ValueError(
            f"objective is {percent_of(percent)}; it is the percent of events that must be good, "
            "more than 0 and less than 100, such as 99.9."
        )
    if window % span or window < span:
        raise ValueError(
            f"window is not a multiple of span, {span} seconds; use days, such as 30d, and a span "
            "that divides them."
        )
    for one in objective.rates:
        named = f"the burn rate {one.rate:g}x"
        if one.short % span or one.long % span:
            raise ValueError(
                f"a window of {named} is not a multiple of span, {span} seconds; choose another "
                "window, or a span that divides all of them."
            )
        if not one.short < one.long <= window:
            raise ValueError(
                f"the windows of {named} must be the longer one, then the shorter one, both within "
                f"window; {HOW}."
            )
        if one.long // span > MAX_LONG_SPANS:
            raise ValueError(
                f"a window of {named} has more than {MAX_LONG_SPANS} spans; choose a longer span."
            )
        if not 0 < objective.limit(one.rate) < 1:
            most = float(1 / objective.budget)
            raise ValueError(
                f"{named} is never passed: with an objective of {percent_of(percent)} percent, "
                f"all events being bad is {most:.4g}x. Choose a rate above 0 and below that."
            )


def percent_of(percent: float) -> str:
    """Return an objective as it was written: 99.99999 is not 100."""
    return f"{percent:.10f}".rstrip("0").rstrip(".")
