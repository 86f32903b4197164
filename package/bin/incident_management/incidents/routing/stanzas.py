"""Read incident_routing.conf stanza by stanza, and continue after a malformed one."""

from __future__ import annotations

from functools import partial
from typing import Callable, Dict, List, Mapping, TypeVar

from ...conf_values import is_true
from ..errors import RoutingError
from .references import Names, without_unknown_names
from .spelling import check_still_limited, unknown_settings

__all__ = ["StanzaReader"]

T = TypeVar("T")


class StanzaReader:
    """What the readers of single kinds share; ``_problems`` has a sentence for each mistake."""

    def __init__(self, stanzas: Mapping[str, Mapping[str, str]]) -> None:
        # Disabled channels are kept: they may be named like any other channel that is not set up.
        self._stanzas = {
            name: values
            for name, values in stanzas.items()
            if name.startswith("channel:") or not is_true(values.get("disabled"))
        }
        self._problems: List[str] = []
        self._names: Names = {}

    def _named(self, kind: str) -> Dict[str, Mapping[str, str]]:
        start = f"{kind}:"
        return {n[len(start) :]: v for n, v in self._stanzas.items() if n.startswith(start)}

    def _read(self, make: Callable[[], T], default: T) -> T:
        try:
            return make()
        except RoutingError as error:
            self._problems.append(str(error))
            return default

    def _kept(
        self, kind: str, make: Callable[[Mapping[str, str]], T], values: Mapping[str, str], bad: T
    ) -> T:
        """Read a stanza, if necessary without unknown names; ``bad``: the result if malformed."""
        try:
            return make(values)
        except RoutingError as error:
            self._problems.append(str(error))
        left = without_unknown_names(kind, values, self._names)
        return bad if left == values else self._read(partial(make, left), bad)

    def _all(
        self, kind: str, make: Callable[[str, Mapping[str, str]], T], default: Callable[[str], T]
    ) -> Dict[str, T]:
        """Read the stanzas of a kind by name; a malformed one becomes the default of its name."""
        stanzas = self._named(kind)
        self._problems += filter(
            None, (unknown_settings(kind, *stanza) for stanza in stanzas.items())
        )
        return {
            name: self._kept(kind, partial(make, name), values, default(name))
            for name, values in stanzas.items()
        }

    def _each(self, kind: str, make: Callable[[str, Mapping[str, str]], T]) -> List[T]:
        """Read the stanzas of a kind; a malformed one is left out."""

        def aimed(name: str, values: Mapping[str, str]) -> T:
            text = unknown_settings(kind, name, values)
            check_still_limited(kind, values, text)
            made = make(name, values)
            self._problems += filter(None, [text])
            return made

        found = [
            self._kept(kind, partial(aimed, name), values, None)
            for name, values in self._named(kind).items()
        ]
        return [one for one in found if one is not None]
