"""What a ticket system says of its tickets, in the same words for each system."""

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

# Pages of remarks, the newest first, that are read of one ticket, and remarks on a page.
MAX_PAGES = 4
PAGE = 50

_ID = re.compile(r"[\w-]{1,64}", re.ASCII)


@dataclass(frozen=True)
class Ticket:
    """A ticket as it is now. Texts are the service's own: they come from outside.

    Attributes:
        stamp: another one after each change of the ticket, whatever changed.
        state, state_name: the state's id, and what people call it.
        over: it is resolved, closed or canceled.
        assignee, assignee_name: an id and a name; both empty: nobody has it. None: that it is
            nobody's any more is no news.
        by: who changed its state last; empty where the service does not say.
        ended: how it ended, in the service's words.
        first_state: the state that it was made in; empty where the service does not say.
        taken: somebody has acknowledged it, where the service knows that.
        keeper: the account that made it, where remarks are told apart by it.
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
    """A comment or a work note (``kind``), written ``at`` that epoch second of the service's clock.

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
    """Remarks, oldest first. ``whole``: none of those that were asked for is missing."""

    found: List[Remark]
    whole: bool = True


@dataclass(frozen=True)
class Changes:
    """What has changed in a service since it was asked last.

    Attributes:
        touch: tells of a ticket, by its id and the stamp that it had, whether it is among that.
        reached: up to when all is known, in the service's words; given to the next question.
        whole: False: there was more than could be read.
    """

    touch: Callable[[str, str], bool]
    reached: str
    whole: bool = True


class Reader(Protocol):
    """Reads the tickets of one service. All methods raise what ``tickets.FAILURES`` lists."""

    # How many tickets one request asks for.
    batch: int
    # What to tell people when remarks may not be read.
    hidden: str

    def changes(self, since: str) -> Optional[Changes]:
        """Return what has changed since ``Changes.reached`` of the last time (empty: a while ago).

        None: the service does not say; then each ticket is asked about.
        """

    def tickets(self, ids: Sequence[str]) -> Dict[str, Ticket]:
        """Return those of some tickets that are there, and may be seen, by id."""

    def is_gone(self, ticket_id: str) -> bool:
        """Tell whether there is no such ticket, or none that may be seen."""

    def with_history(self, ticket: Ticket) -> Ticket:
        """Return the ticket with what only its history says."""

    def remarks(self, ticket: Ticket, since: float) -> Remarks:
        """Return the remarks since a time of the service's clock; earlier ones may be among them.

        Raises Refused with the status 403 when remarks may not be read.
        """


def is_ticket_id(text: str) -> bool:
    """Tell whether a text is an id that may become a part of an address or a query as it is."""
    return bool(_ID.fullmatch(text))


def read_back(page: Callable[[int], List[Remark]], since: float) -> Remarks:
    """Read remarks page by page, the newest first, back to a time of the service's clock."""
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
    """Return the objects of a list. Raises Refused when it is none: then nothing is known."""
    if not isinstance(value, list):
        raise Refused.unreadable(service)
    return [one for one in value if isinstance(one, dict)]
