"""Canonical JSON text of values, so that equal values have equal hashes everywhere."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Mapping, Tuple

from .errors import Invalid

__all__ = [
    "ENCODER",
    "canonical",
    "check_names",
    "dedup_keys",
    "digest",
    "milliseconds",
    "plain",
    "sha256",
]

_SCALARS = frozenset((str, int, bool, type(None)))
_quoted = json.encoder.encode_basestring
ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)


def canonical(value: Any) -> str:
    """Return canonical JSON: the same text for the same value, whichever printer wrote it before.

    Keys are sorted. A whole number is written without its fraction, because the KV store may return
    1.0 as 1.

    Raises:
        ValueError: a number is not finite.
    """
    return ENCODER.encode(plain(value))


def digest(value: Any, digits: int = 64) -> str:
    """Return the first hex digits of the sha256 of a value's canonical JSON."""
    return sha256(canonical(value))[:digits]


def dedup_keys(app: str, rule: str, dedup: Mapping[str, str], run: str) -> Tuple[str, str]:
    """Return the dedup key of a problem, and the key of its signal from one run.

    They equal ``digest([app, rule, dedup], 40)`` and ``digest([dedup_key, run], 40)``. All values
    are texts, so the canonical JSON is put together directly, which is several times as fast.
    """
    values = ",".join([f"{_quoted(name)}:{_quoted(dedup[name])}" for name in sorted(dedup)])
    dedup_key = sha256(f"[{_quoted(app)},{_quoted(rule)},{{{values}}}]")[:40]
    return dedup_key, sha256(f'["{dedup_key}",{_quoted(run)}]')[:40]


def sha256(text: str) -> str:
    """Return the hex digits of a text's sha256."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def milliseconds(time: float) -> float:
    """Round a time in epoch seconds to milliseconds, the precision in which times are stored."""
    exact = float(time)
    # Checking for a whole number takes a third of the time of rounding.
    return exact if exact.is_integer() else round(exact, 3)


def plain(value: Any) -> Any:
    """Return a copy of a value as JSON reads it back, with whole numbers without a fraction."""
    kind = type(value)
    # Exact types first: most values are texts, and isinstance with Mapping is slow.
    if kind in _SCALARS:
        return value
    if kind is dict:
        return {
            str(key): inner if type(inner) in _SCALARS else plain(inner)
            for key, inner in value.items()
        }
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, (list, tuple)):
        return [inner if type(inner) in _SCALARS else plain(inner) for inner in value]
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    return value


def is_name(name: Any) -> bool:
    """Tell whether the KV store accepts a field name: text, not empty, no dot, no leading ``$``."""
    return isinstance(name, str) and name != "" and name[0] != "$" and "." not in name


def check_names(value: Any) -> None:
    """Raise Invalid for a field name that MongoDB (the KV store's database) rejects or rewrites."""
    kind = type(value)
    if kind in _SCALARS:
        return
    # Lists first: isinstance with Mapping is slow.
    if isinstance(value, (list, tuple)):
        for inner in value:
            if type(inner) not in _SCALARS:
                check_names(inner)
    elif kind is dict or isinstance(value, Mapping):
        for name, inner in value.items():
            if not is_name(name):
                raise Invalid(
                    f"{str(name)[:60]!r} can't be a field name: no dots, no leading '$', not empty."
                )
            if type(inner) not in _SCALARS:
                check_names(inner)
