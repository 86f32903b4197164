"""The account of an incident from its timeline, each sentence with its sources. Pure.

Made by code alone: every statement comes from an entry. :mod:`.outcome` has the parts on fixes and
deadlines.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence

from ...ports import Document
from ...utc import to_the_second as utc
from ..entry_text import describe_entry
from ..fold import SIGNAL_KINDS
from ..model import Entry
from ..report import format_duration
from .outcome import deviation_statements, fix_statements, notification_statements
from .statements import Account, Life, ReviewedTimeline, Statement, elide_middle, join_names

__all__ = ["TITLES", "account_of"]

# The parts of an account, in their order.
TITLES: Mapping[str, str] = {
    "happened": "What happened",
    "lasted": "How long it took",
    "affected": "What was affected",
    "cause": "Cause",
    "tried": "Fixes and their verification",
    "told": "Notifications",
    "promised": "Deadlines and deviations",
    "did": "Who did what",
}
# Frequent kinds that are no decisions.
_NO_DEED = ("signal", "notification", "sla", "review", "follow_up", "update_due")
_TURNS = ("severity", "joined", "merged", "unmerged", "split", "flapping")
MOST_CITATIONS = 10


def account_of(
    story: ReviewedTimeline, analysis: Optional[Mapping[str, Any]] = None, empty: Sequence[str] = ()
) -> Account:
    """Return the statements of each part (TITLES).

    ``analysis``: the document of the newest one; ``empty``: see
    :func:`.outcome.deviation_statements`.
    """
    return {
        "happened": elide_middle(_happened(story)),
        "lasted": elide_middle([one for life in story.lives for one in _lasted(story, life)]),
        "affected": _affected(story),
        "cause": _cause(story, analysis),
        "tried": fix_statements(story),
        "told": notification_statements(story),
        "promised": deviation_statements(story, empty),
        "did": _did(story),
    }


def newest_analysis(story: ReviewedTimeline) -> str:
    """Return the id of the newest analysis; empty without one."""
    found = story.of_kind("analysis")
    return str(found[-1].data.get("analysis_id") or "") if found else ""


def _happened(story: ReviewedTimeline) -> List[Statement]:
    found: List[Statement] = []
    for entry in story.of_kind("opened")[:1]:
        found.append(Statement(_opened(entry), (entry,)))
        if entry.data.get("previous"):
            earlier = f"The previous incident of the same problem is {entry.data['previous']}."
            found.append(Statement(earlier, (entry,)))
    names = story.incident.rules
    if len(names) > 1:
        finding = [
            one for one in story.of_kind(*SIGNAL_KINDS) if not set(names).isdisjoint(_rules(one))
        ]
        found.append(Statement(f"Found by {join_names(names)}.", tuple(finding)))
    found += [
        Statement(
            f"Reopened: {life.opened.data.get('reason') or describe_entry(life.opened)}",
            (life.opened,),
        )
        for life in story.lives[1:]
    ]
    opening = [life.opened.key for life in story.lives]
    turns = [entry for entry in story.of_kind(*_TURNS) if entry.key not in opening]
    found += [Statement(describe_entry(entry), (entry,)) for entry in turns]
    return sorted(found, key=lambda one: one.sources[0].order)


def _opened(entry: Entry) -> str:
    data = entry.data
    how = f"by the detection {data['rule']}" if data.get("rule") else f"by hand, by {entry.actor}"
    if data.get("split_from"):
        how = f"by a split off {data['split_from']}, by {entry.actor}"
    return f"“{data.get('title') or ''}” was opened {how}, with severity {data.get('severity')}."


def _rules(entry: Entry) -> List[str]:
    data = entry.data
    return [data["rule"]] if data.get("rule") else list(data.get("rules") or ())


_STEPS = {
    "acknowledged": "The incident was acknowledged {0} {1} (time to acknowledge).",
    "fixed": "A fix was executed {0} {1}.",
    "recovered": "Recovery was proved {0} {1}.",
    "ended": "The incident ended {0} {1} (time to resolve).",
}


def _lasted(story: ReviewedTimeline, life: Life) -> List[Statement]:
    first, opened = life.number == 1, utc(life.opened.time)
    after = "after it was opened" if first else f"after it was reopened ({opened})"
    found = _detected(story, life) if first else []
    for step, words in _STEPS.items():
        entry: Optional[Entry] = getattr(life, step)
        if entry is not None and entry.kind == "merged":
            words = f"The incident was merged into {entry.data.get('into')} {{0}} {{1}}."
        if entry is not None:
            found.append(Statement(words.format(format_duration(life.took(step)), after), (entry,)))
    if life.ended is None:
        found.append(Statement(f"The incident has been open since {opened}.", (life.opened,)))
    elif life.acknowledged is None:
        ended = "was merged" if life.ended.kind == "merged" else "ended"
        found.append(Statement(f"The incident {ended} without an acknowledgement.", (life.ended,)))
    return found


def _detected(story: ReviewedTimeline, life: Life) -> List[Statement]:
    """Describe when the first counted event was, if before the opening."""
    with_times = [e for e in story.of_kind(*SIGNAL_KINDS) if e.data.get("first_time") is not None]
    if not with_times:
        return []
    entry = min(with_times, key=lambda one: float(one.data["first_time"]))
    began = float(entry.data["first_time"])
    if began > life.opened.time:
        return []
    took = format_duration(life.opened.time - began)
    text = f"Its first event was at {utc(began)}. It was opened {took} later (time to detect)."
    return [Statement(text, (entry,))]


def _affected(story: ReviewedTimeline) -> List[Statement]:
    incident, found = story.incident, []
    adding = story.of_kind(*SIGNAL_KINDS)
    opened = adding[0] if adding else None
    if opened and opened.data.get("description"):
        said = "The detection says" if opened.data.get("rule") else f"{opened.actor} says"
        found.append(Statement(f"{said}: {opened.data['description']}", (opened,)))
    naming = [e for e in story.of_kind(*SIGNAL_KINDS, "edited", "split") if e.data.get("entities")]
    if incident.entities:
        found.append(Statement(f"Affected: {join_names(incident.entities, 30)}.", tuple(naming)))
    if incident.signals:
        counting = tuple(entry for entry in adding if entry.data.get("signals"))
        plural = "" if incident.signals == 1 else "s"
        text = f"{incident.events:,} events were counted, in {incident.signals:,} signal{plural}"
        if incident.first_time is not None and incident.last_time is not None:
            text += f", from {utc(incident.first_time)} to {utc(incident.last_time)}"
        found.append(Statement(f"{text}.", counting))
    return found or [Statement("The timeline does not say what was affected.")]


def _cause(story: ReviewedTimeline, analysis: Optional[Mapping[str, Any]]) -> List[Statement]:
    entries = story.of_kind("analysis")
    if not entries:
        return [Statement("No analysis was run.")]
    newest = entries[-1]
    checks = dict(newest.data.get("claims") or {})
    found = [Statement(str(newest.data.get("verdict") or describe_entry(newest)), (newest,))]
    if checks:
        said = ", ".join(f"{checks.get(name, 0)} {word}" for name, word in _CHECKS.items())
        found.append(Statement(f"Its citations: {said}.", (newest,)))
    found += [Statement(_cited(one), (newest,)) for one in _citations(analysis)]
    for earlier in entries[:-1]:
        cause = str(earlier.data.get("cause") or "")
        if cause != str(newest.data.get("cause") or ""):
            found.append(
                Statement(f"An earlier analysis said: {earlier.data.get('verdict')}", (earlier,))
            )
    return found


_CHECKS = {
    "verified": "verified by code",
    "rejected": "rejected",
    "unchecked": "not checked",
}


def _citations(analysis: Optional[Mapping[str, Any]]) -> List[Document]:
    """Return the citations of the blamed hypothesis; none without one."""
    hypotheses = (analysis or {}).get("hypotheses") or []
    blamed: Dict[str, Any] = next((one for one in hypotheses if one.get("blamed") is True), {})
    cited = [one for one in blamed.get("citations") or () if isinstance(one, dict)]
    return [one for one in cited if one.get("quote")][:MOST_CITATIONS]


def _cited(citation: Mapping[str, Any]) -> str:
    status = _CHECKS.get(str(citation.get("status")), "not checked")
    where = f"index {citation['index']}" if citation.get("index") else ""
    then = utc(float(citation["time"])) if citation.get("time") else ""
    place = ", ".join(part for part in (where, then, status) if part)
    return f"Cited ({place}): {citation.get('quote')}"


def _did(story: ReviewedTimeline) -> List[Statement]:
    deeds = [entry for entry in story.counted if entry.kind not in _NO_DEED]
    return elide_middle([Statement(describe_entry(entry), (entry,)) for entry in deeds], 80, 40)
