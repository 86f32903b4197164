"""What people write afterwards: the texts of a review, whether it is done, and follow-ups.

Every function appends one entry, refreshes and returns the incident. All raise NotFound for an
unknown id, Invalid for a value that is missing or too long, and IllegalMove where the incident's
state, or what somebody else has said meanwhile, does not allow it.
"""

from __future__ import annotations

import uuid
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ...channels import NAMES
from ...ports import Clock, Document, Stores
from .. import timeline
from ..canonical import digest
from ..errors import IllegalMove, Invalid, NotFound
from ..fold import State, added_up
from ..model import Entry, Incident
from ..signal import TEXT_CHARACTERS, TITLE_CHARACTERS, readable
from ..stores import claim_document
from .afterwards import FOLLOW_UP_STATES, REVIEW_STATES, SECTIONS
from .follow_up_tickets import TICKET, ticket_in

__all__ = [
    "FOLLOW_UPS",
    "MAX_FOLLOW_UPS",
    "REASON_CHARACTERS",
    "WRITING_SECONDS",
    "add_follow_up",
    "change_follow_up",
    "claim_of",
    "want_ticket",
    "write_review",
]

FOLLOW_UPS = "follow-ups"
"""The purpose of the claims that name the incidents with follow-ups.

``time`` is when one is to be looked at next; ``open`` of its value is False when none was open.
"""
# A review with more than this to do is a programme, which its organisation plans elsewhere.
MAX_FOLLOW_UPS = 50
REASON_CHARACTERS = 1000
LATEST_DUE = 1e11
WRITING_SECONDS = 60.0
"""The longest from a claim to the entry that it is for."""
ATTEMPTS = 20
_WORDS = {"not_needed": "not needed"}


def claim_of(incident_id: str) -> str:
    """Return the key of the claim that says that an incident has follow-ups."""
    return f"{FOLLOW_UPS}:{incident_id}"


def write_review(
    stores: Stores,
    clock: Clock,
    incident_id: str,
    actor: str,
    texts: Mapping[str, str],
    state: str = "",
    reason: str = "",
    once: str = "",
) -> Incident:
    """Set some of the review's texts (SECTIONS), say that it is done or not needed, or both.

    An empty text takes one away. ``state`` is one of REVIEW_STATES, or empty: as it is.
    """
    known = _current(stores, incident_id)
    said = known.afterwards.written
    data: Dict[str, Any] = {
        name: text
        for name, text in _checked(texts).items()
        if text != (said[name].data[name] if name in said else "")
    }
    if state:
        _check_state(known, state, reason)
        data.update(state=state, reason=_reason(reason))
        _take_turn(stores, clock, incident_id, "review", known.afterwards.turns(), actor)
    elif _reason(reason):
        raise Invalid("A reason is kept with a new state: send 'state', too.")
    if data:
        timeline.append(stores, clock, incident_id, "review", data, actor, once)
    return timeline.refresh(stores, incident_id)


def add_follow_up(
    stores: Stores,
    clock: Clock,
    incident_id: str,
    actor: str,
    title: str,
    owner: str,
    due: float,
    tickets: Sequence[str] = (),
    once: str = "",
) -> Incident:
    """Note something to be done afterwards, by whom and until when (epoch seconds).

    ``tickets``: the channels on which it is to have a ticket at once.
    """
    known = _current(stores, incident_id)
    if len(known.incident.follow_ups) >= MAX_FOLLOW_UPS:
        raise Invalid(f"{incident_id} has {MAX_FOLLOW_UPS} follow-ups, the most that are kept.")
    data = _fields({"title": title, "owner": owner, "due": due})
    key = "FUP-" + digest([incident_id, once or uuid.uuid4().hex], 10)
    whole: Document = {"follow_up": key, "event": "added", **data, "state": "open"}
    if tickets:
        whole["tickets"] = list(tickets)
    return _written(stores, clock, incident_id, whole, actor, once)


def change_follow_up(
    stores: Stores,
    clock: Clock,
    incident_id: str,
    actor: str,
    follow_up: str,
    changes: Mapping[str, Any],
    once: str = "",
    seen_at: Optional[float] = None,
) -> Incident:
    """Change a follow-up's ``title``, ``owner``, ``due`` or ``state`` (with a ``reason``).

    One that is dropped needs the reason. Of two who end it, the second is told who was first. What
    was noted before its incident was merged goes on there. ``seen_at``: only as it was last
    changed then.
    """
    known = added_up(timeline.read_existing(stores, incident_id))
    one = _follow_up(known, incident_id, follow_up)
    if seen_at not in (None, one["at"]):
        raise IllegalMove(f"{follow_up} was changed by {one['by']}: read it again first.")
    state = str(changes.get("state") or one["state"])
    if state not in FOLLOW_UP_STATES:
        raise Invalid(f"'{state[:40]}' is no state; use {', '.join(FOLLOW_UP_STATES)}.")
    fields = _fields({name: changes[name] for name in ("title", "owner", "due") if name in changes})
    data: Dict[str, Any] = {name: value for name, value in fields.items() if value != one[name]}
    if changes.get("state") == one["state"] != "open":
        raise IllegalMove(_ended_already(one))
    if state == one["state"] != "open" and data:
        raise IllegalMove(f"{follow_up} is {one['state']}: open it again first.")
    reason = _reason(changes.get("reason"))
    if state == one["state"] and reason:
        raise Invalid(f"{follow_up} is {state}: a reason is kept with a new 'state'.")
    if state != one["state"]:
        if state == "dropped" and not reason:
            raise Invalid("Say why it is dropped, as 'reason'.")
        data.update(state=state, reason=reason)
        turns = known.afterwards.turns(follow_up)
        _take_turn(stores, clock, incident_id, follow_up, turns, actor)
    if data:
        whole = {"follow_up": follow_up, "event": "changed", **data}
        return _written(stores, clock, incident_id, whole, actor, once)
    return timeline.refresh(stores, incident_id)


def want_ticket(
    stores: Stores,
    clock: Clock,
    incident_id: str,
    actor: str,
    follow_up: str,
    channel: str,
    once: str = "",
) -> Incident:
    """Want a ticket for an open follow-up on a channel; the worker makes it."""
    known = added_up(timeline.read_existing(stores, incident_id))
    one = _follow_up(known, incident_id, follow_up)
    if one["state"] != "open":
        raise IllegalMove(f"{follow_up} is {one['state']}: open it again first.")
    tickets = one.get("tickets") or ()
    standing, service = ticket_in(tickets, channel), NAMES[channel]
    if standing is not None:
        number = standing.get("number")
        has = f"has {number} in {service}" if number else f"is getting a ticket in {service}"
        raise IllegalMove(f"{follow_up} {has} already: {standing['by']} wanted one.")
    # Another one can be wanted after each that failed or was deleted.
    before = max((float(each["at"]) for each in tickets if each["channel"] == channel), default=0.0)
    what = f"{follow_up}:{channel}:{before:.3f}"
    _take_turn(stores, clock, incident_id, what, 0, actor)
    data = {"follow_up": follow_up, "event": TICKET, "channel": channel, "title": one["title"]}
    return _written(stores, clock, incident_id, data, actor, once)


def _written(
    stores: Stores, clock: Clock, incident_id: str, data: Document, actor: str, once: str
) -> Incident:
    """Write the entry of a follow-up.

    That the incident is to be looked at is said before, so that none is there that no list finds,
    and afterwards, since the worker may have put it off in between (:mod:`.reminding`).
    """
    _to_be_looked_at(stores, clock, incident_id)
    timeline.append(stores, clock, incident_id, "follow_up", data, actor, once)
    incident = timeline.refresh(stores, incident_id)
    _to_be_looked_at(stores, clock, incident_id)
    return incident


def _to_be_looked_at(stores: Stores, clock: Clock, incident_id: str) -> None:
    value = {"incident_id": incident_id, "open": True}
    claim = claim_document(claim_of(incident_id), clock.now(), value, purpose=FOLLOW_UPS)
    stores.claims.save([claim])


def _take_turn(
    stores: Stores, clock: Clock, incident_id: str, what: str, turn: int, actor: str
) -> None:
    """Take what one person may say at a time, and say nothing where somebody else has taken it.

    Raises IllegalMove. Whoever took it and has written nothing after a minute was ended.
    """
    for attempt in range(ATTEMPTS):
        key, now = f"edit:{incident_id}:{what}:{turn}:{attempt}", clock.now()
        if stores.claims.insert(claim_document(key, now, holder=actor)):
            return
        known = stores.claims.get(key) or {"holder": "Somebody", "time": now}
        if known["holder"] == actor:
            return  # Their request, sent again.
        if now - float(known["time"]) < WRITING_SECONDS:
            break
    who = str(known["holder"])
    raise IllegalMove(f"{who} has just changed this of {incident_id}: read it again first.")


def _current(stores: Stores, incident_id: str) -> State:
    """Return what the entries add up to. Raises IllegalMove for one that another took over."""
    known = added_up(timeline.read_existing(stores, incident_id))
    into = known.incident.merged_into
    if into:
        raise IllegalMove(f"{incident_id} was merged into {into}: it is reviewed there.")
    return known


def _check_state(known: State, state: str, reason: str) -> None:
    incident, said = known.incident, known.afterwards.said
    if state not in REVIEW_STATES:
        raise Invalid(f"'{state[:40]}' is no state; use {', '.join(REVIEW_STATES)}.")
    if state == "open":
        if said is None:
            raise IllegalMove(f"The review of {incident.id} is neither done nor not needed.")
        return
    if incident.is_open:
        raise IllegalMove(f"{incident.id} is open: it is reviewed when it is resolved.")
    if state == known.afterwards.state and said is not None:
        raise IllegalMove(_said_already(incident.id, said))
    if state == "not_needed" and not _reason(reason):
        raise Invalid("Say why no review is needed, as 'reason'.")


def _said_already(incident_id: str, said: Entry) -> str:
    word = _WORDS.get(str(said.data["state"]), str(said.data["state"]))
    return f"The review of {incident_id} is {word} already: {said.actor} has said so."


def _ended_already(one: Mapping[str, Any]) -> str:
    return f"{one['id']} is {one['state']} already: by {one['by']}."


def _follow_up(known: State, incident_id: str, follow_up: str) -> Document:
    found: Optional[Document] = next(
        (one for one in known.afterwards.follow_ups if one["id"] == follow_up), None
    )
    if found is None:
        raise NotFound(f"{incident_id} has no follow-up {follow_up[:40]}.")
    return found


def _checked(texts: Mapping[str, str]) -> Dict[str, str]:
    for name, text in texts.items():
        if name not in SECTIONS:
            raise Invalid(f"A review has no '{name[:40]}'; it has {', '.join(SECTIONS)}.")
        if len(text) > TEXT_CHARACTERS:
            raise Invalid(f"'{name}' holds at most {TEXT_CHARACTERS} characters.")
    return {name: readable(text.strip()) for name, text in texts.items()}


def _reason(text: Any) -> str:
    said = str(text or "").strip()
    if len(said) > REASON_CHARACTERS:
        raise Invalid(f"A reason holds at most {REASON_CHARACTERS} characters.")
    return readable(said)


def _fields(given: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the fields of a follow-up as they are written. Raises Invalid for a bad one."""
    checked: Dict[str, Any] = {}
    limits: List[Tuple[str, str, int]] = [
        ("title", "what is to be done", TITLE_CHARACTERS),
        ("owner", "whose it is", 200),
    ]
    for name, what, most in limits:
        if name in given:
            text = " ".join(str(given[name]).split())
            if not 0 < len(text) <= most:
                raise Invalid(f"Say {what}, as '{name}', in at most {most} characters.")
            # User names have no case in Splunk.
            checked[name] = readable(text.lower() if name == "owner" else text)
    if "due" in given:
        due = float(given["due"])
        if not 0 < due < LATEST_DUE:
            raise Invalid("'due' is when it is to be done, in epoch seconds.")
        checked["due"] = due
    return checked
