"""makeresults, rest, tstats, addinfo, eventcount: rows from elsewhere than events."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from tools.splunkd_lite.spl import knowledge
from tools.splunkd_lite.spl.aggregation import (
    Aggregation,
    fields_of,
    has_wildcards,
    parse_aggregations,
)
from tools.splunkd_lite.spl.commands.searching import run_subsearch
from tools.splunkd_lite.spl.commands.statistics import Stats
from tools.splunkd_lite.spl.context import Environment, ScanHint
from tools.splunkd_lite.spl.reader import Reader, boolean, choice, integer, only, span, text
from tools.splunkd_lite.spl.registry import command
from tools.splunkd_lite.spl.searchmatch import compile_search, search_fields
from tools.splunkd_lite.spl.searchparser import parse_search
from tools.splunkd_lite.spl.tabular import read_csv, read_json
from tools.splunkd_lite.spl.timemod import Span
from tools.splunkd_lite.spl.tree import And, Command, FieldSet, SearchExpression
from tools.splunkd_lite.spl.values import Row, to_number

_BUCKET = "_time bucket"  # kept apart, so that functions of _time see the event's own
MAX_RESULTS = 1_000_000
_MAKE = {"count": integer, "annotate": boolean, "splunk_server": text, "splunk_server_group": text,
         "format": choice("csv", "json"), "data": text}  # fmt: skip


_ONE_INSTANCE = "no effect: there is one instance"


@command(
    "makeresults",
    doc="search-commands/makeresults",
    options=tuple(_MAKE),
    notes={"splunk_server": _ONE_INSTANCE, "splunk_server_group": _ONE_INSTANCE},
)
@dataclass
class MakeResults(Command):
    """Rows out of nothing: `count` of them with the time, or those of inline CSV or JSON."""

    options: dict[str, Any]
    generating: ClassVar[bool] = True

    @classmethod
    def parse(cls, reader: Reader) -> MakeResults:
        options = reader.options(_MAKE)
        if "count" not in options and reader.peek_word().isdigit():
            options["count"] = int(reader.word("a count"))  # as the page of searchmatch() has it
        reader.check(
            0 <= options.get("count", 1) <= MAX_RESULTS,
            f"the option 'count' of makeresults takes 0 to {MAX_RESULTS}",
        )
        reader.check(
            ("format" in options) == ("data" in options),
            "makeresults takes 'format' and 'data' together",
        )
        return cls(options)

    def run(self, rows: Iterable[Row] | None, env: Environment) -> Iterator[Row]:
        moment = int(env.now)
        if "data" in self.options:
            read = read_csv if self.options["format"] == "csv" else read_json
            for row in read(self.options["data"], self.position):
                yield row if self.options["format"] == "csv" else {"_time": moment, **row}
            return
        for _ in range(self.options.get("count", 1)):
            made: Row = {"_time": moment}
            if self.options.get("annotate"):
                made.update(_raw=None, host=None, source=None, sourcetype=None,
                           splunk_server="local", splunk_server_group=None)  # fmt: skip
            yield made


@command("addinfo", doc="search-commands/addinfo")
@dataclass
class AddInfo(Command):
    """Adds info_min_time, info_max_time, info_sid and info_search_time."""

    @classmethod
    def parse(cls, reader: Reader) -> AddInfo:
        return cls()

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        context = env.context
        latest = "+Infinity" if context.latest is None else context.latest
        for row in rows:
            row["info_min_time"] = context.earliest or 0
            row["info_max_time"] = latest
            row["info_sid"] = getattr(context, "sid", None)
            row["info_search_time"] = env.now
            yield row

    def needs(self, down: FieldSet) -> FieldSet:
        return down


_ARGUMENT = re.compile(r"[A-Za-z_][\w.:-]*\s*=")


@command(
    "rest",
    doc="search-commands/rest",
    options=("count", "splunk_server", "timeout", "<arg>"),
    notes={"splunk_server": _ONE_INSTANCE, "timeout": "no effect: it is answered in the process"},
)
@dataclass
class Rest(Command):
    """The entries of a REST endpoint."""

    path: str
    params: dict[str, str]
    generating: ClassVar[bool] = True

    @classmethod
    def parse(cls, reader: Reader) -> Rest:
        params: dict[str, str] = {}
        path = ""
        while not reader.at_end():
            option = reader.match(_ARGUMENT)
            if option is not None:
                name = option.rstrip("= \t")
                params[name] = reader.value(f"a value for '{name}'")
            elif path:
                reader.fail(f"the command 'rest' takes one path, and '{path}' is one")
            else:
                path = reader.value("the path of an endpoint")
        reader.check(bool(path), "the command 'rest' takes the path of an endpoint")
        return cls("/" + path.lstrip("/"), params)

    def run(self, rows: Iterable[Row] | None, env: Environment) -> Iterator[Row]:
        drop = {"splunk_server", "splunk_server_group", "timeout", "strict"}
        params = {name: value for name, value in self.params.items() if name not in drop}
        for entry in env.context.rest(self.path, params):
            yield {"splunk_server": "local", **entry}


_NO_MODELS = only(False, "it is about data models, which are not supported")
_TSTATS = {
    "prestats": only(False, "partial results are not supported"),
    "append": only(False, "it goes with prestats"),
    "summariesonly": _NO_MODELS,
    "allow_old_summaries": _NO_MODELS,
    "local": boolean,
    "chunk_size": integer,
    "span": span,
    "fillnull_value": text,
}


@command(
    "tstats",
    doc="search-commands/tstats",
    options=tuple(_TSTATS),
    notes={
        "prestats": "false only",
        "append": "false only",
        "summariesonly": "false only",
        "allow_old_summaries": "false only",
        "local": "no effect: there are no peers",
        "chunk_size": "no effect on results",
    },
)
@dataclass
class Tstats(Command):
    """stats over indexed fields, without looking at the raw events."""

    specs: list[Aggregation]
    where: SearchExpression
    by: list[str]
    span: Span | None = None
    fill: str | None = None
    generating: ClassVar[bool] = True
    options: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, reader: Reader) -> Tstats:
        options = reader.options(_TSTATS)
        specs = parse_aggregations(reader, "by", "where", "from")
        reader.check(not has_wildcards(specs), "tstats does not take wildcards in fields")
        evals = [spec for spec in specs if spec.expression is not None]
        reader.check(not evals, "tstats does not take eval expressions in its functions")
        if reader.peek_word().lower() == "from":
            reader.fail("tstats over data models (FROM) is not supported")
        where: SearchExpression = And(())
        if reader.keyword("where"):
            where = _where(reader)
        by: list[str] = []
        if reader.keyword("by"):
            while not reader.at_end():
                options.update(reader.options({"span": span}))
                if reader.at_end():
                    break
                if by:
                    reader.accept(",")
                by.append(reader.field())
        return cls(specs, where, by, options.get("span"), options.get("fillnull_value"))

    def run(self, rows: Iterable[Row] | None, env: Environment) -> Iterator[Row]:
        from tools.splunkd_lite.spl.retrieval import permitted, scan

        tree = knowledge.expand(self.where, env, run_subsearch)
        test, may = compile_search(tree, env), permitted(env)
        read = fields_of(self.specs)
        names = None if read is None else read | search_fields(tree) | {"index", *self.by}
        events: Iterator[Row] = (
            event
            for event in scan(tree, env, ScanHint(names))
            if may(event.get("index", "")) and test(event)
        )
        if "_time" in self.by:
            events = self._binned(events, env)
        if self.fill is not None:
            events = self._filled(events)
        by = [_BUCKET if name == "_time" else name for name in self.by]
        for row in Stats(self.specs, by).run(events, env):
            yield {"_time" if name == _BUCKET else name: value for name, value in row.items()}

    def _binned(self, events: Iterator[Row], env: Environment) -> Iterator[Row]:
        from tools.splunkd_lite.spl.sparkline import auto_span

        step = self.span
        if step is None:
            low, high = env.context.earliest, env.context.latest
            step = auto_span((high or env.now) - (low or 0), 100)
        for event in events:
            event[_BUCKET] = step.start(float(to_number(event["_time"]) or 0), env.tz)
            yield event

    def _filled(self, events: Iterator[Row]) -> Iterator[Row]:
        for event in events:
            for name in self.by:
                if event.get(name) is None:
                    event[name] = self.fill
            yield event

    def needs(self, down: FieldSet) -> FieldSet:
        return fields_of(self.specs)


def _where(reader: Reader) -> SearchExpression:
    """A search expression up to BY, which in tstats is a keyword."""
    from tools.splunkd_lite.spl.searchparser import parse_search_until

    return parse_search_until(reader, "by")


__all__ = ["AddInfo", "MakeResults", "Rest", "Tstats", "parse_search"]
