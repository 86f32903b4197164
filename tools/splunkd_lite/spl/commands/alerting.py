"""sendalert: a custom alert action for the results of a search."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from tools.splunkd_lite.spl.context import Environment
from tools.splunkd_lite.spl.errors import SplError
from tools.splunkd_lite.spl.reader import Reader
from tools.splunkd_lite.spl.registry import command
from tools.splunkd_lite.spl.tree import Command
from tools.splunkd_lite.spl.values import Row

_OPTION = re.compile(r"(results_link|results_path|param\.[\w.\-]+)\s*=")


@command(
    "sendalert",
    doc="search-commands/sendalert",
    options=("results_link", "results_path", "param.<name>"),
)
@dataclass
class SendAlert(Command):
    """Runs an alert action once for all rows, and passes the rows on."""

    action: str
    options: dict[str, str]
    acts: ClassVar[bool] = True

    @classmethod
    def parse(cls, reader: Reader) -> SendAlert:
        reader.check(
            not reader.at_end() and not reader.looking_at_option(),
            "the command 'sendalert' takes the name of an alert action first",
        )
        action, options = reader.value("the name of an alert action"), {}
        while (found := reader.match(_OPTION)) is not None:
            name = found.rstrip("= \t\r\n")
            options[name] = reader.value(f"a value for '{name}'")
        if reader.looking_at_option():
            reader.fail(f"the command 'sendalert' has no option like {reader.found()}")
        return cls(action, options)

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        send = getattr(env.context, "send_alert", None)  # not every host of the engine has it
        if send is None:
            raise SplError("alert actions cannot be run here")
        held = list(rows)
        send(self.action, self.options, held)
        yield from held
