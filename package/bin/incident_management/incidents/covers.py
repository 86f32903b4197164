"""Covers: a person takes over another person's on-call shift for a while.

Covers are run-time data beside the rotas of incident_routing.conf. A cover is a document of
``incident_covers``. Its only change is ending it early, which keeps the document and says who ended
it, so that past on-call times stay correct.
"""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass, replace
from typing import Any, Collection, List, Mapping, Tuple

from ..ports import Clock, Document, Stores
from .act import Act
from .canonical import milliseconds
from .clocks import windows
from .errors import Forbidden, Invalid, NotFound

__all__ = ["Cover", "add", "covers_since", "end", "list_covers"]

# Assignment checks every current cover, so further ones are refused.
MAX_COVERS = 1000
# The most past covers that are listed.
MAX_OVER = 100
LONGEST = 366 * 86400.0
# A browser's clock may be this far behind.
SKEW_SECONDS = 600.0


@dataclass(frozen=True)
class Cover:
    """A cover: ``person`` is on call by ``rota`` instead of ``instead_of``.

    An empty ``instead_of`` means whoever is on call then. ``ended_by`` is who ended the cover
    early. Times are epoch seconds.
    """

    id: str
    rota: str
    person: str
    starts_at: float
    ends_at: float
    instead_of: str = ""
    reason: str = ""
    created_by: str = ""
    created_at: float = 0.0
    ended_by: str = ""

    def to_document(self) -> Document:
        return {**asdict(self), "_key": self.id}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Cover:
        """Read a cover from its document; a malformed one is never in force."""
        values, why = windows.valid_fields(cls, document)
        cover = cls(**values)
        reason = f"{cover.reason} {why}".strip()
        return replace(cover, reason=reason, starts_at=0.0, ends_at=0.0) if why else cover

    def in_force(self, moment: float) -> bool:
        return self.starts_at <= moment < self.ends_at


def add(
    act: Act,
    wanted: Mapping[str, Any],
    people: Collection[str],
    of_rota: Collection[str],
    may_name_others: bool,
) -> Cover:
    """Check and store a cover. A cover already made with the act's ``once`` is returned unchanged.

    Args:
        wanted: the fields of :class:`Cover` that the user gave. ``person`` defaults to the actor,
            ``starts_at`` to now.
        people: all people that incident_routing.conf names.
        of_rota: all people who may be on call in the rota.
        may_name_others: whether the actor may add a cover between other people.
    Raises:
        Invalid: the people or the times are not acceptable.
        Forbidden: the cover is between others, and the actor may not add such a cover.
    """
    now = milliseconds(act.clock.now())
    cover = Cover(
        id=f"COV-{(act.once or uuid.uuid4().hex)[:10]}",
        rota=str(wanted["rota"]),
        person=wanted.get("person") or act.actor,
        starts_at=float(wanted.get("starts_at") or now),
        ends_at=float(wanted["ends_at"]),
        instead_of=wanted.get("instead_of") or "",
        reason=str(wanted.get("reason") or ""),
        created_by=act.actor,
        created_at=now,
    )
    _check_people(cover, people, of_rota)
    if act.actor not in (cover.person, cover.instead_of) and not may_name_others:
        raise Forbidden(
            "You can take over a shift or hand over your own. Covers for others require the "
            "capability incident_admin."
        )
    if cover.starts_at < now - SKEW_SECONDS:
        raise Invalid("The cover would start in the past. Omit starts_at to start now.")
    cover = replace(cover, starts_at=max(cover.starts_at, now))
    if not cover.starts_at < cover.ends_at <= cover.starts_at + LONGEST:
        raise Invalid("The cover must end after it starts, and within a year.")
    if len(act.stores.covers.keys(windows.not_ended(now))) >= MAX_COVERS:
        raise Invalid(
            f"There are already {MAX_COVERS} covers. End those that are no longer needed."
        )
    return windows.insert(act.stores.covers, cover)


def _check_people(cover: Cover, people: Collection[str], of_rota: Collection[str]) -> None:
    for name in filter(None, (cover.person, cover.instead_of)):
        if name not in people and name != cover.created_by:
            raise Invalid(
                f"incident_routing.conf does not list '{name[:60]}'. "
                "Add the person to a team first."
            )
    if cover.instead_of and cover.instead_of not in of_rota:
        raise Invalid(
            f"{cover.instead_of} is never on call in this rota. Choose one of "
            f"{', '.join(sorted(of_rota))}."
        )
    if cover.person == cover.instead_of:
        raise Invalid(
            f"{cover.person} can't cover for {cover.person}. Choose two different people."
        )


def end(act: Act, cover_id: str, may_end_others: bool) -> Cover:
    """End a cover now, or before it begins; a past cover stays unchanged.

    Raises:
        NotFound: there is no such cover.
        Forbidden: the cover concerns others, and the actor may not end theirs.
    """
    known = act.stores.covers.get(cover_id)
    if known is None:
        raise NotFound(f"There is no cover {cover_id[:60]}. Reload the list.")
    cover = Cover.from_document(known)
    if not may_end_others and act.actor not in (cover.person, cover.instead_of, cover.created_by):
        raise Forbidden(
            f"{cover_id} concerns {cover.person} and {cover.instead_of or 'the rota'}. Ending "
            "it for others requires the capability incident_admin."
        )
    now = milliseconds(act.clock.now())
    if cover.ends_at <= now:
        return cover
    ended = replace(cover, ends_at=now, ended_by=act.actor)
    act.stores.covers.save([ended.to_document()])
    return ended


def list_covers(stores: Stores, clock: Clock) -> List[Cover]:
    """Return all current and future covers and up to 100 past ones, the newest first."""
    return windows.newest_first(stores.covers, Cover, clock.now(), MAX_OVER)


def covers_since(stores: Stores, since: float) -> Tuple[Cover, ...]:
    """Return the covers that end after a moment."""
    return tuple(Cover.from_document(one) for one in stores.covers.find(windows.not_ended(since)))
