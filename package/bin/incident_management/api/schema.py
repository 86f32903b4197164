"""JSON Schemas of bodies, queries and answers, and the check of a request against one.

The OpenAPI document and the run-time check use the same schemas, so they can't diverge.
Only the keywords made here are used and checked: a subset of JSON Schema 2020-12, which is what
OpenAPI 3.1 takes.
"""

from __future__ import annotations

import math
import re
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from ..incidents.errors import Invalid

__all__ = [
    "COMPONENTS",
    "Schema",
    "any_object",
    "any_text",
    "any_whole",
    "check",
    "convert",
    "flag",
    "listed",
    "named",
    "nullable",
    "number",
    "obj",
    "one_of",
    "record",
    "text",
    "whole",
]

Schema = Dict[str, Any]

REFERENCE = "#/components/schemas/"
_WHOLE = re.compile(r"-?[0-9]{1,19}")
COMPONENTS: Dict[str, Schema] = {}


def text(most: int = 1000, least: int = 0, about: str = "") -> Schema:
    """A text of ``least`` to ``most`` characters."""
    schema: Schema = {"type": "string", "maxLength": most}
    if least:
        schema["minLength"] = least
    return _described(schema, about)


def any_text(about: str = "") -> Schema:
    """A text of any length."""
    return _described({"type": "string"}, about)


def any_whole(about: str = "") -> Schema:
    """Any whole number."""
    return _described({"type": "integer"}, about)


def whole(low: int, high: int, about: str = "") -> Schema:
    """A whole number."""
    return _described({"type": "integer", "minimum": low, "maximum": high}, about)


def number(low: Optional[float] = None, high: Optional[float] = None, about: str = "") -> Schema:
    """A number; times are epoch seconds."""
    schema: Schema = {"type": "number"}
    if low is not None:
        schema["minimum"] = low
    if high is not None:
        schema["maximum"] = high
    return _described(schema, about)


def flag(about: str = "") -> Schema:
    """True or false."""
    return _described({"type": "boolean"}, about)


def one_of(values: Sequence[str], about: str = "") -> Schema:
    """One of some texts."""
    return _described({"type": "string", "enum": list(values)}, about)


def listed(items: Schema, most: Optional[int] = None, about: str = "") -> Schema:
    """A list of at most ``most`` items."""
    schema: Schema = {"type": "array", "items": items}
    if most is not None:
        schema["maxItems"] = most
    return _described(schema, about)


def any_object(about: str = "") -> Schema:
    """An object of any content."""
    return _described({"type": "object"}, about)


def nullable(schema: Schema) -> Schema:
    """The same, or null."""
    return {**schema, "type": [schema["type"], "null"]}


def obj(
    properties: Mapping[str, Schema], required: Sequence[str] = (), more: bool = False
) -> Schema:
    """An object; ``more`` allows fields beyond those named."""
    schema: Schema = {"type": "object", "properties": dict(properties)}
    if required:
        schema["required"] = list(required)
    if not more:
        schema["additionalProperties"] = False
    return schema


def record(properties: Mapping[str, Schema]) -> Schema:
    """An object with all of these fields and no others."""
    return obj(properties, tuple(properties))


def named(name: str, schema: Schema) -> Schema:
    """Put a schema among the document's components; returns a reference to it."""
    COMPONENTS[name] = schema
    return {"$ref": REFERENCE + name}


def resolved(schema: Schema) -> Schema:
    """Follow a reference."""
    reference = schema.get("$ref")
    return COMPONENTS[reference[len(REFERENCE) :]] if reference else schema


def check(value: Any, schema: Schema, where: str = "") -> None:
    """Raise Invalid, with one sentence that names the place, for a value that does not fit."""
    schema = resolved(schema)
    kinds = schema.get("type")
    if kinds is not None:
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if not any(_KINDS[kind](value) for kind in kinds):
            raise Invalid(f"{_place(where)} must be {_kinds_text(kinds)}.")
    if value is None:
        return
    if "enum" in schema and value not in schema["enum"]:
        known = ", ".join(schema["enum"])
        raise Invalid(f"{_place(where)} is '{str(value)[:40]}'; use {known}.")
    if isinstance(value, str):
        _check_text(value, schema, where)
    elif isinstance(value, dict):
        _check_object(value, schema, where)
    elif isinstance(value, list):
        _check_list(value, schema, where)
    elif not isinstance(value, bool):
        _check_number(value, schema, where)


def convert(raw: str, schema: Schema, name: str) -> Any:
    """Return a query parameter's value as its schema's type. Raises Invalid."""
    schema = resolved(schema)
    kind = schema.get("type")
    value: Any = raw
    if kind == "integer":
        if not _WHOLE.fullmatch(raw):
            low, high = schema["minimum"], schema["maximum"]
            raise Invalid(f"'{name}' is '{raw[:20]}'; give a whole number from {low} to {high}.")
        value = int(raw)
    elif kind == "number":
        value = _float(raw, name)
    elif kind == "boolean":
        if raw not in ("true", "false"):
            raise Invalid(f"'{name}' is '{raw[:20]}'; give true or false.")
        value = raw == "true"
    check(value, schema, name)
    return value


def _float(raw: str, name: str) -> float:
    try:
        value = float(raw)
    except ValueError:
        value = math.nan
    # Python reads more than JSON does: "1_000", " 1 ", "nan".
    if not math.isfinite(value) or not set(raw) <= set("0123456789+-.eE"):
        raise Invalid(f"'{name}' is '{raw[:20]}'; give a number.")
    return value


def _check_text(value: str, schema: Schema, where: str) -> None:
    if len(value) < schema.get("minLength", 0):
        raise Invalid(f"{_place(where)} is empty.")
    if len(value) > schema.get("maxLength", len(value)):
        text = f"{_place(where)} has {len(value)} characters; the limit is {schema['maxLength']}."
        raise Invalid(text)


def _check_number(value: float, schema: Schema, where: str) -> None:
    low, high = schema.get("minimum"), schema.get("maximum")
    if (low is not None and value < low) or (high is not None and value > high):
        span = f"from {low} to {high}" if high is not None else f"from {low}"
        raise Invalid(f"{_place(where)} is {value}; give a number {span}.")


def _check_list(value: List[Any], schema: Schema, where: str) -> None:
    most = schema.get("maxItems")
    if most is not None and len(value) > most:
        raise Invalid(f"{_place(where)} has {len(value)} items; the limit is {most}.")
    items = schema.get("items")
    if items:
        fits = _quick(items)
        for index, item in enumerate(value):
            if not fits(item):
                check(item, items, f"{where}[{index}]")


def _check_object(value: Mapping[str, Any], schema: Schema, where: str) -> None:
    properties = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            raise Invalid(f"{_place(_inner(where, name))} is missing.")
    for name, inner in value.items():
        if name in properties:
            check(inner, properties[name], _inner(where, name))
        elif schema.get("additionalProperties") is False:
            known = (
                f"Known fields: {', '.join(properties)}." if properties else "No field is allowed."
            )
            raise Invalid(f"Unknown field '{_inner(where, name[:60])}'. {known}")
        elif isinstance(schema.get("additionalProperties"), dict):
            check(inner, schema["additionalProperties"], _inner(where, name))


def _quick(schema: Schema) -> Callable[[Any], bool]:
    """Return a fast test for many items, true only for values that :func:`check` accepts.

    False means that :func:`check` has to decide.
    """
    schema = resolved(schema)
    kind = schema.get("type")
    if kind == "string":
        return _quick_text(schema)
    if kind == "number":
        low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
        return lambda value: type(value) in (int, float) and low <= value <= high
    if kind == "boolean":
        return lambda value: value is True or value is False
    if kind == "object":
        return _quick_object(schema)
    if kind == "array":
        items, most = _quick(schema.get("items", {})), schema.get("maxItems", math.inf)
        return lambda value: type(value) is list and len(value) <= most and all(map(items, value))
    return lambda value: False


def _quick_text(schema: Schema) -> Callable[[Any], bool]:
    low, high = schema.get("minLength", 0), schema.get("maxLength", math.inf)
    if "enum" in schema:
        known = frozenset(schema["enum"])
        return lambda value: type(value) is str and value in known and low <= len(value) <= high
    return lambda value: type(value) is str and low <= len(value) <= high


def _quick_object(schema: Schema) -> Callable[[Any], bool]:
    more = schema.get("additionalProperties")
    required = frozenset(schema.get("required", ()))
    if not schema.get("properties") and not required and more is None:
        return lambda value: type(value) is dict
    tests = {name: _quick(inner) for name, inner in schema.get("properties", {}).items()}

    def fits(value: Any) -> bool:
        if type(value) is not dict or not required <= value.keys():
            return False
        for name, inner in value.items():
            test = tests.get(name)
            if test is None or not test(inner):
                return False
        return True

    return fits


def _inner(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _place(where: str) -> str:
    return f"'{where}'" if where else "The body"


def _kinds_text(kinds: Sequence[str]) -> str:
    return " or ".join(_NAMES[kind] for kind in kinds)


def _described(schema: Schema, about: str) -> Schema:
    return {**schema, "description": about} if about else schema


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_KINDS: Dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "number": _is_number,
    "integer": lambda value: _is_number(value) and (isinstance(value, int) or value.is_integer()),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "null": lambda value: value is None,
}

_NAMES = {
    "string": "a string",
    "boolean": "true or false",
    "number": "a number",
    "integer": "a whole number",
    "object": "an object",
    "array": "a list",
    "null": "null",
}
