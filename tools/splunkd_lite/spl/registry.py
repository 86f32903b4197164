"""What the engine supports: commands, eval functions and stats functions, each with its oracle.

An oracle is the page of Splunk's manual that the behaviour was taken from; without one,
SUPPORTED.md says "unverified".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tools.splunkd_lite.spl.errors import SplError
from tools.splunkd_lite.spl.tree import Command

__all__ = ["AGGREGATES", "COMMANDS", "FUNCTIONS", "Function", "command", "function"]

MANUAL = "https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/"


@dataclass(frozen=True)
class Entry:
    """A line of SUPPORTED.md; `notes` says of options what they don't do here."""

    name: str
    doc: str
    options: tuple[str, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Function:
    """An eval function. `build` takes compiled arguments (closures over a row) when `lazy`,
    otherwise `build` is called with the values of the arguments."""

    name: str
    least: int
    most: int | None
    build: Callable[..., Any]
    doc: str
    lazy: bool = False

    def check(self, count: int, position: int) -> None:
        """Raises SplError if the function does not take `count` arguments."""
        if count < self.least or (self.most is not None and count > self.most):
            if self.most is None:
                wanted = f"at least {self.least}"
            elif self.least == self.most:
                wanted = str(self.least)
            else:
                wanted = f"{self.least} to {self.most}"
            raise SplError(
                f"the eval function '{self.name}' takes {wanted} argument(s), not {count}", position
            )


COMMANDS: dict[str, type[Command]] = {}
COMMAND_ENTRIES: dict[str, Entry] = {}
FUNCTIONS: dict[str, Function] = {}
AGGREGATES: dict[str, Any] = {}


def command(
    name: str,
    doc: str = "",
    options: tuple[str, ...] = (),
    notes: Mapping[str, str] | None = None,
) -> Callable[[type[Command]], type[Command]]:
    """Registers a command class under `name`; `doc` is its page below MANUAL or a whole URL."""

    def register(cls: type[Command]) -> type[Command]:
        if "name" not in cls.__dict__:
            cls.name = name
        COMMANDS[name] = cls
        COMMAND_ENTRIES[name] = Entry(name, _page(doc), options, notes or {})
        return cls

    return register


def function(
    name: str, least: int = 1, most: int | None = -1, doc: str = "", lazy: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Registers an eval function that takes `least` to `most` arguments (None: any number)."""

    def register(build: Callable[..., Any]) -> Callable[..., Any]:
        limit = least if most == -1 else most
        FUNCTIONS[name] = Function(name, least, limit, build, _page(doc), lazy)
        return build

    return register


def _page(doc: str) -> str:
    return doc if not doc or doc.startswith("http") else MANUAL + doc
