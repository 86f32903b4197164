"""Whether a scheduled search's results trigger its alert, and what throttling lets through.

Source: savedsearches.conf.spec 10.0, "Notification options" (counttype, relation, quantity,
alert_condition) and "Settings for alert suppression/severity/expiration/tracking/viewing";
"Throttle alerts" in the Alerting Manual.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tools.splunkd_lite.resultsfile import text_of

from .errors import RunnerError, Unsupported
from .saved_search import SavedSearch
from .settings import names

__all__ = ["PreviousCounts", "Throttle", "manual_key", "triggers"]

Rows = Sequence[Mapping[str, Any]]
Previous = Callable[[int], "int | None"]

_RELATIONS: dict[str, Callable[[int, int], bool]] = {
    "greater than": lambda count, limit: count > limit,
    "less than": lambda count, limit: count < limit,
    "equal to": lambda count, limit: count == limit,
    "not equal to": lambda count, limit: count != limit,
}
_CHANGES = {"rises by": 1, "drops by": -1}
_PERCENT = " perc"  # "rises by perc", as the REST API names a change in percent


def triggers(
    search: SavedSearch,
    rows: Rows,
    filter_rows: Callable[[str], Rows],
    previous: Previous,
) -> bool:
    """Whether the results meet the alert's condition.

    ``filter_rows`` runs a condition such as ``search count > 5`` over the results. ``previous``
    takes this run's count and gives that of the run before it, or None for the first run.

    Raises:
        RunnerError: the condition is not well formed, or of a kind that is not done here.
    """
    condition = search.text("alert_condition").strip()
    kind = search.text("counttype").strip().lower() or "always"
    if condition:
        return bool(filter_rows(condition))
    if kind == "always":
        return True
    if kind == "custom":
        raise RunnerError(f"[{search.name}] has counttype custom but no alert_condition.")
    count = _count(search, kind, rows)
    relation = search.text("relation").strip().lower()
    if relation.removesuffix(_PERCENT) in _CHANGES:
        return _changed(search, relation, count, previous(count))
    if relation not in _RELATIONS:
        raise Unsupported(f"The relation '{relation}' of [{search.name}] is not supported here.")
    return _RELATIONS[relation](count, _quantity(search)[0])


def _changed(search: SavedSearch, relation: str, count: int, before: int | None) -> bool:
    """Whether the count rose or dropped by at least ``quantity``, or that many percent.

    Splunk's manuals name the relations and the form ``10%``, but not what a first run compares
    with (here it never alerts) nor whether "rises by 10" takes a rise of exactly ten (here it
    does). From nothing, any rise is by more than any percentage.
    """
    quantity, percent = _quantity(search)  # also of a first run, so that a bad one is named
    if before is None:
        return False
    change = (count - before) * _CHANGES[relation.removesuffix(_PERCENT)]
    if percent or relation.endswith(_PERCENT):
        return change > 0 and change * 100 >= quantity * before
    return change >= quantity


def _count(search: SavedSearch, kind: str, rows: Rows) -> int:
    if kind in ("number of events", "number of results"):
        return len(rows)
    if kind in ("number of hosts", "number of sources"):
        field = kind.rpartition(" ")[2].rstrip("s")
        return len({text_of(row[field]) for row in rows if row.get(field) is not None})
    raise Unsupported(f"The counttype '{kind}' of [{search.name}] is not supported here.")


def _quantity(search: SavedSearch) -> tuple[int, bool]:
    """The number, and whether it is a percentage (of a change only)."""
    text = search.text("quantity").strip()
    number = text.removesuffix("%").strip()
    if not number.lstrip("-").isdigit():
        raise RunnerError(f"The quantity '{text}' of [{search.name}] is not a whole number.")
    percent = text.endswith("%")
    if percent and search.text("relation").strip().lower().removesuffix(_PERCENT) not in _CHANGES:
        raise RunnerError(
            f"The quantity '{text}' of [{search.name}] is a percentage, which only the relations "
            "rises by and drops by take."
        )
    return int(number), percent


class PreviousCounts:
    """What each search counted in its run before this one, kept over restarts."""

    def __init__(self, state: Any) -> None:
        """``state``: a durable ``get(key)`` / ``set(key, value)`` of JSON values."""
        self._state = state

    def before(self, search: SavedSearch, time: float, count: int) -> int | None:
        """Note ``count`` for the run of ``time``; the count of the run before it, or None.

        Asking again for the same run, after a kill, gives the same answer.
        """
        kept = self._state.get(search.id)
        again = kept is not None and kept["time"] == time
        before = None if kept is None else kept["before" if again else "count"]
        self._state.set(search.id, {"time": time, "count": count, "before": before})
        return before


def manual_key(app: str, name: str) -> str:
    """Where ``saved/searches/{name}/suppress`` keeps a silence that somebody asked for."""
    return f"asked;{app};{name}"


class Throttle:
    """``alert.suppress``: after an alert, silence for a while, kept over restarts.

    In digest mode the whole search is silent; otherwise results are, each by the values of
    ``alert.suppress.fields``. Searches with one ``alert.suppress.group_name`` share their silence.
    """

    def __init__(self, state: Any) -> None:
        """``state``: a durable ``get(key)`` / ``set(key, value)`` of JSON values."""
        self._state = state

    def passing(self, search: SavedSearch, rows: Rows, now: float) -> list[int]:
        """Numbers of the results that may alert; in digest mode all of them or none."""
        if self.silenced(search, now):
            return []
        if search.digest or not search.flag("alert.suppress"):
            return list(range(len(rows)))
        chosen, seen = [], set()
        for number, row in enumerate(rows):
            key = self._key(search, row)
            if key not in seen and not self._silent(key, now):
                chosen.append(number)
                seen.add(key)
        return chosen

    def silenced(self, search: SavedSearch, now: float) -> bool:
        """Whether the alert is silent as a whole, results or no results.

        A digest alert is after it fired; any is when somebody asked for it (``suppress``).
        """
        if self._silent(manual_key(search.app, search.name), now):
            return True
        throttled = search.flag("alert.suppress") and search.digest
        return throttled and self._silent(self._key(search, None), now)

    def note(self, search: SavedSearch, rows: Rows, chosen: Sequence[int], now: float) -> None:
        """Start the silence of what has just alerted."""
        if not search.flag("alert.suppress"):
            return
        until = now + search.period("alert.suppress.period", "")
        if search.digest:
            self._state.set(self._key(search, None), until)
            return
        for number in chosen:
            self._state.set(self._key(search, rows[number]), until)

    def _silent(self, key: str, now: float) -> bool:
        until = self._state.get(key)
        return until is not None and now < until

    def _key(self, search: SavedSearch, row: Mapping[str, Any] | None) -> str:
        group = search.text("alert.suppress.group_name")
        scope = f"group;{group}" if group else search.id
        if row is None:
            return scope
        fields = names(search.settings.get("alert.suppress.fields"))
        if not fields:
            raise RunnerError(
                f"[{search.name}] throttles single results but has no alert.suppress.fields."
            )
        return f"{scope};{_digest([text_of(row.get(field)) for field in fields])}"

    def lift(self, search: SavedSearch, key: str) -> None:
        """End the silence of one suppression key.

        ``key`` is the field's value, or the values of ``alert.suppress.fields`` with commas.
        """
        self._state.delete(self._of_key(search, key))

    def silence(self, search: SavedSearch, key: str, until: float) -> None:
        """Keep the results of one suppression key silent."""
        self._state.set(self._of_key(search, key), until)

    def until(self, search: SavedSearch, key: str) -> float:
        """When the silence of one suppression key ends, in epoch seconds; 0 if there is none."""
        return float(self._state.get(self._of_key(search, key)) or 0.0)

    def _of_key(self, search: SavedSearch, key: str) -> str:
        fields = names(search.settings.get("alert.suppress.fields"))
        values = [key] if len(fields) < 2 else [part.strip() for part in key.split(",")]
        return f"{self._key(search, None)};{_digest(values)}"


def _digest(values: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps(list(values)).encode()).hexdigest()[:32]
