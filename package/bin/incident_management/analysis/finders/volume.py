"""Find how much the entities log: a surge or a silence."""

from __future__ import annotations

from typing import Dict, Sequence, Tuple

from ...splunk.searching import spl
from ..evidence import Finding, first_text, number
from ..scope import BEFORE, NOW, Scope, application_events, from_entities, with_entity

NAME = "volume"
LOOKS_FOR = "entities that log much more or much less than in the calm time before"
SURGE = 2.0
SILENCE = 0.3
FEWEST_EVENTS = 20
"""Below this many events before, a ratio says nothing."""


SILENT_EVENTS = 10.0
"""An entity fell silent when it would have logged this many events since its last one ..."""
SILENT_SECONDS = 60.0
"""... and that is this long ago: events come into the index a little late."""


def find(scope: Scope) -> Finding:
    """Compare events per minute into ``scope.volume_ratio``: 0 for an entity that fell silent.

    ``scope.ordinary_ratio`` is the same without the errors that have risen. Raises SearchFailed.
    """
    finding = Finding(NAME, LOOKS_FOR)
    entities = scope.relevant_entities()
    if not entities:
        finding.not_found.append("The incident names no entity, so there is nothing to count.")
        return finding
    rates_before, last_before = _rates(scope, finding, entities, BEFORE)
    rates_now, last_now = _rates(scope, finding, entities, NOW)
    last_times = {**last_before, **last_now}
    begin, end = scope.window(BEFORE)
    calm_minutes = (end - begin) / 60
    end = scope.window(NOW)[1]
    for entity in entities:
        calm, now = rates_before.get(entity, 0.0), rates_now.get(entity, 0.0)
        if calm * calm_minutes < FEWEST_EVENTS:
            continue
        # The span includes time before the onset, so an average would hide the silence after it.
        quiet = end - last_times[entity]
        silent = quiet >= SILENT_SECONDS and calm * quiet / 60 >= SILENT_EVENTS
        ratio = 0.0 if silent else now / calm
        scope.volume_ratio[entity] = ratio
        scope.ordinary_ratio[entity] = max(0.0, now - _risen_errors(scope, entity)) / calm
        if silent:
            finding.found.append(f"{entity} fell silent.")
        elif ratio >= SURGE or ratio <= SILENCE:
            apart = scope.ordinary_ratio[entity]
            without = f", without the new errors {apart:.1f} times" if apart < ratio / 2 else ""
            finding.found.append(f"{entity} logs {ratio:.1f} times as much as before{without}.")
    if not finding.found:
        finding.not_found.append("No entity logs much more or much less than before.")
    return finding


def _rates(
    scope: Scope, finding: Finding, entities: Sequence[str], which: str
) -> Tuple[Dict[str, float], Dict[str, float]]:
    """Return how many events entities log a minute in a window, and the time of their last
    event.
    """
    start, end = scope.window(which)
    search = with_entity(application_events(from_entities(entities))).pipe(
        spl.stats("count", ("max(_time)", "last_time"), by=["entity"])
    )
    rows = scope.run(finding, search, (start, end), 1000).rows
    by_entity = {first_text(row.get("entity")): row for row in rows}
    seconds = max(1.0, end - start)
    rates = {name: number(row.get("count")) * 60 / seconds for name, row in by_entity.items()}
    return rates, {name: number(row.get("last_time")) for name, row in by_entity.items()}


def _risen_errors(scope: Scope, entity: str) -> float:
    """Return how many of the risen errors an entity logs a minute."""
    start, end = scope.window(NOW)
    count = sum(pattern.count for pattern in scope.patterns if pattern.entity == entity)
    return count * 60 / max(1.0, end - start)
