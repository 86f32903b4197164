"""Rank the candidate causes of an incident without a model: written weights, written reasons.

A change is judged by its time (before the onset, and before the errors themselves), its place (the
entity that failed first, its dependencies, a shared library), and by what it does (an effect that
can cause these symptoms; identifiers that the errors name). Conditions that are not changes compete
with them. Equal input gives equal output: ties are broken by time and id.
"""

from __future__ import annotations

import math
import time
from bisect import bisect_left
from dataclasses import replace
from typing import Callable, Dict, List, Mapping, NamedTuple, Sequence, Set, Tuple

from ...terms import identifiers
from ..case import CULPRIT_SCORE, ONLY_NEAR, Case, Hypothesis
from ..changes import Change
from ..evidence import Citation
from ..times import how_long
from .conditions import conditions
from .dependencies import FailedDependency, blames_another, failed_dependencies, silent_dependencies
from .effect_rules import SHARED
from .effects import Effect, effects_of, harmless_reason, moved_share
from .error_words import ErrorWords
from .mechanisms import Tie, ties
from .place import first_entity, place_of
from .schedules import due_before
from .symptoms import from_outside, symptoms_of

__all__ = ["rank_within"]

# The parts of a change's score. With a diff, the change's effects weigh most.
TIMING_WEIGHT = 0.2
PLACE_WEIGHT = 0.2
CONTENT_WEIGHT = 0.6
UNKNOWN_CONTENT = 0.45
"""What a change that does not show what it changed gets for its content."""
ELSEWHERE = 0.2
"""A place below this is on what shows no errors, is not called, and is not named."""
TIED = 0.25
"""Content from which on a change counts as tied to the errors by more than time and place."""
UNTIED_LEAD = {"flag": 60.0}
UNTIED_LEAD_OTHERS = 1800.0
"""Seconds before the onset within which time and place alone may blame a change without a diff."""
UNTIED_LEAD_OF_CALLER = 300.0
"""The same for one on a service whose errors say that another service did not answer."""
UNTIED_LEAD_OUTSIDE = 300.0
"""The same where most errors speak of what may come from outside: a timeout, a full disk."""
SAID_LEAD = 1800.0
"""The same for what a change elsewhere says of itself, such as that it rotates a password: the
connections of a pool live so long."""
DEMAND = 3.0
"""From so many times as many events as before, errors apart, demand may have risen."""
UNTIED_EARLIER = 0.1
"""Share of the early errors before a change from which on nearness alone blames nothing."""
OUTSIDE_SHARE = 0.5
UNTIED_SCORE = 0.45
"""The most that a change gets when neither content nor such nearness speaks for it."""
TIMING_HALF_LIFE = 20 * 60.0
"""Seconds before the onset at which nearness has lost half of what it can lose."""
OLDEST_TIMING = 0.25
AFTER_ONSET_SLACK = 60.0
"""A change may be stamped this many seconds later than the first error that it caused."""

AFTER_ONSET_FACTOR = 0.05
HARMLESS_FACTOR = 0.15
MOVED_FACTOR = 0.6
NOT_DEPLOYED_FACTOR = 0.7
MAX_HYPOTHESES = 10
MOST_PATTERNS = 200
"""Of the error patterns, the most frequent: thousands of unlike lines would take minutes."""


class _Known(NamedTuple):
    """The facts about an incident that are the same for every change.

    ``outside``: whether most errors may come from outside a service.
    """

    case: Case
    symptoms: Mapping[str, float]
    words: ErrorWords
    failed: Mapping[str, FailedDependency]
    outside: bool


def rank_within(
    case: Case, seconds: float, timer: Callable[[], float] = time.monotonic
) -> Tuple[List[Hypothesis], List[Change]]:
    """Return the hypotheses, the best first, and the changes that there was no time for.

    Anyone who writes change events can make each of them take a second. So those with the least
    text are judged first, and those that take longest are left out.
    """
    until = timer() + seconds
    texts = _error_texts(case)
    known = _Known(
        case=case,
        symptoms=symptoms_of(texts),
        words=ErrorWords(texts, case),
        failed=failed_dependencies(case),
        outside=from_outside(texts) >= OUTSIDE_SHARE,
    )
    first = first_entity(case)
    effects: Dict[int, List[Effect]] = {}
    judged: Dict[int, Hypothesis] = {}
    for change in sorted(case.changes, key=_length):
        if timer() > until:
            break
        effects[id(change)] = effects_of(change, first)
        job = due_before(change.removed, change.added, case.onset)
        if job:
            effects[id(change)].append(job)
        judged[id(change)] = _judge(change, effects[id(change)], known)
    left_out = [change for change in case.changes if id(change) not in judged]
    case = replace(case, changes=[change for change in case.changes if id(change) in judged])
    found = [judged[id(change)] for change in case.changes]
    silent = silent_dependencies(case, known.failed, found, effects)
    found.extend([*conditions(case, texts, found, effects), *silent])
    _put_nearness_last(found)
    found.sort(key=lambda h: (-h.score, not h.near, -h.time, h.change_id, h.cause))
    return found[:MAX_HYPOTHESES], left_out


def _length(change: Change) -> int:
    lines = (change.summary, change.context, *change.files, *change.removed, *change.added)
    return sum(map(len, lines))


def _put_nearness_last(found: Sequence[Hypothesis]) -> None:
    """If a hypothesis is likely by more than its nearness, blame nothing that is only near."""
    sure = max((h.score for h in found if h.sure), default=0.0)
    if sure < CULPRIT_SCORE:
        return
    for hypothesis in found:
        if ONLY_NEAR in hypothesis.reasons_against:
            hypothesis.score = min(hypothesis.score, UNTIED_SCORE)


def _error_texts(case: Case) -> Dict[str, float]:
    """Weigh the error texts; those of the entity that failed first count most."""
    first = first_entity(case)
    texts: Dict[str, float] = {}
    for pattern in case.patterns[:MOST_PATTERNS]:
        weight = math.log1p(pattern.count) * (2.0 if pattern.entity == first else 1.0)
        shown = {event.begins for event in pattern.events[:5]} or {pattern.template}
        for text in shown:
            texts[text] = texts.get(text, 0.0) + weight / len(shown)
    if case.text:
        texts[case.text] = texts.get(case.text, 0.0) + 0.15 * (sum(texts.values()) or 1.0)
    return texts


def _judge(change: Change, effects: Sequence[Effect], known: _Known) -> Hypothesis:
    case = known.case
    verdict = Hypothesis(
        kind="change",
        cause=_capital(change.label()),
        score=0.0,
        change_id=change.change_id,
        change_kind=change.kind,
        service=change.service,
        version=change.version,
        previous_version=change.previous_version,
        place=change.place,
        time=change.time,
        citations=[Citation.of_event(change.event, _change_quote(change), "change")],
    )
    if change.replaced:
        verdict.citations.append(Citation.of_event(change.replaced, kind="change"))
    timing = _timing(change, case, verdict)
    place = place_of(change, case, known.failed, known.words, verdict)
    if not change.has_diff() and place < 0.8 and not 0 <= case.onset - change.time <= SAID_LEAD:
        effects = []
    content, is_named = _content(change, effects, known, verdict)
    verdict.sure = change.has_diff() or content >= TIED
    if not change.has_diff():
        # Of two changes without content, the one that shares words with the errors is likelier.
        content = max(content, UNKNOWN_CONTENT + (1.0 - UNKNOWN_CONTENT) * content / 2)
    score = TIMING_WEIGHT * timing + PLACE_WEIGHT * place + CONTENT_WEIGHT * content
    if not verdict.sure:
        verdict.reasons_against.append(ONLY_NEAR)
        verdict.near = place >= 0.8 and 0 <= case.onset - change.time <= UNTIED_LEAD_OTHERS
        if not _is_suspect(change, place, known, verdict):
            score = min(score, UNTIED_SCORE)
    elif place < ELSEWHERE and not is_named and not _is_under(change, known):
        verdict.reasons_against.append(
            "Its only link to what failed is that it could cause such errors there."
        )
        score = min(score, UNTIED_SCORE)
    verdict.score = round(score * _factor(change, case, effects, verdict), 4)
    if case.first_error:
        verdict.citations.append(case.first_error)
    return verdict


def _timing(change: Change, case: Case, verdict: Hypothesis) -> float:
    lead = case.onset - change.time
    earlier = _share_before(change.time, case)
    nearness = OLDEST_TIMING + (1 - OLDEST_TIMING) * 0.5 ** (max(0.0, lead) / TIMING_HALF_LIFE)
    if lead >= 0:
        verdict.reasons_for.append(f"It came {how_long(lead)} before the errors began.")
    if earlier > 0.02:
        verdict.reasons_against.append(f"{earlier:.0%} of the early errors came before it.")
    return nearness * (1.0 - earlier) ** 2


def _share_before(moment: float, case: Case) -> float:
    """Return the share of the early errors that are older than ``moment``."""
    times = case.early_errors
    return bisect_left(times, moment) / len(times) if times else 0.0


def _is_under(change: Change, known: _Known) -> bool:
    """Return whether the failed entity may depend on what a change elsewhere was made to.

    That is a database, a network and the like, or something that bears the failed entity's name:
    orders-db of orders. A change does not count if it names something that no error names.
    """
    named = identifiers(change.summary)
    if named and not named & known.words.whole:
        return False
    own = [*known.case.entities, *known.case.failing]
    return SHARED.search(change.service) is not None or any(
        change.service.startswith(f"{entity}-") for entity in own if entity
    )


def _content(
    change: Change, effects: Sequence[Effect], known: _Known, verdict: Hypothesis
) -> Tuple[float, bool]:
    """Return how well a change's effects fit the errors, and whether the errors name what it
    touches.
    """
    mechanism = _mechanism(effects, known.symptoms, verdict)
    overlap, names = known.words.overlap(change)
    if names:
        verdict.reasons_for.append(f"The errors name what it changes: {', '.join(names)}.")
    if change.has_diff() and mechanism < 0.15 and overlap < 0.15:
        verdict.reasons_against.append("Nothing that it changes relates to these errors.")
    content = 1.0 - (1.0 - 0.9 * mechanism) * (1.0 - 0.75 * overlap)
    return content, bool(names) or overlap >= TIED


def _is_suspect(change: Change, place: float, known: _Known, verdict: Hypothesis) -> bool:
    """Return whether time and place alone are enough to suspect a change."""
    case, failed, outside = known.case, known.failed, known.outside
    if _share_before(change.time, case) > UNTIED_EARLIER:
        return False
    grown = max(case.entities, key=lambda e: case.ordinary_ratio.get(e, 0.0), default="")
    if outside and case.ordinary_ratio.get(grown, 0.0) >= DEMAND:
        verdict.reasons_against.append(
            f"{grown} logs {case.ordinary_ratio[grown]:.1f} times as much as before, errors apart: "
            "demand may have risen."
        )
        return False
    longest = UNTIED_LEAD.get(change.kind, UNTIED_LEAD_OTHERS)
    named = [one for one in failed.values() if one.caller == change.service and one.events]
    if blames_another(change.service, case) or (named and change.service not in failed):
        verdict.reasons_against.append(
            f"The errors of {change.service} say that another service did not answer."
        )
        longest = min(longest, UNTIED_LEAD_OF_CALLER)
    elif outside and UNTIED_LEAD_OUTSIDE < case.onset - change.time <= longest:
        verdict.reasons_against.append(
            "Such errors can also come from outside a service, and the change came too long before."
        )
        longest = UNTIED_LEAD_OUTSIDE
    return place >= 0.9 and case.onset - change.time <= longest


def _mechanism(
    effects: Sequence[Effect], symptoms: Mapping[str, float], verdict: Hypothesis
) -> float:
    found: List[Tie] = ties(effects, symptoms)
    strong = [tie for tie in found if tie.strength >= 0.3]
    said: Set[str] = set()
    for tie in strong:
        if tie.effect.name not in said and len(said) < 2:
            said.add(tie.effect.name)
            symptom = tie.symptom.replace("_", " ")
            verdict.reasons_for.append(f"It {tie.effect.detail}; the errors indicate: {symptom}.")
    if effects and not strong:
        verdict.reasons_against.append(f"It {effects[0].detail}, which does not cause such errors.")
    return found[0].strength if found else 0.0


def _factor(change: Change, case: Case, effects: Sequence[Effect], verdict: Hypothesis) -> float:
    factor = 1.0
    if change.time > case.onset + AFTER_ONSET_SLACK:
        late = how_long(change.time - case.onset)
        verdict.reasons_against.append(f"It came {late} after the errors began.")
        factor *= AFTER_ONSET_FACTOR
    harmless = harmless_reason(change)
    if harmless:
        verdict.reasons_against.append(_capital(harmless) + ".")
        factor *= HARMLESS_FACTOR
    elif change.has_diff() and not effects and moved_share(change) > 0.6:
        verdict.reasons_against.append("What it removes comes back elsewhere: code was moved.")
        factor *= MOVED_FACTOR
    if change.kind == "commit":
        verdict.reasons_against.append("No known deploy includes it.")
        factor *= NOT_DEPLOYED_FACTOR
    return factor


def _change_quote(change: Change) -> str:
    raw = change.event.raw
    for text in (change.summary, change.change_id):
        if text and text in raw:
            return text
    return raw[:200]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
