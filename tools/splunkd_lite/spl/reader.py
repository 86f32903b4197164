"""What commands read their arguments with: options, field lists, expressions, subsearches."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tools.splunkd_lite.spl.errors import SplError
from tools.splunkd_lite.spl.evalparser import parse_expression
from tools.splunkd_lite.spl.scanner import Scanner, Source
from tools.splunkd_lite.spl.timemod import parse_span
from tools.splunkd_lite.spl.tree import Expression, Pipeline

if TYPE_CHECKING:
    from tools.splunkd_lite.spl.context import SearchContext

__all__ = ["Reader", "boolean", "choice", "field", "integer", "number", "only", "span", "text"]

_OPTION = re.compile(r"([A-Za-z_][\w.]*)\s*=(?!=)")
_VALUE = re.compile(r"[^\s,|\[\]\"()]+")
_FIELD = re.compile(r"[^\s,|\[\]()=\"`]+")
_RESULT = re.compile(r"\w+\([^\s()|\[\]\"`]*\)")  # the name that a function gives: avg(age)
_CAST = re.compile(r"(?:auto|str|num|ip)\(", re.I)
_INTEGER = re.compile(r"-?\d+\Z")

Kind = Callable[[str], Any]


def boolean(value: str) -> bool:
    """A truth value as Splunk's options take it: true, t, 1, yes and their opposites."""
    lowered = value.lower()
    if lowered in ("t", "true", "1", "yes", "y"):
        return True
    if lowered in ("f", "false", "0", "no", "n"):
        return False
    raise ValueError("a boolean (true or false)")


def integer(value: str) -> int:
    if not _INTEGER.match(value):
        raise ValueError("a whole number")
    return int(value)


def number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise ValueError("a number") from None


def text(value: str) -> str:
    return value


field = text


def span(value: str) -> Any:
    found = parse_span(value)
    if found is None:
        raise ValueError("a time span such as 5m")
    return found


def only(value: bool, because: str) -> Kind:
    """A truth value of which one alone has an effect here; the other is refused, not ignored."""

    def kind(written: str) -> bool:
        if boolean(written) is not value:
            raise ValueError(f"only {str(value).lower()} here: {because}")
        return value

    return kind


def choice(*names: str) -> Kind:
    def kind(value: str) -> str:
        if value.lower() not in names:
            raise ValueError("one of " + ", ".join(names))
        return value.lower()

    return kind


class Reader(Scanner):
    """A scanner that stands in the arguments of `command`."""

    def __init__(
        self, source: Source | str, pos: int = 0, context: SearchContext | None = None
    ) -> None:
        super().__init__(source, pos)
        self.context = context
        self.command = ""
        self.depth = 0
        self.parse_pipeline: Callable[[Reader], Pipeline]

    def option(self, kinds: Mapping[str, Kind]) -> tuple[str, Any] | None:
        """A `name=value` that stands here, consumed; None if there is none. An option that is
        not in `kinds`, or a value of the wrong kind, is an SplError."""
        found = _OPTION.match(self.text, self.skip())
        if found is None:
            return None
        name = found.group(1).lower()
        kind = kinds.get(name)
        if kind is None:
            self.fail(f"the command '{self.command}' has no option '{found.group(1)}'")
        self.pos = found.end()
        at = self.skip()
        value = self.value(f"a value for the option '{name}'")
        try:
            return name, kind(value)
        except ValueError as error:
            self.fail(f"the option '{name}' of '{self.command}' takes {error}, not '{value}'", at)

    def looking_at_option(self) -> bool:
        return self.looking_at(_OPTION)

    def options(self, kinds: Mapping[str, Kind]) -> dict[str, Any]:
        """Every `name=value` that stands here."""
        found: dict[str, Any] = {}
        while (pair := self.option(kinds)) is not None:
            found[pair[0]] = pair[1]
        return found

    def value(self, what: str) -> str:
        """An option's value: a quoted string or a word, which may hold `=`."""
        quoted = self.quoted()
        if quoted is not None:
            return quoted
        found = self.match(_VALUE)
        if found is None:
            self.fail(f"expected {what}, found {self.found()}")
        return found

    def field(self, what: str = "a field") -> str:
        """The name of a field, quoted or not; it may hold wildcards and dots."""
        quoted = self.quoted()
        if quoted is not None:
            return quoted
        found = None if self.looking_at(_CAST) else self.match(_RESULT)
        found = found or self.match(_FIELD)
        if found is None:
            self.fail(f"expected {what}, found {self.found()}")
        if len(found) > 2 and found[0] == found[-1] == "'":
            return found[1:-1]
        return found

    def fields(self, *stops: str) -> list[str]:
        """Names of fields, apart by commas or spaces, up to a stop word or the command's end."""
        names: list[str] = []
        while not self.at_end() and self.peek_word().lower() not in stops:
            if self.looking_at(_OPTION):
                break
            if names:
                self.accept(",")
            names.append(self.field())
        return names

    def required_fields(self, *stops: str) -> list[str]:
        names = self.fields(*stops)
        if not names:
            self.option({})
            self.fail(f"the command '{self.command}' takes at least one field")
        return names

    def expression(self) -> Expression:
        return parse_expression(self)

    def pattern(self, what: str) -> str:
        r"""A quoted regular expression: only \" is undone, every other backslash stays."""
        if self.peek() == '"':
            return self.quoted_raw().replace('\\"', '"')
        return self.value(what)

    def subsearch(self) -> Pipeline:
        """A search in square brackets."""
        if self.peek() != "[":
            self.fail(
                f"the command '{self.command}' takes a subsearch in brackets, found {self.found()}"
            )
        start = self.pos
        self.pos += 1
        self.depth += 1
        if self.depth > 10:
            self.fail("subsearches are nested more than 10 deep")
        command = self.command
        pipeline = self.parse_pipeline(self)
        self.command = command
        self.depth -= 1
        if not self.accept("]"):
            self.fail("this subsearch is never closed", start)
        return pipeline

    def rest(self) -> str:
        """Everything up to the end of the command, quotes and nested brackets respected."""
        start, depth = self.skip(), 0
        while self.pos < len(self.text):
            char = self.text[self.pos]
            if char == '"':
                self.quoted_raw()
                continue
            if char == "|" and depth == 0:
                break
            depth += {"[": 1, "]": -1}.get(char, 0)
            if depth < 0:
                break
            self.pos += 1
        return self.text[start : self.pos].strip()

    def end(self) -> None:
        """Refuses what is left of the command."""
        if not self.at_end():
            self.fail(f"the command '{self.command}' does not take {self.found()} here")

    def check(self, good: bool, message: str) -> None:
        if not good:
            raise SplError(message, self.position())
