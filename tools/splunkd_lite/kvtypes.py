"""The ``field.<name> = <type>`` declarations of collections.conf.

Source: collections.conf in the Admin manual: types array, number, bool, string, cidr, time. With
``enforceTypes = true`` an insert with a value of another type fails; with false (the default) only
the invalid field is dropped.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from tools.splunkd_lite.conf import is_true
from tools.splunkd_lite.errors import SplunkdError

__all__ = ["apply_types", "check_names", "has_nul"]

# An escape: as many backslashes before it as make pairs.
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


class _Invalid(ValueError):
    pass


def check_names(value: Any) -> None:
    """Refuse field names, at any depth, that MongoDB's C driver refuses in what is inserted.

    That splunkd uses this driver shows in the domains and codes of its errors; alert_manager's
    issue 175 tells of results with a dot in a field's name that came into no collection.

    Raises:
        SplunkdError: 400.
    """
    if isinstance(value, list):
        for one in value:
            check_names(one)
    elif isinstance(value, dict):
        for name, one in value.items():
            if not name:
                raise SplunkdError(400, "Invalid document: empty key.")
            if "." in name or name.startswith("$"):
                how = "begin with '$'" if name.startswith("$") else "contain '.'"
                raise SplunkdError(400, f"Invalid document: keys cannot {how}: '{name}'.")
            check_names(one)


def has_nul(body: str) -> bool:
    """Tell whether a text or a name in some JSON, in plain ASCII, holds a NUL.

    From Splunk 10.6 on the KV store is in a PostgreSQL ("Upgrade the KV store server version":
    cohosted; ``[kvstore] postgresMigrateOnStartup``), whose ``text`` and ``jsonb`` take none ("JSON
    Types" in its manual).
    """
    return "\\u0000" in body and bool(_NUL.search(body))


def apply_types(document: dict[str, Any], settings: dict[str, str]) -> dict[str, Any]:
    """A copy of the document with declared fields converted, or refused.

    Raises:
        SplunkdError: 400, a value has the wrong type and ``enforceTypes`` is on.
    """
    converted = dict(document)
    for key, kind in settings.items():
        if not key.startswith("field."):
            continue
        name = key.removeprefix("field.")
        if converted.get(name) is None:
            continue
        try:
            converted[name] = _CONVERT[kind.strip().lower()](converted[name])
        except KeyError as error:
            raise SplunkdError(400, f"Unknown type '{kind}' for field '{name}'.") from error
        except _Invalid as error:
            if is_true(settings.get("enforceTypes", "false")):
                raise SplunkdError(
                    400, f"Invalid value for field '{name}': expected type {kind}."
                ) from error
            del converted[name]
    return converted


def _number(value: Any) -> float | int:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise _Invalid
    if isinstance(value, str):
        try:
            return int(value) if value.lstrip("-").isdigit() else float(value)
        except ValueError as error:
            raise _Invalid from error
    return value


def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).lower()
    if text not in ("true", "false", "0", "1"):
        raise _Invalid
    return text in ("true", "1")


def _string(value: Any) -> str:
    if isinstance(value, (dict, list)):
        raise _Invalid
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _array(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise _Invalid
    return value


def _cidr(value: Any) -> str:
    try:
        ipaddress.ip_network(str(value), strict=False)
    except ValueError as error:
        raise _Invalid from error
    return str(value)


_CONVERT = {
    "number": _number,
    "time": _number,
    "bool": _bool,
    "string": _string,
    "array": _array,
    "cidr": _cidr,
}
