"""A saved search's own suppression, as a replay honours it.

``alert.suppress``, ``alert.suppress.period`` and ``alert.suppress.fields`` of savedsearches.conf,
as in "Throttle alerts" of Splunk's Alerting Manual. Where an alert triggers once for all results
(``alert.digest_mode``, the default), it is held as a whole; the fields are of those that trigger
for each result: one with the values of a result that fired within the period is held.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Tuple

from ..conf_values import is_true, listed
from ..incidents.intake.trigger import triggers_for_each
from .options import Duration

__all__ = ["Throttle"]


@dataclass
class Throttle:
    """``period`` in seconds, 0: nothing is held. ``held`` counts results."""

    period: float = 0.0
    fields: Tuple[str, ...] = ()
    held: int = field(default=0, init=False)
    _fired: Dict[Tuple[str, ...], float] = field(default_factory=dict, init=False)

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> Throttle:
        """Read it from a saved search's settings; a period that is not a span holds nothing."""
        if not is_true(settings.get("alert.suppress")):
            return cls()
        try:
            period = Duration().parse(str(settings.get("alert.suppress.period") or "").strip())
        except ValueError:
            return cls()
        fields = settings.get("alert.suppress.fields") if triggers_for_each(settings) else ""
        return cls(period, listed(fields))

    def passed(self, rows: List[Dict[str, Any]], moment: float) -> List[Dict[str, Any]]:
        """Return the results that are not held at that moment, and remember them."""
        if not self.period:
            return rows
        never = float("-inf")
        passing = [
            row for row in rows if moment - self._fired.get(self._key(row), never) >= self.period
        ]
        self.held += len(rows) - len(passing)
        self._fired.update((self._key(row), moment) for row in passing)
        return passing

    def _key(self, row: Mapping[str, Any]) -> Tuple[str, ...]:
        return tuple(str(row.get(name, "")) for name in self.fields)
