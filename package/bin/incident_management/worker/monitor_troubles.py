"""What keeps monitors from judging, told to people as messages in Splunk Web.

A monitor's process notes its trouble in the KV store, and takes the note away when it judges again.
The worker shows each note once in a cluster: the member that is first to insert the claim of a
message shows it, and takes it away.
"""

from __future__ import annotations

from typing import Callable, Collection, Dict, Protocol

from ..ports import Clock, Document, Stores

__all__ = ["Bulletin", "MonitorMessages", "TroubleBook"]

TROUBLE = "monitor trouble"
MESSAGE = "monitor message"
# The member that shows a message says so again after this time, and is gone after the next.
REFRESH_SECONDS = 600.0
GONE_SECONDS = 3600.0


class TroubleBook:
    """The troubles of all monitors: one document a monitor, which says what is wrong at present."""

    def __init__(self, stores: Stores, clock: Clock) -> None:
        self._claims = stores.claims
        self._clock = clock

    def note(self, monitor: str, holder: str, sentence: str) -> None:
        """Note what is wrong; the same again changes nothing."""
        key = f"{TROUBLE}:{monitor}"
        known = self._claims.get(key)
        if known is None or known["value"]["sentence"] != sentence:
            value = {"monitor": monitor, "sentence": sentence}
            self._claims.save([_claim(key, TROUBLE, holder, self._clock.now(), value)])

    def clear(self, monitor: str) -> None:
        """Say that nothing is wrong with a monitor any more."""
        self._claims.delete(f"{TROUBLE}:{monitor}")

    def all(self) -> Dict[str, str]:
        """Return the sentence of each monitor that is in trouble."""
        found = self._claims.find({"purpose": TROUBLE})
        return {str(one["value"]["monitor"]): str(one["value"]["sentence"]) for one in found}


class Bulletin(Protocol):
    """The messages that Splunk Web shows to administrators."""

    def show(self, name: str, sentence: str) -> None:
        """Put up a message, or replace the one of that name."""

    def take_away(self, name: str) -> None:
        """Take a message away, if it is still there."""


class MonitorMessages:
    """The duty: what is shown follows what is noted.

    Args:
        holder: this member's name.
        watched: returns the names of the monitors that are enabled.
    """

    def __init__(
        self,
        stores: Stores,
        clock: Clock,
        holder: str,
        bulletin: Bulletin,
        watched: Callable[[], Collection[str]],
    ) -> None:
        self._claims = stores.claims
        self._book = TroubleBook(stores, clock)
        self._clock = clock
        self._holder = holder
        self._bulletin = bulletin
        self._watched = watched

    def run(self) -> Dict[str, int]:
        """Do one round; returns how many messages were put up. Raises what its parts raise."""
        troubles = self._book.all()
        if troubles:
            watched = self._watched()
            for monitor in [one for one in troubles if one not in watched]:
                self._book.clear(monitor)
                del troubles[monitor]
        shown = {
            str(one["value"]["monitor"]): one for one in self._claims.find({"purpose": MESSAGE})
        }
        for monitor, message in shown.items():
            self._look_after(monitor, message, troubles.get(monitor, ""))
        new = [monitor for monitor in troubles if monitor not in shown]
        return {"monitor_messages": sum(self._show(monitor, troubles[monitor]) for monitor in new)}

    def _look_after(self, monitor: str, message: Document, sentence: str) -> None:
        """Replace or take away a message, if it is this member's or that of one that is gone."""
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
        return _claim(f"{MESSAGE}:{monitor}", MESSAGE, self._holder, self._clock.now(), value)


def _name(monitor: str) -> str:
    return f"incident_management_monitor_{monitor}"


def _claim(key: str, purpose: str, holder: str, time: float, value: Document) -> Document:
    return {"_key": key, "purpose": purpose, "holder": holder, "time": time, "value": value}
