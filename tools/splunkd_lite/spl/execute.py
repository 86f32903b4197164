"""Runs a tree against a context."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pcre2

from tools.splunkd_lite.spl.context import Environment, Message, SearchContext
from tools.splunkd_lite.spl.custom import Custom
from tools.splunkd_lite.spl.errors import SplError
from tools.splunkd_lite.spl.holding import Held
from tools.splunkd_lite.spl.parser import parse
from tools.splunkd_lite.spl.preview import Preview
from tools.splunkd_lite.spl.tree import ALL, Command, FieldSet, Pipeline
from tools.splunkd_lite.spl.values import Row, to_text

__all__ = ["Results", "execute", "run", "run_pipeline", "text_row"]

CANCEL_CHECK_ROWS = 1000
SUBSEARCH_SECONDS = 60.0  # limits.conf, [subsearch] maxtime


@dataclass
class Results:
    """What a search gave. A row's value is text, or a list of texts for a multivalue field; a
    null field is absent. `fields` is their order. With a `Held`, many rows lie on disk."""

    rows: list[dict[str, Any]] | Held = field(default_factory=list)
    fields: list[str] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    partial: Results | None = None
    """The table of a transforming search that still runs, as far as it has come."""


def run(
    spl: str | Pipeline,
    context: SearchContext,
    required: Iterable[str] | None = None,
    rows: Iterable[Row] | None = None,
    limit: int | None = None,
    into: Results | None = None,
    previews: bool = False,
) -> Results:
    """Runs a search to its end. `required` names the fields that the caller reads of events (all
    when None), so that others need not be extracted; `rows` feeds the first command, as a
    post-process search has it; at most `limit` rows are kept. `into` is
    filled as rows come, for somebody who watches; with `previews`, so is its `partial` table.
    Raises SplError."""
    pipeline = parse(spl, context) if isinstance(spl, str) else spl
    env = Environment(context)
    results = Results() if into is None else into
    results.messages = env.messages
    found = results.rows
    fields: dict[str, None] = {}
    wanted = ALL if required is None else frozenset(required)
    preview = Preview(results, _results_of) if previews else None
    if preview is not None and hasattr(context, "on_pause"):
        context.on_pause(preview.refresh)
    for row in run_pipeline(pipeline, env, wanted, rows, preview):
        if limit is not None and len(found) >= limit:
            if _acts(pipeline):
                continue  # what it writes must not depend on how much the caller keeps
            break
        found.append(text_row(row))
        if row.keys() - fields.keys():
            fields.update(dict.fromkeys(row))
            results.fields = list(fields)
    return results


def _results_of(rows: Iterable[Row]) -> Results:
    """Rows and the order of their fields."""
    fields: dict[str, None] = {}
    found = []
    for row in rows:
        found.append(text_row(row))
        fields.update(dict.fromkeys(row))
    return Results(found, list(fields))


def _acts(pipeline: Pipeline) -> bool:
    """Whether a search does more than read: it writes, or runs a command of an app."""
    for command in pipeline.commands:
        if command.acts or isinstance(command, Custom):
            return True
        if any(map(_acts, _inner(command))):
            return True
    return False


def _inner(command: Command) -> list[Pipeline]:
    """The subsearches of a command."""
    inner = [value for value in vars(command).values() if isinstance(value, Pipeline)]
    return [*inner, *getattr(command, "pipelines", ())]


def execute(spl: str | Pipeline, context: SearchContext) -> Iterator[dict[str, Any]]:
    """The rows of a search as they come, for an export. Raises SplError."""
    pipeline = parse(spl, context) if isinstance(spl, str) else spl
    for row in run_pipeline(pipeline, Environment(context)):
        yield text_row(row)


def text_row(row: Row) -> dict[str, Any]:
    """A row as Splunk prints it: text, or lists of text; nulls left out."""
    printed: dict[str, Any] = {}
    for name, value in row.items():
        if type(value) is str:
            printed[name] = value
        elif type(value) is list:
            printed[name] = [to_text(item) for item in value]
        elif value is not None:
            printed[name] = to_text(value)
    return printed


def run_pipeline(
    pipeline: Pipeline,
    env: Environment,
    wanted: FieldSet = ALL,
    rows: Iterable[Row] | None = None,
    preview: Preview | None = None,
) -> Iterator[Row]:
    """The rows that come out of a pipeline, fed with `rows` when it is not a search of its own."""
    return _guarded(_stages(pipeline, env, wanted, rows, preview))


def _stages(
    pipeline: Pipeline,
    env: Environment,
    wanted: FieldSet,
    rows: Iterable[Row] | None,
    preview: Preview | None,
) -> Iterator[Row]:
    watched = None if preview is None else _first_table(pipeline)
    needs: list[FieldSet] = []
    down = wanted
    for command in reversed(pipeline.commands):
        needs.append(down)
        down = command.needs(down)
    needs.reverse()
    stream: Any = rows
    for index, command in enumerate(pipeline.commands):
        if index == 0 and rows is None:
            stage = Environment(env.context, env.messages, needs[0], env.depth, env.cache)
            feedable = command.generating or isinstance(command, Custom)
            stream = command.run(None if feedable else iter(()), stage)  # type: ignore[arg-type]
            stream = _watched(stream, env)
        else:
            if command.holds:
                stream = _slim(stream, command.needs(needs[index]))
            where = env
            if preview is not None and index == watched:
                where = preview.follow(env, _rest(pipeline, index, wanted))
            stream = command.run(stream, where)
    yield from stream


def _first_table(pipeline: Pipeline) -> int | None:
    """The place of the first transforming command, if those after it may run more than once."""
    commands = pipeline.commands
    for index, command in enumerate(commands):
        if command.transforms:
            later = commands[index + 1 :]
            once = _acts(Pipeline(later)) or any(map(_inner, later))
            return None if once or index == 0 else index
    return None


def _rest(
    pipeline: Pipeline, index: int, wanted: FieldSet
) -> Callable[[Iterable[Row], Environment], Iterator[Row]]:
    later = Pipeline(pipeline.commands[index + 1 :])
    return lambda rows, env: run_pipeline(later, env, wanted, rows)


def _slim(rows: Iterable[Row], needed: FieldSet) -> Iterable[Row]:
    """Rows without the fields that nothing reads any more, for commands that hold them."""
    if needed is None or any("*" in name for name in needed):
        return rows
    kept = needed | {"_time"}
    return ({name: row[name] for name in row if name in kept} for row in rows)


def _guarded(rows: Iterable[Row]) -> Iterator[Row]:
    """Rows; what exhausts PCRE's match limit or Python's stack ends the search in words."""
    try:
        yield from rows
    except pcre2.LibraryError as error:
        raise SplError(f"a regular expression could not be matched: {error}") from None
    except RecursionError:
        raise SplError("an expression of the search is nested too deep") from None


def _watched(rows: Iterable[Row], env: Environment) -> Iterator[Row]:
    """Rows, with a look now and then at whether the search was cancelled."""
    for count, row in enumerate(rows):
        if count % CANCEL_CHECK_ROWS == 0:
            env.check_cancelled()
        yield row


def subsearch_rows(
    pipeline: Pipeline, env: Environment, limit: int, seconds: float = SUBSEARCH_SECONDS
) -> list[Row]:
    """The rows of a subsearch: at most `limit`, and those that came within `seconds` of the
    machine's time, with a warning when there would have been more. The wording of the warning
    about rows is from memory."""
    rows: list[Row] = []
    end = time.monotonic() + seconds
    for row in run_pipeline(pipeline, env.child()):
        if len(rows) >= limit:
            env.warn(
                f"[subsearch]: Subsearch produced more than {limit} results, truncating to "
                f"maxout {limit}."
            )
            break
        if time.monotonic() >= end:
            env.warn(
                f"[subsearch]: Search auto-finalized after time limit ({seconds:g} seconds) "
                "reached."
            )
            break
        rows.append(row)
    return rows
