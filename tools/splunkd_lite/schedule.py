"""Cron times, as the scheduler uses them.

Source: "Use cron expressions for alert scheduling" in the Alerting Manual: five fields of ``N``,
``N,M``, ``I-J``, ``*`` and ``*/N``, alone or together, the day of the week from 0 to 6. Seconds,
names and letters such as ``L`` are not among them.

``pace`` says how many times as fast schedules run as the clock does: with 4, a minute of theirs is
over, and begins, every 15 seconds.
"""

from __future__ import annotations

import re
from datetime import datetime
from math import floor

from cronsim import CronSim, CronSimError

from .runners.errors import RunnerError

__all__ = ["due_times", "next_time", "previous_time"]

MAX_CATCH_UP = 10_000
_PART = r"(?:(?:\*|\d+-\d+)(?:/\d+)?|\d+)"
_FIELD = re.compile(rf"{_PART}(?:,{_PART})*")
_LAST_DAY_OF_WEEK = 6


def next_time(cron: str, after: float, pace: int = 1) -> float:
    """The first time strictly after ``after`` (epoch seconds) that ``cron`` names.

    Times are the machine's local time, as a Splunk server's are.

    Raises:
        RunnerError: ``cron`` is not a cron expression.
    """
    return _first(cron, after * pace, backwards=False) / pace


def previous_time(cron: str, until: float, pace: int = 1) -> float:
    """The last time at or before ``until`` that ``cron`` names.

    Raises:
        RunnerError: ``cron`` is not a cron expression.
    """
    return _first(cron, floor(until * pace) + 1, backwards=True) / pace


def due_times(cron: str, after: float, until: float, pace: int = 1) -> list[float]:
    """All times with ``after < time <= until``, oldest first.

    Raises:
        RunnerError: as above, or more than 10,000 periods are due.
    """
    times: list[float] = []
    at = next_time(cron, after, pace)
    while at <= until:
        times.append(at)
        if len(times) > MAX_CATCH_UP:
            raise RunnerError(f"More than {MAX_CATCH_UP} periods of '{cron}' are due.")
        at = next_time(cron, at, pace)
    return times


def _check(cron: str) -> None:
    fields = cron.split()
    if len(fields) != 5 or not all(_FIELD.fullmatch(field) for field in fields):
        raise RunnerError(
            f"'{cron}' is not a cron schedule: five fields of numbers, ranges, lists, * and steps."
        )
    for number in re.findall(r"(?<!/)\b\d+", fields[4]):
        if int(number) > _LAST_DAY_OF_WEEK:
            raise RunnerError(f"The day of the week in '{cron}' is {number}: it is 0 to 6.")


def _first(cron: str, start: float, backwards: bool) -> float:
    _check(cron)
    moment = datetime.fromtimestamp(start).astimezone()
    try:
        found = next(CronSim(cron, moment, reverse=backwards))
    except (CronSimError, StopIteration) as error:
        raise RunnerError(f"'{cron}' is not a cron schedule that ever comes due.") from error
    return float(found.timestamp())
