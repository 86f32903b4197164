"""The numbers that a citation may state, each with the search that counts it.

A citation holds a statistic's name and parameters, not SPL: so checking one runs only searches that
are written here. What the number is said to be is written here, too.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Tuple

from ..masking import mask
from ..ports import Searcher
from ..splunk import spl
from .evidence import number
from .scope import application_events, error_terms, from_entities, with_entity

__all__ = ["Counted", "count", "sentence"]

Statistic = Tuple[spl.Search, str, str]


def _errors_of_entity(parameters: Mapping[str, Any]) -> spl.Search:
    return _count(parameters, error_terms())


def _events_of_entity(parameters: Mapping[str, Any]) -> spl.Search:
    return _count(parameters)


def _count(parameters: Mapping[str, Any], *conditions: spl.Fragment) -> spl.Search:
    entity = str(parameters["entity"])
    search = application_events(*conditions, from_entities([entity]))
    return with_entity(search).pipe(
        spl.command("where", spl.equals("entity", entity)), spl.stats("count")
    )


_STATISTICS: Dict[str, Tuple[str, Callable[[Mapping[str, Any]], spl.Search]]] = {
    "errors_of_entity": ("error events", _errors_of_entity),
    "events_of_entity": ("events", _events_of_entity),
}


def search_for(name: str, parameters: Mapping[str, Any]) -> Statistic:
    """Return a statistic's search with its earliest and latest time.

    Raises:
        ValueError: there is no such statistic, or a parameter is missing or malformed.
    """
    _noun, build = _known(name)
    try:
        earliest, latest = float(parameters["earliest"]), float(parameters["latest"])
        return build(parameters), spl.number(earliest), spl.number(latest)
    except (KeyError, TypeError) as error:
        raise ValueError(f"The statistic '{name}' lacks a parameter: {error}.") from error


def _known(name: str) -> Tuple[str, Callable[[Mapping[str, Any]], spl.Search]]:
    if name not in _STATISTICS:
        raise ValueError(f"There is no statistic '{name}'.")
    return _STATISTICS[name]


def sentence(name: str, parameters: Mapping[str, Any], value: float) -> str:
    """Return what a number says: of what, of whom and when.

    Raises:
        ValueError: see :func:`search_for`.
    """
    noun, _build = _known(name)
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
    """A number, and why it may be too low."""

    number: float
    warnings: List[str]


def count(
    searcher: Searcher, name: str, parameters: Mapping[str, Any], timeout: float = 60.0
) -> Counted:
    """Run a statistic's search and return its number.

    Raises:
        ValueError: see :func:`search_for`.
        SearchFailed: splunkd refused the search, or it took too long.
    """
    search, earliest, latest = search_for(name, parameters)
    result = searcher.run(str(search), earliest, latest, limit=1, timeout=timeout)
    found = number(result.rows[0].get("count")) if result.rows else 0.0
    return Counted(found, result.lacking())
