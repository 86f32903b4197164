"""The bulletin messages that Splunk Web shows to administrators."""

from __future__ import annotations

from typing import Callable

from .session import Session, SplunkError, path_of

__all__ = ["Bulletin", "notice"]

MESSAGE = "incident_management_settings"


class Bulletin:
    """Shows and removes messages: ``messages`` in the REST API Reference.

    Both methods raise SplunkError.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def show(self, name: str, sentence: str) -> None:
        """Show a message, replacing the one with that name."""
        form = {"name": name, "value": sentence, "severity": "warn"}
        self._session.post("/services/messages", form=form)

    def take_away(self, name: str) -> None:
        """Remove a message, if it is still shown."""
        try:
            self._session.delete("/services/messages/" + path_of(name))
        except SplunkError as error:
            if error.status != 404:
                raise


def notice(session: Session, name: str = MESSAGE) -> Callable[[str], None]:
    """Return a function that shows a sentence under a name, or removes it if empty."""
    bulletin = Bulletin(session)

    def show(sentence: str) -> None:
        if sentence:
            bulletin.show(name, sentence)
        else:
            bulletin.take_away(name)

    return show
