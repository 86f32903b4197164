"""Compute when a detection would have run in a time range."""

from __future__ import annotations

import statistics
from datetime import tzinfo
from typing import List, Optional, Tuple

from ..cron import Cron
from .replay import BacktestFailed

__all__ = ["MAX_RUNS", "runs_of"]

MAX_RUNS = 2100
"""A week of a search of every five minutes, and some more."""


def runs_of(
    name: str,
    schedule: str,
    step: Optional[float],
    earliest: float,
    latest: float,
    zone: Optional[tzinfo] = None,
) -> Tuple[List[float], float]:
    """Return when a detection would have run, oldest first, and the seconds between two runs.

    Args:
        name: the detection's name, for error messages.
        schedule: its ``cron_schedule``; "" for none.
        step: seconds between runs, replacing the schedule; aligned to whole steps since the epoch.
        earliest: the first moment, in epoch seconds.
        latest: the last moment, in epoch seconds.
        zone: the time zone of the schedule; None is the machine's.

    Raises:
        BacktestFailed: there is no schedule, no run in that time, or too many runs.
    """
    if latest < earliest:
        raise BacktestFailed("The time range is empty: earliest is after latest.")
    moments = (
        _regular(step, earliest, latest)
        if step
        else _scheduled(name, schedule, earliest, latest, zone)
    )
    if len(moments) > MAX_RUNS:
        raise BacktestFailed(
            f"More than {MAX_RUNS} runs would be needed; choose a shorter range or a larger step."
        )
    if not moments:
        raise BacktestFailed(
            f"'{name}' has no run in that time; choose a longer range, or give step=, such as "
            "step=5m."
        )
    gaps = [later - one for one, later in zip(moments, moments[1:])]
    return moments, step or (statistics.median(gaps) if gaps else latest - moments[0] or 60.0)


def _regular(step: float, earliest: float, latest: float) -> List[float]:
    if step < 1:
        raise BacktestFailed(
            "The step is shorter than one second; give a longer one, such as step=5m."
        )
    first = -(-earliest // step)
    many = min(int(latest // step - first) + 1, MAX_RUNS + 1)
    return [(first + number) * step for number in range(max(0, many))]


def _scheduled(
    name: str, schedule: str, earliest: float, latest: float, zone: Optional[tzinfo]
) -> List[float]:
    if not schedule.strip():
        raise BacktestFailed(f"'{name}' has no schedule; give step=, such as step=5m.")
    try:
        return Cron(schedule, zone).between(earliest, latest, MAX_RUNS)
    except ValueError as error:
        raise BacktestFailed(
            f"The schedule of '{name}' can't be used: {error} Give step=, such as step=5m."
        ) from error
