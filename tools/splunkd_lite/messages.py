"""Bulletin messages: what splunkweb shows in its Messages menu.

Source: ``messages`` in the REST API Reference, "System endpoint descriptions". A full disk must
not stop a message about the full disk, so a message that cannot be stored is kept in memory.
"""

from __future__ import annotations

import sqlite3
from dataclasses import asdict, dataclass
from typing import Sequence

from tools.splunkd_lite.access import User
from tools.splunkd_lite.clock import Clock
from tools.splunkd_lite.errors import SplunkdError, is_disk_full, not_found
from tools.splunkd_lite.state import StateStore

__all__ = ["Message", "Messages"]

SEVERITIES = ("info", "warn", "error")


@dataclass(frozen=True)
class Message:
    """One bulletin message; ``time`` is epoch seconds.

    With ``capabilities`` or ``roles`` only users who have one of them see it.
    """

    name: str
    text: str
    severity: str
    time: float
    capabilities: Sequence[str] = ()
    roles: Sequence[str] = ()

    def is_for(self, user: User) -> bool:
        if not self.capabilities and not self.roles:
            return True
        return any(user.can(each) for each in self.capabilities) or any(
            role in self.roles for role in user.roles
        )


class Messages:
    """The bulletin board."""

    def __init__(self, state: StateStore, clock: Clock) -> None:
        self._shelf = state.shelf("messages")
        self._clock = clock
        self._unsaved: dict[str, Message] = {}

    def post(
        self,
        name: str,
        severity: str,
        text: str,
        capabilities: Sequence[str] = (),
        roles: Sequence[str] = (),
    ) -> Message:
        """Put up a message, or replace the one of the same name."""
        if severity not in SEVERITIES:
            raise SplunkdError(400, f"Invalid severity '{severity}': use info, warn or error.")
        message = Message(name, text, severity, self._clock.now(), capabilities, roles)
        try:
            self._shelf.set(name, asdict(message))
            self._unsaved.pop(name, None)
        except sqlite3.OperationalError as error:
            if not is_disk_full(error):
                raise
            self._unsaved[name] = message
        return message

    def all(self) -> list[Message]:
        stored = {name: Message(**value) for name, value in self._shelf.items().items()}
        return list({**stored, **self._unsaved}.values())

    def get(self, name: str) -> Message:
        for message in self.all():
            if message.name == name:
                return message
        raise not_found(name)

    def delete(self, name: str) -> None:
        held = self._unsaved.pop(name, None)
        if not self._shelf.delete(name) and held is None:
            raise not_found(name)
