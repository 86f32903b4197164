"""Claim episodes of problems, many in one insert.

The KV store has one atomic step, the insert of a document. To claim a thousand episodes in one
step, they are written as one document: the next page of their rule's ledger. Whoever inserts a page
has read the one before it, so no two writers ever claim the same episode.

A page's claims are also saved as a document each (``episode:<dedup key>:<episode>``), which is how
they are looked up. That is done before the next page is inserted, by whoever inserts it, so only
those of the newest page may be missing there; :meth:`Ledger.newest` has them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Collection, Dict, Iterable, List, Mapping, Sequence

from ...ports import Clock, Document, Stores
from ..canonical import digest, milliseconds
from ..identity import episode_claim
from ..signal import Signal
from ..stores import claim_document, find_by

__all__ = ["Claim", "Ledger", "Page", "claims_of", "ledger_of", "newest_episodes"]


@dataclass(frozen=True)
class Claim:
    """One episode of one problem, for one incident; ``previous`` is the incident before it."""

    ledger: str
    dedup_key: str
    episode: int
    incident_id: str
    previous: str = ""

    def to_value(self) -> Document:
        return {
            "dedup_key": self.dedup_key,
            "episode": self.episode,
            "incident_id": self.incident_id,
            "previous": self.previous,
        }


@dataclass(frozen=True)
class Page:
    """One document of a ledger, counted from 1; number 0 stands for an empty ledger."""

    ledger: str
    number: int = 0
    holder: str = ""
    time: float = 0.0
    claims: List[Document] = field(default_factory=list)

    def to_document(self) -> Document:
        return claim_document(
            f"{self.ledger}:{self.number:09d}",
            self.time,
            {"number": self.number, "claims": self.claims},
            purpose=self.ledger,
            holder=self.holder,
        )

    @classmethod
    def from_document(cls, document: Document) -> Page:
        value = document["value"]
        return cls(
            ledger=str(document["purpose"]),
            number=int(value["number"]),
            holder=str(document.get("holder", "")),
            time=float(document["time"]),
            claims=list(value.get("claims") or ()),
        )

    def claim_documents(self) -> List[Document]:
        """Return a document for each claim, by which it is looked up."""
        documents = []
        for value in self.claims:
            key = episode_claim(value["dedup_key"], int(value["episode"]))
            documents.append(claim_document(key, self.time, value, holder=self.holder))
        return documents


def ledger_of(signal: Signal) -> str:
    """Return the ledger that a signal's problem is claimed in: that of its rule."""
    return _ledger(signal.app, signal.rule)


@lru_cache(maxsize=1000)
def _ledger(app: str, rule: str) -> str:
    return f"episodes:{digest([app, rule], 16)}"


def claims_of(
    stores: Stores, dedup_keys: Collection[str], newest: Mapping[str, Page]
) -> List[Document]:
    """Return the values of all claims of these problems, including those on the ``newest`` pages.

    Each also has ``claimed_at``, in epoch seconds.
    """
    found = find_by(stores.claims, "value.dedup_key", dedup_keys)
    claims = [{**claim["value"], "claimed_at": claim["time"]} for claim in found]
    for page in newest.values():
        claims += [{**value, "claimed_at": page.time} for value in page.claims]
    return [value for value in claims if value["dedup_key"] in dedup_keys]


def newest_episodes(claims: Iterable[Document]) -> Dict[str, Document]:
    """Return the claim with the largest episode of each problem, by dedup key."""
    newest: Dict[str, Document] = {}
    for value in claims:
        known = newest.get(value["dedup_key"])
        if known is None or int(value["episode"]) > int(known["episode"]):
            newest[value["dedup_key"]] = value
    return newest


class Ledger:
    """Reads and writes the ledgers."""

    def __init__(self, stores: Stores, clock: Clock) -> None:
        self._claims = stores.claims
        self._clock = clock

    def newest(self, ledgers: Iterable[str]) -> Dict[str, Page]:
        """Return the newest page of each ledger. Look claims up after this, not before."""
        return {ledger: self._newest(ledger) for ledger in sorted(set(ledgers))}

    def take(self, claims: Sequence[Claim], newest: Mapping[str, Page], holder: str) -> bool:
        """Claim all episodes; return False if a ledger has a newer page by now.

        Nothing of that ledger is claimed then. Claims in ledgers before it stand, for the same
        incidents.
        """
        for ledger in sorted({claim.ledger for claim in claims}):
            before = newest[ledger]
            self._save_claims(before)
            mine = Page(
                ledger,
                before.number + 1,
                holder,
                milliseconds(self._clock.now()),
                [claim.to_value() for claim in claims if claim.ledger == ledger],
            )
            if not self._claims.insert(mine.to_document()):
                return False
            self._save_claims(mine)
        return True

    def _newest(self, ledger: str) -> Page:
        found = self._claims.find({"purpose": ledger}, sort="_key:-1", limit=1)
        return Page.from_document(found[0]) if found else Page(ledger)

    def _save_claims(self, page: Page) -> None:
        if page.claims:
            self._claims.save(page.claim_documents())
