"""Find which entities fail, and which of them failed first."""

from __future__ import annotations

from itertools import chain
from typing import Dict, Iterator, List, Sequence, Tuple

from ...splunk.searching import spl
from ..evidence import Citation, Finding, first_text, number
from ..onset import RISE
from ..scope import BEFORE, NOW, Scope, application_events, error_terms, some_of, with_entity
from ..statistics import sentence

NAME = "first_failure"
LOOKS_FOR = "entities whose errors began or rose with the incident, and the first of them"
MAX_ENTITIES = 1000
FEW = 3
"""Fewer errors of what no incident's entity is known to depend on are those of any day."""
MOST_TOLD, MOST_CALLERS = 5, 10
"""Entities of which it is told who depends on them, and how many of those by name."""


def find(scope: Scope) -> Finding:
    """Count errors by entity in both windows, and fill ``scope.failing``. Raises SearchFailed."""
    finding = Finding(NAME, LOOKS_FOR)
    now, before = _counts(scope, finding, NOW), _counts(scope, finding, BEFORE)
    strange = {entity for entity in (*scope.unsearchable, *now) if not spl.is_searchable(entity)}
    for entity in sorted(strange):
        finding.not_found.append(
            f"{entity[:60]!r} has a line break in its name, so it can't be searched."
        )
        now.pop(entity, None)
    minutes = {w: max(1.0, (scope.window(w)[1] - scope.window(w)[0]) / 60) for w in (NOW, BEFORE)}
    near = {*scope.entities, *chain.from_iterable(scope.depends_on.values())}
    for entity, (count, first_time) in now.items():
        if count < FEW and entity not in near:
            continue
        calm = before.get(entity, (0.0, 0.0))[0]
        if count / minutes[NOW] >= RISE * calm / minutes[BEFORE]:
            scope.failing[entity] = first_time
    ordered = sorted(scope.failing, key=lambda e: (scope.failing[e], e))
    for entity in ordered[:MOST_TOLD]:
        finding.found.append(
            f"{entity}: {now[entity][0]:.0f} errors, {before.get(entity, (0.0,))[0]:.0f} in the "
            "calm time before."
        )
        finding.citations.append(_citation(scope, entity, now[entity][0]))
    finding.found.extend(_who_may_suffer(scope, ordered))
    unheard = [entity for entity in scope.entities if entity not in now]
    if unheard:
        finding.not_found.append(f"No error events of {some_of(unheard)} in the span.")
    return finding


def _who_may_suffer(scope: Scope, failing: Sequence[str]) -> Iterator[str]:
    """Yield the services that call failing ones, directly or indirectly, by the topology."""
    callers: Dict[str, List[str]] = {}
    for service, called in sorted(scope.depends_on.items()):
        for target in called:
            callers.setdefault(target, []).append(service)
    for entity in list(dict.fromkeys([*scope.entities, *failing]))[:MOST_TOLD]:
        reached, seen = [entity], {entity}
        for target in reached:
            new = [service for service in callers.get(target, ()) if service not in seen]
            reached.extend(new)
            seen.update(new)
        names = reached[1:]
        if names:
            told = [f"{n} (also fails)" if n in scope.failing else n for n in names[:MOST_CALLERS]]
            more = f" and {len(names) - MOST_CALLERS} more" if len(names) > MOST_CALLERS else ""
            yield f"Services that depend on {entity}: {', '.join(told)}{more}."


def _counts(scope: Scope, finding: Finding, which: str) -> Dict[str, Tuple[float, float]]:
    search = with_entity(application_events(error_terms())).pipe(
        spl.stats("count", ("min(_time)", "first_time"), by=["entity"])
    )
    result = scope.run(finding, search, scope.window(which), MAX_ENTITIES)
    if result.truncated:
        finding.not_found.append(
            f"More than {MAX_ENTITIES} entities: the others were not searched."
        )
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
