"""Combine the results of the raising searches into one verdict on a fix.

Each search runs over two windows of the same length: one that ends when the action started, and one
after the action. ``recovered`` requires all of this: a search found an entity of the incident
before, none finds any after, and every entity of the incident had enough events after, so that
silence is not mistaken for health. ``not_recovered``, which rolls the fix back, requires that the
search that opened the incident finds, before and after, an entity it was opened for, and that each
other search finds something of the incident before and after; see :class:`RollbackRule`. Anything
else is ``insufficient_data``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, FrozenSet, List, Mapping, Sequence, Set, Tuple

from ..incidents.model import Incident
from ..ports import Document, Searcher
from ..splunk.searching import spl
from .catalogue import Action
from .raising_search import RaisingSearch, Rerun, Windows, search_identity

__all__ = ["INSUFFICIENT", "NOT_RECOVERED", "RECOVERED", "Judgement", "RollbackRule", "judge"]

RECOVERED, NOT_RECOVERED, INSUFFICIENT = "recovered", "not_recovered", "insufficient_data"
MAX_ENTITIES = 200
SAMPLE_ROWS = 10_000

Asked = Sequence[Tuple[Mapping[str, Any], Windows]]


@dataclass(frozen=True)
class RollbackRule:
    """Which search can have a fix rolled back, and for which entities.

    Any alert can raise a signal, so no single search decides. The opener must still find one of
    ``entities``, and every other search must agree. A search disagrees when it no longer finds such
    an entity: the fix has helped in part, and a person decides whether that is enough. It also
    disagrees when it found nothing right before the fix. A monitor counts as one search: its series
    that found nothing then are ignored, as long as another series found something. So a forged
    alert can prevent a rollback, but can't cause one on an incident that another search raised too.

    Attributes:
        opener: the :func:`.raising_search.search_identity` of the search that opened the incident.
        entities: what the incident was opened for, and what the fix acts on.
    """

    opener: str
    entities: FrozenSet[str]


@dataclass
class Judgement:
    """A verdict, its reason and its basis; ``searches`` are the searches with their findings."""

    outcome: str
    detail: str
    before: List[str] = field(default_factory=list)
    after: List[str] = field(default_factory=list)
    samples: Dict[str, int] = field(default_factory=dict)
    searches: List[Document] = field(default_factory=list)

    def to_data(self) -> Document:
        """Return the data of its timeline entry."""
        samples = [{"entity": one, "events": count} for one, count in self.samples.items()]
        return {**vars(self), "samples": samples}


@dataclass
class _Tally:
    """What searches found of an incident's entities: before a fix, after it, and both times.

    ``unhelped`` and ``helped`` decide whether the fix is rolled back. ``said``: for each search
    that found something before, whether it still finds it.
    """

    before: Set[str] = field(default_factory=set)
    after: Set[str] = field(default_factory=set)
    lasting: Set[str] = field(default_factory=set)
    unhelped: Set[str] = field(default_factory=set)
    helped: Set[str] = field(default_factory=set)
    said: Dict[str, List[bool]] = field(default_factory=dict)
    names: Dict[str, str] = field(default_factory=dict)

    def count(
        self, search: Mapping[str, Any], then: Set[str], now: Set[str], rule: RollbackRule
    ) -> None:
        self.before |= then
        self.after |= now
        self.lasting |= then & now
        if search_identity(search) == rule.opener:
            self.unhelped |= then & now & rule.entities
        self.helped |= (then - now) & rule.entities
        one = _one_of(search)
        self.names.setdefault(one, _name(search))
        said = self.said.setdefault(one, [])
        if then:
            said.append(bool(then & now))

    def silent(self) -> str:
        """Return the name of a search that no longer finds all it found before; empty if none."""
        silent = (one for one, said in self.said.items() if not said or not all(said))
        return next((self.names[one] for one in silent), "")


def judge(
    raising: RaisingSearch,
    searcher: Searcher,
    action: Action,
    incident: Incident,
    asked: Asked,
    rule: RollbackRule,
) -> Judgement:
    """Run every search over its windows. Raises SearchFailed and CannotJudge.

    A finding that lasts but is not what the incident was opened for prevents a recovery, and does
    not cause a rollback either.
    """
    own, tally = set(incident.entities), _Tally()
    reruns: List[Rerun] = []
    searches: List[Document] = []
    for search, windows in asked:
        then = raising.run(search, *windows.before).entities() & own
        rerun = raising.run(search, *windows.after)
        now = rerun.entities() & own
        tally.count(search, then, now, rule)
        reruns.append(rerun)
        searches.append(_document(search, rerun, windows, then, now))
    judgement = Judgement(INSUFFICIENT, "", sorted(tally.before), sorted(tally.after), {}, searches)
    if not _is_cured(judgement, tally):
        return judgement
    if len(own) > MAX_ENTITIES:
        judgement.detail = (
            f"The incident has {len(own)} entities; recovery can't be verified for more "
            f"than {MAX_ENTITIES}."
        )
        return judgement
    shortest = min((windows for _search, windows in asked), key=lambda one: one.length)
    judgement.samples = _samples(searcher, action, sorted(own), reruns, shortest)
    _weigh(judgement, action.min_samples)
    return judgement


def _document(
    search: Mapping[str, Any], rerun: Rerun, windows: Windows, then: Set[str], now: Set[str]
) -> Document:
    return {
        "name": _name(search),
        "spl": rerun.spl,
        "windows": windows.to_document(),
        "before": sorted(then),
        "after": sorted(now),
    }


def _one_of(search: Mapping[str, Any]) -> str:
    """Return the identity of a search, or of a monitor with all its series."""
    return (
        search_identity(search)
        if search.get("name")
        else search_identity({"monitor": _name(search)})
    )


def _name(search: Mapping[str, Any]) -> str:
    return str(search.get("name") or search.get("monitor") or "")


def _is_cured(judgement: Judgement, tally: _Tally) -> bool:
    """Tell whether everything found before is gone; else set the reason in the judgement."""
    if tally.lasting:
        still = ", ".join(sorted(tally.unhelped or tally.lasting))
        judgement.detail = f"The search still finds {still} after the fix."
        if tally.helped:
            cured = ", ".join(sorted(tally.helped))
            judgement.detail += (
                f" But a search that found {cured} before no longer finds it, so the fix "
                "helped in part: a person decides whether it stays."
            )
        elif tally.unhelped and tally.silent():
            judgement.detail += (
                f" But '{tally.silent()}', which also raised the incident, does not, so a "
                "person decides whether the fix stays."
            )
        elif tally.unhelped:
            judgement.outcome = NOT_RECOVERED
        else:
            judgement.detail += (
                " The incident was not opened for that, so the fix is not rolled back."
            )
    elif judgement.after:
        judgement.detail = (
            f"The search finds {', '.join(judgement.after)} after the fix, but not in an "
            "equally long window before it: this may be another problem."
        )
    elif not judgement.before:
        judgement.detail = (
            "The search does not find the problem in an equally long window before the "
            "fix, so finding none after it proves nothing."
        )
    return not judgement.after and bool(judgement.before)


def _samples(
    searcher: Searcher,
    action: Action,
    entities: Sequence[str],
    reruns: Sequence[Rerun],
    windows: Windows,
) -> Dict[str, int]:
    """Return how many events each entity produced after the fix.

    The events a search saw itself count first. Where they are too few, all events of the entity
    count.
    """
    seen = {one: max(rerun.events.get(one, 0) for rerun in reruns) for one in entities}
    if any(events < action.min_samples for events in seen.values()):
        searchable = [one for one in entities if spl.is_searchable(one)]
        counted = _counted(searcher, action, searchable, windows) if searchable else {}
        seen = {one: max(events, counted.get(one.lower(), 0)) for one, events in seen.items()}
    return seen


def _counted(
    searcher: Searcher, action: Action, entities: Sequence[str], windows: Windows
) -> Dict[str, int]:
    """Count the events of entities in the window after the fix, by lower-case name.

    The ``search`` command compares without regard to case.
    """
    named = spl.either(*(spl.any_of(name, entities) for name in action.sample_fields))
    search = spl.Search(spl.macro("incident_indexes"), named).pipe(
        spl.gathered("entity", action.sample_fields), spl.stats("count", by=["entity"])
    )
    earliest, latest = (f"{when:.3f}" for when in windows.after)
    counts: Dict[str, int] = {}
    for row in searcher.run(str(search), earliest, latest, limit=SAMPLE_ROWS).whole().rows:
        name = str(row.get("entity", "")).lower()
        counts[name] = counts.get(name, 0) + int(float(row.get("count") or 0))
    return counts


def _weigh(judgement: Judgement, enough: int) -> None:
    """Set the outcome by the number of events of each entity."""
    few = [f"{one} ({events})" for one, events in judgement.samples.items() if events < enough]
    if few:
        judgement.detail = (
            f"Too few events after the fix to judge, fewer than {enough}: {', '.join(few)}."
        )
    else:
        judgement.outcome = RECOVERED
        judgement.detail = (
            f"The search found {', '.join(judgement.before)} before the fix and finds "
            "nothing of the incident after it, while all of its entities kept producing "
            "events."
        )
