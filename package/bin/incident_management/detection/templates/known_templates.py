"""Known templates: those of a lookup, and how often each used to come.

A baseline is rows with the field ``template``, and for rates also ``count``, ``first_time`` and
``last_time`` (epoch seconds), as ``| logtemplates | stats count min(_time) as first_time max(_time)
as last_time by template`` returns them. A template is known by its text, which also gives its id,
so the rows need no ids.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping

__all__ = ["MAX_TEMPLATES", "KnownTemplates"]

MAX_TEMPLATES = 10_000
HOUR = 3600.0


class KnownTemplates:
    """Known templates.

    Raises:
        ValueError: there are rows, but none has a template; the text says what to do.
    """

    def __init__(self, rows: Iterable[Mapping[str, Any]] = ()) -> None:
        counts: Dict[str, float] = {}
        times: List[float] = []
        given = 0
        for row in rows:
            given += 1
            text = row.get("template")
            if not isinstance(text, str) or not text.strip():
                continue
            counts[text] = counts.get(text, 0.0) + max(0.0, _number(row.get("count")))
            times += [t for t in map(_number, (row.get("first_time"), row.get("last_time"))) if t]
        if given and not counts:
            raise ValueError(
                "no row has the field template; fill it with the output of logtemplates"
            )
        hours = (max(times) - min(times)) / HOUR if len(times) > 1 else 0.0
        self.templates = list(counts)
        self._known = frozenset(counts)
        self._rates = {text: n / hours for text, n in counts.items() if n} if hours else {}

    def is_new(self, template: str) -> bool:
        """Return whether a template is not among the known ones."""
        return template not in self._known

    def usual_per_hour(self, template: str) -> str:
        """Return the events an hour in the time of the baseline, "" if that is unknown."""
        if self._rates and template not in self._known:
            return "0"
        rate = self._rates.get(template)
        return "" if rate is None else f"{rate:.6g}"


def _number(value: object) -> float:
    try:
        number = float(str(value))
    except ValueError:
        return 0.0
    return number if number == number and abs(number) != float("inf") else 0.0
