"""Find failed dependencies by the errors of their callers and by their silence.

A service that is down logs nothing, so it is not among those that log errors.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Dict, List, Mapping, Sequence

from ..case import CULPRIT_SCORE, Case, Hypothesis
from ..evidence import Citation, Event
from .effects import Effect
from .symptoms import symptoms_of

__all__ = ["FailedDependency", "blames_another", "failed_dependencies", "silent_dependencies"]

NO_ANSWER = ("unreachable", "timeout", "upstream_5xx", "name_resolution")
"""Symptoms of a caller that got no answer from the one whose name stands beside them."""
NAMED_SHARE = 0.5
"""Share of a caller's error events from which on they count as naming a dependency."""
EVENTS_READ = 200
"""Of one caller, the first ones."""
SILENT_SCORE = 0.75
"""More than a change that shows no difference can get by its time and place."""
EXPLAINED_FACTOR = 0.5
BLAMING_SHARE = 0.5
"""Share of a service's errors from which on they count as blaming another one."""
_ANOTHER = re.compile(
    r"(?<!\bat: )(?<!\bsee )(?<!\bsee: )https?://|\bupstream\b|bad gateway|service ?unavailable",
    re.I,
)
"""With a timeout or a 5xx: it was another one that was asked. Not where to read about an error."""
EXPLAINED_BY = (
    "endpoint_changed", "permission_changed", "reach_changed", "credential_changed", "tls_changed",
)  # fmt: skip


@dataclass
class FailedDependency:
    """``caller`` depends on ``service``. ``events`` are the caller's errors that name the
    service.
    """

    service: str
    caller: str
    silent: bool
    events: List[Event] = field(default_factory=list)

    def reason(self) -> str:
        """Return why it counts as failed, as the end of a sentence."""
        named = f"the errors of {self.caller} name as not answering" if self.events else ""
        silent = f"fell silent and which {self.caller} depends on" if self.silent else ""
        return named or silent


def failed_dependencies(case: Case) -> Dict[str, FailedDependency]:
    """Return, by service, the dependencies that fell silent or that a caller's errors name."""
    found: Dict[str, FailedDependency] = {}
    for caller in dict.fromkeys([*case.entities, *case.failing]):
        for service in case.depends_on.get(caller, []):
            silent = case.volume_ratio.get(service) == 0.0
            events = _naming(service, caller, case)
            if service not in found and (silent or events):
                found[service] = FailedDependency(service, caller, silent, events)
    return found


def silent_dependencies(
    case: Case,
    failed: Mapping[str, FailedDependency],
    judged: Sequence[Hypothesis],
    effects: Mapping[int, Sequence[Effect]],
) -> List[Hypothesis]:
    """Return as hypotheses the dependencies that fell silent and that errors name.

    ``judged`` are the hypotheses of ``case.changes``, in their order. A likely change of the
    service itself, or of how it is reached, explains the silence and wins.
    """
    found = []
    for one in failed.values():
        if not (one.silent and one.events):
            continue
        said = Hypothesis(
            "condition",
            f"{one.service}, which {one.caller} depends on, does not answer and logs nothing.",
            SILENT_SCORE,
            [f"{one.service} fell silent.", f"The errors of {one.caller} name it."],
            citations=[Citation.of_event(event) for event in one.events[:2]],
            service=one.service,
            advice=f"Check whether {one.service} is running.",
            time=one.events[0].time,
            sure=True,
        )
        for hypothesis, change in zip(judged, case.changes):
            reached = any(effect.name in EXPLAINED_BY for effect in effects[id(change)])
            if hypothesis.score >= CULPRIT_SCORE and (change.service == one.service or reached):
                said.reasons_against.append(f"{hypothesis.cause} could have caused it.")
                said.score = SILENT_SCORE * EXPLAINED_FACTOR
                break
        found.append(said)
    return found


def _naming(service: str, caller: str, case: Case) -> List[Event]:
    """Return the caller's errors that say that the service did not answer; none if they are few."""
    # payments, payments-svc, payments.shop.svc; not payments-db
    name = re.compile(rf"(?<![\w.-]){re.escape(service)}(?:-(?:svc|service|api))?(?![\w-])", re.I)
    events = [e for p in case.patterns if p.entity == caller for e in p.events]
    events = sorted(events, key=lambda event: (event.time, event.raw))[:EVENTS_READ]
    naming = [e for e in events if name.search(e.begins) and _is_unanswered(e.begins)]
    return naming if len(naming) >= NAMED_SHARE * len(events) else []


def _is_unanswered(text: str) -> bool:
    symptoms = symptoms_of({text: 1.0})
    return any(symptom in symptoms for symptom in NO_ANSWER)


def blames_another(service: str, case: Case) -> bool:
    """Return whether a service's errors say that any other service did not answer."""
    told = [pattern for pattern in case.patterns if pattern.entity == service and pattern.events]
    blaming = [pattern.count for pattern in told if _blames(pattern.events[0].begins)]
    return sum(blaming) >= BLAMING_SHARE * sum(pattern.count for pattern in told) > 0


def _blames(text: str) -> bool:
    symptoms = symptoms_of({text: 1.0})
    if "unreachable" in symptoms or "name_resolution" in symptoms:
        return True
    return _is_unanswered(text) and _ANOTHER.search(text) is not None
