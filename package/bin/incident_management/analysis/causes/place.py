"""Where a change was made, relative to the failure: on it, on its dependencies, or elsewhere."""

from __future__ import annotations

import re
from typing import Mapping, Tuple

from ..case import Case, Hypothesis
from ..changes import Change
from .dependencies import FailedDependency
from .error_words import ErrorWords

__all__ = ["first_entity", "is_machine_of", "place_of"]


def first_entity(case: Case) -> str:
    """Return the entity that failed first; a service that is called wins over its caller if
    close.
    """
    if not case.failing:
        return case.entities[0] if case.entities else ""

    def when(entity: str) -> Tuple[float, int, str]:
        calls_failing = any(d in case.failing for d in case.depends_on.get(entity, []))
        mine = 0 if entity in case.entities else 1
        return (case.failing[entity] + (5.0 if calls_failing else 0.0), mine, entity)

    return min(case.failing, key=when)


def place_of(
    change: Change,
    case: Case,
    failed: Mapping[str, FailedDependency],
    words: ErrorWords,
    verdict: Hypothesis,
) -> float:
    """Return how near a change is to the failure, 0 to 1, and add the reason to its hypothesis."""
    service = change.service
    if service in failed:
        verdict.reasons_for.append(f"It is on {service}, which {failed[service].reason()}.")
        return 1.0
    first = "" if failed else first_entity(case)
    if service and service == first:
        verdict.reasons_for.append(f"It is on {service}, which failed first.")
        return 1.0
    if first and first != service and (is_machine_of(service, first) or _names(change, first)):
        verdict.reasons_for.append(f"It is on {first}, which failed first.")
        return 1.0
    if service and service in case.entities:
        verdict.reasons_for.append(f"It is on {service}, which the incident is about.")
        return 0.9
    callers = [e for e in [*case.entities, *case.failing] if service in case.depends_on.get(e, [])]
    if service and callers:
        verdict.reasons_for.append(f"It is on {service}, which {callers[0]} depends on.")
        return 0.8
    if service and service in case.failing:
        verdict.reasons_for.append(f"It is on {service}, which fails too.")
        return 0.7
    if service and words.name(service):
        verdict.reasons_for.append(f"It is on {service}, which the errors name.")
        return 0.7
    if not service:
        return _place_by_files(change, case, verdict)
    verdict.reasons_against.append(f"It is on {service}, which shows no errors.")
    return 0.15


def is_machine_of(service: str, entity: str) -> bool:
    """Return whether an entity's name is that of a service's machine or pod: orders-07."""
    if not service:
        return False
    name = re.escape(service)
    machine = rf"{name}[-_.]?\d{{1,5}}(?:\..*)?|{name}-[0-9a-f]{{6,10}}-[a-z0-9]{{5}}"
    return re.fullmatch(machine, entity, re.I) is not None


def _names(change: Change, entity: str) -> bool:
    """Return whether a change names one machine: a name with a number in it."""
    if len(entity) < 4 or not re.search(r"\d", entity):
        return False
    text = " ".join([change.summary, *change.files, *change.removed, *change.added])
    return re.search(rf"(?<![\w.-]){re.escape(entity)}(?![\w-])", text, re.I) is not None


def _place_by_files(change: Change, case: Case, verdict: Hypothesis) -> float:
    paths = " ".join(change.files).lower()
    for entity in [*case.entities, *case.failing]:
        stem = re.sub(r"[-_]?(?:service|svc|server|api)?[-_]?\d*$", "", entity.lower())
        if len(stem) > 2 and re.search(r"(?:^|[/_-])" + re.escape(stem) + r"(?:$|[/_.-])", paths):
            verdict.reasons_for.append(f"Its files belong to {entity}.")
            return 0.8
    if re.search(r"(?:^|[ /])(?:pkg|lib|libs|internal|common|shared)/", paths):
        return 0.5
    return 0.3
