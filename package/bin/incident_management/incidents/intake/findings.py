"""Turn findings, the JSON of ``POST /signals``, into signals."""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional

from ..canonical import canonical, check_names
from ..errors import Invalid
from ..model import Document
from ..signal import DEFAULTS, NORMALIZERS, Signal
from . import conditions
from .alert import run_of

__all__ = ["signal_from", "signals_from"]

LATEST_TIME = 1e11
# The search is stored with the signal, on the timeline and in the incident.
SEARCH_CHARACTERS = 10_000


def signals_from(
    findings: Iterable[Any], now: float, common: Optional[Mapping[str, Any]] = None
) -> List[Signal]:
    """Check findings from outside and return their signals.

    ``common`` holds the fields that all findings share; a finding's own fields override them.
    Raises Invalid, with one sentence, for a field that is missing, unknown or of the wrong kind.
    """
    shared = {**_checked(common or {}, DEFAULTS), "received_at": NORMALIZERS["received_at"](now)}
    return [_signal(_checked(finding, shared)) for finding in findings]


def signal_from(finding: Mapping[str, Any], now: float) -> Signal:
    """Do what :func:`signals_from` does with one finding."""
    (signal,) = signals_from([finding], now)
    return signal


def _signal(values: Document) -> Signal:
    for name in _NEEDED:
        if not values.get(name):
            raise Invalid(f"A signal needs a rule, an entity and a severity: {name} is missing.")
    if "first_time" not in values:
        values["first_time"] = values["received_at"]
    first = values["first_time"]
    if "last_time" not in values:
        values["last_time"] = first
    run = values.pop("run", "") or run_of(values["sid"] or f"{first}")
    return Signal.of(values, run, values.pop("dedup", None))


def _checked(finding: Any, shared: Document) -> Document:
    """Return what is shared and a finding's own fields, as a signal holds them."""
    if not isinstance(finding, dict):
        raise Invalid("A finding must be an object.")
    checked = shared.copy()
    for name, value in finding.items():
        # Most values need no conversion, and this is hot.
        if type(value) is not _KEPT.get(name):
            take = _TAKE.get(name)
            if take is None:
                raise Invalid(f"A signal has no field '{name}'.")
            value = take(name, value)
        checked[name] = value
    return checked


def _number(name: str, value: Any) -> float:
    kind = type(value)
    if (kind is not float and kind is not int) or not 0 <= value < LATEST_TIME:
        raise Invalid(f"A signal's {name} must be a JSON number, 0 or greater.")
    return float(value)


def _count(name: str, value: Any) -> int:
    return int(_number(name, value))


def _of_kind(kind: type) -> Callable[[str, Any], Any]:
    def checked(name: str, value: Any) -> Any:
        if not isinstance(value, kind):
            raise Invalid(f"A signal's {name} must be of the type {kind.__name__}.")
        return value

    return checked


_text, _object, _list = map(_of_kind, (str, dict, list))


def _search(name: str, value: Any) -> Document:
    search: Document = _object(name, value)
    check_names(search)
    size = len(canonical(search))
    if size > SEARCH_CHARACTERS:
        text = f"A signal's search has {size} characters as JSON; the limit is {SEARCH_CHARACTERS}."
        raise Invalid(f"{text} Send only its name, app and owner.")
    return search


def _texts(name: str, value: Any) -> List[str]:
    return [str(one) for one in _list(name, value)]


def _rows(name: str, value: Any) -> List[Document]:
    return [row for row in _list(name, value) if isinstance(row, dict)]


def _after(_name: str, value: Any) -> Document:
    if not value:
        return {}
    if not isinstance(value, dict):
        raise Invalid("A signal's after must be an object of signals, rules and seconds.")
    return conditions.check(value)


_NEEDED = ("rule", "entity", "severity")
# Fields that are stored unchanged if their value has this type.
_KEPT: Dict[str, type] = {
    **dict.fromkeys(("rule", "app", "owner", "entity", "severity", "sid", "run"), str),
    "dedup": dict,
    "group": bool,
}
_KINDS: Dict[str, Callable[[str, Any], Any]] = {
    **{name: _of_kind(kind) for name, kind in _KEPT.items()},
    **dict.fromkeys(("title", "description", "runbook"), _text),
    **dict.fromkeys(("first_time", "last_time"), _number),
    "search": _search,
    **dict.fromkeys(("actions", "tags", "group_values"), _texts),
    "count": _count,
    "rows": _rows,
    "after": _after,
    "fields": _object,
}


def _normal(name: str) -> Callable[[str, Any], Any]:
    kind, change = _KINDS[name], NORMALIZERS[name]
    return lambda name, value: change(kind(name, value))


_TAKE = {name: _normal(name) if name in NORMALIZERS else kind for name, kind in _KINDS.items()}
