"""Search commands that apps bring: their arguments are read here, and run elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tools.splunkd_lite.spl.context import Environment
from tools.splunkd_lite.spl.reader import Reader
from tools.splunkd_lite.spl.tree import Command
from tools.splunkd_lite.spl.values import Row

__all__ = ["Custom"]

_TOKEN = re.compile(r'(?:[^\s",|\[\]]|"(?:[^"\\]|\\.)*")+|,')


@dataclass
class Custom(Command):
    """A command of an app, with its tokens as written, quotes kept."""

    args: list[str] = field(default_factory=list)
    target: Any = None

    @classmethod
    def read(cls, reader: Reader, name: str, target: Any) -> Custom:
        args = []
        while not reader.at_end():
            token = reader.match(_TOKEN)
            if token is None:
                reader.fail(f"the command '{name}' can't take {reader.found()}")
            if token != ",":
                args.append(token)
        command = cls(args, target)
        command.name = name  # type: ignore[misc]
        return command

    def run(self, rows: Iterable[Row] | None, env: Environment) -> Iterator[Row]:
        yield from self.target.run(self.args, rows, env.context)
