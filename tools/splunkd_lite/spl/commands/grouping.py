"""transaction: events that belong together become one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tools.splunkd_lite.spl.commands.searching import plus
from tools.splunkd_lite.spl.context import Environment
from tools.splunkd_lite.spl.evalparser import parse_expression
from tools.splunkd_lite.spl.evaluate import compile_expression, truth
from tools.splunkd_lite.spl.reader import Reader, boolean, integer, text
from tools.splunkd_lite.spl.registry import command
from tools.splunkd_lite.spl.scanner import Scanner
from tools.splunkd_lite.spl.searchmatch import compile_search
from tools.splunkd_lite.spl.searchparser import parse_search_text
from tools.splunkd_lite.spl.timemod import parse_span
from tools.splunkd_lite.spl.tree import ALL, Command, FieldSet
from tools.splunkd_lite.spl.values import Row, as_list, from_list, to_number, to_text


def _length(value: str) -> float | None:
    """A span in seconds; -1 is no limit."""
    if value == "-1":
        return None
    found = parse_span(value)
    if found is None:
        raise ValueError("a time span such as 5m")
    return found.seconds


_KINDS = {"maxspan": _length, "maxpause": _length, "maxevents": integer, "startswith": text,
          "endswith": text, "keepevicted": boolean, "mvlist": boolean}  # fmt: skip


@dataclass
class Open:
    """A transaction that is being gathered, newest event first."""

    events: list[Row]
    values: dict[str, set[str]] = field(default_factory=dict)

    @property
    def newest(self) -> float:
        return float(to_number(self.events[0].get("_time")) or 0)

    @property
    def oldest(self) -> float:
        return float(to_number(self.events[-1].get("_time")) or 0)


@command("transaction", doc="search-commands/transaction", options=tuple(_KINDS))
@dataclass
class Transaction(Command):
    """Groups events with common values, within limits of time and between marks."""

    fields: list[str]
    options: dict[str, Any]

    @classmethod
    def parse(cls, reader: Reader) -> Transaction:
        options, fields = {}, []
        while not reader.at_end():
            name = reader.peek_word().lower()
            if name in ("startswith", "endswith"):
                options[name] = _mark(reader)
                continue
            pair = reader.option(_KINDS)
            if pair:
                options[pair[0]] = pair[1]
                continue
            reader.accept(",")
            fields.append(reader.field())
        reader.check(bool(fields or options), "the command 'transaction' takes fields or limits")
        return cls(fields, options)

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        starts = _test(self.options.get("startswith"), env)
        ends = _test(self.options.get("endswith"), env)
        waiting: list[Open] = []
        ordered = sorted(rows, key=lambda row: -(to_number(row.get("_time")) or 0))
        finished: list[tuple[Open, bool]] = []
        for row in ordered:
            self._expire(waiting, row, finished, bool(starts))
            if self.fields and all(row.get(name) is None for name in self.fields):
                continue
            found = None if ends and ends(row) else self._find(waiting, row)
            if found is None:
                if ends and not ends(row):
                    continue
                found = Open([])
                waiting.append(found)
            self._add(found, row)
            full = len(found.events) >= self.options.get("maxevents", 1000)
            if (starts and starts(row)) or full:
                waiting.remove(found)
                finished.append((found, True))
        open_ones = {id(each) for each in waiting}  # no limit was met: closed_txn is 0
        finished += [(each, not starts) for each in waiting]
        keep = self.options.get("keepevicted", False)
        complete = [(each, closed) for each, closed in finished if closed or keep]
        complete.sort(key=lambda pair: -pair[0].oldest)
        for each, closed in complete:
            yield self._row(each, closed and id(each) not in open_ones)

    def _expire(
        self, waiting: list[Open], row: Row, finished: list[tuple[Open, bool]], marked: bool
    ) -> None:
        time = float(to_number(row.get("_time")) or 0)
        pause, span = self.options.get("maxpause"), self.options.get("maxspan")
        for each in list(waiting):
            if (pause is not None and each.oldest - time > pause) or (
                span is not None and each.newest - time > span
            ):
                waiting.remove(each)
                finished.append((each, not marked))

    def _find(self, waiting: list[Open], row: Row) -> Open | None:
        """The open transaction that no value of the row contradicts, and one agrees with."""
        for each in reversed(waiting):
            agrees = not self.fields
            for name in self.fields:
                mine = {to_text(item) for item in as_list(row.get(name))}
                theirs = each.values.get(name)
                if not mine or not theirs:
                    continue
                if not mine & theirs:
                    agrees = False
                    break
                agrees = True
            if agrees:
                return each
        return None

    def _add(self, each: Open, row: Row) -> None:
        each.events.append(row)
        for name in self.fields:
            values = {to_text(item) for item in as_list(row.get(name))}
            if values:
                each.values.setdefault(name, set()).update(values)

    def _row(self, each: Open, closed: bool) -> Row:
        events = list(reversed(each.events))
        row: Row = {
            "_time": events[0].get("_time"),
            "duration": _tidy(each.newest - each.oldest),
            "eventcount": len(events),
            "closed_txn": int(closed),
        }
        row["_raw"] = "\n".join(to_text(e["_raw"]) for e in events if e.get("_raw") is not None)
        names = dict.fromkeys(name for event in events for name in event)
        for name in names:
            if name in row or name.startswith("_"):
                continue
            items = [x for event in events for x in as_list(event.get(name))]
            if not self.options.get("mvlist"):
                items = sorted({to_text(item) for item in items})
            row[name] = from_list(items)
        return row

    def needs(self, down: FieldSet) -> FieldSet:
        if down is None or "startswith" in self.options or "endswith" in self.options:
            return ALL
        return plus(down, [*self.fields, "_time", "_raw"])


def _tidy(seconds: float) -> Any:
    rounded = round(seconds, 6)
    return int(rounded) if rounded == int(rounded) else rounded


def _mark(reader: Reader) -> tuple[str, str, int]:
    """startswith="text", =eval(…) or =(search): (kind, text, position)."""
    name = reader.word("an option")
    reader.expect("=", f"after '{name}'")
    at = reader.position()
    quoted = reader.quoted()
    if quoted is not None:
        parse_search_text(_as_phrase(quoted), at)
        return "search", _as_phrase(quoted), at
    kind = "search"
    if reader.keyword("eval"):
        kind = "eval"
    if reader.peek() != "(":
        return "search", reader.value(f"a value for '{name}'"), at
    start = reader.pos + 1
    depth = 0
    while reader.pos < len(reader.text):
        char = reader.text[reader.pos]
        if char == '"':
            reader.quoted_raw()
            continue
        depth += {"(": 1, ")": -1}.get(char, 0)
        reader.pos += 1
        if depth == 0:
            body = reader.text[start : reader.pos - 1]
            _test((kind, body, at), None, check=True)
            return kind, body, at
    return reader.fail("this parenthesis is never closed", start - 1)


def _as_phrase(text: str) -> str:
    return (
        '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        if " " in text and "=" not in text
        else text
    )


def _test(
    mark: tuple[str, str, int] | None, env: Any, check: bool = False
) -> Callable[[Row], bool] | None:
    if mark is None:
        return None
    kind, body, at = mark
    if kind == "search":
        tree = parse_search_text(body, at)
        return None if check else compile_search(tree, env)
    scanner = Scanner(body)
    expression = parse_expression(scanner)
    if scanner.peek():
        scanner.fail(f"unexpected {scanner.found()}")
    if check:
        return None
    value = compile_expression(expression, env)
    return lambda row: truth(value(row))
