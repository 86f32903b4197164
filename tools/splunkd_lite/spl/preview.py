"""What a transforming search would give if it ended now, for who looks while it runs.

Splunk makes such previews in the search process, for at most a part of its time: limits.conf,
[search], preview_duty_cycle. A search whose later commands write, run a program of an app or a
subsearch has none here; Splunk runs these commands for the preview, too.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from tools.splunkd_lite.spl.context import Environment
from tools.splunkd_lite.spl.errors import SplError
from tools.splunkd_lite.spl.values import Row

if TYPE_CHECKING:
    from tools.splunkd_lite.spl.execute import Results

__all__ = ["DUTY_CYCLE", "Preview"]

DUTY_CYCLE = 0.25  # preview_duty_cycle: the part of the search's time that previews may take


class Preview:
    """Fills `results.partial`. The search's thread calls it between two events."""

    def __init__(self, results: Results, describe: Callable[[Iterator[Row]], Results]) -> None:
        self._results = results
        self._describe = describe
        self._report: Callable[[], Iterator[Row]] | None = None
        self._finish: Callable[[Iterable[Row], Environment], Iterator[Row]] | None = None
        self._env: Environment | None = None
        self._thread = 0
        self._began = time.monotonic()
        self._spent = 0.0

    def follow(
        self, env: Environment, finish: Callable[[Iterable[Row], Environment], Iterator[Row]]
    ) -> Environment:
        """The environment for the first transforming command; `finish` runs the commands after it
        over its rows."""
        self._env, self._finish = env, finish
        return Environment(
            env.context, env.messages, env.required, env.depth, env.cache, self._watch
        )

    def _watch(self, report: Callable[[], Iterator[Row]]) -> None:
        self._report, self._thread = report, threading.get_ident()

    def refresh(self) -> None:
        """Make the table anew, unless previews have taken their part of the time already."""
        report, finish, env = self._report, self._finish, self._env
        if report is None or finish is None or env is None:
            return
        if self._thread != threading.get_ident():
            return  # a command in between reads events in a thread of its own
        began = time.monotonic()
        if self._spent > DUTY_CYCLE * (began - self._began):
            return
        apart = Environment(env.context, [], None, env.depth, dict(env.cache))
        try:
            self._results.partial = self._describe(finish(report(), apart))
        except SplError:
            self._results.partial = None  # the search itself fails only if its whole table does
        self._spent += time.monotonic() - began
