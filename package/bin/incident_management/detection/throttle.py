"""A saved search's own suppression, as a replay honours it.

``alert.suppress``, ``alert.suppress.period`` and ``alert.suppress.fields`` of savedsearches.conf,
as in "Throttle alerts" of Splunk's Alerting Manual. Where an alert triggers once for all results
(``alert.digest_mode``, the default), it is held as a whole; the fields are of those that trigger
for each result: one with the values of a result that fired within the period is held.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Tuple

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
        if str(settings.get("alert.suppress", "0")).strip().lower() not in ("1", "true"):
            return cls()
        try:
            period = Duration().parse(str(settings.get("alert.suppress.period") or "").strip())
        except ValueError:
            return cls()
        fields = settings.get("alert.suppress.fields") if triggers_for_each(settings) else ""
        names = str(fields or "").split(",")
        return cls(period, tuple(name.strip() for name in names if name.strip()))

    def passed(self, rows: List[Dict[str, Any]], moment: float) -> List[Dict[str, Any]]:
        """Return the results that are not held at that moment, and remember them."""
        if not self.period:
            return rows
        keys = [tuple(str(row.get(name, "")) for name in self.fields) for row in rows]
        passing = [
            row
            for row, key in zip(rows, keys)
            if moment - self._fired.get(key, float("-inf")) >= self.period
        ]
        self.held += len(rows) - len(passing)
        for row in passing:
            self._fired[tuple(str(row.get(name, "")) for name in self.fields)] = moment
        return passing
