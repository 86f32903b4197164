"""Shows troubles of monitors to people, as messages in Splunk Web.

A monitor's process records its trouble in the KV store, and deletes the record when it judges
again. The worker shows each trouble once in a cluster: the first member to insert the claim of a
message shows it, and removes it later. A record about a monitor that no member has as an input any
more is deleted by the member that made it, as only that one knows.
"""

from __future__ import annotations

from typing import Dict, Iterable, List, Protocol, Sequence

from ...detection.monitors.registry import TROUBLE
from ...incidents.stores import any_of, claim_document
from ...ports import Clock, Document, Stores
from .roster import GONE_SECONDS, REFRESH_SECONDS, MonitorRoster

__all__ = ["Bulletin", "MonitorMessages", "TroubleBook"]

MESSAGE = "monitor message"


class TroubleBook:
    """The troubles of all monitors: one document for each monitor with its current trouble."""

    def __init__(self, stores: Stores, clock: Clock) -> None:
        self._claims = stores.claims
        self._clock = clock

    def note(self, monitor: str, holder: str, sentence: str) -> None:
        """Record a trouble; the same one is written again only after a while."""
        key, now = f"{TROUBLE}:{monitor}", self._clock.now()
        known = self._claims.get(key)
        is_same = known is not None and known["value"]["sentence"] == sentence
        if known is None or not is_same or not 0 <= now - float(known["time"]) < REFRESH_SECONDS:
            value = {"monitor": monitor, "sentence": sentence}
            self._claims.save([claim_document(key, now, value, purpose=TROUBLE, holder=holder)])

    def clear(self, monitor: str) -> None:
        """Delete the trouble of a monitor."""
        self._claims.delete(f"{TROUBLE}:{monitor}")


class Bulletin(Protocol):
    """The messages that Splunk Web shows to administrators."""

    def show(self, name: str, sentence: str) -> None:
        """Show a message, or replace the one with that name."""

    def take_away(self, name: str) -> None:
        """Remove a message, if it is still there."""


class MonitorMessages:
    """The duty that keeps the messages in step with the recorded troubles.

    Args:
        holder: this member's name.
        roster: the enabled monitors of all members.
    """

    def __init__(
        self, stores: Stores, clock: Clock, holder: str, bulletin: Bulletin, roster: MonitorRoster
    ) -> None:
        self._claims = stores.claims
        self._book = TroubleBook(stores, clock)
        self._clock = clock
        self._holder = holder
        self._bulletin = bulletin
        self._roster = roster

    def run(self) -> Dict[str, int]:
        """Do one round; return how many messages were shown. Raises what its parts raise."""
        known = self._claims.find(any_of("purpose", (TROUBLE, MESSAGE)))
        notes = [one for one in known if one["purpose"] == TROUBLE]
        troubles = _sentences(self._without_removed(notes))
        shown = {_monitor(one): one for one in known if one["purpose"] == MESSAGE}
        for monitor, message in shown.items():
            self._update_message(monitor, message, troubles.get(monitor, ""))
        new = [monitor for monitor in troubles if monitor not in shown]
        return {"monitor_messages": sum(self._show(monitor, troubles[monitor]) for monitor in new)}

    def _without_removed(self, notes: Sequence[Document]) -> List[Document]:
        """Delete records about monitors that no member has as an input; return the others."""
        watched = self._roster.all() if notes else {}
        kept = []
        for note in notes:
            if _monitor(note) not in watched and self._is_mine(note):
                self._book.clear(_monitor(note))
            else:
                kept.append(note)
        return kept

    def _is_mine(self, note: Document) -> bool:
        """Tell whether a record is this member's, or that of a member that is gone."""
        holder, age = str(note["holder"]), self._clock.now() - float(note["time"])
        return holder == self._holder or (age >= GONE_SECONDS and self._roster.is_gone(holder))

    def _update_message(self, monitor: str, message: Document, sentence: str) -> None:
        """Update or remove a message, if it is this member's or that of a member that is gone."""
        now = self._clock.now()
        age = now - float(message["time"])
        mine = message["holder"] == self._holder
        if not mine and age < GONE_SECONDS:
            return
        if not sentence:
            self._bulletin.take_away(_name(monitor))
            self._claims.delete(message["_key"])
            return
        changed = message["value"]["sentence"] != sentence
        if changed or not mine:
            self._bulletin.show(_name(monitor), sentence)
        if changed or not mine or age >= REFRESH_SECONDS:
            self._claims.save([self._message(monitor, sentence)])

    def _show(self, monitor: str, sentence: str) -> bool:
        claim = self._message(monitor, sentence)
        if not self._claims.insert(claim):
            return False
        try:
            self._bulletin.show(_name(monitor), sentence)
        except Exception:
            self._claims.delete(claim["_key"])
            raise
        return True

    def _message(self, monitor: str, sentence: str) -> Document:
        value = {"monitor": monitor, "sentence": sentence}
        key, now = f"{MESSAGE}:{monitor}", self._clock.now()
        return claim_document(key, now, value, purpose=MESSAGE, holder=self._holder)


def _sentences(notes: Iterable[Document]) -> Dict[str, str]:
    return {_monitor(note): str(note["value"]["sentence"]) for note in notes}


def _monitor(document: Document) -> str:
    return str(document["value"]["monitor"])


def _name(monitor: str) -> str:
    return f"incident_management_monitor_{monitor}"
