"""collect: events written to an index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from tools.splunkd_lite.spl.context import Environment
from tools.splunkd_lite.spl.reader import Reader, boolean, choice, text
from tools.splunkd_lite.spl.registry import command
from tools.splunkd_lite.spl.timeformat import format_time
from tools.splunkd_lite.spl.tree import Command
from tools.splunkd_lite.spl.values import Row, to_number, to_text

_COLLECT = {"index": text, "testmode": boolean, "marker": text, "source": text, "sourcetype": text,
            "host": text, "output_format": choice("raw"), "addinfo": boolean}  # fmt: skip


@command("collect", doc="search-commands/collect", options=tuple(_COLLECT))
@dataclass
class Collect(Command):
    """Writes each row as an event of a (summary) index, and passes the rows on."""

    options: dict[str, Any]
    acts: ClassVar[bool] = True

    @classmethod
    def parse(cls, reader: Reader) -> Collect:
        options = reader.options(_COLLECT)
        reader.check("index" in options, "the command 'collect' needs the option 'index'")
        return cls(options)

    def run(self, rows: Iterable[Row], env: Environment) -> Iterator[Row]:
        held = list(rows)
        if not self.options.get("testmode", False):
            env.context.write_events(self.options["index"], [self._event(row, env) for row in held])
        yield from held

    def _event(self, row: Row, env: Environment) -> dict[str, Any]:
        info = to_number(row.get("_time"))
        if info is None:
            info = env.context.earliest or env.now
        return {
            "_time": float(info),
            "_raw": self._raw(row, env, float(info)),
            "index": self.options["index"],
            "host": self.options.get("host", to_text(row.get("host") or "localhost")),
            "source": self.options.get("source", getattr(env.context, "sid", "collect")),
            "sourcetype": self.options.get("sourcetype", "stash"),
        }

    def _raw(self, row: Row, env: Environment, moment: float) -> str:
        marker = f", {self.options['marker']}" if "marker" in self.options else ""
        if row.get("_raw") is not None:
            return to_text(row["_raw"]) + marker
        pairs = [
            f'{name}="{_escape(to_text(value))}"'
            if not isinstance(value, (int, float))
            else f"{name}={to_text(value)}"
            for name, value in row.items()
            if value is not None and name[:1] != "_"
        ]
        stamp = format_time(moment, "%m/%d/%Y %H:%M:%S %z", env.tz)
        return ", ".join([stamp, *self._info(env), *pairs]) + marker

    def _info(self, env: Environment) -> list[str]:
        """What addinfo puts before the fields of an event: the search's times."""
        if not self.options.get("addinfo", True):
            return []
        times = {
            "info_min_time": env.context.earliest,
            "info_max_time": env.context.latest,
            "info_search_time": env.now,
        }
        return [f"{name}={time:.3f}" for name, time in times.items() if time is not None]


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
