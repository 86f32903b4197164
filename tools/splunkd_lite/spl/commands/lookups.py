"""lookup, inputlookup, outputlookup: tables in CSV files and KV collections."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, ClassVar

from tools.splunkd_lite.spl import knowledge
from tools.splunkd_lite.spl.commands.searching import plus, run_subsearch
from tools.splunkd_lite.spl.context import Environment
from tools.splunkd_lite.spl.errors import SplError
from tools.splunkd_lite.spl.networks import in_network, network
from tools.splunkd_lite.spl.reader import Reader, boolean, choice, integer, only, text
from tools.splunkd_lite.spl.registry import command
from tools.splunkd_lite.spl.searchmatch import Predicate, compile_search, search_fields
from tools.splunkd_lite.spl.searchparser import parse_search
from tools.splunkd_lite.spl.tree import ALL, Command, FieldSet, SearchExpression
from tools.splunkd_lite.spl.values import Row, as_list, from_list, to_text

Match = Callable[[Row], list[Row]]


@dataclass
class Definition:
    """How a lookup matches, from its stanza in transforms.conf."""

    table: list[Row]
    case: bool = True
    maximum: int = 1000
    minimum: int = 0
    default: str | None = None
    kinds: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, name: str, env: Environment, position: int | None) -> Definition:
        key = f"lookup:{name}"
        if key in env.cache:
            return env.cache[key]
        table = [dict(row) for row in env.lookup(name, position).rows()]
        stanza = env.conf("transforms").get(name, {})
        made = cls(table)
        kv_store = stanza.get("external_type", "").strip().lower() == "kvstore"
        sensitive = stanza.get("case_sensitive_match", "true").strip().lower()
        made.case = kv_store or sensitive in ("1", "true", "t")
        made.minimum = int(stanza.get("min_matches", "0") or 0)
        made.maximum = int(stanza.get("max_matches", "1000") or 1000)
        made.default = stanza.get("default_match") if made.minimum else None
        for part in stanza.get("match_type", "").split(","):
            kind, _, rest = part.strip().partition("(")
            if rest:
                made.kinds[rest.rstrip(") ").strip()] = kind.strip().upper()
        env.cache[key] = made
        return made

    def matcher(self, fields: list[tuple[str, str]]) -> Match:
        """What finds the table's rows for a row; `fields` are (table's field, row's field)."""
        if any(self.kinds.get(name) in ("WILDCARD", "CIDR") for name, _ in fields):
            return self._slow(fields)
        index: dict[tuple[str, ...], list[Row]] = {}
        for entry in self.table:
            values = [as_list(entry.get(name)) for name, _ in fields]
            if all(values):
                index.setdefault(tuple(self._fold(v[0]) for v in values), []).append(entry)

        def find(row: Row) -> list[Row]:
            values = [as_list(row.get(name)) for _, name in fields]
            if not all(values):
                return []
            if len(values) == 1:
                return [e for v in values[0] for e in index.get((self._fold(v),), ())]
            return index.get(tuple(self._fold(v[0]) for v in values), [])

        return find

    def _fold(self, value: Any) -> str:
        return to_text(value) if self.case else to_text(value).lower()

    def _slow(self, fields: list[tuple[str, str]]) -> Match:
        def matches(entry: Row, row: Row) -> bool:
            return all(
                self._one(self.kinds.get(name, ""), entry.get(name), row.get(mine))
                for name, mine in fields
            )

        return lambda row: [entry for entry in self.table if matches(entry, row)]

    def _one(self, kind: str, pattern: Any, value: Any) -> bool:
        if pattern is None or value is None:
            return False
        wanted, mine = self._fold(pattern), self._fold(as_list(value)[0])
        if kind == "WILDCARD":
            return fnmatchcase(mine, wanted.replace("[", "[[]").replace("?", "[?]"))
        if kind == "CIDR":
            subnet = network(wanted)
            return wanted == mine if subnet is None else in_network(mine, subnet)
        return wanted == mine


_LOOKUP = {"local": boolean, "update": boolean}


@command(
    "lookup",
    doc="search-commands/lookup",
    options=tuple(_LOOKUP),
    notes={
        "local": "no effect: there are no peers",
        "update": "no effect: it is for real-time searches",
    },
)
@dataclass
class Lookup(Command):
    """Adds fields of a table to the rows that match it."""

    table: str
    inputs: list[tuple[str, str]]
    outputs: list[tuple[str, str]]
    only_new: bool = False

    @classmethod
    def parse(cls, reader: Reader) -> Lookup:
        reader.options(_LOOKUP)
        table = reader.field("the name of a lookup")
        inputs = _pairs(reader, "output", "outputnew")
        if not inputs:
            reader.fail("the command 'lookup' takes at least one field to match")
        word = reader.keyword("output", "outputnew")
        outputs = _pairs(reader) if word else []
        return cls(table, inputs, outputs, word == "outputnew")

    def applier(self, env: Environment) -> Callable[[Row], None]:
        """What adds the fields to a row, in place."""
        definition = Definition.load(self.table, env, self.position)
        find = definition.matcher(self.inputs)
        present = list(dict.fromkeys(name for entry in definition.table for name in entry))
        for name, _ in self.inputs:
            if definition.table and name not in present:
                raise SplError(
                    f"Could not find the field '{name}' in the lookup table '{self.table}'",
                    self.position,
                )
        taken = {name for name, _ in self.inputs}
        outputs = self.outputs or [(n, n) for n in present if n not in taken and n[:1] != "_"]

        def apply(row: Row) -> None:
            entries = find(row)[: definition.maximum]
            for name, mine in outputs:
                if self.only_new and row.get(mine) is not None:
                    continue
                value = from_list(x for entry in entries for x in as_list(entry.get(name)))
                if value is None and not entries and definition.default is not None:
                    value = definition.default
                if value is not None or self.outputs:
                    row[mine] = value

        return apply

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        apply = self.applier(env)
        for row in rows:
            apply(row)
            yield row

    def needs(self, down: FieldSet) -> FieldSet:
        return plus(down, [mine for _, mine in self.inputs])


def _pairs(reader: Reader, *stops: str) -> list[tuple[str, str]]:
    """`field [AS field]`, apart by commas or spaces."""
    pairs: list[tuple[str, str]] = []
    while not reader.at_end() and reader.peek_word().lower() not in stops:
        if pairs:
            reader.accept(",")
        name = reader.field()
        other = reader.field("a field after AS") if reader.keyword("as") else name
        pairs.append((name, other))
    return pairs


_INPUT = {"append": boolean, "start": integer, "max": integer, "strict": boolean}


@command("inputlookup", doc="search-commands/inputlookup", options=tuple(_INPUT))
@dataclass
class InputLookup(Command):
    """The rows of a lookup table; WHERE takes a search expression, not an eval one.

    A table that is not there is a warning and gives no rows; with ``strict=true`` it is an error.
    """

    table: str
    condition: SearchExpression | None
    options: dict[str, Any]
    generating: ClassVar[bool] = True

    @classmethod
    def parse(cls, reader: Reader) -> InputLookup:
        options = reader.options(_INPUT)
        table = reader.field("the name of a lookup")
        options.update(reader.options(_INPUT))
        condition = parse_search(reader) if reader.keyword("where") else None
        command = cls(table, condition, options)
        if options.get("append"):
            command.generating = False  # type: ignore[misc]
        return command

    def run(self, rows: Iterable[Row] | None, env: Environment) -> Iterator[Row]:
        if rows is not None:
            yield from rows
        test, reads = None, frozenset[str]()
        if self.condition is not None:
            condition = knowledge.expand(self.condition, env, run_subsearch)
            test, reads = compile_search(condition, env), search_fields(condition)
        start, limit = self.options.get("start", 0), self.options.get("max", 1_000_000_000)
        if start or "_raw" in reads or any("*" in name for name in reads):  # it looks at all fields
            entries = self._entries(env)
        else:
            entries, test = self._entries(env, test, reads), None
        found = 0
        for index, entry in enumerate(entries):
            if index < start or (test is not None and not test(entry)):
                continue
            if found >= limit:
                return
            found += 1
            yield {name: value for name, value in entry.items() if value != ""}

    def _entries(
        self, env: Environment, test: Predicate | None = None, reads: Iterable[str] = ()
    ) -> list[Row]:
        table = env.context.lookup(self.table)
        if table is not None and table.exists:
            return table.rows(test, reads)
        text = f"The lookup table '{self.table}' requires a .csv or KV store lookup definition."
        if self.options.get("strict"):
            raise SplError(text, self.position)
        env.warn(text)
        return []


_OUTPUT = {"append": boolean, "override_if_empty": boolean, "key_field": text, "max": integer,
           "create_empty": only(True, "an empty table is never removed"),
           "createinapp": only(True, "tables live in apps"),
           "output_format": choice("splunk_sv_csv")}  # fmt: skip


@command(
    "outputlookup",
    doc="search-commands/outputlookup",
    options=tuple(_OUTPUT),
    notes={"create_empty": "true only", "createinapp": "true only"},
)
@dataclass
class OutputLookup(Command):
    """Writes the rows to a lookup table, and passes them on."""

    table: str
    options: dict[str, Any]
    acts: ClassVar[bool] = True

    @classmethod
    def parse(cls, reader: Reader) -> OutputLookup:
        options = reader.options(_OUTPUT)
        table = reader.field("the name of a lookup")
        options.update(reader.options(_OUTPUT))
        return cls(table, options)

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        held = list(rows)
        limit = self.options.get("max", 0)
        written = [self._entry(row) for row in (held[:limit] if limit else held)]
        if written or self.options.get("override_if_empty", True):
            # key_field updates documents in place, so it never empties the collection first
            append = self.options.get("append", False) or "key_field" in self.options
            env.lookup(self.table, self.position).write(written, append)
        env.cache.pop(f"lookup:{self.table}", None)
        yield from held

    def _entry(self, row: Row) -> Row:
        entry = {n: v for n, v in row.items() if n[:1] != "_" or n in ("_key", "_time")}
        key = self.options.get("key_field")
        if key and row.get(key) is not None:
            entry["_key"] = to_text(row[key])
        return {name: value for name, value in entry.items() if value is not None}

    def needs(self, down: FieldSet) -> FieldSet:
        return ALL
