"""The numbers that a citation may state, each with the search that counts it.

A citation holds a statistic's name and parameters, not SPL, so checking one runs only searches of
this module. The sentence that states the number is also written here.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Sequence, Tuple

from ..masking import mask
from ..ports import Searcher
from ..splunk.searching import spl
from .evidence import number
from .scope import application_events, error_terms, from_entities, with_entity

__all__ = ["Counted", "count", "sentence"]

Conditions = Sequence[Callable[[], spl.Fragment]]

# Each statistic by its name: what it counts for an entity, in words and as conditions.
_STATISTICS: Dict[str, Tuple[str, Conditions]] = {
    "errors_of_entity": ("error events", (error_terms,)),
    "events_of_entity": ("events", ()),
}


def _known(name: str) -> Tuple[str, Conditions]:
    if name not in _STATISTICS:
        raise ValueError(f"There is no statistic '{name}'.")
    return _STATISTICS[name]


def _search(conditions: Conditions, entity: str) -> spl.Search:
    search = application_events(*(one() for one in conditions), from_entities([entity]))
    return with_entity(search).pipe(
        spl.command("where", spl.equals("entity", entity)), spl.stats("count")
    )


def sentence(name: str, parameters: Mapping[str, Any], value: float) -> str:
    """Return the sentence that states a number: what was counted, for which entity, and when.

    Raises:
        ValueError: there is no such statistic, or a parameter is missing or malformed.
    """
    noun, _conditions = _known(name)
    try:
        entity = mask(str(parameters["entity"]), emails=False)
        begin, end = (
            f"{datetime.fromtimestamp(float(parameters[key]), timezone.utc):%Y-%m-%d %H:%M:%S}"
            for key in ("earliest", "latest")
        )
    except (KeyError, TypeError, OverflowError, OSError) as error:
        raise ValueError(f"The statistic '{name}' lacks a parameter: {error}.") from error
    return f"{value:.0f} {noun} of {entity} from {begin} to {end} UTC"


class Counted(NamedTuple):
    """A counted number, and the reasons why it may be too low."""

    number: float
    warnings: List[str]


def count(
    searcher: Searcher, name: str, parameters: Mapping[str, Any], timeout: float = 60.0
) -> Counted:
    """Run a statistic's search and return its number.

    Raises:
        ValueError: as of :func:`sentence`.
        SearchFailed: splunkd refused the search, or it took too long.
    """
    _noun, conditions = _known(name)
    try:
        earliest, latest = (spl.number(float(parameters[key])) for key in ("earliest", "latest"))
        search = _search(conditions, str(parameters["entity"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"The statistic '{name}' lacks a parameter: {error}.") from error
    result = searcher.run(str(search), earliest, latest, limit=1, timeout=timeout)
    found = number(result.rows[0].get("count")) if result.rows else 0.0
    return Counted(found, result.lacking())
