"""Resolves incidents whose alerts have ended, as the tools that raised them report.

An incident is resolved when all of its alerts have ended: an alert that still fires, or a finding
of a search, keeps it open. Until then a note says which alert ended, and names its problem
(``over``), so that the last end is recognized. An alert that fires again has not ended. Suppressed
signals of an ended alert stay suppressed (:mod:`.suppressed`).

An end may arrive before its alert does: while the alert is ingested, or if it is sent again after a
failure. So an end is recorded before its incident is searched for, and every ingest of an alert
checks for a recorded end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Iterable, List, Sequence, Set, Tuple

from ...ports import Clock, Document, Stores
from .. import lifecycle, timeline
from ..act import Act
from ..canonical import digest
from ..errors import IllegalMove
from ..fold import SIGNAL_KINDS, signal_keys
from ..intake.batch import Outcome
from ..intake.ledger import claims_of, newest_episodes
from ..lifecycle import Ending
from ..model import Entry
from ..signal import Signal
from ..stores import KEPT_END, claim_document, find_by
from ..story import Story
from .suppressed import mark_ended

__all__ = ["Ended", "end_alerts", "end_already_over", "note_ends"]

ONCE = "over:"
LISTED = 5
NEW = ("opened", "added", "reopened")


@dataclass(frozen=True)
class Ended:
    """The result of one alert's end.

    ``what``: ``resolved``, ``held`` (the incident flaps), ``noted`` (other alerts have not ended,
    or it is pinned) or ``nothing`` (no open incident has it).
    """

    incident_id: str
    what: str


def end_alerts(act: Act, alerts: Sequence[Signal]) -> List[Ended]:
    """Process the end of these alerts; return the results in their order.

    A repeat changes nothing.
    """
    mark_ended(act.stores, {alert.dedup_key for alert in alerts})
    return _end_all(act, alerts)


def note_ends(stores: Stores, clock: Clock, alerts: Sequence[Signal]) -> None:
    """Record that alerts ended, in case they arrive after their end. Call before `end_alerts`.

    Their times must be their tool's: members' clocks differ, so an alert that fires again could be
    taken for an ended one.
    """
    now = clock.now()
    notes = [
        claim_document(_note(key), now, {"first_time": began}, purpose=KEPT_END)
        for key, began in _begun(alerts).items()
    ]
    if notes:
        stores.claims.save(notes)


def end_already_over(act: Act, taken: Iterable[Tuple[Signal, Outcome]]) -> None:
    """End those of some just ingested alerts whose end was already recorded.

    Each comes with its outcome. An end applies to an alert that began before it, by the tool's
    times, unless the problem has begun again since. Alertmanager and Grafana give the end the time
    of the beginning: such an alert may fire again after a gap, and they send a group in order.
    """
    alerts = [alert for alert, outcome in taken if outcome.what in NEW]
    begun = _begun(alerts)
    notes = find_by(act.stores.claims, "_key", [_note(key) for key in begun])
    ends = {str(one["_key"]): float(one["value"]["first_time"]) for one in notes}
    over = [one for one in alerts if begun[one.dedup_key] < ends.get(_note(one.dedup_key), 0.0)]
    over = [one for one in over if not _began_since(act.stores, one, ends[_note(one.dedup_key)])]
    if over:
        _end_all(act, over)


def _begun(alerts: Iterable[Signal]) -> Dict[str, float]:
    """Return when each problem of some alerts last began, by its tool's clock."""
    begun: Dict[str, float] = {}
    for alert in alerts:
        begun[alert.dedup_key] = max(alert.first_time, begun.get(alert.dedup_key, 0.0))
    return begun


def _note(problem: str) -> str:
    return f"{KEPT_END}:{problem}"


def _began_since(stores: Stores, alert: Signal, moment: float) -> bool:
    of_entity: List[Document] = [{"entity": alert.entity}, {"last_time": {"$gt": moment}}]
    query = {"$and": [*of_entity, {"dedup_key": alert.dedup_key}, {"first_time": {"$gt": moment}}]}
    return bool(stores.signals.find(query, "", 1))


def _end_all(act: Act, alerts: Sequence[Signal]) -> List[Ended]:
    problems = {alert.dedup_key for alert in alerts}
    holders = _holders(act.stores, problems)
    by_incident: Dict[str, List[Signal]] = {}
    for alert in alerts:
        by_incident.setdefault(holders.get(alert.dedup_key, ""), []).append(alert)
    did = {
        incident_id: _end(act, incident_id, some) if incident_id else "nothing"
        for incident_id, some in by_incident.items()
    }
    found = (holders.get(alert.dedup_key, "") for alert in alerts)
    return [Ended(incident_id, did[incident_id]) for incident_id in found]


def _holders(stores: Stores, problems: Set[str]) -> Dict[str, str]:
    """Return the incident of each problem's newest episode, following merges."""
    newest = newest_episodes(claims_of(stores, problems, {}))
    return {
        problem: _follow_merges(stores, str(claim["incident_id"]))
        for problem, claim in newest.items()
    }


def _follow_merges(stores: Stores, incident_id: str) -> str:
    passed = {""}
    while True:
        passed.add(incident_id)
        document = stores.incidents.get(incident_id) or {}
        into = str(document.get("merged_into") or "")
        if into in passed:
            return incident_id
        incident_id = into


def _end(act: Act, incident_id: str, alerts: Sequence[Signal]) -> str:
    entries = timeline.read(act.stores, incident_id)
    incident = timeline.fold(entries) if entries else None
    if incident is None or not incident.is_open:
        return "nothing"
    firing = _firing(act.stores, entries)
    ended = {alert.dedup_key: alert for alert in alerts if alert.dedup_key in firing}
    if not ended:
        return "noted"
    once = ONCE + digest(sorted(alert.key for alert in ended.values()), 40)
    left = len(firing - ended.keys())
    if left or incident.pinned:
        why = (
            f"{left} of this incident's alerts are still firing."
            if left
            else "The incident is pinned."
        )
        data = {"text": f"{_ended_sentence(ended.values())} {why}", "over": sorted(ended)}
        timeline.record(act, incident_id, "note", data, f"note:{once}")
        return "noted"
    try:
        ending = Ending("Recovered", _ended_sentence(ended.values()), over=sorted(ended))
        after = lifecycle.resolve(act.named(once), incident_id, ending, by_itself=True)
    except IllegalMove:
        # Another user resolved it in between.
        return "nothing"
    if after.is_open:
        return "held"
    known, reason = (
        {entry.key for entry in entries},
        "An alert fired while the last other alert ended.",
    )
    is_back = lifecycle.reopen_if_found(act, incident_id, known, reason)
    return "noted" if is_back else "resolved"


def _firing(stores: Stores, entries: Sequence[Entry]) -> Set[str]:
    """Return the problems of the incident that have not ended.

    A signal whose document is missing counts as a problem of its own that continues.
    """
    story = Story(entries)
    held = {key for key in signal_keys(entries) if story.counts(key)}
    problems = {
        str(one["_key"]): str(one["dedup_key"]) for one in find_by(stores.signals, "_key", held)
    }
    firing: Set[str] = set()
    for entry in entries:
        if entry.kind in SIGNAL_KINDS:
            came = held.intersection(entry.data.get("signals") or ())
            firing.update(problems.get(key, key) for key in came)
        elif "over" in entry.data and entry.kind in ("note", "status", "flapping"):
            firing.difference_update(entry.data["over"] or ())
        elif entry.once.startswith(ONCE):
            # An entry of an early version, which named no problems: no other alert was firing then.
            firing.clear()
    return firing


def _ended_sentence(alerts: Iterable[Signal]) -> str:
    ended = sorted({(alert.app, alert.rule, alert.entity) for alert in alerts})
    named = ", ".join(f"'{rule}' of {entity}" for _app, rule, entity in ended[:LISTED])
    more = f" and {len(ended) - LISTED} more" if len(ended) > LISTED else ""
    verb = "is" if len(ended) == 1 else "are"
    return f"{ended[0][0]} reports that {named}{more} {verb} over."
