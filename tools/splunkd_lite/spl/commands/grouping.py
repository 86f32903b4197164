"""transaction: events that belong together become one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tools.splunkd_lite.spl.commands.searching import plus
from tools.splunkd_lite.spl.context import Environment
from tools.splunkd_lite.spl.errors import SplError
from tools.splunkd_lite.spl.evalparser import parse_expression
from tools.splunkd_lite.spl.evaluate import compile_expression, truth
from tools.splunkd_lite.spl.holding import setting, sorted_rows
from tools.splunkd_lite.spl.openpool import Open, Pool
from tools.splunkd_lite.spl.reader import Reader, boolean, integer, text
from tools.splunkd_lite.spl.registry import command
from tools.splunkd_lite.spl.scanner import Scanner
from tools.splunkd_lite.spl.searchmatch import compile_search
from tools.splunkd_lite.spl.searchparser import parse_search_text
from tools.splunkd_lite.spl.sortkeys import SortKey
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
          "endswith": text, "keepevicted": boolean, "mvlist": boolean,
          "maxopentxn": integer, "maxopenevents": integer}  # fmt: skip
_LIMITS = ("maxspan", "maxpause", "maxevents", "startswith", "endswith")
_NEWEST_FIRST = SortKey("_time", descending=True, kind="num")


@command("transaction", doc="search-commands/transaction", options=tuple(_KINDS))
@dataclass
class Transaction(Command):
    """Groups events with common values, within limits of time and between marks.

    Beyond maxopentxn open transactions, or maxopenevents events in them, the one that was used
    least recently is evicted. The words of the warning are from memory. Events in another order
    than newest first are an error, as in Splunk; its words are unverified.
    """

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
        return sorted_rows(self._gathered(rows, env), [_NEWEST_FIRST], env)

    def _gathered(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        starts = _test(self.options.get("startswith"), env)
        ends = _test(self.options.get("endswith"), env)
        pause, span = self.options.get("maxpause"), self.options.get("maxspan")
        most_events = self.options.get("maxevents", 1000)
        pool = Pool(self.fields)
        for row in self._in_order(rows):
            time = float(to_number(row.get("_time")) or 0)
            for each in pool.expire(time, pause, span):
                yield from self._closed(each, not starts)
            if self.fields and all(row.get(name) is None for name in self.fields):
                continue
            at_end = bool(ends and ends(row))
            found = None if at_end else pool.find(row)
            if found is None:
                if ends and not at_end:
                    continue
                found = pool.begin()
            pool.add(found, row)
            if (starts and starts(row)) or len(found.events) >= most_events:
                yield from self._closed(pool.remove(found), True)
            yield from self._evicted(pool, env)
        for each in pool:
            yield from self._closed(each, not starts, met=False)

    def _in_order(self, rows: Iterable[Row]) -> Iterator[Row]:
        before = math.inf
        for row in rows:
            time = float(to_number(row.get("_time")) or 0)
            if time > before:
                raise SplError(
                    "transaction takes events in descending order of _time; put '| sort 0 -_time' "
                    "before it",
                    self.position,
                )
            before = time
            yield row

    def _evicted(self, pool: Pool, env: Environment) -> Iterator[Row]:
        most, events = (
            self.options.get(name, setting(env, "transactions", name, default))
            for name, default in (("maxopentxn", 5000), ("maxopenevents", 100_000))
        )
        for each in pool.evict(most, events):
            if not self.options.get("keepevicted", False):
                env.warn(
                    "Some transactions have been discarded. To include them, add keepevicted=true "
                    "to your transaction command."
                )
            yield from self._closed(each, False)

    def _closed(self, each: Open, closed: bool, met: bool = True) -> Iterator[Row]:
        """The row of a transaction that ended, unless it was evicted and these are not wanted.
        Where no limit was met before the events ran out, closed_txn is 0 all the same."""
        if closed or self.options.get("keepevicted", False):
            limited = any(name in self.options for name in _LIMITS)
            yield self._row(each, closed and limited and met)

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
