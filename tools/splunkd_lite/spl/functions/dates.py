"""Date and time functions."""

from __future__ import annotations

import time as clock
from typing import Any

from tools.splunkd_lite.spl.evaluate import Compiled
from tools.splunkd_lite.spl.registry import function
from tools.splunkd_lite.spl.timeformat import format_time, parse_time
from tools.splunkd_lite.spl.timemod import resolve
from tools.splunkd_lite.spl.tree import Call
from tools.splunkd_lite.spl.values import Row, each, to_number, to_text

PAGE = "evaluation-functions/date-and-time-functions"
EARLIEST, LATEST = -62135500000, 253402200000  # the years 1 to 9999, in any zone


@function("now", 0, doc=PAGE, lazy=True)
def now(node: Call, arguments: list[Compiled], env: Any) -> Compiled:
    """When the search started, in whole seconds."""
    moment = int(env.now) if env is not None else int(clock.time())
    return lambda row: moment


@function("time", 0, doc=PAGE, lazy=True)
def time(node: Call, arguments: list[Compiled], env: Any) -> Compiled:
    """The time when the row is processed: the context's clock, so tests can hold it still."""
    return lambda row: float(env.now) if env is not None else clock.time()


@function("relative_time", 2, doc=PAGE, lazy=True)
def relative_time(node: Call, arguments: list[Compiled], env: Any) -> Compiled:
    base, modifier = arguments
    tz = env.tz

    def run(row: Row) -> Any:
        moment, text = to_number(base(row)), modifier(row)
        if moment is None or text is None or not EARLIEST <= moment < LATEST:
            return None
        result = resolve(to_text(text), float(moment), tz)
        return int(result) if result == int(result) else result

    return run


@function("strftime", 2, doc=PAGE, lazy=True)
def strftime(node: Call, arguments: list[Compiled], env: Any) -> Compiled:
    moment, pattern = arguments
    tz = env.tz

    def run(row: Row) -> Any:
        text = pattern(row)
        if text is None:
            return None
        form = to_text(text)

        def one(item: Any) -> Any:
            number = to_number(item)
            if number is None or not EARLIEST <= number < LATEST:
                return None
            return format_time(float(number), form, tz)

        return each(moment(row), one)

    return run


@function("strptime", 2, doc=PAGE, lazy=True)
def strptime(node: Call, arguments: list[Compiled], env: Any) -> Compiled:
    subject, pattern = arguments
    tz = env.tz

    def run(row: Row) -> Any:
        text = pattern(row)
        if text is None:
            return None
        form = to_text(text)
        return each(subject(row), lambda item: parse_time(to_text(item), form, tz))

    return run
