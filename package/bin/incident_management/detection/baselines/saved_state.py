"""What ``| anomalyscore state=<name>`` learned, kept in the KV store between runs.

A run writes a document for each series under its own run id, and at last the head, one document
that names the run: readers see a whole run or the one before it. The last run that came to its end
wins; what other runs have left is deleted with it.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence

from ...incidents.errors import Invalid, NotFound
from ...ports import Clock, Document, Stores
from ...splunk.session import API, SplunkError
from ..packing import pack, unpack

__all__ = [
    "MAX_NAMES",
    "MAX_SERIES_KEPT",
    "MAX_STATE_BYTES",
    "PART_SERIES",
    "SavedState",
    "checked_name",
    "finish",
    "forget",
    "heads",
    "part",
    "save_part",
]

MAX_SERIES_KEPT = 2_000
"""Series of one name that are remembered; one takes some 6 kB."""
MAX_NAMES = 200
"""Names under which something is remembered, or was begun to be."""
MAX_BEGUN = 5
"""Other runs of a name that have begun to save; of more, none is still at it."""
PART_SERIES = 50
"""Series in one request."""
MAX_STATE_BYTES = 100_000
"""JSON of one series."""
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,60}")


def checked_name(name: str) -> str:
    """Return a name that may be remembered under. Raises Invalid."""
    if not _NAME.fullmatch(name):
        raise Invalid("A state's name is 1 to 60 letters, digits, dots, dashes and underscores.")
    return name


def save_part(stores: Stores, name: str, run: str, first: int, series: Sequence[str]) -> None:
    """Keep some series of a run, packed; ``first`` is the number of the first one.

    Raises:
        Invalid: there are too many, one is malformed, or those from number 0 on are not saved yet.
    """
    if first + len(series) > MAX_SERIES_KEPT:
        raise Invalid(f"At most {MAX_SERIES_KEPT} series are remembered under one name.")
    for text in series:
        try:
            unpack(text, MAX_STATE_BYTES)
        except ValueError as error:
            raise Invalid(str(error)) from error
    if first == 0:
        _begin(stores, name, run)
    elif not stores.baselines.keys({"_key": f"{name}:{run}:0"}):
        raise Invalid("Save the series of a run from number 0 on, in their order.")
    stores.baselines.save(
        [
            {"_key": f"{name}:{run}:{first + n}", "name": name, "run": run, "n": first + n, "s": s}
            for n, s in enumerate(series)
        ]
    )


def finish(
    stores: Stores, clock: Clock, user: str, name: str, run: str, settings: Mapping[str, Any]
) -> Document:
    """Make a run the one that counts, once all its series are saved; return the head.

    Raises:
        Invalid: a series that ``settings["count"]`` promises is missing.
    """
    if not settings["count"]:
        _begin(stores, name, run)
    saved = stores.baselines.keys({"name": name, "run": run})
    if len(saved) != settings["count"]:
        raise Invalid(
            f"{settings['count']} series were to be saved, {len(saved)} are; save them all first."
        )
    head = {
        "_key": name, "name": "", "run": run, "saved_at": clock.now(), "saved_by": user,
        "season": settings["season"], "by": list(settings["by"]), "count": settings["count"],
    }  # fmt: skip
    stores.baselines.save([head])
    stores.baselines.delete_matching({"name": name, "run": {"$ne": run}})
    return _shown(head)


def heads(stores: Stores) -> List[Document]:
    """Return all that is remembered, without the series, by name."""
    return [_shown(head) for head in stores.baselines.find({"name": ""}, sort="_key")]


def part(stores: Stores, name: str, first: int, run: str = "") -> Document:
    """Return the head with the series from number ``first`` on, of that run or the newest.

    Raises:
        NotFound: nothing is remembered under that name.
    """
    head = _head(stores, name)
    place = {"$gte": first, "$lt": first + PART_SERIES}
    wanted = {"name": name, "run": run or head["run"], "n": place}
    found = stores.baselines.find(wanted, sort="n")
    return {**_shown(head), "series": [document["s"] for document in found]}


def forget(stores: Stores, name: str) -> None:
    """Delete what is remembered under a name, or was begun to be. Raises NotFound."""
    if not stores.baselines.keys({"name": name}):
        _head(stores, name)
    stores.baselines.delete(name)
    stores.baselines.delete_matching({"name": name})


def _begin(stores: Stores, name: str, run: str) -> None:
    """Make room for a run. Raises Invalid when there are too many names."""
    heads_found = stores.baselines.find({"name": ""}, fields=("run",))
    known = {str(head["_key"]): str(head["run"]) for head in heads_found}
    begun = stores.baselines.find({"n": 0}, fields=("name", "run"))
    names = known.keys() | {str(one["name"]) for one in begun}
    if name not in names and len(names) >= MAX_NAMES:
        raise Invalid(
            f"{MAX_NAMES} states are remembered already: forget one that is not needed, with "
            "DELETE /baselines/{name}."
        )
    stay = {run, known.get(name, run)}
    others = {str(one["run"]) for one in begun if one["name"] == name} - stay
    if len(others) > MAX_BEGUN:
        left: List[Document] = [{"run": {"$ne": one}} for one in sorted(stay)]
        stores.baselines.delete_matching({"$and": [{"name": name}, *left]})


def _head(stores: Stores, name: str) -> Document:
    head: Optional[Document] = stores.baselines.get(name)
    if head is None:
        raise NotFound(f"Nothing is remembered under the name '{name}'.")
    return head


def _shown(head: Mapping[str, Any]) -> Document:
    names = ("run", "saved_at", "saved_by", "season", "by", "count")
    return {"name": head["_key"], **{name: head[name] for name in names}}


class SavedState:
    """What is remembered under one name, as a search command asks for it with its own rights.

    Args:
        session: see :class:`...splunk.session.Session`; ``get`` and ``post`` are used.
        name: what to remember it by.
        run: the search's id, which tells this run from others.

    All methods raise SplunkError when the API refuses or can't be reached, and ValueError when
    what it has can't be read, which for a series may be as it is taken from what :meth:`load` gave.
    """

    def __init__(self, session: Any, name: str, run: str) -> None:
        self._session = session
        self._run = run
        self._path = f"{API}/baselines/{checked_name(name)}"

    def load(self) -> Optional[Dict[str, Any]]:
        """Return what :meth:`..series.SeriesScorer.restore` takes; None: nothing is known yet."""
        try:
            found = self._session.get(self._path)
        except SplunkError as error:
            if error.status == 404:
                return None
            raise
        head, packed = found, list(found["series"])
        while len(packed) < head["count"]:
            found = self._session.get(self._path, first=len(packed), run=head["run"])
            if not found["series"]:
                raise ValueError(
                    f"The state '{head['name']}' was replaced while it was read; run it again."
                )
            packed.extend(found["series"])
        # One after the other: unpacked, all at once may take 100 MB.
        series = (unpack(one, MAX_STATE_BYTES) for one in packed)
        return {"season": head["season"], "by": head["by"], "series": series}

    def save(self, named: Mapping[str, Any], series: Iterable[Mapping[str, Any]]) -> int:
        """Keep what :meth:`..series.SeriesScorer.named` and ``states`` gave.

        Returns how many series were kept: the first :data:`MAX_SERIES_KEPT`.
        """
        count, left = 0, islice(series, MAX_SERIES_KEPT)
        while some := [pack(one) for one in islice(left, PART_SERIES)]:
            body = {"run": self._run, "first": count, "series": some}
            self._session.post(f"{self._path}/series", json_body=body)
            count += len(some)
        self._session.post(self._path, json_body={"run": self._run, **named, "count": count})
        return count
