"""What the library needs from the outside, as small protocols.

The real ones live in :mod:`incident_management.splunk` (everything that speaks to splunkd) and in
:mod:`incident_management.notify` (everything that speaks to a chat or paging service). Tests pass
fakes that can fail on demand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping, Optional, Protocol, Sequence

Document = Dict[str, Any]


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> float:
        """Return the time as epoch seconds."""


class Collection(Protocol):
    """One KV store collection. The only atomic step is :meth:`insert`."""

    def get(self, key: str) -> Optional[Document]:
        """Return the document with that ``_key``, or None."""

    def find(
        self,
        query: Optional[Mapping[str, Any]] = None,
        sort: str = "",
        limit: int = 0,
        skip: int = 0,
        fields: Sequence[str] = (),
    ) -> List[Document]:
        """Return the documents that match a KV store query.

        ``sort`` is the KV store's own form, ``field:1,other:-1``. ``limit`` 0 means all of them,
        read page by page, because one KV store answer is silently cut at 50,000 rows. ``fields``:
        only these of each document, and its ``_key``; all of them when none is named.
        """

    def keys(self, query: Mapping[str, Any]) -> List[str]:
        """Return the ``_key``s of all documents that match, in any order."""

    def insert(self, document: Document) -> bool:
        """Insert a document. False: its ``_key`` is taken, and nothing was written."""

    def save(self, documents: Sequence[Document]) -> None:
        """Insert or replace documents by ``_key``, in batches of at most 1,000."""

    def delete(self, key: str) -> bool:
        """Delete one document. False: there was none."""

    def delete_matching(self, query: Mapping[str, Any]) -> None:
        """Delete all documents that match, in one call. Raises ValueError for an empty query."""


class Stores(Protocol):
    """The app's collections, by name (see docs/DATA.md).

    A read that follows a write sees all that anybody wrote, in any collection, before that write.
    One that follows none may be of a moment ago.
    """

    signals: Collection
    timeline: Collection
    incidents: Collection
    claims: Collection
    outbox: Collection
    plans: Collection
    analyses: Collection
    suppressions: Collection
    freezes: Collection
    covers: Collection
    subscriptions: Collection
    baselines: Collection


STORES = tuple(Stores.__annotations__)
"""The names of all collections."""


class StoresOf:
    """All collections (:class:`Stores`); each is made by its name when it is first asked for."""

    def __init__(self, make: Callable[[str], Collection]) -> None:
        self._make = make

    def __getattr__(self, name: str) -> Collection:
        """Make one. Called for what is not there yet."""
        if name not in STORES:
            raise AttributeError(name)
        made = self._make(name)
        setattr(self, name, made)
        return made


CUT_SHORT = "The search was stopped before it had read everything."
"""By a time limit (dispatch.max_time, srchMaxTime of a role), or by somebody."""


@dataclass(frozen=True)
class SearchResult:
    """What a finished search found.

    ``rows`` are result rows as splunkd gives them: text, or a list of texts for a multivalue
    field. ``truncated``: there were more rows than the limit asked for. ``warnings``: what splunkd
    said of the search, as WARN or ERROR, though it came to its end. ``cut_short``: it was ended
    before it had read everything.
    """

    rows: List[Dict[str, Any]]
    sid: str = ""
    truncated: bool = False
    warnings: List[str] = field(default_factory=list)
    cut_short: bool = False

    def lacking(self, most: int = 0) -> List[str]:
        """Return why it may lack rows besides those beyond ``most``, each as a sentence.

        ``most`` is the number in the search's ``head``: one that found so many ended for that.
        """
        ended = self.cut_short and not 0 < most <= len(self.rows)
        return [*self.warnings, *([CUT_SHORT] if ended else [])]

    def whole(self) -> SearchResult:
        """Return this result, where nothing says that it may lack rows.

        A peer that is down is a warning (or an error), as splunkd goes on without it.

        Raises:
            SearchFailed: something does.
        """
        if self.warnings:
            raise SearchFailed(f"The search may lack results: {self.warnings[0]}")
        if self.cut_short:
            raise SearchFailed(CUT_SHORT)
        if self.truncated:
            raise SearchFailed(f"The search has more than {len(self.rows)} rows.")
        return self


class Searcher(Protocol):
    """Runs a read-only search with the rights of whoever it was made for."""

    def run(
        self,
        spl: str,
        earliest: str,
        latest: str,
        limit: int = 1000,
        timeout: float = 60.0,
    ) -> SearchResult:
        """Run one search to its end.

        ``earliest`` and ``latest`` are Splunk time modifiers or epoch seconds as text.

        Raises:
            SearchFailed: splunkd refused the search.
            SearchTooSlow: it did not end within ``timeout`` seconds, and was cancelled.
        """


class SearchFailed(Exception):
    """A search was refused or did not end in time; the text says which and why."""


class SearchTooSlow(SearchFailed):
    """A search did not end in time, and was cancelled."""
