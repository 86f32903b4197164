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

__all__ = ["Throttle", "manual_key", "triggers"]

Rows = Sequence[Mapping[str, Any]]

_RELATIONS: dict[str, Callable[[int, int], bool]] = {
    "greater than": lambda count, limit: count > limit,
    "less than": lambda count, limit: count < limit,
    "equal to": lambda count, limit: count == limit,
    "not equal to": lambda count, limit: count != limit,
}


def triggers(search: SavedSearch, rows: Rows, filter_rows: Callable[[str], Rows]) -> bool:
    """Whether the results meet the alert's condition.

    ``filter_rows`` runs a condition such as ``search count > 5`` over the results.

    Raises:
        RunnerError: the condition is not well formed, or of a kind that is not done here.
    """
    condition = search.text("alert_condition").strip()
    kind = search.text("counttype", "always").strip().lower()
    if condition:
        return bool(filter_rows(condition))
    if kind == "always":
        return True
    if kind == "custom":
        raise RunnerError(f"[{search.name}] has counttype custom but no alert_condition.")
    count = _count(search, kind, rows)
    return _relation(search)(count, _quantity(search))


def _count(search: SavedSearch, kind: str, rows: Rows) -> int:
    if kind in ("number of events", "number of results"):
        return len(rows)
    if kind in ("number of hosts", "number of sources"):
        field = kind.rpartition(" ")[2].rstrip("s")
        return len({text_of(row[field]) for row in rows if row.get(field) is not None})
    raise Unsupported(f"The counttype '{kind}' of [{search.name}] is not supported here.")


def _relation(search: SavedSearch) -> Callable[[int, int], bool]:
    relation = search.text("relation").strip().lower()
    if relation not in _RELATIONS:
        raise Unsupported(f"The relation '{relation}' of [{search.name}] is not supported here.")
    return _RELATIONS[relation]


def _quantity(search: SavedSearch) -> int:
    text = search.text("quantity").strip()
    if not text.lstrip("-").isdigit():
        raise RunnerError(f"The quantity '{text}' of [{search.name}] is not a whole number.")
    return int(text)


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
        values = json.dumps([text_of(row.get(field)) for field in fields])
        return f"{scope};{hashlib.sha256(values.encode()).hexdigest()[:32]}"
