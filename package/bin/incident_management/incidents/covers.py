"""Who takes over somebody's on-call duty for a while: run-time data, beside the rotas of the conf.

A cover is a document of ``incident_covers``. It is never changed but to end it early, which keeps
it and says who did: so what the rotas say of the past stays true.
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

# More at once are refused: each is looked at for each incident that is given to somebody.
MAX_COVERS = 1000
# How many of those that are over are listed.
MAX_OVER = 100
LONGEST = 366 * 86400.0
# A browser's clock may be somewhat behind.
SKEW_SECONDS = 600.0


@dataclass(frozen=True)
class Cover:
    """``person`` is on call by ``rota`` where ``instead_of`` would be (empty: whoever would be).

    ``ended_by``: who ended it early. Times are epoch seconds.
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
        """Return what a document says; one that can't be read covers nobody."""
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
    """Check and store a cover; one that was made for the act's ``once`` is returned as it is.

    Args:
        wanted: the fields of :class:`Cover` that a person gives; without ``person`` it is whoever
            asks, without ``starts_at`` it begins now.
        people: everybody whom incident_routing.conf names.
        of_rota: everybody who may be on call by the rota.
        may_name_others: whether somebody who is not concerned may ask for it.

    Raises Invalid or Forbidden, with one sentence.
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
    """End a cover now, or before it begins; one that is over stays as it is.

    Raises NotFound, or Forbidden for somebody whom it does not concern.
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
    """Return all that are not over, and the newest of those that are, the newest first."""
    return windows.newest_first(stores.covers, Cover, clock.now(), MAX_OVER)


def covers_since(stores: Stores, since: float) -> Tuple[Cover, ...]:
    """Return those that ended after a moment, or will."""
    return tuple(Cover.from_document(one) for one in stores.covers.find(windows.not_ended(since)))
