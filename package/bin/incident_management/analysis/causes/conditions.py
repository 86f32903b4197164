"""Hypotheses that are not changes: an outside failure, a surge of demand, one bad record."""

from __future__ import annotations

import re
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from ..case import CULPRIT_SCORE, Case, Hypothesis
from ..evidence import Citation, Event
from .effects import Effect
from .symptoms import CONDITIONS, Condition

__all__ = ["conditions"]

SURE = 0.6
"""Strength from which on a condition is none that a service's own code easily brings about."""
CONDITION_EXPLAINED_FACTOR = 0.5
"""A condition that a likely change could have brought about keeps this share of its score."""
_FEWEST_TRIES = 4
"""Failures of one text from which on they may be one record's that is tried again."""
_BAD_RECORD = re.compile(
    r"out of range|invalid|malformed|corrupt|unparse?able|"
    r"can(?:not|'t) (?:parse|decode|deserialize)|"
    r"validation|poison|deserializ|unmarshal|constraint",
    re.I,
)
_RECORD_KEY = re.compile(
    r"\b(offset|record_?id|message_?id|event_?id|object_?key|row_?id|job_?id|id)[\"']?\s*[=:]\s*[\"']?([\w.-]{3,})",
    re.I,
)


def conditions(
    case: Case,
    texts: Mapping[str, float],
    judged: Sequence[Hypothesis],
    effects: Mapping[int, Sequence[Effect]],
) -> List[Hypothesis]:
    """Return the conditions that the errors indicate, as hypotheses.

    Args:
        texts: the error texts with their weights.
        judged, effects: the changes and what they do. A condition that one of them could have
        caused loses to that change.
    """
    found = []
    for condition in CONDITIONS:
        share = _share(condition, texts)
        if share > 0.1:
            found.append(_condition(condition, share, case, judged, effects))
            # The incident's own text counts in the score, but is none of the errors.
            told = {text: w for text, w in texts.items() if text != case.text} or texts
            logged = _share(condition, told)
            found[-1].reasons_for.insert(0, _share_sentence(logged))
    poison = _poisoned_record(case)
    if poison:
        found.append(poison)
    return found


def _share(condition: Condition, texts: Mapping[str, float]) -> float:
    said = sum(weight for text, weight in texts.items() if condition.pattern.search(text))
    return said / (sum(texts.values()) or 1.0)


def _share_sentence(share: float) -> str:
    return (
        "All errors indicate it."
        if share > 0.995
        else f"{share:.0%} of the errors, by weight, indicate it."
    )


def _condition(
    condition: Condition,
    share: float,
    case: Case,
    judged: Sequence[Hypothesis],
    effects: Mapping[int, Sequence[Effect]],
) -> Hypothesis:
    score = condition.strength * min(1.0, 0.35 + share) ** 0.5
    events = _events_that_match(condition, case)
    said = Hypothesis("condition", condition.cause + ".", 0.0, advice=condition.advice)
    if condition.name == "demand_surge":
        grown = {e: r for e, r in case.volume_ratio.items() if r >= 1.5}
        for entity, ratio in sorted(grown.items())[:2]:
            said.reasons_for.append(f"{entity} logs {ratio:.1f} times as much as before.")
    explained = [
        hypothesis
        for hypothesis, change in zip(judged, case.changes)
        if hypothesis.score >= CULPRIT_SCORE
        and any(effect.name in condition.beaten_by for effect in effects[id(change)])
    ]
    if explained:
        said.reasons_against.append(f"{explained[0].cause} could have caused it.")
        score *= CONDITION_EXPLAINED_FACTOR
    said.score, said.sure = round(score, 4), condition.strength >= SURE
    said.citations = [Citation.of_event(event) for event in events[:2]]
    said.time = events[0].time if events else case.onset
    said.service = events[0].entity if events else ""
    return said


def _events_that_match(condition: Condition, case: Case) -> List[Event]:
    events = [e for p in case.patterns for e in p.events if condition.pattern.search(e.begins)]
    return sorted(events, key=lambda event: event.time)


def _poisoned_record(case: Case) -> Optional[Hypothesis]:
    """Return the hypothesis that one bad record fails over and over, whatever was deployed."""
    for pattern in sorted(case.patterns, key=lambda p: p.first_time):
        if len(pattern.events) < _FEWEST_TRIES:
            continue
        events = [e for e in pattern.events if _BAD_RECORD.search(e.begins)]
        if len(events) < _FEWEST_TRIES:
            continue
        seen: Dict[Tuple[str, str], int] = {}
        for event in events:
            for key in set(_RECORD_KEY.findall(event.begins)):
                seen[key] = seen.get(key, 0) + 1
        (name, value), times = max(seen.items(), key=lambda x: (x[1], x[0]), default=(("", ""), 0))
        if times < 0.8 * len(events):
            continue
        return Hypothesis(
            "condition",
            "One bad record is retried again and again.",
            0.82,
            [f"{times} of {len(events)} errors are about the same record: {name}={value}."],
            advice="Set the record aside, and inform its producer.",
            service=pattern.entity,
            time=pattern.first_time,
            sure=True,
            citations=[Citation.of_event(event) for event in events[:2]],
        )
    return None
