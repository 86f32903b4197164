"""Requests that an administrator defines: JSON and addresses with fields, such as ``{title}``.

JSON is parsed first and its strings are filled afterwards, so no value can leave its string. In an
address each value is escaped, so none can lead to another host or path.

``{title:130}`` is cut to 130 characters; ``{{`` and ``}}`` are braces. A string that is exactly one
field gets the field's type, such as a number. Empty parts are left out: a member or item that is
one empty field, and a line whose fields are all empty.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, Collection, Iterator, Mapping, Match, NoReturn, Set
from urllib.parse import quote

__all__ = [
    "BadTemplate",
    "check_text",
    "checked",
    "fields_of",
    "filled",
    "filled_address",
    "filled_text",
    "json_of",
    "parsed",
]

MOST_CHARACTERS = 20_000
DEEPEST = 20
_TOKEN = re.compile(r"\{\{|\}\}|\{([a-z][a-z0-9_]*)(?::([1-9][0-9]{0,4}))?\}|[{}]")
_BRACES = {"{{": "{", "}}": "}"}


class BadTemplate(ValueError):
    """A template is invalid; the text says where, what is wrong, and what to do."""


def parsed(text: str, where: str, known: Collection[str]) -> Any:
    """Parse a JSON object or list whose strings may hold the known fields. Raises BadTemplate."""
    return checked(json_of(text, where), where, known)


def checked(template: Any, where: str, known: Collection[str]) -> Any:
    """Check a template that is already parsed, as :func:`parsed` does, and return it."""
    if not isinstance(template, (dict, list)):
        raise BadTemplate(
            f'{where} is not a JSON object, such as {{"text": "{{title}}"}}; write one.'
        )
    _check(template, where, known, DEEPEST)
    return template


def json_of(text: str, where: str) -> Any:
    """Parse a JSON text. Raises BadTemplate."""
    if len(text) > MOST_CHARACTERS:
        raise BadTemplate(f"{where} has more than {MOST_CHARACTERS:,} characters; shorten it.")
    try:
        return json.loads(text, parse_constant=_no_json, parse_float=_finite)
    except json.JSONDecodeError as error:
        field = _TOKEN.match(text, max(error.pos - 1, 0))
        if field and field[1]:
            raise BadTemplate(
                f"{where} has {field[0]} without quotes at character {field.start() + 1}; write "
                f'"{field[0]}", which becomes a number where the field is one.'
            ) from None
        near = text[max(error.pos - 20, 0) : error.pos + 10].strip()
        raise BadTemplate(
            f"{where} is not valid JSON at character {error.pos + 1}, near '{near}' "
            f"({error.msg}); correct it."
        ) from None
    except (ValueError, RecursionError) as error:
        raise BadTemplate(f"{where} is not valid JSON ({error}); correct it.") from None


def _no_json(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a JSON number")


def _finite(digits: str) -> float:
    return float(digits) if math.isfinite(float(digits)) else _no_json(digits)


def _check(template: Any, where: str, known: Collection[str], deep: int) -> None:
    if not deep:
        raise BadTemplate(f"{where} is nested deeper than {DEEPEST} levels; flatten it.")
    if isinstance(template, str):
        check_text(template, where, known)
    elif isinstance(template, list):
        for number, item in enumerate(template):
            _check(item, f"{where}[{number}]", known, deep - 1)
    elif isinstance(template, dict):
        for name, value in template.items():
            if any(_TOKEN.finditer(name)):
                raise BadTemplate(
                    f"{where} has braces in the name '{name[:40]}', where fields are not "
                    "filled in; remove them."
                )
            _check(value, f"{where}.{name}", known, deep - 1)


def check_text(text: str, where: str, known: Collection[str]) -> None:
    """Raise BadTemplate for a text with a lone brace or an unknown field."""
    for token in _TOKEN.finditer(text):
        if token[0] in "{}":
            raise BadTemplate(
                f"{where} has a lone {token[0]} at character {token.start() + 1}; write a field as "
                f"{{title}} or {{title:130}}, and {token[0] * 2} for a brace."
            )
        if token[1] and token[1] not in known:
            fields = ", ".join(known)
            raise BadTemplate(
                f"{where} uses the unknown field {{{token[1]}}}; the available fields are {fields}."
            )


def fields_of(template: Any) -> Set[str]:
    """Return the names of the fields in a text, or in all texts of a JSON template."""
    if isinstance(template, str):
        return {token[1] for token in _TOKEN.finditer(template) if token[1]}
    inner = template.values() if isinstance(template, dict) else template
    return set().union(*map(fields_of, inner)) if isinstance(template, (dict, list)) else set()


def filled(template: Any, values: Mapping[str, Any]) -> Any:
    """Return a template from :func:`parsed` with its fields filled in."""
    if isinstance(template, str):
        return _filled_string(template, values)
    if isinstance(template, list):
        return [filled(item, values) for item in template if not _is_nothing(item, values)]
    if isinstance(template, dict):
        return {
            name: filled(value, values)
            for name, value in template.items()
            if not _is_nothing(value, values)
        }
    return template


def _is_nothing(template: Any, values: Mapping[str, Any]) -> bool:
    alone = isinstance(template, str) and _TOKEN.fullmatch(template)
    return bool(alone and alone[1] and values[alone[1]] == "")


def _filled_string(template: str, values: Mapping[str, Any]) -> Any:
    alone = _TOKEN.fullmatch(template)
    if alone and alone[1] and not alone[2]:
        return values[alone[1]]
    return "\n".join(
        filled_text(line, values)
        for line in template.split("\n")
        if not fields_of(line) or any(_text(values[name]) for name in fields_of(line))
    )


def filled_text(template: str, values: Mapping[str, Any]) -> str:
    """Return a text with its fields filled in."""

    def value(token: Match[str]) -> str:
        if not token[1]:
            return _BRACES[token[0]]
        text = _text(values[token[1]])
        most = int(token[2] or 0)
        return text if not most or len(text) <= most else f"{text[: most - 1].rstrip()}…"

    return _TOKEN.sub(value, template)


def filled_address(template: str, values: Mapping[str, Any]) -> str:
    """Return an address with escaped values. Raises BadTemplate if a value makes it invalid."""
    return filled_text(template, dict(_escaped(fields_of(template), values)))


def _escaped(names: Set[str], values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in names:
        text = _text(values[name])
        # Of a path, . and .. would be other places.
        if text in ("", ".", ".."):
            said = f"is '{text}'" if text else "is empty"
            raise BadTemplate(f"Its address needs {{{name}}}, which {said} here.")
        yield name, quote(text, safe="")


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)
