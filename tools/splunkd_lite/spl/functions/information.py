"""Informational and cryptographic functions."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from tools.splunkd_lite.spl.registry import function
from tools.splunkd_lite.spl.values import each, to_number, to_text

PAGE = "evaluation-functions/informational-functions"
CRYPTO = "evaluation-functions/cryptographic-functions"


@function("isnull", 1, doc=PAGE)
def isnull(value: Any) -> bool:
    return value is None


@function("isnotnull", 1, doc=PAGE)
def isnotnull(value: Any) -> bool:
    return value is not None


@function("isnum", 1, doc=PAGE)
def isnum(value: Any) -> bool:
    return to_number(value) is not None


@function("isint", 1, doc=PAGE)
def isint(value: Any) -> bool:
    return isinstance(to_number(value), int) and not isinstance(value, bool)


@function("isdouble", 1, doc=PAGE)
def isdouble(value: Any) -> bool:
    return isinstance(to_number(value), float)


@function("isstr", 1, doc=PAGE)
def isstr(value: Any) -> bool:
    return isinstance(value, str) and to_number(value) is None


@function("isbool", 1, doc=PAGE)
def isbool(value: Any) -> bool:
    return isinstance(value, bool)


@function("ismv", 1, doc=PAGE)
def ismv(value: Any) -> bool:
    return isinstance(value, list)


def _holds(value: Any, kind: type) -> bool:
    """Whether the value is text that holds JSON of that kind."""
    if not isinstance(value, str):
        return False
    try:
        return isinstance(json.loads(value), kind)
    except (ValueError, RecursionError):
        return False


@function("isarray", 1, doc=PAGE)
def isarray(value: Any) -> bool:
    return _holds(value, list)


@function("isobject", 1, doc=PAGE)
def isobject(value: Any) -> bool:
    return _holds(value, dict)


@function("typeof", 1, doc=PAGE)
def typeof(value: Any) -> str:
    """Number, String, Bool (so the page has it) or Invalid."""
    if value is None:
        return "Invalid"
    if isinstance(value, bool):
        return "Bool"
    return "Number" if to_number(value) is not None else "String"


def _digest(name: str) -> None:
    @function(name, 1, doc=CRYPTO)
    def digest(value: Any) -> Any:
        return each(value, lambda item: hashlib.new(name, to_text(item).encode()).hexdigest())


for _name in ("md5", "sha1", "sha256", "sha512"):
    _digest(_name)
