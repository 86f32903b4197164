"""Changes that people and the worker make to an incident.

:mod:`.clocks.assignment` assigns and escalates. Every function here appends entries, refreshes the
document and returns the incident. All raise NotFound for an unknown id and IllegalMove, with one
sentence, if the incident's state does not allow the change. The entry that does what was requested
carries the act's ``once`` (:func:`find_done`).
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import Any, Container, Dict, List, Optional, Sequence, Set, Tuple

from ..ports import Clock, Document, Stores
from . import timeline
from .act import Act
from .errors import IllegalMove, Invalid
from .fold import SIGNAL_KINDS, State, fold_state
from .model import ACTOR, Entry, Incident
from .signal import TEXT_CHARACTERS
from .stores import claim_document
from .upkeep import flapping

__all__ = [
    "FEEDBACK",
    "Ending",
    "acknowledge",
    "add_note",
    "close",
    "find_done",
    "find_reopened",
    "is_begun",
    "is_from_acknowledgement",
    "is_manual_reopen",
    "manual_reopener",
    "pin",
    "reopen",
    "reopen_entry",
    "reopen_if_finding_unseen",
    "reopen_if_found",
    "require_not_merged",
    "require_open",
    "resolve",
]

REOPEN = "reopen:"
# A claim of an acknowledgement without an entry after this time was cut off; the next may claim.
BEGINNING_SECONDS = 60.0
_OWNER = ":owner"
# How a person rates the finding when resolving the incident.
FEEDBACK = ("true_positive", "false_positive", "duplicate")


def find_done(stores: Stores, incident_id: str, once: str) -> Optional[Incident]:
    """Return the incident, refreshed, if it has an entry with this ``once``; else None.

    The refresh is needed because the writer may have been killed before it saved the document.
    """
    if any(entry.once == once for entry in timeline.read(stores, incident_id)):
        return timeline.refresh(stores, incident_id)
    return None


def is_begun(stores: Stores, incident_id: str, once: str) -> bool:
    """Tell whether an incident has an entry for a part of the act with this ``once``."""
    parts = f"{once}:"
    return any(entry.once.startswith(parts) for entry in timeline.read(stores, incident_id))


def acknowledge(act: Act, incident_id: str, takes: bool = True) -> Incident:
    """Start work on an incident; the actor becomes its owner if it has none and ``takes`` is true.

    If several people acknowledge at the same moment, one succeeds and the others get an IllegalMove
    that names that person. A claim, inserted before anything is written, decides this.
    """
    entries = timeline.read_existing(act.stores, incident_id)
    incident = _not_begun(entries)
    key = f"edit:{incident_id}:acknowledge:{len(_acknowledgements(entries))}"
    claim = _first(act.named(act.once or key), key, takes)
    first = str(claim["holder"])
    if first != act.actor:
        # The first claimant may have been killed before writing: write that entry for them.
        incident = _not_begun(timeline.read_existing(act.stores, incident_id))
    theirs = replace(act, actor=first, once=str(claim["value"]["once"]))
    if not incident.owner and claim["value"].get("takes", True):
        owned = {"owner": first, "team": incident.team}
        timeline.append(theirs, incident_id, "assigned", owned, f"{key}{_OWNER}")
    data = {"from": incident.status, "to": "in_progress", "reason": "acknowledged"}
    incident = timeline.record(theirs, incident_id, "status", data, theirs.once)
    if first != act.actor:
        raise IllegalMove(_begun_by(incident, first))
    return incident


def is_from_acknowledgement(once: str) -> bool:
    """Tell by its ``once`` whether an acknowledgement wrote an ``assigned`` entry.

    Then the acknowledgement's own entry implies the owner as well.
    """
    return once.startswith("edit:") and once.endswith(_OWNER)


def _first(act: Act, key: str, takes: bool) -> Document:
    """Return the claim that counts: the actor's own, or one made less than a minute before."""
    number = 0
    while True:
        name, now = f"{key}:{number}", act.clock.now()
        claim = claim_document(name, now, {"once": act.once, "takes": takes}, holder=act.actor)
        if act.stores.claims.insert(claim):
            return claim
        known = act.stores.claims.get(name)
        if known is not None and now - float(known["time"]) < BEGINNING_SECONDS:
            return known
        number += 1


def _acknowledgements(entries: Sequence[Entry]) -> List[Entry]:
    return [
        entry
        for entry in timeline.effective(entries)
        if entry.kind == "status" and entry.data.get("to") == "in_progress"
    ]


def _not_begun(entries: Sequence[Entry]) -> Incident:
    """Fold an incident that nobody has acknowledged.

    Raises:
        IllegalMove: it is already acknowledged, or not open.
    """
    incident = timeline.fold(entries)
    if incident.status == "in_progress":
        raise IllegalMove(_begun_by(incident, _acknowledgements(entries)[-1].actor))
    require_open(incident, "acknowledged")
    return incident


def _begun_by(incident: Incident, actor: str) -> str:
    owner = incident.owner if incident.owner not in ("", actor) else ""
    kept = f", and {owner} owns it" if owner else ""
    return f"{incident.id} is already acknowledged by {actor}{kept}."


def close(act: Act, incident_id: str, reason: str = "") -> Incident:
    """Close a resolved incident. It can't be reopened: its problem's next signal opens another."""
    incident = timeline.current(act.stores, incident_id)
    if incident.status != "resolved":
        raise IllegalMove(
            f"{incident_id} is {_shown(incident)}; only a resolved incident can be closed."
        )
    data = {"from": "resolved", "to": "closed", "reason": reason}
    return timeline.record(act, incident_id, "status", data, act.once)


def add_note(act: Act, incident_id: str, text: str) -> Incident:
    """Add a note, in any state. Raises Invalid if the text is empty or too long."""
    if not text.strip():
        raise Invalid("A note needs a text.")
    if len(text) > TEXT_CHARACTERS:
        raise Invalid(f"A note can have at most {TEXT_CHARACTERS} characters.")
    return timeline.record(act, incident_id, "note", {"text": text}, act.once)


def pin(act: Act, incident_id: str, pinned: bool, reason: str = "") -> Incident:
    """Pin an incident, which prevents its automatic resolve, or unpin it. Works in any state."""
    if timeline.current(act.stores, incident_id).pinned != pinned:
        data = {"pinned": pinned, "reason": reason}
        return timeline.record(act, incident_id, "pinned", data)
    return timeline.refresh(act.stores, incident_id)


@dataclass(frozen=True)
class Ending:
    """What is recorded when an incident is resolved.

    ``resolution`` is what was done, ``reason`` why it is over, ``feedback`` one of FEEDBACK or
    empty. ``over`` are the problems that ended, ``tasks_left`` the titles of the open tasks.
    """

    resolution: str = ""
    reason: str = ""
    category: str = ""
    feedback: str = ""
    over: Sequence[str] = ()
    tasks_left: Sequence[str] = ()

    def to_data(self) -> Document:
        """Return the data of the entry. Raises Invalid for an unknown feedback."""
        if self.feedback and self.feedback not in FEEDBACK:
            raise Invalid(
                f"'{self.feedback[:60]}' is not a feedback value; use {', '.join(FEEDBACK)}."
            )
        return {
            "reason": self.reason,
            "resolution": self.resolution,
            "category": self.category,
            "feedback": self.feedback,
            **({"over": list(self.over)} if self.over else {}),
            **({"tasks_left": list(self.tasks_left)} if self.tasks_left else {}),
        }


def resolve(
    act: Act, incident_id: str, ending: Ending = Ending(), by_itself: bool = False
) -> Incident:
    """Resolve an open incident. Raises Invalid for a feedback that is not one of FEEDBACK.

    If an entry with the act's ``once`` exists, nothing is written, so a worker that was killed in
    between can simply try again. An automatic resolve (``by_itself``) does not resolve a flapping
    incident, but is recorded (:mod:`.upkeep.flapping`).
    """
    said = ending.to_data()
    entries = timeline.read_existing(act.stores, incident_id)
    if act.once and any(entry.once == act.once for entry in entries):
        return timeline.refresh(act.stores, incident_id)
    incident = timeline.fold(entries)
    require_open(incident, "resolved")
    if by_itself and flapping.hold(act, incident, said):
        return timeline.refresh(act.stores, incident_id)
    data = {"from": incident.status, "to": "resolved", **said}
    return timeline.record(act, incident_id, "status", data, act.once)


def reopen_if_found(act: Act, incident_id: str, known: Container[str], reason: str) -> bool:
    """Reopen an incident resolved automatically, if its resolver had not seen all findings.

    ``known`` are the keys of the entries on which the resolve was based. Returns whether it was
    reopened, by this call or by another writer at that moment.
    """
    entries = timeline.read(act.stores, incident_id)
    found = any(entry.kind in SIGNAL_KINDS and entry.key not in known for entry in entries)
    if not found or timeline.fold(entries).status != "resolved":
        return False
    try:
        return reopen(act, incident_id, reason, found=True).is_open
    except IllegalMove:
        # Another writer was faster: a person, or the writer of the finding.
        return timeline.current(act.stores, incident_id).is_open


def reopen_if_finding_unseen(stores: Stores, clock: Clock, finding: Entry, reason: str) -> None:
    """Reopen an incident if its resolver had not seen a finding that is now on the timeline.

    Automatic resolvers check for findings after their resolve (:func:`reopen_if_found`), and
    writers of findings check for a resolve. So of two simultaneous writers, one sees the other. A
    manual resolve stays if all errors of the finding are older than it, as in a finding that
    arrives late.
    """
    by_key = {entry.key: entry for entry in timeline.read(stores, finding.incident_id)}
    resolves = [e for e in timeline.ordered(by_key.values()) if e.data.get("to") == "resolved"]
    if not resolves:
        return
    resolve = resolves[-1]
    went_on = float(finding.data.get("last_time") or 0.0) > resolve.time
    if not (resolve.actor == ACTOR or resolve.data.get("over") or went_on):
        return
    seen: Set[str] = set()
    wanted = [resolve.key]
    while wanted:
        key = wanted.pop()
        if key in by_key and key not in seen:
            seen.add(key)
            wanted += by_key[key].prev
    if finding.key not in seen:
        # Another writer may have reopened or closed it by now.
        with contextlib.suppress(IllegalMove):
            reopen(Act(stores, clock, ACTOR), finding.incident_id, reason, found=True)


def is_manual_reopen(entry: Entry) -> bool:
    """Tell whether a person reopened the incident with this entry, not a finding or the app."""
    return entry.once.startswith(REOPEN) and entry.actor != ACTOR and not entry.data.get("found")


def manual_reopener(entries: Sequence[Entry]) -> str:
    """Return who reopened an incident manually, if nothing was found since; otherwise empty.

    That person knew about the silence before the reopen, so the same silence is no reason to
    resolve.
    """
    who = ""
    for entry in timeline.effective(entries):
        if is_manual_reopen(entry):
            who = entry.actor
        elif entry.kind in SIGNAL_KINDS or entry.data.get("to") == "resolved":
            who = ""
    return who


def find_reopened(act: Act, incident_id: str, since: float) -> Optional[Incident]:
    """Return the incident, refreshed, if this actor has reopened it since then; else None."""
    for entry in timeline.effective(timeline.read(act.stores, incident_id)):
        is_theirs = entry.actor == act.actor and entry.time >= since
        if is_theirs and entry.once.startswith(REOPEN):
            return timeline.refresh(act.stores, incident_id)
    return None


def reopen(act: Act, incident_id: str, reason: str = "", found: bool = False) -> Incident:
    """Reopen a resolved incident. Each resolve can be undone once: see :func:`find_reopened`.

    ``found``: a finding caused this, so the actor is the alert's owner and did not decide it.
    """
    entries = timeline.read_existing(act.stores, incident_id)
    incident = timeline.fold(entries)
    not_resolved = "{} is {}; only a resolved incident can be reopened."
    if incident.status != "resolved":
        raise IllegalMove(not_resolved.format(incident_id, _shown(incident)))
    resolves = [e for e in entries if e.kind == "status" and e.data.get("to") == "resolved"]
    data, once = reopen_entry(incident, resolves[-1].key, reason, found)
    incident = timeline.record(act, incident_id, "status", data, once)
    if incident.status == "closed":
        # The close was written between the check and the entry.
        raise IllegalMove(not_resolved.format(incident_id, _shown(incident)))
    return incident


def reopen_entry(
    incident: Incident, resolve: str, reason: str, found: bool
) -> Tuple[Dict[str, Any], str]:
    """Return data and ``once`` of the entry that reopens; each ``resolve`` entry is undone once.

    ``found``: a finding caused this, so silence may resolve the incident again:
    :func:`manual_reopener`.
    """
    to = "assigned" if incident.owner else "new"
    data: Dict[str, Any] = {"from": incident.status, "to": to, "reason": reason}
    if found:
        data["found"] = True
    return data, f"{REOPEN}{resolve}"


def require_open(incident: Incident, move: str) -> None:
    """Raise IllegalMove if an incident is not open; ``move`` names the refused change."""
    if not incident.is_open:
        text = f"{incident.id} is {_shown(incident)} and can't be {move}; {_way_on(incident)}."
        raise IllegalMove(text)


def require_not_merged(stores: Stores, incident_id: str, way_on: str) -> State:
    """Return the folded state of an incident that was not merged into another.

    Raises:
        IllegalMove: it was merged; ``way_on`` tells the user what to do in the other incident.
    """
    known = fold_state(timeline.read_existing(stores, incident_id))
    into = known.incident.merged_into
    if into:
        raise IllegalMove(f"{incident_id} was merged into {into}: {way_on}.")
    return known


def _way_on(incident: Incident) -> str:
    """Return what the user can do instead, for an incident that is not open."""
    if incident.merged_into:
        return f"it was merged into {incident.merged_into}: continue there"
    if incident.status == "closed":
        return "it stays closed, and the next signal of its problem opens a new incident"
    return "reopen it first"


def _shown(incident: Incident) -> str:
    return incident.status.replace("_", " ")
