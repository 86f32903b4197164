"""A ticket, its remarks and its reader, in the same form for each ticket system."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Optional, Protocol, Sequence

from ..services.tickets import Refused

__all__ = [
    "Changes",
    "Reader",
    "Remark",
    "Remarks",
    "Ticket",
    "is_ticket_id",
    "objects",
    "read_back",
]

# The most pages of remarks, newest first, that are read of one ticket; and the size of a page.
MAX_PAGES = 4
PAGE = 50

_ID = re.compile(r"[\w-]{1,64}", re.ASCII)


@dataclass(frozen=True)
class Ticket:
    """A ticket's current state. Texts come from the service, so they come from outside.

    Attributes:
        stamp: a value that differs after each change of the ticket.
        state, state_name: the state's id, and its name for people.
        over: it is resolved, closed or canceled.
        assignee, assignee_name: an id and a name; both empty: unassigned. None: a missing
            assignee is no news.
        by: who changed its state last; empty if the service does not say.
        ended: how it ended, in the service's words.
        first_state: the state that it was created in; empty if the service does not say.
        taken: somebody has acknowledged it, if the service knows that.
        keeper: the account that created it, if remarks are told apart by it.
    """

    id: str
    number: str
    stamp: str
    state: str
    state_name: str
    over: bool
    assignee: Optional[str] = ""
    assignee_name: str = ""
    by: str = ""
    ended: str = ""
    first_state: str = ""
    keeper: str = ""
    taken: bool = False


@dataclass(frozen=True)
class Remark:
    """A comment or a work note (``kind``); ``at``: epoch seconds by the service's clock.

    ``own``: this app wrote it.
    """

    id: str
    kind: str
    by: str
    at: float
    text: str
    own: bool


@dataclass(frozen=True)
class Remarks:
    """Remarks, oldest first. ``whole``: all that were requested are included."""

    found: List[Remark]
    whole: bool = True


@dataclass(frozen=True)
class Changes:
    """The changes in a service since the last reading.

    Attributes:
        touch: returns whether a ticket has changed, given its id and its last stamp.
        reached: up to when all is known, in the service's terms; passed to the next reading.
        whole: False: there was more than could be read.
    """

    touch: Callable[[str, str], bool]
    reached: str
    whole: bool = True


class Reader(Protocol):
    """Reads the tickets of one service. All methods raise what ``tickets.FAILURES`` lists."""

    # How many tickets one request reads.
    batch: int
    # The sentence for people when remarks may not be read.
    hidden: str

    def changes(self, since: str) -> Optional[Changes]:
        """Return the changes since the last ``Changes.reached`` (empty: since a while ago).

        None: the service has no such list; then each ticket is read.
        """

    def tickets(self, ids: Sequence[str]) -> Dict[str, Ticket]:
        """Return those of some tickets that exist and may be seen, by id."""

    def is_gone(self, ticket_id: str) -> bool:
        """Return whether a ticket does not exist, or may not be seen."""

    def with_history(self, ticket: Ticket) -> Ticket:
        """Return the ticket with the values that only its history has."""

    def remarks(self, ticket: Ticket, since: float) -> Remarks:
        """Return the remarks since a time of the service's clock; earlier ones may be included.

        Raises Refused with the status 403 when remarks may not be read.
        """


def is_ticket_id(text: str) -> bool:
    """Return whether a text is an id that can be put into an address or a query unescaped."""
    return bool(_ID.fullmatch(text))


def read_back(page: Callable[[int], List[Remark]], since: float) -> Remarks:
    """Read remarks page by page, newest first, back to a time of the service's clock."""
    found: Dict[str, Remark] = {}
    whole = False
    for number in range(MAX_PAGES):
        rows = page(number)
        found.update((row.id, row) for row in rows)
        whole = len(rows) < PAGE or rows[-1].at < since
        if whole:
            break
    return Remarks(sorted(found.values(), key=lambda remark: (remark.at, remark.id)), whole)


def objects(value: Any, service: str) -> List[Mapping[str, Any]]:
    """Return the objects of a list. Raises Refused if it is no list: then nothing is known."""
    if not isinstance(value, list):
        raise Refused.unreadable(service)
    return [one for one in value if isinstance(one, dict)]
