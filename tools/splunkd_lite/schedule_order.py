"""Which of the due searches goes first, and how long one may wait for its turn.

Sources: savedsearches.conf.spec 10.0 (``schedule_priority``, ``schedule_window``), "Configure the
priority of scheduled reports" in the Reporting Manual; limits.conf.spec 10.0
(``base_max_searches``, ``max_searches_per_cpu``, ``[scheduler] max_searches_perc``).
"""

from __future__ import annotations

import os
from typing import Any

from .runners.errors import RunnerError
from .runners.saved_search import SavedSearch
from .schedule import next_time

__all__ = ["max_concurrent", "priority", "window_end"]

_WORDS = ("default", "higher", "highest")
# RTSS(H) > CSS(H) > RTSS(h) > RTSS(d) > CSS(h) > CSS(d), in the spec's own letters.
_ORDER = [
    ("highest", False), ("highest", True), ("higher", False), ("default", False),
    ("higher", True), ("default", True),
]  # fmt: skip


def max_concurrent(conf: Any) -> int:
    """How many scheduled searches run at once on this instance; at least one."""

    def setting(stanza: str, key: str, default: int) -> int:
        text = conf.get("limits", stanza, key) or str(default)
        if not text.isdigit():
            raise RunnerError(f"{key} in [{stanza}] of limits.conf is not a whole number.")
        return int(text)

    per_cpu = setting("search", "max_searches_per_cpu", 1)
    everything = setting("search", "base_max_searches", 6) + per_cpu * (os.cpu_count() or 1)
    return max(1, everything * setting("scheduler", "max_searches_perc", 50) // 100)


def priority(search: SavedSearch, honoured: bool) -> tuple[int, int]:
    """A key to sort due searches by, most urgent first.

    ``honoured``: the owner has ``edit_search_schedule_priority``; else the setting is ignored.

    Raises:
        RunnerError: ``schedule_priority`` is none of the three words.
    """
    word = (search.text("schedule_priority").strip() or "default").lower()
    if word not in _WORDS:
        raise RunnerError(f"The schedule_priority '{word}' of [{search.name}] does not exist.")
    word = word if honoured else "default"
    waits = word == "default" and search.text("schedule_window").strip() not in ("", "0")
    return _ORDER.index((word, search.continuous)), int(waits)


def window_end(search: SavedSearch, time: float) -> float | None:
    """Until when the run of ``time`` may start, or None where it has no window of its own.

    ``auto`` lets it wait for its whole period; how splunkd computes it is not published.

    Raises:
        RunnerError: the window is not a number of minutes, or as long as the period.
    """
    text = search.text("schedule_window").strip().lower() or "0"
    if text in ("0", "auto"):
        return None
    if not text.isdigit():
        raise RunnerError(
            f"The schedule_window '{text}' of [{search.name}] is not a number of minutes or auto."
        )
    period = next_time(search.text("cron_schedule"), time) - time
    if int(text) * 60 >= period:
        raise RunnerError(
            f"The schedule_window of [{search.name}], {text} minutes, is not shorter than its "
            f"period, {period / 60:g} minutes."
        )
    return time + int(text) * 60
