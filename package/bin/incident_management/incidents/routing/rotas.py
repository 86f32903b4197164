"""On-call rotas from the stanzas [rota:…]: who takes turns, and when turns end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping, Tuple

from ..clocks.calendar import ALWAYS, Calendar
from ..errors import RoutingError
from .handovers import Handovers, read_handovers
from .teams import Calendars, calendar_named
from .values import CONF, user_names

__all__ = ["Rota"]

MAX_MEMBERS = 100


@dataclass(frozen=True)
class Rota:
    """A rota; ``members`` take turns in this order, the first of them in turn 0 of ``handovers``.

    Outside its ``hours`` nobody is on call by it, and the rota ``fallback`` is used. A malformed
    stanza becomes a rota without members.
    """

    name: str
    members: Tuple[str, ...] = ()
    handovers: Handovers = field(default_factory=Handovers)
    hours: Calendar = ALWAYS
    fallback: str = ""

    @classmethod
    def read(
        cls, name: str, values: Mapping[str, str], calendars: Calendars, rotas: Mapping[str, object]
    ) -> Rota:
        """Read a stanza; ``rotas`` holds all known names. Raises RoutingError."""
        where = f"{CONF} [rota:{name}]"
        members = user_names(values.get("members", ""))
        if not members:
            raise RoutingError(f"{where} has no members; list the people who take turns, in order.")
        if len(members) > MAX_MEMBERS:
            raise RoutingError(f"{where} has {len(members)} members; use at most {MAX_MEMBERS}.")
        twice = next((one for one in members if members.count(one) > 1), "")
        if twice:
            raise RoutingError(f"{where} lists '{twice}' twice; list each member once.")
        fallback = values.get("fallback", "").strip()
        if fallback and (fallback not in rotas or fallback == name):
            raise RoutingError(f"{where} fallback is '{fallback}'; choose another existing rota.")
        given = (values.get(key, "").strip() for key in ("handover", "start", "time_zone"))
        return cls(
            name,
            members,
            read_handovers(where, *given),
            calendar_named(f"{where} hours", values.get("hours", ""), calendars),
            fallback,
        )

    def whose_turn(self, number: int) -> str:
        """Return the member whose turn it is, by the turn's number."""
        return self.members[number % len(self.members)]
