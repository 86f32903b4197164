"""Finds incidents similar to one, and how the finished ones were solved.

Two incidents are similar if one is an earlier episode of the other's problem. Otherwise their
similarity is what they share of detections, affected entities, and the characteristic words of
their events (:mod:`.grouping.wording`). Each share is a Jaccard index. No model is involved, and
each similarity is named, so that a reader can judge it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Dict, Iterable, List, Mapping, Sequence, Set, Tuple

from ..ports import Collection, Document, Stores
from .grouping.wording import LEAST_ALIKE
from .model import OPEN_STATUSES, STATUSES, Incident
from .stores import any_of, bounded_queries, find_by

__all__ = ["Similar", "find_similar"]

# How many of the newest incidents that share an entity are compared.
MAX_COMPARED = 500
# Incidents that share a detection are found by its signals, which have an acceleration for that.
# Limits: the newest signals read (once in all, once before the incident opened), and the incidents
# taken from them.
MAX_SIGNALS = 2000
MAX_OF_SIGNALS = 1000
# The most detections and the most entities of an incident that are searched for.
MAX_NAMES = 20
MAX_EPISODES = 20
MAX_TOLD = 3
# The weight of each share. Together they are 1, the score of an earlier episode of the same
# problem.
OF_RULES, OF_ENTITIES, OF_WORDS = 0.35, 0.3, 0.35
# A lower score means no more than one shared entity among several.
LEAST = 0.2
FIELDS = (
    *("id", "title", "status", "severity", "owner", "team", "opened_at", "resolved_at"),
    *("resolution", "category", "feedback", "cause", "previous", "merged_into"),
    *("rules", "entities", "wordings"),
)
HELPED = "recovered"


@dataclass(frozen=True)
class Similar:
    """An incident that is similar to another one.

    ``score``: 0 to 1; ``why``: each similarity in a sentence; ``fixes``: what was executed and
    proved to help.
    """

    document: Document
    score: float
    why: Tuple[str, ...]
    fixes: Tuple[str, ...] = ()


def find_similar(
    stores: Stores, incident: Incident, limit: int
) -> Tuple[List[Similar], List[Similar]]:
    """Return up to ``limit`` open and as many finished similar incidents, the best first."""
    over = [status for status in STATUSES if status not in OPEN_STATUSES]
    episodes = _episodes(stores.incidents, incident)
    known = {**episodes, **_of_its_detections(stores, incident)}
    opened, ended = (
        _ranked(incident, _candidates(stores.incidents, incident, statuses, known), episodes)
        for statuses in (OPEN_STATUSES, over)
    )
    return opened[:limit], _with_fixes(stores.plans, ended[:limit])


def _episodes(incidents: Collection, incident: Incident) -> Dict[str, Document]:
    """Return the earlier incidents of the same problem, by id, the latest first."""
    found: Dict[str, Document] = {}
    key = incident.previous
    while key and key not in found and len(found) < MAX_EPISODES:
        document = incidents.get(key)
        if document is None:  # deleted by retention, as are those before it
            break
        found[key] = document
        key = str(document.get("previous") or "")
    return found


def _of_its_detections(stores: Stores, incident: Incident) -> Dict[str, Document]:
    """Return the incidents, by id, of the newest signals of an incident's detections.

    The newest signals from before the incident opened are read as well, because the incident may
    itself have more signals than are read.
    """
    rules = next(
        bounded_queries(({"rule": name} for name in incident.rules[:MAX_NAMES]), MAX_NAMES), None
    )
    if rules is None:
        return {}
    before = {"$and": [rules, {"received_at": {"$lt": incident.opened_at or 0.0}}]}
    signals: List[Document] = []
    for query in (rules, before):
        order, fields = "received_at:-1", ("incident_id",)  # as the acceleration by_rule
        signals += stores.signals.find(query, order, MAX_SIGNALS, fields=fields)
    ids = list(dict.fromkeys(str(one.get("incident_id") or "") for one in signals))
    found = find_by(stores.incidents, "_key", filter(None, ids[:MAX_OF_SIGNALS]), FIELDS)
    return {str(one["id"]): one for one in found}


def _candidates(
    incidents: Collection,
    incident: Incident,
    statuses: Sequence[str],
    known: Mapping[str, Document],
) -> List[Document]:
    found = {key: one for key, one in known.items() if one.get("status") in statuses}
    # As many names as fit into a query short enough for the KV store to honor its limit.
    names = ({"entities": name} for name in incident.entities[:MAX_NAMES])
    shared = next(bounded_queries(names, MAX_NAMES), None)
    if shared:
        query = {"$and": [any_of("status", statuses), shared]}
        order = "opened_at:-1,_key:-1"  # as the acceleration by_entity
        newest = incidents.find(query, order, limit=MAX_COMPARED, fields=FIELDS)
        found.update((str(one["id"]), one) for one in newest)
    # A merged incident's entries are part of the incident it was merged into.
    return [one for key, one in found.items() if key != incident.id and not one.get("merged_into")]


def _ranked(
    incident: Incident, candidates: Iterable[Document], episodes: Mapping[str, Document]
) -> List[Similar]:
    """Return the candidates that are similar enough, the best first; of equals the latest."""
    found = [_compared(incident, one, str(one["id"]) in episodes) for one in candidates]
    alike = [one for one in found if one.score >= LEAST]
    return sorted(
        alike, key=lambda one: (one.score, one.document.get("opened_at") or 0.0), reverse=True
    )


def _compared(incident: Incident, other: Document, is_episode: bool) -> Similar:
    rules = set(incident.rules) & set(other.get("rules") or ())
    entities = set(incident.entities) & set(other.get("entities") or ())
    words = _wording_similarity(incident.wordings, other.get("wordings") or ())
    score = (
        OF_RULES * _share(rules, incident.rules, other.get("rules"))
        + OF_ENTITIES * _share(entities, incident.entities, other.get("entities"))
        + OF_WORDS * words
    )
    why = [
        is_episode and "It is an earlier episode of the same problem.",
        rules and f"The same detection found it: {_named(rules)}.",
        entities and f"It affects the same: {_named(entities)}.",
        words >= LEAST_ALIKE and "Its events say nearly the same.",
    ]
    told = tuple(one for one in why if isinstance(one, str))
    return Similar(other, 1.0 if is_episode else round(score, 2), told)


def _share(both: Set[str], mine: Sequence[str], others: Any) -> float:
    return len(both) / len({*mine, *(others or ())}) if both else 0.0


def _wording_similarity(mine: Iterable[str], others: Iterable[str]) -> float:
    """Return the best Jaccard index of two wordings; 0 if it could be chance."""
    sets = [frozenset(one.split()) for one in others]
    best = 0.0
    for one in mine:
        words = frozenset(one.split())
        best = max([best, *(len(words & other) / len(words | other) for other in sets if other)])
    return best if best >= LEAST_ALIKE else 0.0


def _named(names: Iterable[str]) -> str:
    ordered = sorted(names)
    more = f" and {len(ordered) - MAX_TOLD} more" if len(ordered) > MAX_TOLD else ""
    return ", ".join(ordered[:MAX_TOLD]) + more


def _with_fixes(plans: Collection, found: List[Similar]) -> List[Similar]:
    """Add the fixes that were proved to help."""
    helped: Dict[str, List[str]] = {}
    ids = [str(one.document["id"]) for one in found]
    for plan in find_by(plans, "incident_id", ids) if ids else []:
        if plan.get("status") == HELPED:
            text = str(plan.get("summary") or plan.get("action"))
            helped.setdefault(str(plan["incident_id"]), []).append(text)
    return [replace(one, fixes=tuple(helped.get(str(one.document["id"]), ()))) for one in found]
