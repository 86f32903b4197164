"""What ``| anomalyscore state=<name>`` learned, kept in the KV store between runs.

A run writes a document for each series under its own run id, and finally the head: one document
that names the run. So readers see either a whole run or the one before it. The run that finishes
last wins; what other runs left behind is deleted with it.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ...incidents.errors import Invalid, NotFound
from ...incidents.stored_shapes import fitted
from ...ports import Clock, Document, Stores
from ...splunk.session import API, SplunkError
from ..packing import pack, unpack
from .baseline import SEASONS

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
"""Series kept under one name; a series takes about 6 kB."""
MAX_NAMES = 200
"""Names under which a state is kept, or has begun to be saved."""
MAX_BEGUN = 5
"""Other unfinished runs of a name; if there are more, none of them is still running."""
PART_SERIES = 50
"""Series in one request."""
MAX_STATE_BYTES = 100_000
"""JSON of one series, at most."""
# The shape of a head, see :mod:`...incidents.stored_shapes`.
_HEAD = {
    "run": "unknown",
    "season": "auto",
    "by": [""],
    "count": 0,
    "saved_at": 0.0,
    "saved_by": "",
}
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,60}")


def checked_name(name: str) -> str:
    """Return a name if a state may be saved under it. Raises Invalid."""
    if not _NAME.fullmatch(name):
        raise Invalid("A state's name is 1 to 60 letters, digits, dots, dashes and underscores.")
    return name


def save_part(stores: Stores, name: str, run: str, first: int, series: Sequence[str]) -> None:
    """Save some series of a run, packed; ``first`` is the number of the first of them.

    Raises:
        Invalid: there are too many, one is malformed, or earlier series are not saved yet.
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
    """Make a run the current one once all its series are saved; return the head.

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
    """Return the heads of all saved states, without their series, ordered by name."""
    found = stores.baselines.find({"name": ""}, sort="_key")
    return [_shown(_readable(head)[0]) for head in found]


def part(stores: Stores, name: str, first: int, run: str = "") -> Document:
    """Return the head with the series from number ``first`` on, of the given or the newest run.

    Raises:
        NotFound: no state is saved under that name.
    """
    head, is_valid = _readable(_head(stores, name))
    place = {"$gte": first, "$lt": first + PART_SERIES}
    wanted = {"name": name, "run": run or head["run"], "n": place}
    found = [document.get("s") for document in stores.baselines.find(wanted, sort="n")]
    if not is_valid or not all(isinstance(one, str) for one in found):
        raise Invalid(
            f"The state '{name}' was changed by hand and can't be read. Delete it with "
            f"DELETE /baselines/{name}; the next run learns again."
        )
    return {**_shown(head), "series": found}


def forget(stores: Stores, name: str) -> None:
    """Delete the state of a name, finished or not. Raises NotFound."""
    if not stores.baselines.keys({"name": name}):
        _head(stores, name)
    stores.baselines.delete(name)
    stores.baselines.delete_matching({"name": name})


def _begin(stores: Stores, name: str, run: str) -> None:
    """Make room for a run. Raises Invalid if there are too many names."""
    heads_found = stores.baselines.find({"name": ""}, fields=("run",))
    known = {str(head["_key"]): str(head.get("run")) for head in heads_found}
    begun = stores.baselines.find({"n": 0}, fields=("name", "run"))
    names = known.keys() | {str(one.get("name")) for one in begun}
    if name not in names and len(names) >= MAX_NAMES:
        raise Invalid(
            f"{MAX_NAMES} states are remembered already: forget one that is not needed, with "
            "DELETE /baselines/{name}."
        )
    stay = {run, known.get(name, run)}
    others = {str(one.get("run")) for one in begun if one.get("name") == name} - stay
    if len(others) > MAX_BEGUN:
        left: List[Document] = [{"run": {"$ne": one}} for one in sorted(stay)]
        stores.baselines.delete_matching({"$and": [{"name": name}, *left]})


def _head(stores: Stores, name: str) -> Document:
    head: Optional[Document] = stores.baselines.get(name)
    if head is None:
        raise NotFound(f"Nothing is remembered under the name '{name}'.")
    return head


def _readable(head: Mapping[str, Any]) -> Tuple[Document, bool]:
    """Return a head with valid fields, and whether all its fields were valid."""
    found, malformed = fitted(head, _HEAD)
    is_valid = not malformed and found["season"] in SEASONS and bool(head.get("run"))
    if found["season"] not in SEASONS:
        found["season"] = _HEAD["season"]
    return found, is_valid


def _shown(head: Mapping[str, Any]) -> Document:
    names = ("run", "saved_at", "saved_by", "season", "by", "count")
    return {"name": head["_key"], **{name: head[name] for name in names}}


class SavedState:
    """The state saved under one name, as a search command accesses it with its own rights.

    Args:
        session: see :class:`...splunk.session.Session`; ``get`` and ``post`` are used.
        name: the name of the state.
        run: the search's id, which distinguishes this run from others.

    All methods raise SplunkError if the API refuses or can't be reached, and ValueError if the
    saved state can't be read. For a series, that may happen only when it is taken from the result
    of :meth:`load`.
    """

    def __init__(self, session: Any, name: str, run: str) -> None:
        self._session = session
        self._run = run
        self._path = f"{API}/baselines/{checked_name(name)}"

    def load(self) -> Optional[Dict[str, Any]]:
        """Return the argument for :meth:`..series.SeriesScorer.restore`; None if there is none."""
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
        # Unpacked one by one: all of them at once may take 100 MB.
        series = (unpack(one, MAX_STATE_BYTES) for one in packed)
        return {"season": head["season"], "by": head["by"], "series": series}

    def save(self, named: Mapping[str, Any], series: Iterable[Mapping[str, Any]]) -> int:
        """Save the results of :meth:`..series.SeriesScorer.named` and ``states``.

        Returns the number of series saved: the first :data:`MAX_SERIES_KEPT`.
        """
        count, left = 0, islice(series, MAX_SERIES_KEPT)
        while some := [pack(one) for one in islice(left, PART_SERIES)]:
            body = {"run": self._run, "first": count, "series": some}
            self._session.post(f"{self._path}/series", json_body=body)
            count += len(some)
        self._session.post(self._path, json_body={"run": self._run, **named, "count": count})
        return count
