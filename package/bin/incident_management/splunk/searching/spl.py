"""SPL out of escaped parts, so that no other module puts text into a search.

Quoting as in Splunk's "Search Manual: Use the search command" and "Anatomy of a search": inside
double quotes only the double quote and the backslash are special; a field name that is not a plain
word is put into single quotes in eval and where, into double quotes elsewhere.

>>> str(Search(any_of("index", ["main"]), field_is("service", 'pay"ments')).pipe(stats("count")))
'search index IN ("main") service="pay\\\\"ments" | stats count'
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Iterable, Sequence, Tuple, Union

__all__ = [
    "Fragment",
    "Search",
    "Unsearchable",
    "all_of",
    "any_of",
    "as_written",
    "command",
    "either",
    "equals",
    "field_is",
    "gathered",
    "is_searchable",
    "lookup",
    "macro",
    "negate",
    "number",
    "option",
    "pipeline",
    "quote",
    "stats",
    "term",
]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*(\{\})?")
_COMMAND = re.compile(r"[a-z][a-z0-9_]*")
_AGGREGATE = re.compile(r"[a-z]+[0-9]*(\([A-Za-z0-9_.{}]*\))?")


class Fragment(str):
    """Text that is already safe as a part of a search; made by this module's functions alone."""

    __slots__ = ()


class Unsearchable(ValueError):
    """A value can't be part of a search; the text is one sentence."""


def is_searchable(value: str) -> bool:
    """Whether a value can be part of a search: what events say may hold a line break or NUL."""
    return not any(character in value for character in "\r\n\0")


def quote(value: object) -> Fragment:
    """Return a value as a quoted SPL string.

    Raises Unsearchable for a value that holds a line break or NUL: it would hide the rest of a
    search from a reader.
    """
    text = str(value)
    if not is_searchable(text):
        raise Unsearchable("A value with a line break or NUL can't be part of a search.")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return Fragment(f'"{escaped}"')


def name(field: str) -> Fragment:
    """Return a field name; raises ValueError unless it is letters, digits, ``_`` and ``.``."""
    if not _NAME.fullmatch(field):
        raise ValueError(f"{field!r} can't be used as a field name in a search.")
    return Fragment(field)


def number(value: Union[int, float]) -> Fragment:
    """Return a number as SPL reads it, never in exponent form."""
    text = f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(int(value))
    return Fragment(text)


def field_is(field: str, value: object) -> Fragment:
    """``field="value"``. A ``*`` in the value stays a wildcard, as search has no escape for it."""
    return Fragment(f"{name(field)}={quote(value)}")


def equals(field: str, value: object) -> Fragment:
    """``lower(field)="value"``, for ``where``: the whole value, in any case, without wildcards."""
    return Fragment(f"lower({name(field)})={quote(str(value).lower())}")


def any_of(field: str, values: Iterable[object]) -> Fragment:
    """``field IN ("a", "b")``; raises ValueError for no values, which would match nothing."""
    quoted = ", ".join(quote(value) for value in values)
    if not quoted:
        raise ValueError(f"No values to look for in {field}.")
    return Fragment(f"{name(field)} IN ({quoted})")


def term(text: str) -> Fragment:
    """A word or phrase to find in the raw event."""
    return quote(text)


def either(*parts: Fragment) -> Fragment:
    """``(a OR b)``."""
    return Fragment("(" + " OR ".join(_safe(part) for part in parts) + ")")


def all_of(*parts: Fragment) -> Fragment:
    """``(a b)``: both."""
    return Fragment("(" + " ".join(_safe(part) for part in parts) + ")")


def negate(part: Fragment) -> Fragment:
    """``NOT (a)``."""
    return Fragment(f"NOT ({_safe(part)})")


def macro(macro_name: str, *arguments: object) -> Fragment:
    """A call of a macro from macros.conf, its arguments quoted."""
    if not _NAME.fullmatch(macro_name):
        raise ValueError(f"{macro_name!r} can't be the name of a macro.")
    inside = f"({', '.join(quote(argument) for argument in arguments)})" if arguments else ""
    return Fragment(f"`{macro_name}{inside}`")


def option(option_name: str, value: object) -> Fragment:
    """``name=value`` of a command."""
    if isinstance(value, bool):
        return Fragment(f"{name(option_name)}={str(value).lower()}")
    shown = number(value) if isinstance(value, (int, float)) else quote(value)
    return Fragment(f"{name(option_name)}={shown}")


def command(command_name: str, *parts: Fragment) -> Fragment:
    """One command of a pipeline with its safe parts."""
    if not _COMMAND.fullmatch(command_name):
        raise ValueError(f"{command_name!r} can't be the name of a command.")
    return Fragment(" ".join([command_name, *(_safe(part) for part in parts)]))


def lookup(lookup_name: str) -> Fragment:
    """``inputlookup strict=true "known.csv"``: the rows of a lookup; fails where there is none.

    Without ``strict=true`` there would be no rows then and only a warning: "inputlookup" in the
    Search Reference.
    """
    return command("inputlookup", option("strict", True), quote(lookup_name))


def stats(
    *aggregates: Union[str, Tuple[str, str]], by: Sequence[str] = (), verb: str = "stats"
) -> Fragment:
    """``stats count latest(_raw) as sample by service``; an aggregate is text or (text, as)."""
    parts = []
    for aggregate in aggregates:
        function, alias = (aggregate, "") if isinstance(aggregate, str) else aggregate
        if not _AGGREGATE.fullmatch(function):
            raise ValueError(f"{function!r} is not an aggregate.")
        parts.append(Fragment(f"{function} as {name(alias)}" if alias else function))
    if by:
        parts.append(Fragment("by " + " ".join(name(field) for field in by)))
    return command(verb, *parts)


def fields(command_name: str, names: Iterable[str]) -> Fragment:
    """A command that takes a list of fields: fields, table, dedup, mvexpand …"""
    return command(command_name, *(name(field) for field in names))


def sort(names: Iterable[str], limit: int = 0) -> Fragment:
    """``sort 0 -_time``; a leading ``-`` means descending; limit 0 means all rows."""
    keys = [
        Fragment(f"{field[0]}{name(field[1:])}") if field[:1] in "+-" else name(field)
        for field in names
    ]
    return command("sort", number(limit), *keys)


def gathered(into: str, names: Iterable[str]) -> Fragment:
    """``eval into=mvdedup(mvappend('a', 'b'))``: the different values that an event has there."""
    values = ", ".join(f"'{name(field)}'" for field in names)
    return Fragment(f"eval {name(into)}=mvdedup(mvappend({values}))")


def as_written(search: str) -> Fragment:
    """A search that an administrator wrote, as it is; never one with values of events in it."""
    return Fragment(search.strip())


def pipeline(*parts: Fragment) -> Fragment:
    """Join commands with ``|``."""
    return Fragment(" | ".join(_safe(part) for part in parts))


@dataclass(frozen=True)
class Search:
    """A search as a tree of safe parts: conditions on events, then commands.

    ``str(search)`` is the SPL that splunkd runs; it starts with the ``search`` command, or with
    ``|`` when there are no conditions.
    """

    conditions: Tuple[Fragment, ...] = ()
    commands: Tuple[Fragment, ...] = ()

    def __init__(self, *conditions: Fragment, commands: Sequence[Fragment] = ()) -> None:
        object.__setattr__(self, "conditions", tuple(conditions))
        object.__setattr__(self, "commands", tuple(commands))

    def pipe(self, *commands: Fragment) -> Search:
        """Add commands at the end."""
        return Search(*self.conditions, commands=(*self.commands, *commands))

    def __str__(self) -> str:
        if not self.conditions:
            return "| " + pipeline(*self.commands)
        return pipeline(command("search", *self.conditions), *self.commands)


def _safe(part: Fragment) -> Fragment:
    if not isinstance(part, Fragment):
        raise TypeError(f"{part!r} is plain text; make it safe with quote(), term() or another.")
    return part
