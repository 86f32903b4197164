"""Stakeholders, who follow an incident without working on it: the stanzas [stakeholders:…].

Support, management, customers' contacts: they get the updates that a person wrote for them
(``update``) and, if configured, a message when an incident is opened or resolved. They never get
log contents.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping, Optional, Sequence, Tuple

from ..errors import RoutingError
from .values import (
    CONF,
    ForIncidents,
    choice,
    email_addresses,
    listed,
    optional_duration,
    some_of,
)

__all__ = ["EVENTS", "Stakeholders"]

# Optional events; stakeholders always get updates.
EVENTS = ("opened", "resolved")


@dataclass(frozen=True)
class Stakeholders(ForIncidents):
    """A group, for the incidents whose severity and team match its patterns.

    ``teams``: the app's channel in Microsoft Teams is one of its places. ``channels``: HTTP
    channels of administrators. ``events``: what it gets besides updates. ``update_every``: the
    longest interval in seconds between updates about an open incident; None: only when someone
    writes or has promised one.
    """

    name: str
    severity: str = "*"
    team: str = "*"
    slack_channels: Tuple[str, ...] = ()
    email: Tuple[str, ...] = ()
    teams: bool = False
    events: Tuple[str, ...] = ()
    update_every: Optional[float] = None
    channels: Tuple[str, ...] = ()

    @classmethod
    def read(cls, name: str, values: Mapping[str, str], own: Sequence[str] = ()) -> Stakeholders:
        """Read a stanza; ``own``: the known HTTP channels. Raises RoutingError."""
        where = f"{CONF} [stakeholders:{name}]"
        known = ("0", "1", "false", "true")
        group = cls(
            name,
            values.get("severity", "").strip() or "*",
            values.get("team", "").strip() or "*",
            tuple(dict.fromkeys(listed(values.get("slack_channels", "")))),
            email_addresses(f"{where} email", values.get("email", "")),
            choice(where, values, "teams", known) in ("1", "true"),
            some_of(f"{where} events", values.get("events", ""), EVENTS, "events"),
            optional_duration(where, values, "update_every"),
            _own(where, values.get("channels", ""), own),
        )
        if not group.places:
            raise RoutingError(
                f"{where} notifies nobody; set slack_channels, email, teams or channels."
            )
        return group

    @property
    def places(self) -> Tuple[Tuple[str, str], ...]:
        """The channel and address of each message; all e-mail addresses together are one place."""
        mail = (("email", ",".join(self.email)),) if self.email else ()
        teams = (("teams", ""),) if self.teams else ()
        own = ((one, "") for one in self.channels)
        return (*(("slack", one) for one in self.slack_channels), *mail, *teams, *own)


def _own(where: str, text: str, own: Sequence[str]) -> Tuple[str, ...]:
    if text.strip() and not own:
        raise RoutingError(f"{where} channels is '{text[:60]}'; add one under HTTP channels first.")
    return some_of(f"{where} channels", text, own, "channels")
