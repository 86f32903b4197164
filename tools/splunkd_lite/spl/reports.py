"""REPORT- extractions: stanzas of transforms.conf with REGEX and FORMAT, or DELIMS and FIELDS.

Source: transforms.conf.spec
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from typing import Any

from tools.splunkd_lite.spl.context import Environment
from tools.splunkd_lite.spl.errors import SplError
from tools.splunkd_lite.spl.pcre import compile_pattern, group_names
from tools.splunkd_lite.spl.values import Row, as_list, from_list

__all__ = ["Report", "report_of"]

_FORMAT_PAIR = re.compile(r'("[^"]+"|[^\s:"]+)::("[^"]*"|\S+)')
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


@dataclass
class Report:
    """One transform: how to get pairs of field and value from the source key."""

    source_key: str
    multivalue: bool
    pattern: Any = None
    pairs: tuple[tuple[str, str], ...] = ()
    delimiters: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()

    def apply(self, row: Row) -> None:
        """Adds the fields to a row; one that is there stays, or grows with MV_ADD."""
        text = row.get(self.source_key)
        if not isinstance(text, str):
            return
        before = set(row)
        for name, value in self._found(text):
            if not name or value is None:
                continue
            if name not in row:
                row[name] = value
            elif self.multivalue and name not in before:
                row[name] = from_list([*as_list(row[name]), value])

    def _found(self, text: str) -> list[tuple[str, Any]]:
        if self.pattern is not None:
            return self._by_pattern(text)
        if len(self.delimiters) == 1:
            values = next(csv.reader([text], delimiter=self.delimiters[0]), [])
            return list(zip(self.fields, values, strict=False))
        parts = re.split("[" + re.escape(self.delimiters[0]) + "]", text)
        found = []
        for part in parts:
            halves = re.split("[" + re.escape(self.delimiters[1]) + "]", part, maxsplit=1)
            if len(halves) == 2:
                found.append((halves[0].strip(), halves[1].strip().strip('"')))
        return found

    def _by_pattern(self, text: str) -> list[tuple[str, Any]]:
        found: list[tuple[str, Any]] = []
        dynamic = any("$" in name for name, _ in self.pairs)
        for match in self.pattern.finditer(text):
            if self.pairs:
                found += [(_fill(n, match), _fill(v, match)) for n, v in self.pairs]
            else:
                found += list(match.groupdict().items())
            if not dynamic and not self.multivalue:
                break
        return found


def _fill(form: str, match: Any) -> str:
    return re.sub(
        r"\$(\d+)",
        lambda m: (
            (match.group(int(m.group(1))) or "") if int(m.group(1)) <= match.re.groups else ""
        ),
        form,
    )


def report_of(env: Environment, name: str) -> Report:
    """The transform `name`. Raises SplError if it is missing or wrong."""
    key = f"report:{name}"
    if key not in env.cache:
        stanza = env.conf("transforms").get(name)
        if stanza is None:
            raise SplError(f"props.conf: the REPORT '{name}' has no stanza in transforms.conf")
        env.cache[key] = _build(name, stanza)
    return env.cache[key]


def _build(name: str, stanza: Any) -> Report:
    source = stanza.get("SOURCE_KEY", "_raw").strip()
    source = source.removeprefix("field:")
    multivalue = stanza.get("MV_ADD", "false").strip().lower() in ("1", "true")
    delimiters = tuple(_QUOTED.findall(stanza.get("DELIMS", "")))
    if delimiters:
        unescaped = tuple(text.replace("\\t", "\t").replace('\\"', '"') for text in delimiters)
        fields = tuple(
            part.strip().strip('"') for part in stanza.get("FIELDS", "").split(",") if part.strip()
        )
        return Report(source, multivalue, delimiters=unescaped, fields=fields)
    if "REGEX" not in stanza:
        raise SplError(f"transforms.conf: the stanza '{name}' has neither REGEX nor DELIMS")
    try:
        pattern = compile_pattern(stanza["REGEX"])
    except SplError as error:
        raise SplError(f"transforms.conf, stanza '{name}': {error.message}") from None
    pairs = tuple(
        (n.strip('"'), v.strip('"')) for n, v in _FORMAT_PAIR.findall(stanza.get("FORMAT", ""))
    )
    if not pairs and not group_names(pattern):
        raise SplError(f"transforms.conf: the stanza '{name}' names no field")
    return Report(source, multivalue, pattern, pairs)
