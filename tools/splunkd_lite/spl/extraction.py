"""Search-time fields of events, from props.conf and transforms.conf.

Operations run in Splunk's order: EXTRACT, REPORT, KV_MODE, FIELDALIAS, EVAL, LOOKUP, event types,
tags: https://help.splunk.com/en/splunk-enterprise/knowledge-manager/9.4/get-started-with-knowledge-objects/the-sequence-of-search-time-operations
Only the fields that a search needs are extracted; the recipe of a (sourcetype, source, host) is
worked out once. KV_MODE looks at the beginning of a long event alone: limits.conf.spec,
``[spath] extraction_cutoff`` ("applies both the auto kv extraction and the spath command") and
``[kv] maxchars``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from tools.splunkd_lite.spl.autokv import key_values, only_keys
from tools.splunkd_lite.spl.context import Environment
from tools.splunkd_lite.spl.errors import SplError
from tools.splunkd_lite.spl.evalparser import parse_expression
from tools.splunkd_lite.spl.evaluate import compile_expression, references
from tools.splunkd_lite.spl.holding import setting
from tools.splunkd_lite.spl.pcre import compile_pattern, group_names
from tools.splunkd_lite.spl.reports import Report, report_of
from tools.splunkd_lite.spl.scanner import Scanner
from tools.splunkd_lite.spl.structured import extract_all, leaf, load_json
from tools.splunkd_lite.spl.values import Row, from_list

__all__ = ["Extractor"]

Step = Callable[[Row], None]
_INLINE_IN = re.compile(r"\s+in\s+([A-Za-z_][\w]*)\s*\Z")
_ALIAS = re.compile(r'("[^"]+"|[^\s,]+)\s+(as|asnew)\s+("[^"]+"|[^\s,]+)', re.I)
_STORED = frozenset(("_time", "_raw", "_indextime", "index", "host", "source", "sourcetype"))
"""Fields that every event has, so that text never gives them."""
_DATE_PARTS = {
    "date_second": "%S", "date_minute": "%M", "date_hour": "%H", "date_mday": "%d",
    "date_month": "%B", "date_wday": "%A", "date_year": "%Y",
}  # fmt: skip


def _fold_pattern(name: str) -> str:
    """A source:: or host:: pattern of props.conf: ... crosses slashes, * does not matter here."""
    return name.replace("...", "*")


class Extractor:
    """Adds search-time fields to events; `required` is None for all of them."""

    def __init__(self, env: Environment, required: frozenset[str] | None) -> None:
        self.env = env
        self.props = env.conf("props")
        self.required = required
        self._computed = self._all_computed()
        self.matched_by = frozenset(
            kind
            for kind in ("host", "source")
            if any(name.startswith(f"{kind}::") for name in self.props)
        )
        """The fields, besides the source type, that settings go by."""

    def computed(self, field: str) -> bool:
        """Whether the field's value may be other than text that stands in the raw event."""
        return field in self._computed or field.startswith("date_") or None in self._computed

    def _all_computed(self) -> frozenset[str | None]:
        found: set[str | None] = {"eventtype", "tag", "punct", "linecount"}
        for stanza in self.props.values():
            for key, value in stanza.items():
                kind = key.partition("-")[0]
                if kind == "EVAL":
                    found.add(key.partition("-")[2])
                elif kind == "FIELDALIAS":
                    found.update(new.strip('"') for _, _, new in _ALIAS.findall(value))
                elif kind == "LOOKUP" or (
                    kind == "REPORT"
                    and any(
                        self.env.conf("transforms").get(name.strip(), {}).get("FORMAT")
                        for name in value.split(",")
                    )
                ):
                    found.add(None)
        return frozenset(found)

    def stored(self, required: frozenset[str]) -> frozenset[str]:
        """The stored fields that give the required ones: all but `_raw` when that is not read."""
        if required <= _STORED and not any(map(self.computed, required)):
            return required
        return _STORED | required

    def steps(self, event: Mapping[str, Any]) -> list[Step]:
        """What adds the search-time fields to this event, and to others of its source type, source
        and host."""
        required = self.required
        if required is not None and "_raw" not in self.stored(required):
            return []
        return self._recipe(event.get("sourcetype"), event.get("source"), event.get("host"))

    def _stanza(self, sourcetype: Any, source: Any, host: Any) -> dict[str, str]:
        """The settings that apply: source over host over source type."""
        merged: dict[str, str] = {}
        merged.update(self.props.get("default", {}))
        merged.update(self.props.get(str(sourcetype), {}))
        for kind, value in (("host", host), ("source", source)):
            for name, stanza in self.props.items():
                prefix = f"{kind}::"
                if name.startswith(prefix) and fnmatchcase(
                    str(value), _fold_pattern(name[len(prefix) :])
                ):
                    merged.update(stanza)
        return merged

    def _recipe(self, sourcetype: Any, source: Any, host: Any) -> list[Step]:
        settings = self._stanza(sourcetype, source, host)
        wanted = self._closure(settings)
        by_kind: dict[str, list[tuple[str, str]]] = {}
        for key in sorted(settings):
            kind, dash, name = key.partition("-")
            if dash:
                by_kind.setdefault(kind, []).append((name, settings[key]))
        steps = [self._inline(name, value) for name, value in by_kind.get("EXTRACT", [])]
        for _, value in by_kind.get("REPORT", []):
            steps += [self._report(name.strip()) for name in value.split(",") if name.strip()]
        steps += self._key_values(settings.get("KV_MODE", "auto").strip().lower(), settings, wanted)
        steps += [self._alias(value) for _, value in by_kind.get("FIELDALIAS", [])]
        calculated = [self._calculated(name, value) for name, value in by_kind.get("EVAL", [])
                      if wanted is None or name in wanted]  # fmt: skip
        if calculated:
            steps.append(_all_at_once(calculated))
        steps += [self._lookup(value) for _, value in by_kind.get("LOOKUP", [])]
        steps += self._defaults()
        return steps + self._knowledge()

    def _closure(self, settings: Mapping[str, str]) -> frozenset[str] | None:
        """The required fields and whatever the settings derive them from."""
        if self.required is None:
            return None
        if {"eventtype", "tag"} & self.required or any(k.startswith("LOOKUP-") for k in settings):
            return None
        wanted = set(self.required)
        while True:
            more = set(wanted)
            for key, value in settings.items():
                kind, _, name = key.partition("-")
                if kind == "FIELDALIAS":
                    more |= {old.strip('"') for old, _, new in _ALIAS.findall(value)
                             if new.strip('"') in wanted}  # fmt: skip
                elif kind == "EVAL" and name in wanted:
                    more |= references(_expression(name, value))
                elif kind == "EXTRACT" and (inner := _INLINE_IN.search(value)):
                    more.add(inner.group(1))
                elif kind == "REPORT":
                    more |= {report_of(self.env, part.strip()).source_key
                             for part in value.split(",") if part.strip()}  # fmt: skip
            if more == wanted:
                return frozenset(wanted)
            wanted = more

    def _inline(self, name: str, value: str) -> Step:
        source = "_raw"
        inner = _INLINE_IN.search(value)
        if inner:
            source, value = inner.group(1), value[: inner.start()]
        try:
            compiled = compile_pattern(value)
        except SplError as error:
            raise SplError(f"props.conf, EXTRACT-{name}: {error.message}") from None
        names = group_names(compiled)

        def step(row: Row) -> None:
            text = row.get(source)
            found = compiled.search(text) if isinstance(text, str) else None
            if found:
                groups = found.groupdict()
                for field in names:
                    if groups[field] is not None and field not in row:
                        row[field] = groups[field]

        return step

    def _report(self, name: str) -> Step:
        report: Report = report_of(self.env, name)
        return report.apply

    def _key_values(
        self, mode: str, settings: Mapping[str, str], wanted: frozenset[str] | None
    ) -> list[Step]:
        if mode in ("none", ""):
            return []
        if mode not in ("auto", "auto_escaped", "json", "xml"):
            raise SplError(f"props.conf: KV_MODE = {mode} is not supported")
        wanted = None if wanted is None else wanted - _STORED
        if wanted is not None and not wanted:
            return []
        structured = _structured(wanted, setting(self.env, "spath", "extraction_cutoff", 5000))
        if mode in ("json", "xml"):
            return [structured]
        json_too = settings.get("AUTO_KV_JSON", "true").strip().lower() not in ("0", "false")
        pairs = key_values if wanted is None else only_keys(wanted)
        most = setting(self.env, "kv", "maxchars", 10_240)

        def step(row: Row) -> None:
            raw = row.get("_raw")
            if not isinstance(raw, str):
                return
            if json_too and raw[:1] in "{[" and raw.lstrip()[:1]:
                structured(row)
            elif "=" in raw:
                pairs(raw[:most], row)

        return [step]

    def _alias(self, value: str) -> Step:
        pairs = [(old.strip('"'), word.lower() == "asnew", new.strip('"'))
                 for old, word, new in _ALIAS.findall(value)]  # fmt: skip

        def step(row: Row) -> None:
            for old, only_new, new in pairs:
                if only_new and row.get(new) is not None:
                    continue
                if row.get(old) is not None:
                    row[new] = row[old]
                elif not only_new:
                    row.pop(new, None)

        return step

    def _calculated(self, name: str, value: str) -> tuple[str, Callable[[Row], Any]]:
        return name, compile_expression(_expression(name, value), self.env)

    def _lookup(self, value: str) -> Step:
        from tools.splunkd_lite.spl.commands.lookups import Lookup
        from tools.splunkd_lite.spl.reader import Reader

        reader = Reader(value)
        reader.command = "lookup"
        lookup = Lookup.parse(reader)
        if reader.peek():
            raise SplError(f"props.conf: the LOOKUP '{value}' can't be read")
        apply = lookup.applier(self.env)

        def step(row: Row) -> None:
            apply(row)

        return step

    def _defaults(self) -> list[Step]:
        if self.required is None or not any(name in _DATE_PARTS for name in self.required):
            return []
        from tools.splunkd_lite.spl.timeformat import format_time

        parts = [(n, f) for n, f in _DATE_PARTS.items() if n in self.required]
        tz = self.env.tz

        def step(row: Row) -> None:
            for name, form in parts:
                text = format_time(float(row["_time"]), form, tz).lower()
                row.setdefault(name, int(text) if text.isdigit() else text)

        return [step]

    def _knowledge(self) -> list[Step]:
        """Event types and tags, when the search looks at them."""
        if self.required is not None and not self.required & {"eventtype", "tag"}:
            return []
        from tools.splunkd_lite.spl.membership import event_types_step, tags_step

        steps = [event_types_step(self.env), tags_step(self.env)]
        return [step for step in steps if step is not None]


def _all_at_once(calculated: list[tuple[str, Callable[[Row], Any]]]) -> Step:
    """Calculated fields don't see each other: all are computed, then set."""

    def step(row: Row) -> None:
        results = [(name, value(row)) for name, value in calculated]
        for name, value in results:
            if value is None:
                row.pop(name, None)
            else:
                row[name] = value

    return step


def _expression(name: str, value: str) -> Any:
    scanner = Scanner(value)
    try:
        tree = parse_expression(scanner)
        if scanner.peek():
            scanner.fail(f"unexpected {scanner.found()}")
    except SplError as error:
        raise SplError(f"props.conf, EVAL-{name}: {error.message}") from None
    return tree


def _structured(wanted: frozenset[str] | None, cutoff: int) -> Step:
    """Adds the leaves of JSON or XML, all of them or at least the wanted ones."""
    top = [name for name in wanted or () if not set(name) & {".", "{"}]
    deep = None if wanted is None else wanted - frozenset(top)

    def step(row: Row) -> None:
        raw = row.get("_raw")
        if not isinstance(raw, str):
            return
        loaded = load_json(raw, cutoff) if top else None
        names = wanted
        if isinstance(loaded, dict):
            for name in top:
                value = loaded.get(name)
                if name in loaded and name not in row and not isinstance(value, (dict, list)):
                    row[name] = leaf(value)
            if not deep:
                return
            names = deep
        for path, values in extract_all(raw, names, loaded, cutoff).items():
            if path not in row:
                row[path] = from_list(values)

    return step
