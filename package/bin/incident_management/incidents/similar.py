"""Incidents like one, and how those that are over were solved: what whoever is called asks first.

Two incidents are alike when one is an earlier episode of the other's problem, and else as far as
they share detections, what is affected, and the telling words of their events
(:mod:`.grouping.wording`). Each share is a Jaccard index. No model is asked, and each likeness is
named, so that a reader can judge it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Dict, Iterable, List, Mapping, Sequence, Set, Tuple

from ..ports import Collection, Document, Stores
from .grouping.wording import LEAST_ALIKE
from .model import OPEN_STATUSES, STATUSES, Incident
from .stores import any_of, bounded_queries, find_by

__all__ = ["Similar", "find_similar"]

# How many of the newest that share an entity are compared.
MAX_COMPARED = 500
# Those that share a detection are found by its signals, which have an acceleration for that: how
# many of the newest are read, and of those before the incident; and of how many incidents.
MAX_SIGNALS = 2000
MAX_OF_SIGNALS = 1000
# How many detections and entities of an incident are looked for.
MAX_NAMES = 20
MAX_EPISODES = 20
MAX_TOLD = 3
# What each share counts for; together 1, as an earlier episode of the same problem does.
OF_RULES, OF_ENTITIES, OF_WORDS = 0.35, 0.3, 0.35
# Less than this is no more than one entity among several.
LEAST = 0.2
FIELDS = (
    *("id", "title", "status", "severity", "owner", "team", "opened_at", "resolved_at"),
    *("resolution", "category", "feedback", "cause", "previous", "merged_into"),
    *("rules", "entities", "wordings"),
)
HELPED = "recovered"


@dataclass(frozen=True)
class Similar:
    """An incident that is like another one.

    ``score``: 0 to 1; ``why``: each likeness in a sentence; ``fixes``: what was carried out and
    proved to help.
    """

    document: Document
    score: float
    why: Tuple[str, ...]
    fixes: Tuple[str, ...] = ()


def find_similar(
    stores: Stores, incident: Incident, limit: int
) -> Tuple[List[Similar], List[Similar]]:
    """Return up to ``limit`` open and as many finished incidents like one, the most alike first."""
    over = [status for status in STATUSES if status not in OPEN_STATUSES]
    episodes = _episodes(stores.incidents, incident)
    known = {**episodes, **_of_its_detections(stores, incident)}
    opened, ended = (
        _ranked(incident, _candidates(stores.incidents, incident, statuses, known), episodes)
        for statuses in (OPEN_STATUSES, over)
    )
    return opened[:limit], _with_fixes(stores.plans, ended[:limit])


def _episodes(incidents: Collection, incident: Incident) -> Dict[str, Document]:
    """The earlier incidents of the same problem, by id, the latest first."""
    found: Dict[str, Document] = {}
    key = incident.previous
    while key and key not in found and len(found) < MAX_EPISODES:
        document = incidents.get(key)
        if document is None:  # deleted by age, and those before it as well
            break
        found[key] = document
        key = str(document.get("previous") or "")
    return found


def _of_its_detections(stores: Stores, incident: Incident) -> Dict[str, Document]:
    """The incidents, by id, of the newest signals of an incident's detections.

    And of the newest before it was opened: it may have more signals itself than are read.
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
    # Of many long names as many as fit into a query whose limit the KV store keeps to.
    names = ({"entities": name} for name in incident.entities[:MAX_NAMES])
    shared = next(bounded_queries(names, MAX_NAMES), None)
    if shared:
        query = {"$and": [any_of("status", statuses), shared]}
        order = "opened_at:-1,_key:-1"  # as the acceleration by_entity
        newest = incidents.find(query, order, limit=MAX_COMPARED, fields=FIELDS)
        found.update((str(one["id"]), one) for one in newest)
    # Who was merged has told its story where it went.
    return [one for key, one in found.items() if key != incident.id and not one.get("merged_into")]


def _ranked(
    incident: Incident, candidates: Iterable[Document], episodes: Mapping[str, Document]
) -> List[Similar]:
    """The most alike first; of equals the latest."""
    found = [_compared(incident, one, str(one["id"]) in episodes) for one in candidates]
    alike = [one for one in found if one.score >= LEAST]
    return sorted(
        alike, key=lambda one: (one.score, one.document.get("opened_at") or 0.0), reverse=True
    )


def _compared(incident: Incident, other: Document, is_episode: bool) -> Similar:
    rules = set(incident.rules) & set(other.get("rules") or ())
    entities = set(incident.entities) & set(other.get("entities") or ())
    words = _said_alike(incident.wordings, other.get("wordings") or ())
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


def _said_alike(mine: Iterable[str], others: Iterable[str]) -> float:
    """The best Jaccard index of two wordings; 0 below what is not chance."""
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
    """Add what was proved to help."""
    helped: Dict[str, List[str]] = {}
    ids = [str(one.document["id"]) for one in found]
    for plan in find_by(plans, "incident_id", ids) if ids else []:
        if plan.get("status") == HELPED:
            text = str(plan.get("summary") or plan.get("action"))
            helped.setdefault(str(plan["incident_id"]), []).append(text)
    return [replace(one, fixes=tuple(helped.get(str(one.document["id"]), ()))) for one in found]
