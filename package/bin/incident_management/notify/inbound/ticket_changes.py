"""Finds changes of a ticket that are new and become entries of its incident's timeline, once each.

The timeline has the known changes; the receipts of our messages have what this app itself did to
the ticket, which is no news. An entry's ``once`` counts the earlier changes, or names the remark.
So after a kill at any line the next writer repeats the work without repeating an entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ...channels import NAMES
from ...incidents.fold import effective
from ...incidents.lifecycle import Ending
from ...incidents.model import Entry
from ...ports import Document
from ..message import plain
from .ticket import Remark, Ticket

__all__ = ["KIND", "Known", "News", "inbound_channel"]

KIND = "ticket"
NAME_LENGTH = 120
TEXT_LENGTH = 4000
ID_LENGTH = 64
# The most remarks of one ticket that are copied to a timeline, which is always read as a whole.
MAX_REMARKS = 1000
# Remarks are read again this far back: they may become visible in another order than written.
OVERLAP_SECONDS = 600.0
_ONCE = "ticket:"


def inbound_channel(once: str) -> str:
    """Return the channel that an entry came from, by its ``once``; empty if from none."""
    return once.split(":")[1] if once.startswith(_ONCE) else ""


@dataclass(frozen=True)
class News:
    """A new entry: its data and ``once``.

    ``ends``: the ticket was resolved by this change; ``reopens``: it was reopened.
    """

    data: Document
    once: str
    ends: bool = False
    reopens: bool = False


@dataclass(frozen=True)
class _Last:
    """The last known state of a ticket, and its time by our clock."""

    time: float
    state: str
    name: str
    over: bool


class Known:
    """What is known about one ticket.

    Args:
        entries: the incident's timeline.
        messages: the incident's messages on this channel: documents of the outbox.
        seen: the state of the ticket at the last reading, and whether it was over then; used
            if nothing else gives a state.
    """

    def __init__(
        self,
        channel: str,
        ticket_id: str,
        entries: Sequence[Entry],
        messages: Sequence[Mapping[str, Any]],
        seen: Tuple[str, bool] = ("", False),
    ) -> None:
        self._channel = channel
        self._ticket_id = ticket_id
        told = [e for e in effective(entries) if e.kind == KIND and self._is_mine(e.data)]
        self._told = {
            event: [entry for entry in told if entry.data.get("event") == event]
            for event in ("state", "assignee", "comment")
        }
        self._onces = {entry.once for entry in told}
        receipts = ((one, one.get("receipt") or {}) for one in messages)
        self._sent = [(one, got) for one, got in receipts if got.get("ticket") == ticket_id]
        self._last = self._last_state()
        if self._last is None and seen[0]:
            self._last = _Last(0.0, _id(seen[0]), "", seen[1])

    @property
    def has_own_notes(self) -> bool:
        """Whether this app has certainly written a remark."""
        return any(got.get("noted") for _one, got in self._sent)

    @property
    def read_from(self) -> float:
        """The time from which remarks are to be read, by the service's clock."""
        times = [float(entry.data.get("at") or 0.0) for entry in self._told["comment"]]
        return max(times) - OVERLAP_SECONDS if times else 0.0

    def needs_history(self, ticket: Ticket) -> bool:
        """Return whether the ticket's history is needed."""
        return self._last is None or self._last.state != _id(ticket.state)

    def state(self, ticket: Ticket) -> Optional[News]:
        """Return the news that somebody else changed the ticket's state; None if nobody did."""
        last, now = self._last, _id(ticket.state)
        if last is None:
            # An ended ticket is always news; an open one without another first state is not.
            if not ticket.over and ticket.first_state in ("", ticket.state):
                return None
            last = _Last(0.0, _id(ticket.first_state), "", False)
        if last.state == now:
            return None
        name, by = _name(ticket.state_name) or ticket.state, _name(ticket.by)
        moved = f"From {last.name} to {name}" if last.name else f"Now {name}"
        ended = plain(ticket.ended, TEXT_LENGTH)
        text = f"{moved}{f', by {by}' if by else ''}.{f' {ended}' if ended else ''}"
        values = {"from": last.name, "to": name, "by": by, "value": now}
        return News(
            self._data(ticket.number, "state", text, **values, over=ticket.over),
            self._once("state", str(len(self._told["state"]))),
            ends=ticket.over and not last.over,
            reopens=last.over and not ticket.over,
        )

    def assignee(self, ticket: Ticket) -> Optional[News]:
        """Return the news that the ticket has another assignee."""
        now, (before, before_name) = _id(ticket.assignee or ""), self._last_assignee()
        if ticket.assignee is None or before == now:
            return None
        name = _name(ticket.assignee_name) or _name(now)
        text = f"Assigned to {name}." if name else "Assigned to nobody any more."
        values = {"from": before_name, "to": name, "value": now}
        return News(
            self._data(ticket.number, "assignee", text, **values),
            self._once("assignee", str(len(self._told["assignee"]))),
        )

    def remarks(self, number: str, found: Sequence[Remark]) -> List[News]:
        """Return the remarks of others that are not on the timeline yet."""
        news: List[News] = []
        for remark in found:
            once = self._once("comment", _id(remark.id))
            if remark.own or once in self._onces:
                continue
            text = plain(remark.text, TEXT_LENGTH) or "(without text)"
            values = {"by": _name(remark.by), "at": remark.at, "what": remark.kind}
            news.append(News(self._data(number, "comment", text, **values), once))
        room = max(0, MAX_REMARKS - len(self._told["comment"]))
        return news if len(news) <= room else [*news[:room], *self._full(number)]

    def _full(self, number: str) -> List[News]:
        once = self._once("full", "")
        service = NAMES[self._channel]
        text = f"{MAX_REMARKS} comments were copied from it. Read the others in {service}."
        return [] if once in self._onces else [News(self._data(number, "full", text), once)]

    def gone(self, number: str) -> Optional[News]:
        """Return the news that the ticket is gone."""
        once = self._once("gone", "")
        if once in self._onces:
            return None
        service = NAMES[self._channel]
        text = f"The ticket was deleted in {service}, or the app's user can no longer see it."
        return News(self._data(number, "gone", text), once)

    def ending(self, ticket: Ticket, news: News) -> Tuple[Ending, str]:
        """Return the resolution and its ``once``, if the ended ticket resolves its incident."""
        to, by = news.data["to"], news.data["by"]
        where = f"{news.data['number']} is {to} in {NAMES[self._channel]}"
        ending = Ending(
            resolution=plain(ticket.ended, TEXT_LENGTH) or to,
            reason=f"{where}{f', by {by}' if by else ''}.",
        )
        return ending, self._once("resolve", str(len(self._told["state"])))

    def _is_mine(self, data: Mapping[str, Any]) -> bool:
        return data.get("channel") == self._channel and data.get("ticket") == self._ticket_id

    def _last_state(self) -> Optional[_Last]:
        """Return the later of the timeline's last state and the one this app set itself."""
        known = [
            _Last(
                entry.time,
                str(entry.data.get("value") or ""),
                str(entry.data.get("to") or ""),
                bool(entry.data.get("over")),
            )
            for entry in self._told["state"]
        ]
        known += [
            _Last(float(one["sent_at"]), _id(str(got["state"])), "", bool(got.get("over")))
            for one, got in self._sent
            if got.get("state")
        ]
        return max(known, key=lambda last: last.time, default=None)

    def _last_assignee(self) -> Tuple[str, str]:
        """Return id and name of the later of the timeline's last assignee and this app's."""
        known = [
            (entry.time, str(entry.data.get("value") or ""), str(entry.data.get("to") or ""))
            for entry in self._told["assignee"]
        ]
        known += [
            (float(one["sent_at"]), _id(str(got["assignee"])), "")
            for one, got in self._sent
            if got.get("assignee")
        ]
        return max(known, default=(0.0, "", ""))[1:]

    def _data(self, number: str, event: str, text: str, **more: Any) -> Document:
        data: Dict[str, Any] = {
            "channel": self._channel,
            "ticket": self._ticket_id,
            "number": _name(number),
            "event": event,
            "text": text,
        }
        data.update(more)
        return data

    def _once(self, event: str, which: str) -> str:
        return f"{_ONCE}{self._channel}:{self._ticket_id}:{event}:{which}"


def _id(text: str) -> str:
    """Return an id from outside, cut; it is only compared."""
    return text[:ID_LENGTH]


def _name(text: str) -> str:
    """Return a name from outside as one line."""
    return plain(" ".join(text.split()), NAME_LENGTH)
