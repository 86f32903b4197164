"""rex and spath, and extract: fields out of text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tools.splunkd_lite.spl.autokv import key_values
from tools.splunkd_lite.spl.commands.searching import plus
from tools.splunkd_lite.spl.context import Environment
from tools.splunkd_lite.spl.functions.text import substitute
from tools.splunkd_lite.spl.holding import setting
from tools.splunkd_lite.spl.pcre import compile_pattern, group_names
from tools.splunkd_lite.spl.reader import Reader, boolean, choice, integer, only, text
from tools.splunkd_lite.spl.registry import command
from tools.splunkd_lite.spl.structured import extract_all, extract_path
from tools.splunkd_lite.spl.tree import ALL, Command, FieldSet
from tools.splunkd_lite.spl.values import Row, as_list, from_list, to_text

MAX_MATCH = 10_000
_REX = {"field": text, "max_match": integer, "mode": choice("sed"), "offset_field": text}


@command("rex", doc="search-commands/rex", options=tuple(_REX))
@dataclass
class Rex(Command):
    """Sets fields from a regular expression's named groups, or edits text as sed does."""

    pattern: str
    options: dict[str, Any]

    @classmethod
    def parse(cls, reader: Reader) -> Rex:
        options = reader.options(_REX)
        at = reader.position()
        pattern = reader.pattern("a regular expression")
        options.update(reader.options(_REX))
        command = cls(pattern, options)
        command.position = at
        if options.get("mode"):
            _sed(pattern, at)
        elif not compile_pattern(pattern, at).groupindex:
            reader.fail("the regular expression of 'rex' has no named group such as (?<name>...)")
        return command

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        name = self.options.get("field", "_raw")
        if self.options.get("mode"):
            edit = _sed(self.pattern, self.position)
            for row in rows:
                value = row.get(name)
                if value is not None:
                    row[name] = from_list(edit(to_text(item)) for item in as_list(value))
                yield row
            return
        yield from self._extract(rows, name)

    def _extract(self, rows: Iterable[Row], name: str) -> Iterator[Row]:
        compiled = compile_pattern(self.pattern, self.position)
        names = group_names(compiled)
        limit = self.options.get("max_match", 1)
        limit = limit if 0 < limit <= MAX_MATCH else MAX_MATCH
        offsets = self.options.get("offset_field")
        for row in rows:
            found: dict[str, list[str]] = {}
            places: list[str] = []
            for item in as_list(row.get(name)):
                for match in self._matches(compiled, to_text(item), limit):
                    for group, value in match.groupdict().items():
                        if value is not None:
                            found.setdefault(group, []).append(value)
                            places.append(f"{group}={match.start(group)}-{match.end(group) - 1}")
            for group in names:
                if group in found:
                    row[group] = from_list(found[group][:limit] if limit == 1 else found[group])
            if offsets and places:
                row[offsets] = "&".join(places)
            yield row

    @staticmethod
    def _matches(compiled: Any, subject: str, limit: int) -> Iterator[Any]:
        if limit == 1:
            match = compiled.search(subject)
            if match:
                yield match
            return
        for count, match in enumerate(compiled.finditer(subject)):
            if count >= limit:
                return
            yield match

    def needs(self, down: FieldSet) -> FieldSet:
        return plus(down, (self.options.get("field", "_raw"),))


_SED = re.compile(r"([sy])(.)", re.S)


def _sed(script: str, position: int) -> Callable[[str], str]:
    """An edit of text: s/pattern/replacement/flags or y/from/to/. Raises SplError."""
    from tools.splunkd_lite.spl.errors import SplError

    found = _SED.match(script.strip())
    parts = _sed_parts(script.strip()[2:], found.group(2)) if found else []
    if found is None or len(parts) != 3:
        raise SplError(f"'{script}' is not a sed expression such as s/a/b/g", position)
    first, second, flags = parts
    if found.group(1) == "y":
        if len(first) != len(second):
            raise SplError("both sides of a sed y expression must be as long", position)
        table = str.maketrans(first, second)
        return lambda item: item.translate(table)
    if re.fullmatch(r"g|\d*", flags) is None:
        raise SplError(f"the sed flags '{flags}' are not supported", position)
    compiled = compile_pattern(first, position)
    if flags.isdigit() and int(flags) > 1:
        return _nth(compiled, second, int(flags))
    return lambda item: substitute(compiled, second, item, 0 if flags == "g" else 1)


def _nth(compiled: Any, replacement: str, place: int) -> Callable[[str], str]:
    def edit(item: str) -> str:
        for count, match in enumerate(compiled.finditer(item), 1):
            if count == place:
                new = substitute(compiled, replacement, match.group(), 1)
                return item[: match.start()] + new + item[match.end() :]
        return item

    return edit


def _sed_parts(text: str, mark: str) -> list[str]:
    parts, current, at = [], "", 0
    while at < len(text):
        if text[at] == "\\" and at + 1 < len(text):
            current += mark if text[at + 1] == mark else text[at : at + 2]
            at += 2
            continue
        if text[at] == mark:
            parts.append(current)
            current = ""
        else:
            current += text[at]
        at += 1
    return [*parts, current.strip()]


_SPATH = {"input": text, "output": text, "path": text}


@command("spath", doc="search-commands/spath", options=tuple(_SPATH))
@dataclass
class Spath(Command):
    """Fields of JSON or XML text: one path, or all of those in its first 5,000 characters."""

    source: str
    output: str | None
    path: str | None

    @classmethod
    def parse(cls, reader: Reader) -> Spath:
        options = reader.options(_SPATH)
        path = options.get("path")
        if path is None and not reader.at_end():
            path = reader.field("a path")
        options.update(reader.options(_SPATH))
        path = options.get("path", path)
        return cls(options.get("input", "_raw"), options.get("output"), path)

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        cutoff = setting(env, "spath", "extraction_cutoff", 5000)
        for row in rows:
            value = row.get(self.source)
            if value is None:
                yield row
                continue
            subject = to_text(value)
            if self.path is None:
                for name, values in extract_all(subject, cutoff=cutoff).items():
                    row[name] = from_list(values)
            else:
                found = from_list(extract_path(subject, self.path))
                if found is not None:
                    row[self.output or self.path] = found
            yield row

    def needs(self, down: FieldSet) -> FieldSet:
        return ALL if self.path is None else plus(down, (self.source,))


_EXTRACT = {
    "auto": only(False, "automatic extraction alone is what 'extract' without options does"),
    "kvdelim": text,
    "pairdelim": text,
    "limit": integer,
    "maxchars": integer,
    "mv_add": boolean,
}
MAX_PAIRS, MAX_CHARS = 50, 10_240


@command("extract", doc="search-commands/extract", options=tuple(_EXTRACT))
@dataclass
class Extract(Command):
    """Pairs of a key and a value in the raw text become fields: key=value, or apart by the
    characters of `kvdelim`, and one pair from another by those of `pairdelim`."""

    options: dict[str, Any]

    @classmethod
    def parse(cls, reader: Reader) -> Extract:
        options: dict[str, Any] = {}
        while (pair := reader.option(_EXTRACT)) is not None:
            options[pair[0]] = pair[1]
            reader.accept(",")
        reader.check(
            ("kvdelim" in options) == ("pairdelim" in options),
            "the command 'extract' takes kvdelim and pairdelim together",
        )
        return cls(options)

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        options = self.options
        for row in rows:
            if isinstance(row.get("_raw"), str) and ("kvdelim" in options or "auto" not in options):
                raw = row["_raw"][: options.get("maxchars", MAX_CHARS)]
                for name, value in self._pairs(raw):
                    row.setdefault(name, value)
            yield row

    def _pairs(self, raw: str) -> list[tuple[str, Any]]:
        found: dict[str, Any] = {}
        if "kvdelim" in self.options:
            self._delimited(raw, found)
        else:
            key_values(raw, found)
        return list(found.items())[: self.options.get("limit", MAX_PAIRS)]

    def _delimited(self, raw: str, found: dict[str, Any]) -> None:
        between = re.compile(f"[{re.escape(self.options['kvdelim'])}]")
        for pair in re.split(f"[{re.escape(self.options['pairdelim'])}]", raw):
            parts = between.split(pair)
            # a delimiter in the value: "that value is not extracted"
            key = _field_name(parts[0].strip()) if len(parts) == 2 else ""
            value = parts[-1].strip().strip('"')
            if not key or not value:
                continue
            if self.options.get("mv_add") and key in found:
                found[key] = [*as_list(found[key]), value]
            else:
                found.setdefault(key, value)


@command("kv", doc="search-commands/extract", options=tuple(_EXTRACT))
@dataclass
class Kv(Extract):
    """Another name of extract."""


def _field_name(key: str) -> str:
    """A key as CLEAN_KEYS makes it: odd characters become _, and it starts with a letter."""
    return re.sub(r"[^A-Za-z0-9_]", "_", key).lstrip("_0123456789")
