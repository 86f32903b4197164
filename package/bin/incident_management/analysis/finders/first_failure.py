"""Which entities fail, and which of them failed first."""

from __future__ import annotations

from typing import Dict, Tuple

from ...splunk import spl
from ..evidence import Citation, Finding, first_text, number
from ..onset import RISE
from ..scope import BEFORE, NOW, Scope, application_events, error_terms, with_entity
from ..statistics import sentence

NAME = "first_failure"
LOOKS_FOR = "entities whose errors began or rose with the incident, and the first of them"
MAX_ENTITIES = 1000


def find(scope: Scope) -> Finding:
    """Count errors by entity, now and before, into ``scope.failing``. Raises SearchFailed."""
    finding = Finding(NAME, LOOKS_FOR)
    now, before = _counts(scope, finding, NOW), _counts(scope, finding, BEFORE)
    strange = {entity for entity in (*scope.unsearchable, *now) if not spl.is_searchable(entity)}
    for entity in sorted(strange):
        finding.not_found.append(f"{entity[:60]!r} has a line break: it can't be searched for.")
        now.pop(entity, None)
    minutes = {w: max(1.0, (scope.window(w)[1] - scope.window(w)[0]) / 60) for w in (NOW, BEFORE)}
    for entity, (count, first_time) in now.items():
        calm = before.get(entity, (0.0, 0.0))[0]
        if count / minutes[NOW] >= RISE * calm / minutes[BEFORE]:
            scope.failing[entity] = first_time
    ordered = sorted(scope.failing, key=lambda e: (scope.failing[e], e))
    for entity in ordered[:5]:
        finding.found.append(
            f"{entity}: {now[entity][0]:.0f} errors, {before.get(entity, (0.0,))[0]:.0f} in the "
            "calm time before."
        )
        finding.citations.append(_citation(scope, entity, now[entity][0]))
    for entity in scope.entities:
        if entity not in now:
            finding.not_found.append(f"No error events of {entity} in the span.")
    return finding


def _counts(scope: Scope, finding: Finding, which: str) -> Dict[str, Tuple[float, float]]:
    search = with_entity(application_events(error_terms())).pipe(
        spl.stats("count", ("min(_time)", "first_time"), by=["entity"])
    )
    result = scope.run(finding, search, scope.window(which), MAX_ENTITIES)
    if result.truncated:
        finding.not_found.append(f"More than {MAX_ENTITIES} entities: the rest was not looked at.")
    return {
        first_text(row.get("entity")): (number(row.get("count")), number(row.get("first_time")))
        for row in result.rows
        if first_text(row.get("entity"))
    }


def _citation(scope: Scope, entity: str, count: float) -> Citation:
    earliest, latest = scope.window(NOW)
    parameters = {"entity": entity, "earliest": earliest, "latest": latest}
    said = sentence("errors_of_entity", parameters, count)
    return Citation.of_number("errors_of_entity", parameters, count, said)
