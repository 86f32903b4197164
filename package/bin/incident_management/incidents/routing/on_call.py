"""Find who is on call at a moment, why, and for how long. Pure and deterministic.

The member whose turn it is is on call. A person who covers for that member replaces them, even if
the calendar has the person away, as the cover was agreed on later. If a member is away, the next in
the order takes the turn; days away are in the rota's time zone. A cover of a rota also counts for
the rotas that it falls back to.

Moments are epoch seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Dict, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

from ...ports import Document
from ..clocks.calendar import moment_named
from ..covers import Cover
from .rotas import Rota
from .teams import Member

__all__ = ["Duty", "OnCall", "Span"]

LOOK_BACK = 8 * 86400.0
"""Seconds to search back for when a person came on call, extended to the beginning of a turn."""


@dataclass(frozen=True)
class Duty:
    """Who is on call (blank: nobody), and why, in one or more sentences.

    ``instead_of``: the member whose turn it is, if another person is on call; ``cover``: the id of
    the cover that applies.
    """

    person: str
    reason: str
    instead_of: str = ""
    cover: str = ""

    @property
    def shown(self) -> Tuple[str, str, str]:
        return self.person, self.instead_of, self.cover


@dataclass(frozen=True)
class Span:
    """A span in which the same person is on call for the same reason."""

    start: float
    end: float
    duty: Duty


class OnCall:
    """The rotas with the covers that people added.

    Args:
        covers: those that are not over, and those that ended after :meth:`lookback_start`.
    """

    def __init__(
        self, rotas: Mapping[str, Rota], members: Mapping[str, Member], covers: Sequence[Cover]
    ) -> None:
        self._rotas = rotas
        self._members = members
        # A later cover takes precedence, and may replace the person of an earlier one.
        self._covers = sorted(covers, key=lambda one: (one.created_at, one.id))
        self._since: Dict[str, Tuple[Span, float]] = {}

    def at(self, name: str, moment: float, excluded: str = "") -> Duty:
        """Return who is on call by a rota, or by those that it falls back to.

        ``excluded``: the current owner, who must not get the incident again; the next in the order
        is chosen instead.
        """
        said: List[str] = []
        asked: List[str] = []
        for rota in self._chain(name):
            asked.append(rota.name)
            if said:
                said.append(f"Falling back to rota '{rota.name}'.")
            duty = self._by_rota(rota, moment, excluded, asked)
            reason = " ".join([*said, duty.reason])
            if duty.person:
                return Duty(duty.person, reason, duty.instead_of, duty.cover)
            said.append(duty.reason)
        return Duty("", " ".join(said) or f"There is no rota '{name}'.")

    def lookback_start(self, moment: float) -> float:
        """Return the moment from which on covers are needed for :meth:`since`."""
        return min(_lookback_start(rota, moment) for rota in self._rotas.values())

    def entry_data(self, name: str, moment: float) -> Document:
        """Return the additional data of an entry that assigns an incident by a rota."""
        return {"rota": name, "on_call_since": self.since(name, moment)}

    def takes(self, name: str, moment: float, excluded: str) -> Tuple[Duty, Document]:
        """Return who is on call (:meth:`at`), and :meth:`entry_data` if there is anybody."""
        duty = self.at(name, moment, excluded)
        return duty, self.entry_data(name, moment) if duty.person else {}

    def spans(self, name: str, start: float, end: float) -> List[Span]:
        """Return who is on call from ``start`` up to ``end``, without gaps, in order."""
        points = sorted(
            {start, *(p for p in self._possible_changes(name, start, end) if start < p < end)}
        )
        found: List[Span] = []
        for first, last in zip(points, [*points[1:], end]):
            duty = self.at(name, first)
            if found and found[-1].duty.shown == duty.shown:
                found[-1] = Span(found[-1].start, last, found[-1].duty)
            else:
                found.append(Span(first, last, duty))
        return found

    def since(self, name: str, moment: float) -> float:
        """Return since when the person on call at a moment is so; 0.0: longer than searched back.

        So it stays the same while that person is on call, or becomes 0.0: it never moves later.
        """
        known = self._since.get(name)
        if known is None or not known[0].start <= moment < known[0].end:
            known = self._since[name] = self._found_since(name, moment)
        return known[1]

    def _found_since(self, name: str, moment: float) -> Tuple[Span, float]:
        """Return the span of a moment, as far as it was computed, and :meth:`since`."""
        first = _lookback_start(self._rotas[name], moment)
        # One second more, so that further calls within it need no new search.
        spans = [one for one in self.spans(name, first, moment + 1) if one.start <= moment]
        since = spans[-1].start
        for span in reversed(spans):
            if span.duty.person != spans[-1].duty.person:
                return spans[-1], since
            since = span.start
        return spans[-1], 0.0

    def people(self, name: str) -> Set[str]:
        """Return everyone who may be on call by a rota or its fallback rotas."""
        found = {member for rota in self._chain(name) for member in rota.members}
        return found | {cover.person for cover in self.covers(name)}

    def covers(self, name: str) -> List[Cover]:
        """Return the covers of a rota and of its fallback rotas, the latest last."""
        chain = [rota.name for rota in self._chain(name)]
        return [cover for cover in self._covers if cover.rota in chain]

    def _chain(self, name: str) -> Iterator[Rota]:
        """Yield the rota and its fallback rotas."""
        tried: List[str] = []
        while name in self._rotas and name not in tried:
            tried.append(name)
            yield self._rotas[name]
            name = self._rotas[name].fallback

    def _by_rota(self, rota: Rota, moment: float, excluded: str, asked: Sequence[str]) -> Duty:
        turns = rota.handovers
        if not rota.members:
            return Duty("", f"Nobody is on call in rota '{rota.name}': its stanza is malformed.")
        if not rota.hours.is_open(moment):
            back = rota.hours.next_open(moment)
            until = "" if back is None else f" until {rota.hours.shown(back, moment)}"
            return Duty("", f"Nobody is on call in rota '{rota.name}'{until}: the rota is off.")
        number = turns.number_at(moment)
        holder = rota.whose_turn(number)
        passed: List[str] = []
        for step in range(len(rota.members)):
            member = rota.whose_turn(number + step)
            # A cover without ``instead_of`` replaces the person on call, not all members in the
            # order.
            person, cover = self._covered(asked, member, moment, anybody=step == 0)
            if excluded and person == excluded:
                passed.append(f"{person} already has the incident")
            elif cover is None and self._is_away(rota, member, moment):
                passed.append(f"{member} is away")
            else:
                end = turns.begins(number + 1) if cover is None else cover.ends_at
                until = moment_named(turns.zone, turns.zone_name, end, moment)
                words = f"{person} is on call in rota '{rota.name}'"
                # Named as the turn's end: before it, the person may be away, or the rota off.
                turn = ", in the turn"
                if cover is not None:
                    words, turn = f"{words}, covering for {member}", ""
                why = f": {', '.join(passed)}" if passed else f"{turn} until {until}"
                instead_of = holder if person != holder else ""
                return Duty(person, f"{words}{why}.", instead_of, cover.id if cover else "")
        return Duty("", f"Nobody is on call in rota '{rota.name}': {', '.join(passed)}.")

    def _covered(
        self, asked: Sequence[str], member: str, moment: float, anybody: bool
    ) -> Tuple[str, Optional[Cover]]:
        """Return the person who replaces a member, and the cover that applies; the member if none.

        ``anybody``: covers for whoever is on call count as well.
        """
        person, last = member, None
        for cover in self._covers:
            is_for = cover.instead_of == person or (anybody and not cover.instead_of)
            if is_for and cover.rota in asked and cover.in_force(moment):
                person, last = cover.person, cover
        return (person, last) if person != member else (member, None)

    def _is_away(self, rota: Rota, member: str, moment: float) -> bool:
        known = self._members.get(member)
        return known is not None and rota.handovers.local(moment).date() in known.away

    def _possible_changes(self, name: str, start: float, end: float) -> Iterator[float]:
        """Yield the moments at which the person on call may change; extra ones do no harm."""
        for rota in self._chain(name):
            turns = rota.handovers
            number = turns.number_at(start) + 1
            while turns.begins(number) < end:
                yield turns.begins(number)
                number += 1
            yield from rota.hours.edges(start, end)
            if any(one in self._members and self._members[one].away for one in rota.members):
                yield from _midnights(rota, start, end)
            for cover in self._covers:
                if cover.rota == rota.name:
                    yield from (cover.starts_at, cover.ends_at)


def _lookback_start(rota: Rota, moment: float) -> float:
    """Return a moment just before a turn, so that its beginning is included."""
    turns = rota.handovers
    return turns.begins(turns.number_at(moment - LOOK_BACK)) - 1


def _midnights(rota: Rota, start: float, end: float) -> Iterator[float]:
    zone = rota.handovers.zone
    day = rota.handovers.local(start).date() + timedelta(days=1)
    while (moment := datetime.combine(day, time(), zone).timestamp()) < end:
        yield moment
        day += timedelta(days=1)
