"""Changes that people make afterwards: texts and state of a review, and follow-ups.

Every function appends one entry, refreshes and returns the incident. All raise NotFound for an
unknown id, Invalid for a value that is missing or too long, and IllegalMove if the incident's
state, or another user's change, does not allow it.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timezone
from typing import Any, Dict, Mapping, Optional, Sequence

from ...channels import NAMES
from ...ports import Document
from .. import timeline
from ..act import Act
from ..canonical import digest
from ..errors import IllegalMove, Invalid, NotFound
from ..fold import State, fold_state
from ..items import (
    changed_fields,
    check_unchanged,
    checked_line,
    checked_reason,
    checked_user,
    claim_turn,
)
from ..lifecycle import require_not_merged
from ..model import Entry, Incident
from ..signal import TEXT_CHARACTERS, TITLE_CHARACTERS, show_hidden_characters
from ..stores import claim_document
from .follow_up_tickets import TICKET, current_ticket
from .review_state import REVIEW_STATES, SECTIONS

__all__ = [
    "FOLLOW_UPS",
    "MAX_FOLLOW_UPS",
    "add_follow_up",
    "change_follow_up",
    "claim_key",
    "request_ticket",
    "write_review",
]

FOLLOW_UPS = "follow-ups"
"""The purpose of the claims that mark incidents with follow-ups.

``time`` is when to check one next; ``open`` of its value is False if none was open.
"""
# A review with more follow-ups is a programme, which belongs into another tool.
MAX_FOLLOW_UPS = 50
LATEST_DUE = 1e11
# Clocks are up to 14 hours ahead of UTC: a moment of a day is at most this far from the day's noon
# in UTC.
FARTHEST_NOON_SECONDS = 26 * 3600.0
_WORDS = {"not_needed": "not needed"}


def claim_key(incident_id: str) -> str:
    """Return the key of the claim that marks an incident as having follow-ups."""
    return f"{FOLLOW_UPS}:{incident_id}"


def write_review(
    act: Act, incident_id: str, texts: Mapping[str, str], state: str = "", reason: str = ""
) -> Incident:
    """Set texts of the review (SECTIONS), its state, or both.

    An empty text removes a section's text. ``state`` is one of REVIEW_STATES, or empty to keep it.
    """
    known = require_not_merged(act.stores, incident_id, "review it there")
    said = known.review_state.written
    data: Dict[str, Any] = {
        name: text
        for name, text in _checked(texts).items()
        if text != (said[name].data[name] if name in said else "")
    }
    if state:
        _check_state(known, state, reason)
        data.update(state=state, reason=checked_reason(reason))
        claim_turn(act, incident_id, "review", known.review_state.turns)
    elif checked_reason(reason):
        raise Invalid("Send a reason only with a new 'state'.")
    if data:
        return timeline.record(act, incident_id, "review", data, act.once)
    return timeline.refresh(act.stores, incident_id)


def add_follow_up(
    act: Act,
    incident_id: str,
    title: str,
    owner: str,
    due: float,
    tickets: Sequence[str] = (),
    due_day: str = "",
) -> Incident:
    """Add a follow-up with its owner and due time (epoch seconds).

    ``tickets``: the channels on which to create a ticket at once. ``due_day``: the day of ``due``
    in the author's time zone, such as 2026-12-05; empty: the day in UTC.
    """
    known = require_not_merged(act.stores, incident_id, "review it there")
    if len(known.incident.follow_ups) >= MAX_FOLLOW_UPS:
        raise Invalid(f"{incident_id} already has {MAX_FOLLOW_UPS} follow-ups, the maximum.")
    data = _fields({"title": title, "owner": owner, "due": due, "due_day": due_day})
    key = "FUP-" + digest([incident_id, act.once or uuid.uuid4().hex], 10)
    wanted = {"tickets": list(tickets)} if tickets else {}
    return _written(act, incident_id, key, {"event": "added", **data, "state": "open", **wanted})


def change_follow_up(
    act: Act,
    incident_id: str,
    follow_up: str,
    changes: Mapping[str, Any],
    seen_at: Optional[float] = None,
) -> Incident:
    """Change a follow-up's ``title``, ``owner``, ``due`` (``due_day``) or ``state`` (``reason``).

    Dropping it requires the reason. If two users end it, the second one's error names the first. A
    follow-up from before its incident was merged can still be changed there. ``seen_at``: change it
    only if its last change was then.
    """
    known = fold_state(timeline.read_existing(act.stores, incident_id))
    one = _follow_up(known, incident_id, follow_up)
    check_unchanged(one, seen_at)
    fields = _fields(changes)
    day = fields.pop("due_day", "")
    data = changed_fields(one, fields, changes.get("state"), changes.get("reason"))
    if data:
        data.update({"due_day": day} if day and "due" in data else {})
        turn = known.review_state.items.turns(follow_up)
        claim_turn(act, incident_id, follow_up, turn)
        return _written(act, incident_id, follow_up, {"event": "changed", **data})
    return timeline.refresh(act.stores, incident_id)


def request_ticket(act: Act, incident_id: str, follow_up: str, channel: str) -> Incident:
    """Request a ticket for an open follow-up on a channel; the worker creates it."""
    known = fold_state(timeline.read_existing(act.stores, incident_id))
    one = _follow_up(known, incident_id, follow_up)
    if one["state"] != "open":
        raise IllegalMove(f"{follow_up} is {one['state']}. Reopen it first.")
    tickets = one.get("tickets") or ()
    standing, service = current_ticket(tickets, channel), NAMES[channel]
    if standing is not None:
        number = standing.get("number")
        has = (
            f"already has {number} in {service}"
            if number
            else f"is already getting a ticket in {service}"
        )
        raise IllegalMove(f"{follow_up} {has}, requested by {standing['by']}.")
    # Another ticket can be requested after one that failed or was deleted.
    before = max((float(each["at"]) for each in tickets if each["channel"] == channel), default=0.0)
    claim_turn(act, incident_id, f"{follow_up}:{channel}:{before:.3f}", 0)
    data = {"event": TICKET, "channel": channel, "title": one["title"]}
    return _written(act, incident_id, follow_up, data)


def _written(act: Act, incident_id: str, follow_up: str, data: Document) -> Incident:
    """Write the entry of a follow-up.

    The claim is saved before, so that lists find every incident with a follow-up, and again after,
    because the worker may have scheduled a later check in between (:mod:`.reminders`).
    """
    _schedule_check(act, incident_id)
    incident = timeline.record(
        act, incident_id, "follow_up", {"follow_up": follow_up, **data}, act.once
    )
    _schedule_check(act, incident_id)
    return incident


def _schedule_check(act: Act, incident_id: str) -> None:
    value = {"incident_id": incident_id, "open": True}
    claim = claim_document(claim_key(incident_id), act.clock.now(), value, purpose=FOLLOW_UPS)
    act.stores.claims.save([claim])


def _check_state(known: State, state: str, reason: str) -> None:
    incident, said = known.incident, known.review_state.said
    if state not in REVIEW_STATES:
        raise Invalid(f"'{state[:40]}' is not a state; use {', '.join(REVIEW_STATES)}.")
    if state == "open":
        if said is None:
            raise IllegalMove(
                f"The review of {incident.id} is already open: it is neither done nor not needed."
            )
        return
    if incident.is_open:
        raise IllegalMove(f"{incident.id} is still open. Review it after it is resolved.")
    if state == known.review_state.state and said is not None:
        raise IllegalMove(_already_done_sentence(incident.id, said))
    if state == "not_needed" and not checked_reason(reason):
        raise Invalid("Give a 'reason' why no review is needed.")


def _already_done_sentence(incident_id: str, said: Entry) -> str:
    word = _WORDS.get(str(said.data["state"]), str(said.data["state"]))
    return f"{said.actor} has already marked the review of {incident_id} as {word}."


def _follow_up(known: State, incident_id: str, follow_up: str) -> Document:
    found = known.review_state.items.get(follow_up)
    if found is None:
        raise NotFound(f"{incident_id} has no follow-up {follow_up[:40]}.")
    return found


def _checked(texts: Mapping[str, str]) -> Dict[str, str]:
    for name, text in texts.items():
        if name not in SECTIONS:
            raise Invalid(f"'{name[:40]}' is not a section of a review; use {', '.join(SECTIONS)}.")
        if len(text) > TEXT_CHARACTERS:
            raise Invalid(f"'{name}' can have at most {TEXT_CHARACTERS} characters.")
    return {name: show_hidden_characters(text.strip()) for name, text in texts.items()}


def _fields(given: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the checked fields of a follow-up. Raises Invalid."""
    checked: Dict[str, Any] = {}
    if "title" in given:
        checked["title"] = checked_line(
            "title", given["title"], "what is to be done", TITLE_CHARACTERS
        )
    if "owner" in given:
        checked["owner"] = checked_user("owner", given["owner"], "who owns it")
    if "due" in given:
        due = float(given["due"])
        if not 0 < due < LATEST_DUE:
            raise Invalid("'due' must be the time when it is due, in epoch seconds.")
        checked["due"] = due
        if given.get("due_day"):
            checked["due_day"] = _day(str(given["due_day"]), due)
    elif given.get("due_day"):
        raise Invalid("Send 'due_day' only together with 'due'.")
    return checked


def _day(text: str, due: float) -> str:
    """Return a day that contains the moment in some time zone. Raises Invalid."""
    try:
        noon = datetime.fromisoformat(f"{text}T12:00:00+00:00")
    except ValueError:
        noon = datetime.max.replace(tzinfo=timezone.utc)
    if abs(noon.timestamp() - due) > FARTHEST_NOON_SECONDS:
        raise Invalid("'due_day' must be the day of 'due' in your time zone, such as 2026-12-05.")
    return noon.date().isoformat()
