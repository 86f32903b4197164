"""Lists of items in a timeline that people change one by one: follow-ups, tasks, roles.

An item is what its entries say, each field as of the last entry that names it. Who changes one
takes a turn first, so of two at once the second is told.
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
"""The longest from a claim to the entry that it is for."""
ATTEMPTS = 20


class Items:
    """The items of one kind of entry (:class:`.fold.State`), the oldest first.

    ``blank`` are the fields of an item that nobody has said anything of; beside them it has ``id``,
    and ``by`` and ``at``: who changed it last and when; of an ended one who ended it.
    """

    def __init__(self, kind: str, blank: Mapping[str, Any]) -> None:
        self._kind = kind
        self._blank = dict(blank)
        self._known: Dict[str, Document] = {}
        self._turns: Dict[str, int] = {}

    @property
    def still_open(self) -> int:
        """How many are neither done nor dropped."""
        return sum(1 for one in self._known.values() if one["state"] == "open")

    @property
    def all(self) -> List[Document]:
        """Each item as it stands."""
        return [dict(one) for one in self._known.values()]

    def get(self, key: str) -> Optional[Document]:
        """Return an item that may be changed in place; None: no entry names it."""
        return self._known.get(key)

    def turns(self, key: str) -> int:
        """Return how often an item was changed, its beginning included."""
        return self._turns.get(key, 0)

    def put(self, one: Mapping[str, Any]) -> None:
        """Take an item as it stood elsewhere, instead of what is known of it."""
        self._known[str(one["id"])] = dict(one)

    def forget(self, key: str) -> None:
        """Forget an item; how often it was changed stays known."""
        del self._known[key]

    def take(self, entry: Entry) -> None:
        """Take an entry. Beside an item's end, it stays as whoever ended it has said."""
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
    """Return what a change of an item says that is new; its state together with the reason.

    Args:
        fields: what else is set, checked.
        state: one of ITEM_STATES; empty or None: as it is.

    Raises:
        Invalid: there is no such state, or a reason is missing or goes with nothing.
        IllegalMove: it has ended, by somebody else perhaps.
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
    """Raise IllegalMove for an item that was changed since; ``seen_at`` is its ``at`` as read."""
    if seen_at not in (None, one["at"]):
        raise IllegalMove(f"{display_name(one)} was changed by {one['by']}. Reload it first.")


def display_name(one: Mapping[str, Any]) -> str:
    """Return what an item is called for people."""
    return f"“{str(one['title'])[:CALLED_CHARACTERS]}”" if "title" in one else str(one["id"])


def claim_turn(act: Act, incident_id: str, what: str, turn: int) -> None:
    """Take what one person may say at a time, and say nothing where somebody else has taken it.

    Raises IllegalMove. Whoever took it and has written nothing after a minute was ended.
    """
    for attempt in range(ATTEMPTS):
        key, now = f"edit:{incident_id}:{what}:{turn}:{attempt}", act.clock.now()
        if act.stores.claims.insert(claim_document(key, now, holder=act.actor)):
            return
        known = act.stores.claims.get(key) or {"holder": "Somebody", "time": now}
        if known["holder"] == act.actor:
            return  # Their request, sent again.
        if now - float(known["time"]) < WRITING_SECONDS:
            break
    who = str(known["holder"])
    raise IllegalMove(f"{who} has just changed this in {incident_id}. Reload it first.")


def checked_line(name: str, text: Any, what: str, most: int) -> str:
    """Return a text of one line. Raises Invalid for an empty or a longer one."""
    found = " ".join(str(text).split())
    if not 0 < len(found) <= most:
        raise Invalid(f"'{name}' must say {what}, in 1 to {most} characters.")
    return show_hidden_characters(found)


def checked_user(name: str, text: Any, what: str) -> str:
    """Return a user's name as it is written: in Splunk it has no case. Raises Invalid."""
    return checked_line(name, text, what, PERSON_CHARACTERS).lower()


def checked_reason(text: Any) -> str:
    """Return a reason as it is written. Raises Invalid for one that is too long."""
    said = str(text or "").strip()
    if len(said) > REASON_CHARACTERS:
        raise Invalid(f"A reason can have at most {REASON_CHARACTERS} characters.")
    return show_hidden_characters(said)
