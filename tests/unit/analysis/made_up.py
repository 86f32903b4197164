"""Made-up incidents: what services log on an ordinary day and when they fail, and what was changed.

Each tells what is to be blamed: a change's id, the beginning of a condition's cause, or "" for
nothing; several where more than one answer is right.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Sequence, Tuple, Union

from incident_management.analysis.case import CULPRIT_SCORE, Hypothesis
from incident_management.analysis.investigation import investigate
from tests.fakes.clock import ManualClock
from tests.unit.analysis.event_searcher import EventSearcher
from tests.unit.analysis.scenario import START, change

Events = List[Dict[str, Any]]


@dataclass
class MadeUp:
    """One incident. ``blamed``: the right answers; ``calls``: who depends on whom."""

    name: str
    blamed: Tuple[str, ...]
    logs: Events
    changes: Events
    entity: str = "orders"
    calls: Sequence[Tuple[str, str]] = field(default_factory=tuple)

    def solve(self) -> Tuple[str, List[Hypothesis]]:
        """Return what is blamed, "" for nothing, and all hypotheses."""
        incident = {
            "id": "INC-20231114-ABCDEF",
            "title": f"High Error Rate: {self.entity}",
            "severity": "high",
            "entities": [self.entity],
            "first_time": START + 20,
            "last_time": START + 300,
            "opened_at": START + 310,
        }
        topology = [{"service": a, "depends_on": b} for a, b in self.calls]
        searcher = EventSearcher(self.logs, self.changes, topology)
        found = investigate(incident, searcher, ManualClock(START + 330)).hypotheses
        if not found or found[0].score < CULPRIT_SCORE:
            return "", found
        return found[0].change_id or found[0].cause, found

    def check(self) -> None:
        """Fail where what is blamed is none of the right answers."""
        answer, found = self.solve()
        said = [(h.score, h.cause, h.reasons_for, h.reasons_against) for h in found[:4]]
        is_right = any(answer.startswith(one) if one else not answer for one in self.blamed)
        assert is_right, f"{answer or 'nothing'} was blamed, not {self.blamed}: {said}"


class Cases(List[MadeUp]):
    """The incidents of one file."""

    def add(
        self,
        name: str,
        blamed: Union[str, Tuple[str, ...]],
        logs: Sequence[Events],
        changes: Events,
        **more: Any,
    ) -> None:
        """Add one, from the right answer or answers and the logs of each service."""
        answers = blamed if isinstance(blamed, tuple) else (blamed,)
        self.append(MadeUp(name, answers, [e for part in logs for e in part], changes, **more))


def event(second: float, service: str, raw: str) -> Dict[str, Any]:
    return {"time": START + second, "service": service, "host": f"{service}-1", "raw": raw}


def calm(
    service: str,
    text: str = "INFO handled request",
    step: int = 20,
    begin: int = -10_500,
    end: int = 400,
) -> Events:
    """What a service logs on an ordinary day; ``begin`` and ``end`` are seconds."""
    return [
        event(s, service, f"{text} in {11 + s % 37}ms id={s * 7919 % 100003}")
        for s in range(begin, end, step)
    ]


def surge(service: str, text: str, times: int) -> Events:
    """Many more requests than usual, from a minute before the errors on."""
    return [e for _ in range(times) for e in calm(service, text, 3, -60, 300)]


def fail(service: str, *texts: str, begin: int = 20, end: int = 300, step: int = 4) -> Events:
    """Errors, the texts in turn; ``{n}`` becomes a number, ``{h}`` an id."""
    found = []
    for place, second in enumerate(range(begin, end, step)):
        text = texts[place % len(texts)].replace("{n}", str(1000 + place * 37))
        text = text.replace("{h}", f"{(second + 7) * 2654435761 % 2**32:08x}")
        found.append(event(second, service, text))
    return found


def deploy(
    second: float,
    service: str,
    change_id: str = "chg-decoy",
    summary: str = "release 2023.46",
    **more: Any,
) -> Dict[str, Any]:
    return change(second, change_id, service, "deploy", summary, **{"version": "46", **more})
