"""Cron times, as the scheduler uses them."""

from __future__ import annotations

from datetime import datetime, timedelta

from cronsim import CronSim, CronSimError

from .runners.errors import RunnerError

__all__ = ["due_times", "next_time", "previous_time"]

MAX_CATCH_UP = 10_000


def next_time(cron: str, after: float) -> float:
    """The first time strictly after ``after`` (epoch seconds) that ``cron`` names.

    Times are the machine's local time, as a Splunk server's are.

    Raises:
        RunnerError: ``cron`` is not a cron expression.
    """
    return _first(cron, after, backwards=False)


def previous_time(cron: str, until: float) -> float:
    """The last time at or before ``until`` that ``cron`` names.

    Raises:
        RunnerError: ``cron`` is not a cron expression.
    """
    return _first(cron, until + 1, backwards=True)


def due_times(cron: str, after: float, until: float) -> list[float]:
    """All times with ``after < time <= until``, oldest first.

    Raises:
        RunnerError: as above, or more than 10,000 periods are due.
    """
    times: list[float] = []
    at = next_time(cron, after)
    while at <= until:
        times.append(at)
        if len(times) > MAX_CATCH_UP:
            raise RunnerError(f"More than {MAX_CATCH_UP} periods of '{cron}' are due.")
        at = next_time(cron, at)
    return times


def _first(cron: str, start: float, backwards: bool) -> float:
    moment = datetime.fromtimestamp(start).astimezone()
    if backwards and moment.microsecond:
        moment = moment.replace(microsecond=0) + timedelta(seconds=1)
    try:
        found = next(CronSim(cron, moment, reverse=backwards))
    except (CronSimError, StopIteration) as error:
        raise RunnerError(f"'{cron}' is not a cron schedule that ever comes due.") from error
    return float(found.timestamp())
