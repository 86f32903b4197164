"""Lists in a timeline whose items people change one by one: follow-ups, tasks, roles.

Each field of an item has the value from the last entry that names it. Every change claims a turn
first, so of two simultaneous changes, the second is refused.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

from .act import Act
from .errors import IllegalMove, Invalid
from .model import Document, Entry
from .signal import show_hidden_characters
from .stores import claim_document

__all__ = [
    "ITEM_STATES",
    "REASON_CHARACTERS",
    "WRITING_SECONDS",
    "Items",
    "changed_fields",
    "check_unchanged",
    "checked_line",
    "checked_reason",
    "checked_user",
    "claim_turn",
    "display_name",
]

ITEM_STATES = ("open", "done", "dropped")
REASON_CHARACTERS = 1000
PERSON_CHARACTERS = 200
CALLED_CHARACTERS = 80
WRITING_SECONDS = 60.0
"""The longest time, in seconds, from a claim to the entry that it announces."""
ATTEMPTS = 20


class Items:
    """The items of one kind of entry (:class:`.fold.State`), the oldest first.

    ``blank`` holds the fields of a new item with their default values. An item also has ``id``, and
    ``by`` and ``at``: who changed it last and when. For an ended item, these name who ended it.
    """

    def __init__(self, kind: str, blank: Mapping[str, Any]) -> None:
        self._kind = kind
        self._blank = dict(blank)
        self._known: Dict[str, Document] = {}
        self._turns: Dict[str, int] = {}

    @property
    def still_open(self) -> int:
        """The number of items that are neither done nor dropped."""
        return sum(1 for one in self._known.values() if one["state"] == "open")

    @property
    def all(self) -> List[Document]:
        """A copy of each item in its current state."""
        return [dict(one) for one in self._known.values()]

    def get(self, key: str) -> Optional[Document]:
        """Return an item, which may be changed in place; None if no entry names it."""
        return self._known.get(key)

    def turns(self, key: str) -> int:
        """Return how often an item was written, including its creation."""
        return self._turns.get(key, 0)

    def put(self, one: Mapping[str, Any]) -> None:
        """Add an item with the state it had in another incident, replacing any item with its id."""
        self._known[str(one["id"])] = dict(one)

    def forget(self, key: str) -> None:
        """Remove an item, but keep its count of changes."""
        del self._known[key]

    def take(self, entry: Entry) -> None:
        """Apply an entry.

        A change that was made at the same time as the item's end does not replace who ended it.
        """
        data = entry.data
        key = str(data.get(self._kind) or "")
        self._turns[key] = self.turns(key) + 1
        new = {name: data[name] for name in self._blank if name in data}
        by = {"by": entry.actor, "at": entry.time}
        known = self._known.get(key)
        if known is None:
            self._known[key] = {"id": key, **self._blank, **new, **by}
        elif "state" not in new:
            known.update({**new, **(by if known.get("state", "open") == "open" else {})})
        elif new["state"] != known["state"]:
            known.update({"reason": "", **new, **by})


def changed_fields(
    one: Mapping[str, Any], fields: Mapping[str, Any], state: Any, reason: Any
) -> Document:
    """Return the new values of a change to an item; a new state comes with its reason.

    Args:
        fields: the other fields to set, already checked.
        state: one of ITEM_STATES; empty or None keeps the state.
    Raises:
        Invalid: there is no such state, or a reason is missing or comes without a new state.
        IllegalMove: the item has ended, perhaps by another user.
    """
    known, key, reason = str(one["state"]), display_name(one), checked_reason(reason)
    wanted = str(state or known)
    if wanted not in ITEM_STATES:
        raise Invalid(f"'{wanted[:40]}' is not a state; use {', '.join(ITEM_STATES)}.")
    new = {name: value for name, value in fields.items() if value != one[name]}
    if state == known != "open":
        raise IllegalMove(f"{key} is already {known} (by {one['by']}).")
    if wanted == known != "open" and new:
        raise IllegalMove(f"{key} is {known}. Reopen it first.")
    if wanted == known and reason:
        raise Invalid(f"{key} is {wanted}. Send a reason only with a new 'state'.")
    if wanted == known:
        return new
    if wanted == "dropped" and not reason:
        raise Invalid("Give a 'reason' for dropping it.")
    return {**new, "state": wanted, "reason": reason}


def check_unchanged(one: Mapping[str, Any], seen_at: Optional[float]) -> None:
    """Raise IllegalMove if an item was changed since it was read.

    ``seen_at`` is its ``at`` as read; None skips the check.
    """
    if seen_at not in (None, one["at"]):
        raise IllegalMove(f"{display_name(one)} was changed by {one['by']}. Reload it first.")


def display_name(one: Mapping[str, Any]) -> str:
    """Return an item's name for messages."""
    return f"“{str(one['title'])[:CALLED_CHARACTERS]}”" if "title" in one else str(one["id"])


def claim_turn(act: Act, incident_id: str, what: str, turn: int) -> None:
    """Claim the turn to change something; raise IllegalMove if another user holds it.

    A turn that was claimed more than WRITING_SECONDS ago without an entry was cut off, and may be
    claimed again. Repeating one's own claim is allowed.
    """
    for attempt in range(ATTEMPTS):
        key, now = f"edit:{incident_id}:{what}:{turn}:{attempt}", act.clock.now()
        if act.stores.claims.insert(claim_document(key, now, holder=act.actor)):
            return
        known = act.stores.claims.get(key) or {"holder": "Somebody", "time": now}
        if known["holder"] == act.actor:
            return  # The same user has repeated the request.
        if now - float(known["time"]) < WRITING_SECONDS:
            break
    who = str(known["holder"])
    raise IllegalMove(f"{who} has just changed this in {incident_id}. Reload it first.")


def checked_line(name: str, text: Any, what: str, most: int) -> str:
    """Return a text as one line. Raises Invalid if it is empty or too long."""
    found = " ".join(str(text).split())
    if not 0 < len(found) <= most:
        raise Invalid(f"'{name}' must say {what}, in 1 to {most} characters.")
    return show_hidden_characters(found)


def checked_user(name: str, text: Any, what: str) -> str:
    """Return a user name in lowercase, as Splunk ignores its case. Raises Invalid."""
    return checked_line(name, text, what, PERSON_CHARACTERS).lower()


def checked_reason(text: Any) -> str:
    """Return a reason without surrounding blanks. Raises Invalid if it is too long."""
    said = str(text or "").strip()
    if len(said) > REASON_CHARACTERS:
        raise Invalid(f"A reason can have at most {REASON_CHARACTERS} characters.")
    return show_hidden_characters(said)
