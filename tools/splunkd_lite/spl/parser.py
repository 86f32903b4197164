"""From the text of a search to its tree, macros expanded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tools.splunkd_lite.spl.custom import Custom
from tools.splunkd_lite.spl.errors import SplError
from tools.splunkd_lite.spl.macros import expand_macros
from tools.splunkd_lite.spl.reader import Reader
from tools.splunkd_lite.spl.registry import COMMANDS
from tools.splunkd_lite.spl.tree import Command, Pipeline

if TYPE_CHECKING:
    from tools.splunkd_lite.spl.context import SearchContext

__all__ = ["command_names", "parse", "parse_commands", "parse_pipeline"]

_COMMAND = re.compile(r"[A-Za-z_][\w]*")


def parse(spl: str, context: SearchContext | None = None) -> Pipeline:
    """The tree of a search.

    `context` supplies macros and the commands of apps; without it, either is unknown. Raises
    SplError, with the position of the fault in `spl`.
    """
    reader = Reader(expand_macros(spl, context), context=context)
    reader.parse_pipeline = parse_pipeline
    try:
        pipeline = parse_pipeline(reader)
    except RecursionError:
        raise SplError("the search is nested too deep", 0) from None
    if reader.peek():
        reader.fail(f"unexpected {reader.found()}")
    pipeline.text = spl
    return pipeline


def parse_pipeline(reader: Reader) -> Pipeline:
    """Commands up to the end of the text or a closing bracket."""
    at = reader.position()
    start = reader.pos
    commands = []
    if reader.accept("|"):
        commands.append(_command(reader, first=True))
    else:
        commands.append(_implied_search(reader))
    while reader.accept("|"):
        commands.append(_command(reader, first=False))
    _check_formats(commands)
    return Pipeline(commands, at, reader.text[start : reader.pos])


_AFTER_FORMAT = ("fieldformat", "fields", "table", "head", "tail", "reverse")


def _check_formats(commands: list[Command]) -> None:
    """fieldformat changes how a value shows, not the value; here it changes the value, so nothing
    that would look at the value may come after it. Raises SplError."""
    first = next((n for n, one in enumerate(commands) if one.name == "fieldformat"), len(commands))
    for later in commands[first:]:
        if later.name not in _AFTER_FORMAT:
            raise SplError(
                f"the command '{later.name}' can't stand after fieldformat here, as it would see "
                "the formatted text; put fieldformat last",
                later.position,
            )


def parse_commands(reader: Reader) -> list[Command]:
    """Commands apart by pipes, none of them an implied search, as in appendpipe's brackets."""
    commands = [_command(reader, first=False)]
    while reader.accept("|"):
        commands.append(_command(reader, first=False))
    return commands


def _implied_search(reader: Reader) -> Command:
    if reader.peek() in ("", "]"):
        reader.fail("the search is empty")
    if reader.peek_word() == "search" and not re.match(
        r"search\s*[=!<>]", reader.text[reader.pos :]
    ):
        reader.match(_COMMAND)
    return _parse_command(reader, "search", reader.position())


def _command(reader: Reader, first: bool) -> Command:
    at = reader.position()
    if reader.peek() == "[":
        reader.fail("a command is expected after the pipe, not a subsearch")
    name = reader.match(_COMMAND)
    if name is None:
        reader.fail(f"a command is expected after the pipe, found {reader.found()}")
    command = _parse_command(reader, name.lower(), at)
    if command.generating and not first and command.name != "search":
        raise SplError(f"the command '{name}' must be the first of its search", at)
    return command


def _parse_command(reader: Reader, name: str, at: int) -> Command:
    cls = COMMANDS.get(name)
    reader.command = name
    if cls is None:
        custom = reader.context.custom_command(name) if reader.context is not None else None
        if custom is None:
            raise SplError(f"Unknown search command '{name}'.", at)
        command: Command = Custom.read(reader, name, custom)
        reader.end()
    else:
        try:
            command = cls.parse(reader)
            reader.end()
        except SplError:
            _refuse_option(reader)
            raise
    command.position = at
    return command


_WORD_BEFORE = re.compile(r"([A-Za-z_][\w.]*)\s*\Z")


def _refuse_option(reader: Reader) -> None:
    """Says so where parsing stopped at the = of an option that the command does not have."""
    at = reader.skip()
    found = _WORD_BEFORE.search(reader.text[:at])
    if found and reader.text[at : at + 1] == "=" and reader.text[at : at + 2] != "==":
        reader.fail(f"the command '{reader.command}' has no option '{found[1]}'", found.start())


def command_names(spl: str) -> list[str]:
    """The names of the commands in a search; empty when it can't be parsed."""
    try:
        return [command.name for command in parse(spl).commands]
    except SplError:
        return []
